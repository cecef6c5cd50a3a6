use flow::prelude::*;

#[derive(Row, Serialize, Deserialize)]
struct Price {
    close: f64,
    #[serde(rename = "close")]
    last: f64,
}

fn main() {}

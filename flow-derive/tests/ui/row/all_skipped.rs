use flow::prelude::*;

#[derive(Row, Serialize, Deserialize)]
struct Nothing {
    #[serde(skip)]
    cached: u8,
}

fn main() {}

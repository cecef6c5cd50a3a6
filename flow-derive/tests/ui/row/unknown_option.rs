use flow::prelude::*;

#[derive(Row, Serialize, Deserialize)]
struct Price {
    #[row(units = "us")]
    at: u64,
    #[row(scal = 2)]
    price: u64,
}

fn main() {}

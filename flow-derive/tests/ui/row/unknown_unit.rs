use flow::prelude::*;

#[derive(Row, Serialize, Deserialize)]
struct Price {
    #[row(unit = "minutes")]
    at: u64,
    #[row(precision = 50)]
    price: u64,
    #[row(precision = 4, scale = 6)]
    fee: u64,
}

fn main() {}

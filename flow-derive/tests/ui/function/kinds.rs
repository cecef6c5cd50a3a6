#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(external, path = "prices.csv", target = Keep<u8>)]
fn prices() -> u8 {
    1
}

#[task(aggregate, requires = prices)]
fn all(prices: u8) -> u8 {
    prices
}

fn main() {}

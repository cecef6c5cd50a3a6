#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Outputs)]
struct Split {
    #[output(Keep)]
    first: u8,
    second: u8,
}

fn main() {}

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Outputs)]
struct Split {
    #[output(Vec)]
    first: u8,
}

fn main() {}

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Outputs)]
struct Split {
    #[output(Keep)]
    #[output(Keep)]
    first: u8,
}

fn main() {}

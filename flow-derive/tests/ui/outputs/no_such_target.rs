#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Outputs)]
struct Split {
    #[output(Kep)]
    first: u8,
}

fn main() {}

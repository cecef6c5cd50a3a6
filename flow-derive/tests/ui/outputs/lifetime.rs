#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Outputs)]
struct Split<'a> {
    #[output(Keep)]
    first: &'a u8,
}

fn main() {}

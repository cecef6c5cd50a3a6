#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task]
fn mean() -> u8 {
    1
}

fn main() {}

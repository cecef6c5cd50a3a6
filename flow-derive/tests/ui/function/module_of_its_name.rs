#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

mod mean {}

#[task(target = Keep<u8>)]
fn mean() -> u8 {
    1
}

fn main() {}

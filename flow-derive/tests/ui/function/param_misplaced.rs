#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
#[param(default = 1)]
fn mean(n: u8) -> u8 {
    n
}

fn main() {}

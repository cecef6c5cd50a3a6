#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
fn mean(#[cfg(unix)] n: u8) -> u8 {
    n
}

fn main() {}

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
fn pair((a, b): (u8, u8)) -> u8 {
    a + b
}

#[task(requires = pair, target = Keep<u8>)]
fn nothing(_: u8) -> u8 {
    1
}

fn main() {}

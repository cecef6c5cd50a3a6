#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(requires = second, target = Keep<u8>)]
fn first(second: u8) -> u8 {
    second
}

#[task(requires = first, target = Keep<u8>)]
fn second(first: u8) -> u8 {
    first
}

fn main() {}

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
fn load() -> u8 {
    1
}

#[task(requires(rows = load), target = Keep<u8>)]
fn mean(#[param(default = 1)] rows: u8) -> u8 {
    rows
}

fn main() {}

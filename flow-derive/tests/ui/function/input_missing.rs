#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
fn load() -> u8 {
    1
}

#[task(requires(load, load), target = Keep<u8>)]
fn mean(#[param(default = 1)] trim: u8, rows: u8) -> u8 {
    rows + trim
}

#[task(requires(rows = load, others = load), target = Keep<u8>)]
fn named(rows: u8, other: u8) -> u8 {
    rows + other
}

fn main() {}

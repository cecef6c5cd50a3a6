#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
fn load() -> u8 {
    1
}

#[task(
    requires(
        list = [load for _ in 0..3],
        map = {n: u8 => load for n in 0..3},
        there = load if true,
    ),
    target = Keep<u8>,
)]
fn mean(list: &u8, map: Vec<u8>, there: u8) -> u8 {
    list + map[0] + there
}

fn main() {}

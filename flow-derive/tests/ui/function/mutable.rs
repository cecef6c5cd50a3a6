#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
fn load() -> u8 {
    1
}

#[task(requires = load, target = Keep<u8>)]
fn change(load: &mut u8, n: &mut u8) -> u8 {
    *load + *n
}

#[task(requires = [load for _ in 0..3], target = Keep<u8>)]
fn change_all(load: &mut [u8]) -> u8 {
    load[0]
}

fn main() {}

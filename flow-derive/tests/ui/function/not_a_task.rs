#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

fn load() -> u8 {
    1
}

#[task(requires = load, target = Keep<u8>)]
fn mean(load: u8) -> u8 {
    load
}

fn main() {}

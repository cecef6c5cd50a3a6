#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
fn load() -> u8 {
    1
}

#[task(requires = load, target = Keep<u8>)]
pub fn mean(load: u8) -> u8 {
    load
}

fn main() {}

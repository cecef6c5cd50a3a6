#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[tracked(lock)]
#[task(target = Keep<u8>)]
fn above() -> u8 {
    1
}

#[task(target = Keep<u8>)]
#[tracked]
fn below() -> u8 {
    1
}

fn main() {}

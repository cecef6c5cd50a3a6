#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
fn load() -> u8 {
    1
}

#[task(target = Keep<u8>)]
fn mean(cx: &Cx<load>) -> u8 {
    let _ = cx;
    1
}

fn main() {}

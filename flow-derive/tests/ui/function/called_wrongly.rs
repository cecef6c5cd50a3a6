#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
fn load() -> u8 {
    1
}

#[task(requires(a = load, b = load), target = Keep<u8>)]
fn mean(a: u8, b: u8, cx: &Cx<mean>) -> u8 {
    let _ = cx.input().c;
    a + b
}

fn main() {}

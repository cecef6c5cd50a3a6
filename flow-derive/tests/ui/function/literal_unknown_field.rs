#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
fn load() -> u8 {
    1
}

#[task(requires(rows = load), target = Keep<u8>)]
fn scale(rows: u8, #[param(default = 1)] factor: u8, cx: &Cx<scale>) -> u8 {
    let _ = cx;
    rows * factor
}

#[task(requires(scale = scale { faktor: 2 }, load = load { n: 3 }), target = Keep<u8>)]
fn mean(scale: u8, load: u8) -> u8 {
    scale + load
}

fn main() {}

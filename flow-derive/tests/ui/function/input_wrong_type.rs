#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<Vec<f64>>)]
fn load() -> Vec<f64> {
    Vec::new()
}

#[task(requires = load, target = Keep<u8>)]
fn borrowed(rows: &[u8]) -> u8 {
    rows[0]
}

#[task(requires = load, target = Keep<u8>)]
fn owned(rows: Vec<u8>) -> u8 {
    rows[0]
}

#[task(requires = load, target = Keep<u8>)]
fn handle(rows: &Input<owned>) -> u8 {
    let _ = rows;
    1
}

#[task(requires = [load for _ in 0..3], target = Keep<u8>)]
fn list(rows: &[&[u8]]) -> u8 {
    rows[0][0]
}

fn main() {}

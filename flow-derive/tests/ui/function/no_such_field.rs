#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
fn load(n: u8) -> u8 {
    n
}

#[task(requires = load { n: self.m }, target = Keep<u8>)]
fn mean(load: u8, n: u8) -> u8 {
    load + n
}

#[task(requires = load { n }, target = Keep<u8>)]
fn bare(load: u8, n: u8) -> u8 {
    load + n
}

fn main() {}

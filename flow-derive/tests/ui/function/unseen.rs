#![deny(deprecated)]
#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<usize>)]
fn mean() -> usize {
    include_str!("not_there.txt").len()
}

#[allow(deprecated)]
#[task(target = Keep<usize>)]
fn silent() -> usize {
    include_str!("not_there.txt").len()
}

fn main() {}

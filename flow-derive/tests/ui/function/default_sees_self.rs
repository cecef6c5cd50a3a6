#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<usize>)]
fn sum(n: usize, #[param(default = self.n)] m: usize) -> usize {
    n + m
}

fn main() {}

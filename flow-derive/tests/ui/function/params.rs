#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
fn mean(
    n: u8,
    #[param(defualt = 1)] other: u8,
    #[param(default = self.n)] third: u8,
    #[param(was = "fourth")] fourth: u8,
    list: Option<&str>,
    N: u8,
) -> u8 {
    n + other + third + fourth + list.map_or(N, |list| list.len() as u8)
}

fn main() {}

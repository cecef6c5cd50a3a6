#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

struct Plain;

#[task(target = Keep<u8>)]
fn mean(plain: Plain, missing: Missing, #[param(default = "a")] n: u8) -> u8 {
    let _ = (plain, missing);
    n
}

fn main() {}

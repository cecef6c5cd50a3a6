#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

struct Data;

impl Data {
    #[task(target = Keep<u8>)]
    fn mean(&self, #[param(default = 1)] n: u8) -> u8 {
        n
    }
}

fn main() {}

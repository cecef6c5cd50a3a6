#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

struct Data;

impl Data {
    #[task(target = Keep<u8>)]
    fn mean() -> u8 {
        1
    }
}

fn main() {}

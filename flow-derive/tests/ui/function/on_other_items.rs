#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
enum Kind {
    A,
}

#[task(target = Keep<u8>)]
impl Kind {}

#[task]
const N: u8 = 1;

fn main() {}

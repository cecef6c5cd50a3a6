#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
async fn waits() -> u8 {
    1
}

#[task(target = Keep<u8>)]
const fn computed() -> u8 {
    1
}

#[task(target = Keep<u8>)]
unsafe fn dangerous() -> u8 {
    1
}

#[task(target = Keep<u8>)]
extern "C" fn foreign() -> u8 {
    1
}

fn main() {}

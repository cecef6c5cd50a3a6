#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
fn mean() -> std::result::Result<u8, String> {
    Err("no rows".to_owned())
}

fn main() {}

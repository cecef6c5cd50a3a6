#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
fn result() -> Result<u16> {
    Ok(1)
}

#[task(target = Keep<u8>)]
fn value() -> u16 {
    1
}

#[task(target = Keep<u8>)]
fn nothing() {}

fn main() {}

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
fn longest<'a>(name: &'a str) -> u8 {
    name.len() as u8
}

fn main() {}

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
fn taken(n: impl Into<u8>, list: Vec<impl Copy>) -> u8 {
    let _ = list;
    n.into()
}

#[task(target = Keep<u8>)]
fn given() -> impl Copy {
    1_u8
}

fn main() {}

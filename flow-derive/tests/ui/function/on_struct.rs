#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>)]
struct Train;

fn main() {}

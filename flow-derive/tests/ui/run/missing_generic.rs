#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Train<const N: usize>;

fn main() {}

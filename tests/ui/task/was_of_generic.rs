#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>, was = "Fit")]
struct Train<const N: usize>;

fn main() {}

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(external, path = 3, target = Keep<u8>)]
struct Train;

fn main() {}

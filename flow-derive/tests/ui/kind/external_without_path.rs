#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(external, target = Keep<u8>)]
struct Train;

fn main() {}

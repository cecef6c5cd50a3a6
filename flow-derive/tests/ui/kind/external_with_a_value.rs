#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(external = true, path = "x.csv", target = Keep<u8>)]
struct Train;

fn main() {}

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(external, path = "x.csv", target = Keep<u8>, dir = "x", group = "y", version = 2, uses(u8))]
struct Train;

fn main() {}

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(aggregate)]
struct Train;

fn main() {}

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[tracked]
struct Train;

fn main() {}

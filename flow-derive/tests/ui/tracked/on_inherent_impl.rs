#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

struct Train;

#[tracked]
impl Train {}

fn main() {}

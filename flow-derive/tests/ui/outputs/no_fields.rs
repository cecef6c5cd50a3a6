#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Outputs)]
struct Split;

fn main() {}

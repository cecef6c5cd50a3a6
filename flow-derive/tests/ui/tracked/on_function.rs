#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[tracked]
fn run() {}

fn main() {}

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[tracked(lock)]
struct Ols;

fn main() {}

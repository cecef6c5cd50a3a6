#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[tracked(body)]
struct Ols;

fn main() {}

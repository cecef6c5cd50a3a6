#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Outputs)]
enum Split {
    First(u8),
}

fn main() {}

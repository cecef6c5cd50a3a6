#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

struct Train;

#[tracked]
impl Default for Train {
    fn default() -> Self {
        Self
    }
}

fn main() {}

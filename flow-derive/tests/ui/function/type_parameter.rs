#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

trait Model: Send + Sync + 'static {}

#[task(target = Keep<u8>)]
fn fit<M: Model>() -> u8 {
    1
}

fn main() {}

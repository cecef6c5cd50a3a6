#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>, crate = ::flaw)]
struct Train;

fn main() {}

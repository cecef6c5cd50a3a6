#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Train;

#[tracked]
impl Run for Train {}

fn main() {}

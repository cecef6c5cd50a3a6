#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

struct Load;

#[derive(Task)]
#[task(requires(Load, Load if true), target = Keep<u8>)]
struct Train;

#[tracked]
impl Run for Train {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}

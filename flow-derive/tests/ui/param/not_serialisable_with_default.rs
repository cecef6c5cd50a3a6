#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

struct Kind;

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Train {
    #[param(default = Kind)]
    a: Kind,
}

#[tracked]
impl Run for Train {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}

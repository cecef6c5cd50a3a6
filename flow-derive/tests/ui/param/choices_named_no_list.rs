#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

const LIST: u8 = 3;

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Train {
    #[param(choices = LIST)]
    a: u8,
}

#[tracked]
impl Run for Train {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}

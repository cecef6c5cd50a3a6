#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Train;

#[tracked]
impl Run for Train {
    const CODE: Code = Code::version(3);

    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}

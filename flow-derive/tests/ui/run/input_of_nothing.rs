#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Train;

#[tracked]
impl Run for Train {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        Ok(*cx.input().load()?)
    }
}

fn main() {}

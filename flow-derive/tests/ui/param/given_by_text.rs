#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

use flow::Flow;

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Train {
    #[param(default = 1)]
    count: u8,
}

#[tracked]
impl Run for Train {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {
    let flow = Flow::open("data").expect("a store");
    let _ = flow.with("count", 7);
}

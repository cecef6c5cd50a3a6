#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Fetch;

#[derive(Task)]
#[task(aggregate, requires = Fetch, timeout = 30, resources(api = 1))]
struct All;

#[tracked]
impl Run for Fetch {
    fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>, retries = 1, isolate, resources(gpu = 1))]
#[task(retries = 2, isolate, resources(gpu = 2))]
struct Fetch;

#[tracked]
impl Run for Fetch {
    fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}

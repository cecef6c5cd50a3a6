#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(
    target = Keep<u8>,
    retries,
    timeout =,
    resources,
    isolate = true,
)]
struct Fetch;

#[tracked]
impl Run for Fetch {
    fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}

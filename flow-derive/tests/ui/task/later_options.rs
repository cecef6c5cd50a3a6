#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(
    target = Keep<u8>,
    retries = 3,
    backoff = "1s",
    timeout = "1h",
    priority = 3,
    resources(cpu = 2),
    isolate,
)]
struct Train;

#[tracked]
impl Run for Train {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(
    target = Keep<u8>,
    resources(
        memory = "4 apples",
        gpu = -1,
        api = 1.5,
        disk = "20 EB",
        cpus = 2,
        licence,
        gpu = 1,
        gpu = 2,
    ),
)]
struct Fetch;

#[tracked]
impl Run for Fetch {
    fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}

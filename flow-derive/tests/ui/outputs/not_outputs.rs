#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

struct Split;

#[derive(Task)]
#[task(outputs = Split)]
struct Train;

#[tracked]
impl Run for Train {
    fn run(&self, _: &Cx<Self>) -> Result<Split> {
        Ok(Split)
    }
}

fn main() {}

#![deny(deprecated)]

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

macro_rules! name {
    () => {
        "unseen.rs"
    };
}

#[derive(Task)]
#[task(target = Keep<usize>)]
struct Train;

#[tracked]
impl Run for Train {
    fn run(&self, _: &Cx<Self>) -> Result<usize> {
        Ok(include_str!(name!()).len())
    }
}

fn main() {}

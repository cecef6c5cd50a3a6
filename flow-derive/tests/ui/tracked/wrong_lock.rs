#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Train;

#[tracked(lock = "Cargo.lock", lock)]
impl Run for Train {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

#[tracked(lock)]
struct Ols;

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Twice;

#[tracked(lock, lock)]
impl Run for Twice {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}

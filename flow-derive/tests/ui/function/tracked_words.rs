#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[task(target = Keep<u8>, tracked)]
fn bare() -> u8 {
    1
}

#[task(target = Keep<u8>, tracked(bodies, crate = ::flow))]
fn unknown() -> u8 {
    1
}

#[task(target = Keep<u8>, tracked(body, crate))]
fn both() -> u8 {
    1
}

#[derive(Task)]
#[task(target = Keep<u8>, tracked(body), name = Mean)]
struct Train;

#[tracked]
impl Run for Train {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}

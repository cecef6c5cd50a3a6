#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(requires = B, target = Keep<u8>)]
struct A;

#[tracked]
impl Run for A {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

#[derive(Task)]
#[task(requires(load = A), target = Keep<u8>)]
struct B;

#[tracked]
impl Run for B {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}

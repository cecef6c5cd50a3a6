#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

mod deep {
    pub use super::C;
}

#[derive(Task)]
#[task(requires(Leaf, deep::C), target = Keep<u8>)]
struct A;

#[tracked]
impl Run for A {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

#[derive(Task)]
#[task(requires = A, target = Keep<u8>)]
struct B;

#[tracked]
impl Run for B {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

#[derive(Task)]
#[task(requires = B, target = Keep<u8>)]
pub struct C;

#[tracked]
impl Run for C {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Leaf;

#[tracked]
impl Run for Leaf {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}

#[path = "../prelude.rs"]
mod prelude;
use std::marker::PhantomData;

use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Train<M: Tracked> {
    model: PhantomData<M>,
}

#[tracked]
impl<M: Tracked + Send + Sync + 'static> Run for Train<M> {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

struct Ols;

#[derive(Task)]
#[task(requires = Train<Ols>, target = Keep<u8>)]
struct Score;

#[tracked]
impl Run for Score {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {}

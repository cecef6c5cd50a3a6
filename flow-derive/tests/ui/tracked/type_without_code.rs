#[path = "../prelude.rs"]
mod prelude;
use std::marker::PhantomData;

use prelude::*;

trait Model: Send + Sync + 'static {
    fn fit() -> u8;
}

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Train<M: Model> {
    model: PhantomData<M>,
}

#[tracked]
impl<M: Model> Run for Train<M> {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(M::fit())
    }
}

fn main() {}

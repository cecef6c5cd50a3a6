#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Train<M> {
    of: std::marker::PhantomData<M>,
}

fn main() {}

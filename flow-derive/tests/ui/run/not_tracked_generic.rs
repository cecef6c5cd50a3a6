#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Train<const N: usize>;

impl<const N: usize> Run for Train<N> {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

// What a build evaluates for each instance. `cargo check`, which runs this test, does not.
const _: () = <Train<3> as flow::__private::Declared>::__IS_TRACKED;

fn main() {}

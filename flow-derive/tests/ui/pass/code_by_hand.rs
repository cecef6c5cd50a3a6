//! The version of the code counted by hand, instead of `#[tracked]`.
#![deny(warnings)]

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Load;

impl Run for Load {
    const CODE: Code = Code::version(3);

    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

/// Attributes, comments and what stands inside.
#[derive(Task)]
#[task(target = Keep<u8>)]
struct Train;

#[allow(clippy::all)]
#[tracked]
#[cfg(not(any()))]
/// How it is made.
impl Run for Train {
    #![allow(unused_variables)]
    /// Makes it.
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn main() {
    assert_ne!(<Load as Run>::CODE, <Train as Run>::CODE);
}

//! A version of the code that is counted by hand, and attributes around `#[tracked]`.

use wf::Code;
use wf::prelude::*;
use wf::testing::{self, assert_ran};

#[derive(Task)]
#[task(target = Json<u8>)]
struct CountedByHand;

impl Run for CountedByHand {
    const CODE: Code = Code::version(3);

    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

/// Attributes, comments and inner attributes.
#[derive(Task)]
#[task(target = Json<u8>)]
struct WithAttributes;

#[allow(clippy::all)]
#[tracked]
#[cfg(not(any()))]
/// How it is computed.
impl Run for WithAttributes {
    #![allow(unused_variables)]
    /// Computes it.
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        Ok(2)
    }
}

#[test]
fn the_version_is_the_code() -> Result<()> {
    assert_eq!(<CountedByHand as Run>::CODE, Code::version(3));
    assert_ne!(<CountedByHand as Run>::CODE, <WithAttributes as Run>::CODE);
    let flow = testing::flow();
    assert_ran(
        &flow.run::<(CountedByHand, WithAttributes)>()?,
        ["CountedByHand", "WithAttributes"],
    );
    assert_eq!((*flow.load::<CountedByHand>()?, *flow.load::<WithAttributes>()?), (1, 2));
    Ok(())
}

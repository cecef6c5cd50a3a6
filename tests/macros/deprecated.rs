//! Deprecated tasks: the generated code does not warn. Only the uses here allow the lint.

use wf::prelude::*;
use wf::testing::{self, assert_ran};

/// A deprecated struct.
#[derive(Task)]
#[task(target = Json<u8>)]
#[deprecated(since = "1.0.0", note = "use `Newer`")]
struct Older {
    #[param(default = 1, range = 1..=3)]
    n: u8,
}

#[allow(deprecated)]
#[tracked]
impl Run for Older {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(self.n)
    }
}

/// A deprecated struct with type parameters, dependencies with names, and a parameter that is one of another task.
#[deprecated]
#[derive(Task)]
#[task(requires(newer = newer_function), target = Json<u8>)]
struct OlderGeneric<T: Tracked> {
    #[param(from = newer_function::N)]
    n: u8,
    of: std::marker::PhantomData<T>,
}

#[allow(deprecated)]
#[tracked]
impl<T: Tracked> Run for OlderGeneric<T> {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        Ok(self.n + *cx.input().newer.load()?)
    }
}

/// A deprecated function.
#[task(requires = newer_function, target = Json<u8>)]
#[deprecated = "use `newer_function`"]
fn older_function(newer: u8, #[param(default = 1)] n: u8, cx: &Cx<older_function>) -> Result<u8> {
    cx.checkpoint()?;
    Ok(newer + n)
}

#[allow(clippy::extra_unused_type_parameters)]
/// The attribute above `#[task]`, and a type parameter.
#[deprecated]
#[task(target = Json<u8>)]
fn older_generic<T: Tracked>(#[param(default = 1)] n: u8) -> u8 {
    n
}

#[task(target = Json<u8>)]
fn newer_function(#[param(default = 5)] n: u8) -> u8 {
    n
}

/// Outputs that are deprecated.
#[deprecated]
#[derive(Outputs)]
struct OlderOutputs {
    #[output(Json)]
    one: u8,
}

#[allow(deprecated)]
#[test]
fn deprecated_structs_run() -> Result<()> {
    let flow = testing::flow();
    let run = flow.run::<(Older, OlderGeneric<u8>)>()?;
    assert_ran(&run, ["Older", "OlderGeneric<u8>", "newer_function"]);
    assert_eq!((*flow.load::<Older>()?, *flow.load::<OlderGeneric<u8>>()?), (1, 10));
    assert_eq!(Older::N.name(), "n");
    Ok(())
}

#[allow(deprecated)]
#[test]
fn deprecated_functions_run() -> Result<()> {
    let flow = testing::flow();
    let run = flow.run::<(older_function, older_generic<u8>)>()?;
    assert_ran(&run, ["older_function", "older_generic<u8>", "newer_function"]);
    assert_eq!((*flow.load::<older_function>()?, older_generic::<u8>(3)), (6, 3));
    assert_eq!(OlderOutputs { one: 1 }.one, 1);
    assert_eq!(OlderOutputs::ONE.name(), "one");
    Ok(())
}

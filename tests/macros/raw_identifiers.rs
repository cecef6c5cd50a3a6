//! Raw identifiers wherever a name can stand.

use std::collections::BTreeMap;

use wf::prelude::*;
use wf::testing::{self, assert_ran};

#[task(target = Json<Vec<u8>>)]
fn r#loop(r#fn: u8, #[param(default = 1)] r#move: u8) -> Vec<u8> {
    vec![r#fn, r#move]
}

/// The name of an input and of a parameter, and a value that is a field.
#[task(requires(r#type = r#loop { r#fn: self.r#in, r#move: 5 }), target = Json<u8>)]
fn r#match(r#type: &[u8], #[param(default = 7)] r#in: u8, cx: &Cx<r#match>) -> Result<u8> {
    cx.checkpoint()?;
    Ok(r#type.iter().sum::<u8>() + r#in)
}

#[derive(Outputs)]
struct Keywords {
    #[output(Json)]
    r#struct: u8,
    #[output(Json)]
    r#enum: String,
}

#[derive(Task)]
#[task(
    requires(
        r#for = {r#fn => r#loop { r#fn } for r#fn in self.r#use.iter().copied()},
        r#while = [r#loop { r#fn } with r#loop::MOVE = 9 for r#fn in 0..self.r#const],
        r#if = r#match if self.r#const > 0,
        r#let = r#match with r#match::IN = 8,
    ),
    outputs = Keywords,
)]
struct r#Raw {
    #[param(default = [1, 2])]
    r#use: Vec<u8>,
    #[param(default = 1, range = 0..=3)]
    r#const: u8,
}

#[tracked]
impl Run for r#Raw {
    fn run(&self, cx: &Cx<Self>) -> Result<Keywords> {
        let input = cx.input();
        let map: &BTreeMap<u8, Input<r#loop>> = &input.r#for;
        let r#struct = u8::try_from(map.len() + input.r#while.len())?;
        let matched = input.r#if.as_ref().context("the condition holds")?.load()?;
        Ok(Keywords { r#struct, r#enum: format!("{matched} {}", input.r#let.load()?) })
    }
}

/// A loop variable and an argument of one name.
#[task(requires = [r#loop { r#fn: r#dyn } for r#dyn in 0..2], target = Json<usize>)]
fn r#impl(r#dyn: &[Vec<u8>], #[param(default = "a", was = "order")] r#async: &str) -> usize {
    r#dyn.len() + r#async.len()
}

#[test]
fn keys_have_no_prefix() -> Result<()> {
    assert_eq!(
        (r#loop::FN.name(), r#match::IN.name(), r#impl::ASYNC.name()),
        ("fn", "in", "async")
    );
    let flow = testing::flow().with(r#loop::FN, 3);
    assert_ran(&flow.run::<(r#loop, r#impl)>()?, ["loop", "loop", "loop", "impl"]);
    assert_eq!(*flow.load::<r#loop>()?, [3, 1]);
    assert_eq!(*flow.load::<r#impl>()?, 3);
    Ok(())
}

#[test]
fn entries_and_outputs_have_no_prefix() -> Result<()> {
    let flow = testing::flow();
    flow.run::<Raw>()?;
    let output = flow.output::<Raw>()?;
    assert_eq!(*output.load_one(Keywords::STRUCT)?, 3);
    assert_eq!(*output.load_one(Keywords::ENUM)?, "19 21");
    Ok(())
}

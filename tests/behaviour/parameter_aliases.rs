//! A parameter declared with `from` always equals the parameter that it names. Two different values
//! are an error.

use flow::prelude::*;

use crate::support::{flow, get, key, plan_error, preview};

#[derive(Task, Clone)]
#[task(name = "get", target = Json<i64>)]
struct Get {
    #[param(default = 7)]
    start: i64,
}

runs!(Get: i64 = |self, _cx| Ok(self.start));

#[derive(Task, Clone)]
#[task(name = "px", requires = Get, target = Json<(i64, i64)>)]
struct Px {
    #[param(from = Get::START)]
    start: i64,
}

runs!(Px: (i64, i64) = |self, cx| Ok((*cx.input().load()?, self.start)));

/// An alias of an alias, under another name.
#[derive(Task, Clone)]
#[task(name = "cover", requires = Px, target = Json<(i64, i64)>)]
struct Cover {
    #[param(from = Px::START)]
    first: i64,
}

runs!(Cover: (i64, i64) = |self, cx| Ok((cx.input().load()?.0, self.first)));

/// Requires both tasks and has an alias of its own.
#[derive(Task, Clone)]
#[task(name = "beside", requires(Get, Px), target = Json<(i64, i64, i64)>)]
struct Beside {
    #[param(from = Get::START)]
    from: i64,
}

runs!(Beside: (i64, i64, i64) = |self, cx| {
    Ok((*cx.input().0.load()?, cx.input().1.load()?.1, self.from))
});

const DISAGREE: &str = "`px.start` is the parameter `get.start`, by `from`, and has two values here: \
                        `get.start` is 1 and `px.start` is 2; give the value to one of them alone, or \
                        replace `from` by `#[param(default = ...)]`";

#[test]
fn two_values_are_an_error_in_every_operation() -> Result<()> {
    let (flow, _folder) = flow();
    let one = flow.with(Get::START, 1);
    let other = one.with(Px::START, 2);
    assert_eq!(plan_error::<Px>(&other), DISAGREE);
    assert_eq!(other.check::<Px>().unwrap_err().iter().next().unwrap().kind.to_string(), DISAGREE);
    assert_eq!(other.load::<Px>().unwrap_err().to_string(), DISAGREE);
    let sweep = one.sweep::<Px>().over(Px::START, [2, 3]);
    let of_sweep = format!("{DISAGREE}\n  in the variant `start=2`");
    assert_eq!(sweep.preview().unwrap_err().to_string(), of_sweep);
    assert_eq!(sweep.run().unwrap_err().to_string(), of_sweep);
    // The order of the two `with` calls does not matter, and equal values do not conflict.
    assert_eq!(plan_error::<Px>(&flow.with(Px::START, 2).with(Get::START, 1)), DISAGREE);
    assert_eq!(*get::<Px>(&one.with(Px::START, 1))?, (1, 1));
    Ok(())
}

#[test]
fn a_value_given_to_one_alias_applies_to_all() -> Result<()> {
    let (flow, _folder) = flow();
    let ways = [
        flow.with(Get::START, 2),
        flow.with(Px::START, 2),
        flow.with(Cover::FIRST, 2),
        flow.with(Beside::FROM, 2),
        flow.with_named("start", 2),
        flow.with_named("first", 2),
        flow.with(Get::START, 2).with(Cover::FIRST, 2),
    ];
    for (place, way) in ways.iter().enumerate() {
        assert_eq!(key::<Cover>(way), key::<Cover>(&ways[0]), "{place}");
        assert_eq!(*get::<Cover>(way)?, (2, 2), "{place}");
        // `Beside` has no parameter called `first`.
        if place != 5 {
            assert_eq!(key::<Beside>(way), key::<Beside>(&ways[0]), "{place}");
            assert_eq!(*get::<Beside>(way)?, (2, 2, 2), "{place}");
        }
    }
    // The preview shows the value once.
    assert!(preview::<Beside>(&ways[1]).starts_with("beside {from: 2} COMPLETE"));
    Ok(())
}

#[test]
fn two_names_of_one_parameter_must_agree() -> Result<()> {
    let (flow, _folder) = flow();
    let named = flow.with_named("start", 1).with_named("first", 2);
    let error = plan_error::<Cover>(&named);
    assert!(
        error.contains("is the parameter `get.start`, by `from`, and has two values"),
        "{error}"
    );
    assert!(error.contains("`first` is 2") && error.contains("`start` is 1"), "{error}");
    assert_eq!(*get::<Cover>(&flow.with_named("start", 2).with_named("first", 2))?, (2, 2));
    Ok(())
}

/// Sets the alias with a literal.
#[derive(Task)]
#[task(name = "literal", requires = Px { start: 2 }, target = Json<(i64, i64)>)]
struct Literal;

runs!(Literal: (i64, i64) = |self, cx| Ok(*cx.input().load()?));

/// Sets the alias through `with`.
#[derive(Task)]
#[task(name = "with", requires = Cover with Px::START = 2, target = Json<(i64, i64)>)]
struct With;

runs!(With: (i64, i64) = |self, cx| Ok(*cx.input().load()?));

/// Sets the parameter and its alias to different values.
#[derive(Task)]
#[task(requires = Px with Px::START = 2, Get::START = 3, target = Json<(i64, i64)>)]
struct Both;

runs!(Both: (i64, i64) = |self, cx| Ok(*cx.input().load()?));

#[test]
fn values_set_by_a_requirement_apply_to_all_aliases() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!((*get::<Literal>(&flow)?, *get::<With>(&flow)?), ((2, 2), (2, 2)));
    // A `with` takes precedence over the flow's value in the whole branch.
    assert_eq!(*get::<With>(&flow.with(Get::START, 1))?, (2, 2));
    let error = plan_error::<Literal>(&flow.with(Get::START, 1));
    assert_eq!(
        error,
        "`get.start` is one parameter with those that are declared `from` it, and has two values \
         here: `px.start` is 2 and `get.start` is 1; give the value to one of them alone, or replace \
         `from` by `#[param(default = ...)]`\n  required by: literal → px → get"
    );
    assert!(plan_error::<Both>(&flow).contains("`px.start` is 2 and `get.start` is 3"));
    Ok(())
}

/// Deliberately requires the same task with other values.
#[derive(Task)]
#[task(
    requires(same = Get, next = Get { start: self.start + 1 }, fixed = Px with Get::START = 40),
    may_require(Get),
    target = Json<Vec<i64>>
)]
struct Compare {
    #[param(from = Get::START)]
    start: i64,
}

runs!(Compare: Vec<i64> = |self, cx| {
    let input = cx.input();
    let in_run = cx.with(Get::START, self.start + 2).require::<Get>()?;
    let own = cx.require::<Get>()?;
    Ok(vec![*input.same.load()?, *input.next.load()?, input.fixed.load()?.1, *in_run.load()?, *own.load()?])
});

#[test]
fn a_task_may_require_the_same_task_with_other_values() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(*get::<Compare>(&flow)?, [7, 8, 40, 9, 7]);
    assert_eq!(*get::<Compare>(&flow.with(Compare::START, 1))?, [1, 2, 40, 3, 1]);
    Ok(())
}

/// Has a parameter of the same name that is not an alias, and stands between two tasks that share
/// one.
#[derive(Task)]
#[task(name = "between", requires = Get, target = Json<i64>)]
struct Between {
    #[param(default = 7)]
    start: i64,
}

runs!(Between: i64 = |self, cx| Ok(self.start * 0 + *cx.input().load()?));

#[derive(Task)]
#[task(name = "outer", requires = Between, target = Json<(i64, i64)>)]
struct Outer {
    #[param(from = Get::START)]
    start: i64,
}

runs!(Outer: (i64, i64) = |self, cx| Ok((*cx.input().load()?, self.start)));

#[test]
fn an_inherited_value_that_differs_from_the_alias_is_an_error() -> Result<()> {
    let (flow, _folder) = flow();
    let error = plan_error::<Outer>(&flow.with(Between::START, 9));
    assert!(error.contains("`outer.start` is 7 and `get.start` is 9"), "{error}");
    assert_eq!(*get::<Outer>(&flow.with(Get::START, 9))?, (9, 9));
    Ok(())
}

#[test]
fn a_sweep_over_one_alias_varies_all() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Beside>().over(Px::START, [2, 3]);
    sweep.run()?;
    let loaded = sweep.load::<Beside>()?;
    assert_eq!((*loaded["start=2"], *loaded["start=3"]), ((2, 2, 2), (3, 3, 3)));
    let twice = flow.sweep::<Beside>().over(Px::START, [2, 3]).over(Get::START, [2, 3]);
    let error = twice.preview().unwrap_err().to_string();
    assert!(error.starts_with("the sweep sets `get.start` twice"), "{error}");
    let variants = flow.sweep::<Beside>();
    let variants = variants.variant("a", |v| v.with(Px::START, 2).with(Get::START, 2));
    variants.run()?;
    assert_eq!(*variants.load::<Beside>()?["a"], (2, 2, 2));
    let variants = variants.variant("b", |v| v.with(Px::START, 2).with(Get::START, 1));
    let error = variants.preview().unwrap_err().to_string();
    assert!(error.contains("two values") && error.ends_with("in the variant `b`"), "{error}");
    Ok(())
}

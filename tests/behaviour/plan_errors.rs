//! Plan errors: a wrong flow is reported before any task runs.
//!
//! Other files of this folder test the errors of their own subject: a missing or insignificant
//! value, a value that is not allowed, recursion, `from`.

use std::collections::BTreeMap;

use flow::prelude::*;

use crate::support::{flow, plan_error};

#[derive(Task)]
#[task(target = Json<f64>)]
struct Fit {
    #[param(default = 1.0)]
    c: f64,
    #[param(default = 3)]
    k: u8,
}

runs!(Fit: f64 = |self, _cx| Ok(self.c + f64::from(self.k)));

#[derive(Task)]
#[task(requires = Fit, target = Json<f64>)]
struct Score {
    #[param(default = "x")]
    k: String,
}

runs!(Score: f64 = |self, cx| Ok(*cx.input().load()? + self.k.len() as f64));

#[test]
fn a_value_given_by_name_must_fit_every_task() {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<Fit>(&flow.with_named("c", "fast")),
        "the value given for `c` does not fit `Fit.c`: expected a number, found the string `fast`; \
         the parameter has type `f64`, written as `0.5`; the value must fit every task that has `c`: for \
         this task alone, write `with_named(\"Fit.c\", ...)`"
    );
    assert_eq!(
        plan_error::<Score>(&flow.with_named("k", "a")),
        "the value given for `k` does not fit `Fit.k`: expected an integer from 0 to 255, found the \
         string `a`; the parameter has type `u8`, written as `3`; the value must fit every task that has \
         `k`: for this task alone, write `with_named(\"Fit.k\", ...)`"
    );
    assert_eq!(
        plan_error::<Fit>(&flow.with_named("k", 300)),
        "the value given for `k` does not fit `Fit.k`: expected an integer from 0 to 255, found the \
         integer `300`; the parameter has type `u8`, written as `3`; the value must fit every task that \
         has `k`: for this task alone, write `with_named(\"Fit.k\", ...)`"
    );
}

#[test]
fn a_number_given_by_name_fits_any_type_that_can_hold_it() {
    let (flow, _folder) = flow();
    assert!(flow.with_named("c", 2).with_named("k", 7_i64).preview::<Fit>().is_ok());
}

#[derive(Task)]
#[task(requires = Fit with Score::K = "y", target = Json<f64>)]
struct Misled;

runs!(Misled: f64 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn a_with_for_a_task_that_is_not_required_is_an_error() {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<Misled>(&flow),
        "`Misled` sets `Score.k` for `Fit`, which does not require that task: leave the `with` out"
    );

    #[derive(Task)]
    #[task(requires = Misled, target = Json<f64>)]
    struct AboveMisled;

    runs!(AboveMisled: f64 = |self, cx| Ok(*cx.input().load()?));

    assert_eq!(
        plan_error::<AboveMisled>(&flow),
        "`Misled` sets `Score.k` for `Fit`, which does not require that task: leave the `with` out\n  \
         required by: AboveMisled → Misled"
    );
}

#[derive(Task)]
#[task(requires = [Fit { k: text.parse::<u8>()? } for text in &self.texts], target = Json<f64>)]
struct Parses {
    #[param(default = ["1", "x"])]
    texts: Vec<String>,
}

runs!(Parses: f64 = |self, _cx| Ok(1.0));

#[derive(Task)]
#[task(requires = Fit { k: self.texts[5].len() as u8 }, target = Json<f64>)]
struct OutOfBounds {
    #[param(default = ["1", "x"])]
    texts: Vec<String>,
}

runs!(OutOfBounds: f64 = |self, _cx| Ok(self.texts.len() as f64));

#[derive(Task)]
#[task(requires = {text.len() as u8: u8 => Fit { k: 1 } for text in &self.texts}, target = Json<f64>)]
struct Twice {
    #[param(default = ["a", "b"])]
    texts: Vec<String>,
}

runs!(Twice: f64 = |self, _cx| Ok(1.0));

#[test]
fn an_expression_in_requires_that_fails_is_an_error() {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<Parses>(&flow),
        "evaluating `requires` of `Parses` failed: invalid digit found in string"
    );
    assert_eq!(
        crate::support::without_places(&plan_error::<OutOfBounds>(&flow)),
        "evaluating `requires` of `OutOfBounds` failed: it panicked: index out of bounds: the len is 2 \
         but the index is 5"
    );
    assert_eq!(
        plan_error::<Twice>(&flow),
        "evaluating `requires` of `Twice` failed: the map has two items with the key 1"
    );
}

mod first {
    use super::*;

    #[derive(Task)]
    #[task(target = Json<u8>)]
    pub(super) struct Load;

    runs!(Load: u8 = |self, _cx| Ok(1));
}

mod second {
    use super::*;

    #[derive(Task)]
    #[task(target = Json<u8>)]
    pub(super) struct Load;

    runs!(Load: u8 = |self, _cx| Ok(2));
}

#[derive(Task)]
#[task(requires(first::Load, second::Load), target = Json<u8>)]
struct Sum;

runs!(Sum: u8 = |self, cx| Ok(*cx.input().0.load()? + *cx.input().1.load()?));

/// Was stored earlier under the name that another task has now.
#[derive(Task)]
#[task(target = Json<u8>, was = "Load")]
struct Loaded;

runs!(Loaded: u8 = |self, _cx| Ok(3));

#[test]
fn two_tasks_must_not_have_one_name() {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<Sum>(&flow),
        "two tasks are called `Load`, one in `plans::plan_errors::second` and one in \
         `plans::plan_errors::first`: give one of them `#[task(name = \"...\")]`"
    );
    let (flow, _folder) = crate::support::flow();
    assert_eq!(
        plan_error::<(Loaded, first::Load)>(&flow),
        "two tasks are called `Load`, one in `plans::plan_errors::first` and one in \
         `plans::plan_errors`: give one of them `#[task(name = \"...\")]`"
    );
}

#[derive(Clone, Serialize, Deserialize)]
struct Odd {
    pairs: BTreeMap<String, u8>,
    #[serde(serialize_with = "refuse")]
    bad: u8,
}

fn refuse<S: serde::Serializer>(_: &u8, _: S) -> Result<S::Ok, S::Error> {
    Err(serde::ser::Error::custom("it is odd"))
}

#[derive(Task)]
#[task(target = Json<u8>)]
struct Unkeyed {
    odd: Odd,
}

runs!(Unkeyed: u8 = |self, _cx| Ok(self.odd.bad + self.odd.pairs.len() as u8));

#[test]
fn a_value_that_cannot_be_serialized_is_an_error() {
    let (flow, _folder) = flow();
    let odd = Odd { pairs: BTreeMap::new(), bad: 1 };
    assert_eq!(
        plan_error::<Unkeyed>(&flow.with(Unkeyed::ODD, odd)),
        "`Unkeyed.odd` has no key: at `bad`: it is odd"
    );
}

#[test]
fn the_error_chain_repeats_no_cause() {
    let (flow, _folder) = flow();
    let error = flow.preview::<Misled>().expect_err("it is wrong");
    let message = error.to_string();
    assert_eq!(format!("{:#}", anyhow::Error::from(error)), message);
}

macro_rules! chain {
    ($first:ident) => {
        #[derive(Task)]
        #[task(requires = Misled, target = Json<f64>)]
        struct $first;

        runs!($first: f64 = |self, _cx| Ok(1.0));
    };
    ($first:ident $second:ident $($rest:ident)*) => {
        #[derive(Task)]
        #[task(requires = $second, target = Json<f64>)]
        struct $first;

        runs!($first: f64 = |self, _cx| Ok(1.0));

        chain!($second $($rest)*);
    };
}

chain!(C1 C2 C3 C4 C5 C6 C7 C8);

#[test]
fn a_long_path_of_requirements_is_shortened() {
    let (flow, _folder) = flow();
    let way = |error: String| error.lines().nth(1).expect("a way").to_owned();
    assert_eq!(way(plan_error::<C3>(&flow)), "  required by: C3 → C4 → C5 → C6 → C7 → C8 → Misled");
    assert_eq!(
        way(plan_error::<C1>(&flow)),
        "  required by: C1 → C2 → C3 → … 3 more … → C7 → C8 → Misled"
    );
}

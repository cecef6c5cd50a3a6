//! A given value that stops at a parameter of its name, for that has another type, is a warning.

use flow::prelude::*;

use crate::support::{flow, preview};

#[derive(Task, Clone)]
#[task(target = Json<u32>)]
struct Base {
    #[param(default = 1)]
    n: u32,
}

runs!(Base: u32 = |self, _cx| Ok(self.n));

/// Has the name with another width.
#[derive(Task, Clone)]
#[task(requires = Base, target = Json<u32>)]
struct Wide {
    #[param(default = 2)]
    n: u64,
}

runs!(Wide: u32 = |self, cx| Ok(self.n as u32 + *cx.input().load()?));

#[derive(Task, Clone)]
#[task(requires = Wide, target = Json<u32>)]
struct Down {
    #[param(default = 3)]
    n: u32,
}

runs!(Down: u32 = |self, cx| Ok(self.n + *cx.input().load()?));

/// Sets the value by a requirement.
#[derive(Task)]
#[task(requires(by_literal = Down { n: 8 }, by_with = Down with Down::N = 9), target = Json<u32>)]
struct Sets;

runs!(Sets: u32 = |self, cx| Ok(*cx.input().by_literal.load()? + *cx.input().by_with.load()?));

/// Its parameter of the name is its own affair.
#[derive(Task)]
#[task(requires = Base, target = Json<u32>)]
struct Local {
    #[param(default = 2, local)]
    n: u64,
}

runs!(Local: u32 = |self, cx| Ok(self.n as u32 + *cx.input().load()?));

#[derive(Task)]
#[task(requires = Local, target = Json<u32>)]
struct AboveLocal {
    #[param(default = 3)]
    n: u32,
}

runs!(AboveLocal: u32 = |self, cx| Ok(self.n + *cx.input().load()?));

const STOPPED: &str = "the value of `Down.n` (`u32`) does not reach `Wide.n`, which has the type \
                       `u64` and keeps its default: set it with `flow.with(Wide::N, ...)`, give both \
                       parameters one type, or mark one of them `#[param(local)]`";

fn warnings<R: flow::Roots>(flow: &Flow) -> Vec<String> {
    let preview = flow.preview::<R>().expect("a plan");
    preview.warnings().iter().map(ToString::to_string).collect()
}

#[test]
fn it_names_both_parameters_their_types_and_the_remedy() -> Result<()> {
    let (flow, _folder) = flow();
    let given = flow.with(Down::N, 5);
    assert_eq!(warnings::<Down>(&given), [STOPPED]);
    assert!(preview::<Down>(&given).ends_with(&format!("\nwarning: {STOPPED}")));
    assert_eq!(given.run::<Down>()?.warnings().len(), 1);
    // It went on to `Base`, which has the type.
    assert_eq!(*given.load::<Down>()?, 5 + 2 + 5);
    assert_eq!(warnings::<Down>(&flow.sweep::<Down>().over(Down::N, [5, 6])["n=5"]), [STOPPED]);
    let sweep = flow.sweep::<Down>().over(Down::N, [5, 6]).preview()?;
    assert_eq!(sweep.warnings().len(), 1);
    Ok(())
}

#[test]
fn what_a_requirement_sets_stops_likewise_and_is_told_once() {
    let (flow, _folder) = flow();
    assert_eq!(warnings::<Sets>(&flow), [STOPPED]);
    // Whatever was planned before, with no value on its way.
    assert_eq!(warnings::<(Wide, Sets)>(&flow), [STOPPED]);
}

#[test]
fn it_is_no_warning_where_the_parameter_has_a_value_or_nothing_is_given() {
    let (flow, _folder) = flow();
    assert_eq!(warnings::<Down>(&flow), [""; 0]);
    assert_eq!(warnings::<Down>(&flow.with(Down::N, 5).with(Wide::N, 5)), [""; 0]);
    assert_eq!(warnings::<Down>(&flow.with_named("n", 5)), [""; 0]);
    assert_eq!(
        warnings::<Down>(&flow.with(Wide::N, 5)),
        ["the value of `Wide.n` (`u64`) does not \
        reach `Base.n`, which has the type `u32` and keeps its default: set it with \
        `flow.with(Base::N, ...)`, give both parameters one type, or mark one of them \
        `#[param(local)]`"]
    );
    assert_eq!(warnings::<AboveLocal>(&flow.with(AboveLocal::N, 5)), [""; 0]);
}

//! A given value that is not inherited, because the parameter of the same name has another type, is
//! a warning.

use flow::prelude::*;

use crate::support::{flow, preview};

#[derive(Task, Clone)]
#[task(target = Json<u32>)]
struct Base {
    #[param(default = 1)]
    n: u32,
}

runs!(Base: u32 = |self, _cx| Ok(self.n));

/// Has a parameter of the same name with another width.
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

/// Sets the value through its requirements.
#[derive(Task)]
#[task(requires(by_literal = Down { n: 8 }, by_with = Down with Down::N = 9), target = Json<u32>)]
struct Sets;

runs!(Sets: u32 = |self, cx| Ok(*cx.input().by_literal.load()? + *cx.input().by_with.load()?));

/// Its parameter of the same name is `local`.
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
                       `u64` and keeps its default: set it with `flow.with(Wide::N, ...)` \
                       (`--param Wide.n=...` on the command line), give both parameters one type, or mark one of them `#[param(local)]`";

fn warnings<R: flow::Roots>(flow: &Flow) -> Vec<String> {
    let preview = flow.preview::<R>().expect("a plan");
    preview.warnings().iter().map(ToString::to_string).collect()
}

#[test]
fn the_warning_names_both_parameters_their_types_and_the_fix() -> Result<()> {
    let (flow, _folder) = flow();
    let given = flow.with(Down::N, 5);
    assert_eq!(warnings::<Down>(&given), [STOPPED]);
    assert!(preview::<Down>(&given).ends_with(&format!("\nwarning: {STOPPED}")));
    assert_eq!(given.run::<Down>()?.warnings().len(), 1);
    // The value still reached `Base`, whose parameter has the type.
    assert_eq!(*given.load::<Down>()?, 5 + 2 + 5);
    assert_eq!(warnings::<Down>(&flow.sweep::<Down>().over(Down::N, [5, 6])["n=5"]), [STOPPED]);
    let sweep = flow.sweep::<Down>().over(Down::N, [5, 6]).preview()?;
    assert_eq!(sweep.warnings().len(), 1);
    Ok(())
}

#[test]
fn a_value_set_by_a_requirement_causes_one_warning() {
    let (flow, _folder) = flow();
    assert_eq!(warnings::<Sets>(&flow), [STOPPED]);
    // Also if `Wide` was planned before, where no value was given.
    assert_eq!(warnings::<(Wide, Sets)>(&flow), [STOPPED]);
}

#[test]
fn a_given_or_local_parameter_causes_no_warning() {
    let (flow, _folder) = flow();
    assert_eq!(warnings::<Down>(&flow), [""; 0]);
    assert_eq!(warnings::<Down>(&flow.with(Down::N, 5).with(Wide::N, 5)), [""; 0]);
    assert_eq!(warnings::<Down>(&flow.with_named("n", 5)), [""; 0]);
    assert_eq!(
        warnings::<Down>(&flow.with(Wide::N, 5)),
        ["the value of `Wide.n` (`u64`) does not \
        reach `Base.n`, which has the type `u32` and keeps its default: set it with \
        `flow.with(Base::N, ...)` (`--param Base.n=...` on the command line), give both parameters \
        one type, or mark one of them `#[param(local)]`"]
    );
    assert_eq!(warnings::<AboveLocal>(&flow.with(AboveLocal::N, 5)), [""; 0]);
}

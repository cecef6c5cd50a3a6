//! `range` and `choices` restrict the values of a parameter, wherever a value comes from.

use flow::prelude::*;

use crate::support::{flow, plan_error, ran};

#[derive(Task)]
#[task(target = Json<f64>)]
struct Fit {
    #[param(default = 0.5, range = 0.0..=1.0)]
    c: f64,
    #[param(default = "ols", choices = ["ols", "gbm"])]
    model: String,
}

runs!(Fit: f64 = |self, _cx| Ok(self.c + self.model.len() as f64));

#[test]
fn an_allowed_value_is_accepted() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.with(Fit::C, 1.0).with(Fit::MODEL, "gbm").run::<Fit>()?), ["Fit"]);
    Ok(())
}

#[test]
fn a_value_given_to_the_flow_is_checked() {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<Fit>(&flow.with(Fit::C, 1.5)),
        "`Fit.c` is 1.5, which is not in 0.0..=1.0"
    );
    assert_eq!(
        plan_error::<Fit>(&flow.with(Fit::C, f64::NAN)),
        "`Fit.c` is NaN, which is not in 0.0..=1.0"
    );
    assert_eq!(
        plan_error::<Fit>(&flow.with_named("model", "svm")),
        "`Fit.model` is svm, which is not in [\"ols\", \"gbm\"]"
    );
}

#[derive(Task)]
#[task(requires = Fit { c: self.first } , target = Json<f64>)]
struct Sets {
    #[param(default = 2.0)]
    first: f64,
}

runs!(Sets: f64 = |self, cx| Ok(*cx.input().load()?));

#[derive(Task)]
#[task(requires = Fit, target = Json<f64>)]
struct Passes {
    #[param(default = 7.0)]
    c: f64,
}

runs!(Passes: f64 = |self, cx| Ok(*cx.input().load()? + self.c));

#[test]
fn a_value_set_by_a_requirement_or_inherited_is_checked() {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<Sets>(&flow),
        "`Fit.c` is 2.0, which is not in 0.0..=1.0\n  required by: Sets → Fit"
    );
    assert_eq!(
        plan_error::<Passes>(&flow.with(Passes::C, 7.0)),
        "`Fit.c` is 7.0, which is not in 0.0..=1.0\n  required by: Passes → Fit"
    );
}

#[derive(Task)]
#[task(target = Json<u8>)]
struct Careless {
    #[param(default = 11, range = 1..=10)]
    n: u8,
}

runs!(Careless: u8 = |self, _cx| Ok(self.n));

#[test]
fn a_default_is_checked() {
    let (flow, _folder) = flow();
    assert_eq!(plan_error::<Careless>(&flow), "`Careless.n` is 11, which is not in 1..=10");
    assert!(flow.with(Careless::N, 3).preview::<Careless>().is_ok());
}

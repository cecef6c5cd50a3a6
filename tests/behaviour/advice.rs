//! The advice of an error can be followed: it leads to no other error.

use std::fs;
use std::path::PathBuf;

use flow::prelude::*;

use crate::support::{failure, flow, plan_error, ran};

#[derive(Task)]
#[task(name = "get", target = Json<i64>)]
struct Get {
    start: i64,
}

runs!(Get: i64 = |self, _cx| Ok(self.start));

#[derive(Task)]
#[task(name = "px", requires = Get, target = Json<i64>)]
struct Px {
    #[param(from = Get::START)]
    first: i64,
}

runs!(Px: i64 = |self, cx| Ok(self.first + *cx.input().load()?));

#[test]
fn a_missing_value_of_an_alias_is_given_to_its_origin() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<Px>(&flow),
        "`px.first` has no value: it takes its value from `get.start` (`#[param(from = ...)]`); give one with \
         `flow.with(Get::START, ...)`, or write `#[param(default = ...)]` at `get.start`"
    );
    let flow = flow.with(Get::START, 2);
    flow.run::<Px>()?;
    assert_eq!(*flow.load::<Px>()?, 4);
    Ok(())
}

/// Requires a task while it runs, without a value for its parameter.
#[derive(Task)]
#[task(may_require(Get), target = Json<i64>)]
struct InRun;

runs!(InRun: i64 = |self, cx| Ok(*cx.require::<Get>()?.load()?));

#[test]
fn a_value_for_a_task_that_is_required_in_a_run_is_given_there() {
    let (flow, _folder) = flow();
    let summary = failure(flow.with(Get::START, 2).run::<InRun>());
    let error = summary.failed()[0].error.clone().expect("it failed");
    assert!(
        error.contains(
            "`get.start` has no value, and values of the flow do not reach a task that is required in a run: \
             give one with `cx.with(Get::START, ...)` there"
        ),
        "{error}"
    );
}

#[derive(Task)]
#[task(target = Json<i64>)]
struct Left {
    symbol_of_both: String,
}

runs!(Left: i64 = |self, _cx| Ok(self.symbol_of_both.len() as i64));

#[derive(Task)]
#[task(target = Json<i64>)]
struct Right {
    symbol_of_both: String,
}

runs!(Right: i64 = |self, _cx| Ok(self.symbol_of_both.len() as i64));

#[derive(Task)]
#[task(requires(Left, Right), target = Json<i64>)]
struct Both;

runs!(Both: i64 = |self, cx| Ok(*cx.input().0.load()? + *cx.input().1.load()?));

#[test]
fn a_value_that_several_tasks_need_is_given_by_name() -> Result<()> {
    let (flow, _folder) = flow();
    let error = plan_error::<Both>(&flow);
    assert!(
        error.starts_with(
            "`Left.symbol_of_both` has no value, and neither have other tasks with this parameter: give all of them \
             one with `flow.with_named(\"symbol_of_both\", ...)`, or write `#[param(default = ...)]` in each of them"
        ),
        "{error}"
    );
    assert_eq!(
        ran(&flow.with_named("symbol_of_both", "A").run::<Both>()?),
        ["Both", "Left", "Right"]
    );
    // One task alone needs it by its key.
    let error = plan_error::<Left>(&flow);
    assert!(error.contains("give one with `flow.with(Left::SYMBOL_OF_BOTH, ...)`"), "{error}");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<usize>)]
struct Words {
    #[param(file)]
    source: PathBuf,
}

runs!(Words: usize = |self, _cx| Ok(fs::read_to_string(&self.source)?.len()));

#[test]
fn a_deleted_input_file_is_named_with_its_task_and_parameter() -> Result<()> {
    let (flow, folder) = flow();
    let source = folder.path().join("words.txt");
    fs::write(&source, "a b")?;
    let flow = flow.with(Words::SOURCE, &*source);
    flow.run::<Words>()?;
    fs::remove_file(&source)?;
    let expected = format!(
        "there is no file {source:?}, which is `Words.source`: create the file, or give the parameter \
         another value"
    );
    let summary = failure(flow.run::<Words>());
    assert_eq!(summary.failed()[0].error.as_deref(), Some(expected.as_str()));
    let problems = flow.check::<Words>().expect_err("the file is missing");
    assert_eq!(problems.to_string(), expected);
    Ok(())
}

#[task(target = Json<usize>)]
fn count_rows(rows: Vec<f64>, #[param(default = 1)] times: usize) -> usize {
    rows.len() * times
}

#[test]
fn an_argument_without_a_value_may_be_a_forgotten_input() {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<count_rows>(&flow),
        "`count_rows.rows` has no value: give one with `flow.with(count_rows::ROWS, ...)`, in the entry of \
         `requires` that names `count_rows`, or write `#[param(default = ...)]`; if `rows` is the output \
         of another task, require it: `#[task(requires(rows = that_task), ...)]`"
    );
}

const MODELS: [&str; 2] = ["ols", "gbm"];

#[derive(Task)]
#[task(target = Json<usize>)]
struct Choose {
    #[param(default = "ols", choices = MODELS)]
    model: String,
}

runs!(Choose: usize = |self, _cx| Ok(self.model.len()));

#[test]
fn the_values_of_a_named_list_of_choices_are_shown() {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<Choose>(&flow.with(Choose::MODEL, "svm")),
        "`Choose.model` is svm, which is not in [ols, gbm]"
    );
}

#[derive(Task)]
#[task(target = Json<f64>)]
struct Fit {
    c: f64,
}

runs!(Fit: f64 = |self, _cx| Ok(self.c));

/// The warning of a sweep with the value `1.0` twice.
const EQUAL: &str = "the sweep gives the value `1.0` to `Fit.c` 2 times, so that several variants are the same \
                     instance: give each value once";

fn texts(warnings: &[flow::plan::Warning]) -> Vec<String> {
    warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn equal_values_in_a_sweep_are_a_warning() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Fit>().over(Fit::C, [1.0, 1.0, 2.0]);
    assert_eq!(texts(sweep.preview()?.warnings()), [EQUAL]);
    assert_eq!(texts(sweep.run()?.warnings()), [EQUAL]);
    assert!(flow.sweep::<Fit>().over(Fit::C, [1.0, 2.0]).preview()?.warnings().is_empty());
    Ok(())
}

#[test]
fn equal_values_in_a_sample_are_no_mistake() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = || flow.sweep::<Fit>().over(Fit::C, [1.0, 1.0, 2.0, 3.0]);
    for seed in 0..5 {
        let sample = sweep().sample(3, seed);
        assert_eq!(sample.len()?, 3);
        assert_eq!(texts(sample.preview()?.warnings()), [""; 0]);
    }
    assert_eq!(texts(sweep().sample(3, 1).run()?.warnings()), [""; 0]);
    // A sample of everything is the whole grid.
    assert_eq!(texts(sweep().sample(4, 1).preview()?.warnings()), [EQUAL]);
    Ok(())
}

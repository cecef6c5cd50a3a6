//! The assertions of `flow::testing` accept the summary and the result of a sweep.

use flow::prelude::*;
use flow::testing::{
    self, assert_already_complete, assert_because, assert_failed, assert_given, assert_not_run,
    assert_ran,
};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Rows;
runs!(Rows: u64 = |self, cx| Ok(1));

#[derive(Task)]
#[task(requires = Rows, target = Json<u64>)]
struct Scaled {
    #[param(default = 1)]
    by: u64,
}
runs!(Scaled: u64 = |self, cx| {
    ensure!(self.by > 0, "by must be positive");
    Ok(*cx.input().load()? * self.by)
});

#[derive(Task)]
#[task(requires = Scaled, target = Json<u64>)]
struct Score;
runs!(Score: u64 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn assertions_see_the_instances_of_all_variants() -> Result<()> {
    let flow = testing::flow();
    let sweep = flow.sweep::<Score>().over(Scaled::BY, [1, 2, 3]);
    let run = sweep.run();
    // `Rows` is shared and ran once.
    assert_ran(&run, ["Rows", "Scaled", "Scaled", "Scaled", "Score", "Score", "Score"]);
    assert_failed(&run?, []);
    // `Scaled {by: 1}` and its score are complete.
    let summary = flow.sweep::<Score>().over(Scaled::BY, [1, 4]).run()?;
    assert_ran(&summary, ["Scaled {by: 4}", "Score"]);
    assert_already_complete(&summary, ["Rows", "Scaled {by: 1}", "Score"]);
    Ok(())
}

#[test]
fn assertions_accept_the_error_of_a_sweep_in_which_a_variant_failed() {
    let flow = testing::flow().with_input::<Rows>(5);
    let run = flow.sweep::<Score>().over(Scaled::BY, [0, 2]).run();
    assert_given(&run, ["Rows"]);
    assert_failed(&run, ["Scaled {by: 0}"]);
    assert_not_run(&run, ["Score"]);
    assert_ran(&run, ["Scaled {by: 2}", "Score"]);
    assert_because(&run, "Scaled {by: 0}", "by must be positive");
    assert_failed(&run.expect_err("a variant failed"), ["Scaled {by: 0}"]);
}

#[test]
#[should_panic(expected = "missing: Scaled {by: 9}")]
fn an_assertion_names_the_missing_instance_of_a_sweep() {
    let flow = testing::flow();
    let run = flow.sweep::<Scaled>().over(Scaled::BY, [1, 2]).run();
    assert_ran(&run, ["Rows", "Scaled {by: 1}", "Scaled {by: 9}"]);
}

#[test]
#[should_panic(expected = "nothing was run")]
fn an_assertion_on_an_invalid_sweep_shows_its_error() {
    let flow = testing::flow();
    let run = flow.sweep::<Scaled>().over(Scaled::BY, [1]).over(Scaled::BY, [2]).run();
    assert_ran(&run, ["Rows"]);
}

//! `flow.why` reports the root cause for which a task is not complete, however far upstream it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use flow::Code;
use flow::plan::Reason;
use flow::prelude::*;

use crate::support::{flow, ran, without_backtraces};

/// A pipeline whose first task has this version of the code.
macro_rules! pipeline {
    ($module:ident, $version:literal) => {
        mod $module {
            use super::*;

            #[derive(Task)]
            #[task(target = Json<u64>)]
            pub(super) struct GetData {
                #[param(file)]
                source: PathBuf,
            }

            impl Run for GetData {
                const CODE: Code = Code::version($version);

                fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
                    Ok(fs::read_to_string(&self.source)?.trim().parse::<u64>()? * $version)
                }
            }

            #[derive(Task)]
            #[task(requires = GetData, target = Json<u64>)]
            pub(super) struct Preprocess {
                #[param(default = 1)]
                scale: u64,
            }

            runs!(Preprocess: u64 = |self, cx| Ok(*cx.input().load()? * self.scale));

            #[derive(Task)]
            #[task(requires(clean = Preprocess), target = Json<u64>)]
            pub(super) struct Train;

            runs!(Train: u64 = |self, cx| Ok(*cx.input().clean.load()? + 1));
        }
    };
}

pipeline!(before, 1);
pipeline!(after, 2);

fn why<R: flow::Roots>(flow: &Flow) -> String {
    flow.why::<R>().expect("a plan").to_string()
}

/// Returns a flow whose data is in a file, and the path of that file.
fn with_data() -> (Flow, tempfile::TempDir, PathBuf) {
    let (flow, folder) = flow();
    let data = folder.path().join("n.txt");
    fs::write(&data, "5").expect("a file");
    let flow = flow.with_named("source", data.to_str().expect("a path"));
    (flow, folder, data)
}

/// Opens the same store again.
fn reopen(flow: &Flow, data: &Path) -> Flow {
    let flow = Flow::open(flow.folder()).expect("the store").quiet();
    flow.with_named("source", data.to_str().expect("a path"))
}

#[test]
fn tasks_that_never_ran_or_are_complete_are_reported_as_such() -> Result<()> {
    let (flow, _folder, data) = with_data();
    let data = data.display();
    assert_eq!(why::<before::Train>(&flow), format!("Train {{GetData.source: {data}}}: never run"));
    flow.run::<before::Train>()?;
    let why = flow.why::<before::Train>()?;
    assert!(why.is_complete() && why.causes().is_empty());
    assert_eq!(why.to_string(), format!("Train {{GetData.source: {data}}}: complete"));
    Ok(())
}

#[test]
fn a_pending_task_is_traced_to_the_changed_file() -> Result<()> {
    let (flow, _folder, data) = with_data();
    flow.run::<before::Train>()?;
    fs::write(&data, "6")?;
    let shown = data.display();
    assert_eq!(
        why::<before::Train>(&flow),
        format!(
            "Train {{GetData.source: {shown}}}: waits for Preprocess \
             ← waits for GetData ← file: {shown} changed"
        )
    );
    let why = flow.why::<before::Train>()?;
    let [cause] = why.causes() else { panic!("one cause: {why}") };
    assert_eq!(cause.root().instance.task(), "GetData");
    assert!(matches!(&cause.root().reason, Reason::File { what: "changed", .. }));
    assert_eq!(cause.steps.len(), 3);
    Ok(())
}

#[test]
fn changed_input_data_is_traced_to_its_cause() -> Result<()> {
    let (flow, _folder, data) = with_data();
    flow.run::<before::Train>()?;
    // Both upstream tasks run with other code, and the last task does not.
    let flow = reopen(&flow, &data);
    assert_eq!(ran(&flow.run::<after::Preprocess>()?), ["GetData", "Preprocess"]);
    let label = format!("Train {{GetData.source: {}}}", data.display());
    assert_eq!(
        why::<after::Train>(&flow),
        format!(
            "{label}: input clean: Preprocess gave other data ← input: GetData gave other data \
             ← code: version 1 is version 2 now"
        )
    );

    // If there are two changes, both are reported.
    fs::write(&data, "7")?;
    flow.run::<after::GetData>()?;
    flow.run::<after::Preprocess>()?;
    let why = flow.why::<after::Train>()?;
    let roots: Vec<String> = why.causes().iter().map(|c| c.root().reason.to_string()).collect();
    let file = format!("file: {} changed", data.display());
    assert_eq!(roots, ["code: version 1 is version 2 now", &file]);
    Ok(())
}

#[test]
fn without_the_earlier_record_the_trace_ends_early() -> Result<()> {
    let (flow, _folder, data) = with_data();
    flow.run::<before::Train>()?;
    fs::write(&data, "6")?;
    flow.store().clear_task::<before::Preprocess>()?;
    flow.run::<before::Preprocess>()?;
    assert!(why::<before::Train>(&flow).ends_with(": input clean: Preprocess gave other data"));
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Clock;

/// The number of runs of `Clock`.
static TICKS: AtomicU64 = AtomicU64::new(0);

runs!(Clock: u64 = |self, _cx| Ok(TICKS.fetch_add(1, Ordering::Relaxed)));

#[derive(Task)]
#[task(requires = Clock, target = Json<u64>)]
struct Late;

runs!(Late: u64 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn a_nondeterministic_task_has_no_further_cause() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Late>()?;
    flow.force::<Clock>().run::<Clock>()?;
    assert_eq!(why::<Late>(&flow), "Late: input: Clock gave other data");
    let forced = flow.force::<Clock>();
    assert_eq!(why::<Late>(&forced), "Late: waits for Clock ← forced");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Rates {
    #[param(file)]
    rates: PathBuf,
}

runs!(Rates: u64 = |self, _cx| Ok(fs::read_to_string(&self.rates)?.len() as u64));

#[derive(Task)]
#[task(
    requires(before = Day { n: self.n - 1 } if self.n > 0, rates = Rates if self.n == 0),
    target = Json<u64>
)]
struct Day {
    n: u64,
}

runs!(Day: u64 = |self, cx| match &cx.input().before {
    Some(before) => Ok(*before.load()? + 1),
    None => Ok(0),
});

#[derive(Task)]
#[task(target = Json<u64>)]
struct Hour {
    #[param(file)]
    rates: PathBuf,
    hour: u64,
}

runs!(Hour: u64 = |self, _cx| Ok(fs::read_to_string(&self.rates)?.len() as u64));

#[derive(Task)]
#[task(requires = [Hour { hour } for hour in 0..24], target = Json<u64>)]
struct Hours;

runs!(Hours: u64 = |self, cx| Ok(cx.input().len() as u64));

#[test]
fn common_causes_are_merged_and_long_paths_shortened() -> Result<()> {
    let (flow, folder) = flow();
    let rates = folder.path().join("rates");
    fs::write(&rates, "1")?;
    let flow = flow.with_named("rates", rates.to_str().context("a path")?);
    flow.run::<Hours>()?;
    let flow = flow.with(Day::N, 39);
    flow.run::<Day>()?;

    fs::write(&rates, "22")?;
    let lines = why::<Hours>(&flow);
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(lines.ends_with("changed (and 23 more Hour alike)"), "{lines}");

    let why = flow.why::<Day>()?;
    assert_eq!(why.causes().len(), 1);
    assert_eq!(why.causes()[0].steps.len(), 41);
    let lines = why.to_string();
    assert!(lines.contains(" ← … 35 more … ← Day {n: 1, "), "{lines}");
    assert!(lines.contains("waits for Rates ← file: "), "{lines}");
    Ok(())
}

/// A task with dynamic requirements, whose code has this version.
macro_rules! search {
    ($module:ident, $version:literal) => {
        mod $module {
            use super::*;

            #[derive(Task)]
            #[task(requires = Fit, target = Json<u64>)]
            pub(super) struct Score {
                #[param(default = 0)]
                degree: u64,
            }

            runs!(Score: u64 = |self, cx| Ok(*cx.input().load()? + self.degree));

            #[derive(Task)]
            #[task(target = Json<u64>)]
            pub(super) struct Fit {
                #[param(file)]
                source: PathBuf,
            }

            impl Run for Fit {
                const CODE: Code = Code::version($version);

                fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
                    Ok(fs::read_to_string(&self.source)?.trim().parse::<u64>()? * $version)
                }
            }

            #[derive(Task)]
            #[task(target = Json<u64>)]
            pub(super) struct Search {
                source: PathBuf,
            }

            impl Run for Search {
                const CODE: Code = Code::version(1);

                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    let scores = cx.over(Score::DEGREE, [1, 2]).require::<Score>()?;
                    let scores: Result<Vec<u64>> = scores.iter().map(|s| Ok(*s.load()?)).collect();
                    Ok(scores?.into_iter().max().unwrap_or_default())
                }
            }
        }
    };
}

search!(searched, 1);
search!(searched_again, 2);

#[test]
fn dynamic_requirements_are_traced_upstream() -> Result<()> {
    let (flow, _folder, data) = with_data();
    flow.run::<searched::Search>()?;
    assert!(flow.why::<searched::Search>()?.is_complete());
    fs::write(&data, "6")?;
    let shown = data.display();
    assert_eq!(
        why::<searched::Search>(&flow),
        format!(
            "Search {{source: {shown}}}: waits for Score \
             ← waits for Fit ← file: {shown} changed"
        )
    );
    Ok(())
}

#[test]
fn changed_data_of_dynamic_requirements_is_traced_to_its_cause() -> Result<()> {
    let (flow, _folder, data) = with_data();
    flow.run::<searched::Search>()?;
    let flow = reopen(&flow, &data);
    for degree in [1, 2] {
        flow.with(searched_again::Score::DEGREE, degree).run::<searched_again::Score>()?;
    }
    let shown = data.display();
    let score = |degree| format!("Score {{degree: {degree}, Fit.source: {shown}}}");
    assert_eq!(
        why::<searched_again::Search>(&flow),
        format!(
            "Search {{source: {shown}}}: in run: {} gave other data, {} gave other data ← {}: input: \
             Fit gave other data ← code: version 1 is version 2 now",
            score(1),
            score(2),
            score(1)
        )
    );
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Flaky;

runs!(Flaky: u64 = |self, _cx| bail!("no data"));

#[derive(Task)]
#[task(requires = Flaky, target = Json<u64>)]
struct First;

runs!(First: u64 = |self, cx| Ok(*cx.input().load()?));

#[derive(Task)]
#[task(requires = First, target = Json<u64>)]
struct Second;

runs!(Second: u64 = |self, cx| Ok(*cx.input().load()?));

#[derive(Task)]
#[task(requires = Clock, target = Json<u64>)]
struct Independent;

runs!(Independent: u64 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn a_task_that_never_ran_is_traced_to_the_failure_upstream() {
    let (flow, _folder) = flow();
    let roots = why::<(First, Second, Independent)>(&flow);
    assert_eq!(roots, "First: never run\nSecond: never run\nIndependent: never run");
    flow.run::<Second>().expect_err("a task fails");
    let why = without_backtraces(&why::<(First, Second, Independent)>(&flow));
    let lines: Vec<_> = why.lines().collect();
    let [first, second, independent] = lines[..] else { panic!("a line for each root: {why}") };
    let failed = "Flaky: failed last time: no data (";
    assert!(first.starts_with(&format!("First: never run ← {failed}")), "{first}");
    let path = format!("Second: never run ← First: never run ← {failed}");
    assert!(second.starts_with(&path), "{second}");
    assert_eq!(independent, "Independent: never run");
}

#[derive(Task)]
#[task(external, path = &self.path, target = Json<u64>)]
struct Source {
    path: PathBuf,
}

#[derive(Task)]
#[task(requires = Source, target = Json<u64>)]
struct OfSource;

runs!(OfSource: u64 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn a_missing_or_changed_external_file_is_named() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("n.json");
    let flow = flow.with(Source::PATH, &*path);
    let shown = path.display();
    let missing = why::<OfSource>(&flow);
    assert!(missing.starts_with("OfSource {"), "{missing}");
    assert!(missing.contains(": never run ← Source {"), "{missing}");
    assert!(missing.ends_with(&format!("}}: file: {shown} is missing")), "{missing}");
    assert_eq!(missing.lines().count(), 1, "{missing}");
    let error = flow.load::<OfSource>().expect_err("it has not run").to_string();
    let reason = format!(
        " is not complete (never run; Source: file: {shown} is missing): run it with \
         `flow.run::<OfSource>()`"
    );
    assert!(error.ends_with(&reason), "{error}");

    fs::write(&path, "1")?;
    assert!(why::<OfSource>(&flow).ends_with(": never run"));
    flow.run::<OfSource>()?;
    fs::write(&path, "23")?;
    let changed = why::<OfSource>(&flow);
    let cause = format!(": input: Source gave other data ← file: {shown} changed");
    assert!(changed.ends_with(&cause), "{changed}");
    Ok(())
}

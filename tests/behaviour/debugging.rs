//! `flow.debug` prints what is known of an instance that failed, and runs that one instance again with the inputs of
//! its last run. Nothing else runs, and nothing is committed unless asked.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flow::error::{DebugError, SelectError};
use flow::plan::Status;
use flow::prelude::*;
use flow::{Error, File, Limits};

use crate::support::{
    failed, failure, files_below, flow, one_file, preview, ran, without_ages, without_places,
};

/// A file that other programs write.
#[derive(Task)]
#[task(external, path = &self.path, target = Text)]
struct Source {
    path: PathBuf,
}

/// The number in the file.
#[derive(Task)]
#[task(requires = Source, target = Json<u64>)]
struct Rows;

static ROWS_RAN: AtomicU64 = AtomicU64::new(0);

runs!(Rows: u64 = |self, cx| {
    ROWS_RAN.fetch_add(1, Ordering::SeqCst);
    Ok(cx.input().load()?.trim().parse()?)
});

/// An error with a type of its own.
#[derive(Debug, PartialEq)]
struct TooMany(u64);

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows are too many", self.0)
    }
}

impl std::error::Error for TooMany {}

/// Fails if there are more rows than the limit.
#[derive(Task)]
#[task(requires(rows = Rows), target = Json<u64>)]
struct Fit {
    #[param(default = 5)]
    limit: u64,
}

static FIT_RAN: AtomicU64 = AtomicU64::new(0);

runs!(Fit: u64 = |self, cx| {
    FIT_RAN.fetch_add(1, Ordering::SeqCst);
    let rows = *cx.input().rows.load()?;
    cx.meta("rows", rows)?;
    cx.log(format_args!("{rows} rows"));
    if rows > self.limit {
        return Err(anyhow::Error::new(TooMany(rows)).context("cannot fit"));
    }
    Ok(rows * 10)
});

#[derive(Task)]
#[task(requires = Fit, target = Json<u64>)]
struct Report;

runs!(Report: u64 = |self, cx| Ok(*cx.input().load()?));

/// Returns a flow whose source has this content.
fn with_source(content: &str) -> (Flow, tempfile::TempDir, PathBuf) {
    let (flow, folder) = flow();
    let source = folder.path().join("source.txt");
    fs::write(&source, content).expect("a file");
    (flow.with(Source::PATH, &*source), folder, source)
}

/// Returns the content of all files of a store, without those of the caches of digests.
fn content(flow: &Flow) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = files_below(flow.folder());
    files.retain(|file| !file.ends_with("digests"));
    files.into_iter().map(|file| (file.clone(), fs::read(&file).expect("a file"))).collect()
}

fn error<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => panic!("it succeeded"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_failed_instance_is_printed_and_runs_again_alone() -> Result<()> {
    let (flow, _folder, source) = with_source("7");
    let summary = failure(flow.run::<Report>());
    assert_eq!((ran(&summary), failed(&summary)), (vec!["Rows".into()], vec!["Fit".into()]));
    let before = content(&flow);
    let counts = || (ROWS_RAN.load(Ordering::SeqCst), FIT_RAN.load(Ordering::SeqCst));
    let (rows, fits) = counts();

    let debug = flow.graph::<Report>().debug::<Fit>()?;
    assert_eq!((debug.task().limit, debug.instance().task()), (5, "Fit"));
    assert_eq!(
        debug.failure().context("it has failed")?.chain,
        ["cannot fit", "7 rows are too many"]
    );
    assert_eq!(debug.changes(), [""; 0]);
    let [input] = debug.inputs() else { panic!("one input") };
    let output = one_file(&flow.folder().join("Rows"), "data-", ".json");
    assert_eq!((&*input.role, input.path.as_deref()), ("rows", Some(&*output)));
    let log = one_file(&flow.folder().join("Fit"), "log", ".txt");
    let line = fs::read_to_string(&log)?;
    let text = without_ages(&crate::support::without_backtraces(&debug.to_string()));
    let (head, rest) = text.split_once('\n').context("several lines")?;
    let label = debug.instance().to_string();
    assert!(head.starts_with(&format!("{label} failed AGE ago after ")), "{head}");
    assert!(head.contains(" on "), "{head}");
    let expected = format!(
        "parameters:\n  limit: 5\n  Source.path: {}\ninputs:\n  rows: {}: {}\n\
         error: cannot fit\ncaused by: 7 rows are too many\nmetadata:\n  rows: 7\nlog {}:\n  {}",
        source.display(),
        input.instance,
        output.display(),
        log.display(),
        line.trim_end(),
    );
    assert_eq!(rest, expected);

    let again = debug.run_again()?;
    assert_eq!(counts(), (rows, fits + 1));
    assert_eq!(again.metadata()["rows"], 7);
    assert!(again.log().context("a log")?.text().ends_with(" 7 rows\n"));
    assert!(again.to_string().starts_with(&format!("{label} failed after ")), "{again}");
    assert!(again.to_string().ends_with(": cannot fit: 7 rows are too many"), "{again}");
    assert_eq!(again.result().expect_err("it fails").to_string(), "cannot fit");
    let error = again.into_result().expect_err("it fails");
    assert_eq!(error.downcast_ref::<TooMany>(), Some(&TooMany(7)));
    assert_eq!(content(&flow), before);
    Ok(())
}

static REPAIRED: AtomicBool = AtomicBool::new(false);

#[derive(Task)]
#[task(target = Json<Vec<f64>>)]
struct Repaired;

runs!(Repaired: Vec<f64> = |self, cx| {
    cx.log("running");
    cx.meta("attempted", true)?;
    ensure!(REPAIRED.load(Ordering::SeqCst), "out of order");
    Ok(vec![1.5, f64::MAX])
});

#[test]
fn the_output_is_committed_only_if_asked() -> Result<()> {
    REPAIRED.store(false, Ordering::SeqCst);
    let (flow, _folder) = flow();
    failure(flow.run::<Repaired>());
    REPAIRED.store(true, Ordering::SeqCst);
    let before = content(&flow);
    let debug = flow.debug::<Repaired>()?;
    let again = debug.run_again()?;
    assert_eq!(**again.result().map_err(|error| anyhow!("{error}"))?, [1.5, f64::MAX]);
    let aside = again.log().context("a log")?.path().to_owned();
    assert!(aside.exists());
    assert_eq!(*again.into_result()?, [1.5, f64::MAX]);
    assert_eq!(content(&flow), before, "nothing was committed, and the folder aside was removed");
    assert!(!flow.is_complete::<Repaired>()?);

    let done = debug.run_and_commit()?;
    assert_eq!(done.metadata()["attempted"], true);
    assert_eq!(*done.into_result()?, [1.5, f64::MAX]);
    assert!(flow.is_complete::<Repaired>()?);
    let output = flow.output::<Repaired>()?;
    assert_eq!((output.load()?.len(), output.meta::<bool>("attempted")?), (2, true));
    assert!(output.log()?.context("a log")?.text().ends_with(" running\n"));
    assert!(flow.store().verify()?.is_whole());
    assert!(flow.run::<Repaired>()?.ran().is_empty());
    assert_eq!(flow.graph::<Repaired>().instances()?[0].failure()?, None);

    // An instance that has not failed runs again in the same way.
    let debug = flow.debug::<Repaired>()?;
    assert!(debug.failure().is_none());
    let text = debug.to_string();
    assert!(text.starts_with("Repaired has not failed; its last run took "), "{text}");
    let before = content(&flow);
    assert_eq!(*debug.run_again()?.into_result()?, [1.5, f64::MAX]);
    assert_eq!(content(&flow), before);

    // A run that is to be committed and fails records its failure.
    REPAIRED.store(false, Ordering::SeqCst);
    let failed = debug.run_and_commit()?;
    assert_eq!(failed.into_result().expect_err("it fails").to_string(), "out of order");
    let instance = flow.graph::<Repaired>().instances()?.remove(0);
    let recorded = instance.failure()?.context("it has failed")?;
    assert_eq!((&*recorded.error, recorded.attempts), ("out of order", 1));
    assert_eq!(recorded.metadata["attempted"], true);
    assert!(flow.is_complete::<Repaired>()?, "the output of the run before is still there");
    Ok(())
}

#[test]
fn the_inputs_are_those_of_the_failed_run() -> Result<()> {
    let (flow, _folder, source) = with_source("8");
    failure(flow.run::<Report>());
    let count = ROWS_RAN.load(Ordering::SeqCst);

    // The task upstream is pending. What the failed run has loaded is still there.
    fs::write(&source, "3")?;
    let debug = flow.graph::<Report>().debug::<Fit>()?;
    let note = "it is not complete any more; the recorded output is used";
    assert_eq!(debug.inputs()[0].note.as_deref(), Some(note));
    let error = debug.run_again()?.into_result().expect_err("8 rows");
    assert_eq!(error.downcast_ref::<TooMany>(), Some(&TooMany(8)));
    // An output that is committed has to follow from the present inputs.
    let missing = error_of_commit(&debug);
    assert!(
        missing.contains("because inputs are missing; run their tasks first:\n  Rows {"),
        "{missing}"
    );
    assert!(missing.ends_with(": it is not complete (input: Source gave other data)"), "{missing}");
    assert_eq!(ROWS_RAN.load(Ordering::SeqCst), count);

    // It ran again, and gives other data. The output of the failed run was kept.
    flow.run::<Rows>()?;
    let debug = flow.graph::<Report>().debug::<Fit>()?;
    let note = "it gives other data now; the recorded output was kept and is used";
    assert_eq!(debug.inputs()[0].note.as_deref(), Some(note));
    let label = &debug.inputs()[0].instance;
    assert_eq!(debug.changes(), [format!("input rows: {label}: {note}")]);
    let error = debug.run_again()?.into_result().expect_err("8 rows");
    assert_eq!(error.downcast_ref::<TooMany>(), Some(&TooMany(8)));
    let changed = error_of_commit(&debug);
    assert!(
        changed.contains("cannot run again with the same inputs; to run it with the present"),
        "{changed}"
    );
    assert_eq!(*debug.accept_changes().run_and_commit()?.into_result()?, 30);
    assert_eq!(
        (*flow.graph::<Report>().load::<Fit>()?, ran(&flow.run::<Report>()?)),
        (30, vec!["Report".into()])
    );
    Ok(())
}

/// Returns the message of a commit that is refused.
fn error_of_commit<T: Run>(debug: &flow::debug::DebugInstance<T>) -> String {
    error(debug.run_and_commit())
}

#[test]
fn inputs_that_are_gone_are_replaced_only_if_accepted() -> Result<()> {
    let (flow, _folder, source) = with_source("9");
    failure(flow.run::<Report>());
    fs::write(&source, "4")?;
    flow.limits(Limits::default().versions(0)).run::<Rows>()?;
    let debug = flow.graph::<Report>().debug::<Fit>()?;
    let refused = match debug.run_again() {
        Err(Error::Debug(DebugError::Changed { changes, .. })) => changes,
        other => panic!("{other:?}"),
    };
    let [change] = refused.as_slice() else { panic!("{refused:?}") };
    assert!(
        change.ends_with(": it gives other data now, and the recorded output is gone"),
        "{change}"
    );
    let before = content(&flow);
    assert_eq!(*debug.accept_changes().run_again()?.into_result()?, 40);
    assert_eq!(content(&flow), before);

    // Without an output of the task upstream, nothing can run.
    flow.graph::<Report>().reset::<Rows>()?;
    let debug = flow.graph::<Report>().debug::<Fit>()?.accept_changes();
    let missing = error(debug.run_again());
    assert!(
        missing
            .contains("because inputs are missing; run their tasks first:\n  input rows: Rows {"),
        "{missing}"
    );
    assert!(missing.ends_with(": it is not complete (never run)"), "{missing}");
    Ok(())
}

#[test]
fn an_instance_that_never_ran_names_the_failure_upstream() -> Result<()> {
    let (flow, _folder, _source) = with_source("10");
    let never = error(flow.debug::<Report>());
    assert!(never.starts_with("Report {"), "{never}");
    assert!(
        never.ends_with(
            " has never run, so that no run can be repeated: run it with `flow.run::<Report>()`"
        ),
        "{never}"
    );
    failure(flow.run::<Report>());
    let upstream = error(flow.debug::<Report>());
    assert!(upstream.contains("no run can be repeated: upstream of it, Fit {"), "{upstream}");
    assert!(
        upstream.ends_with(" failed; see `flow.graph::<Report>().debug::<Fit>()`"),
        "{upstream}"
    );
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Part {
    n: u64,
}

runs!(Part: u64 = |self, cx| {
    ensure!(self.n.is_multiple_of(2), "{} is odd", self.n);
    Ok(self.n)
});

#[derive(Task)]
#[task(requires = [Part { n } for n in 0..self.parts], target = Json<u64>)]
struct Whole {
    parts: u64,
}

runs!(Whole: u64 = |self, cx| cx.input().iter().map(|part| Ok(*part.load()?)).sum());

#[test]
fn of_several_instances_it_is_the_one_that_failed() -> Result<()> {
    let (flow, _folder) = flow();
    let two = flow.with(Whole::PARTS, 2);
    failure(two.run::<Whole>());
    assert_eq!(two.graph::<Whole>().debug::<Part>()?.task().n, 1);

    let four = flow.with(Whole::PARTS, 4);
    failure(four.run::<Whole>());
    let several = four.graph::<Whole>().debug::<Part>();
    let Err(Error::Select(several)) = several else { panic!("two have failed") };
    assert!(
        matches!(&several, SelectError::SeveralFailed { instances, .. } if instances.len() == 2)
    );
    assert_eq!(
        several.to_string(),
        "2 instances of Part failed: select one with `.at(Part::PARAMETER, value)`\n  Part {n: 1}\n  Part {n: 3}"
    );
    let third = four.graph::<Whole>().at(Part::N, 3).debug::<Part>()?;
    assert_eq!(third.run_again()?.into_result().expect_err("odd").to_string(), "3 is odd");
    // One that has not failed can be selected, too.
    assert_eq!(
        *four.graph::<Whole>().at(Part::N, 2).debug::<Part>()?.run_again()?.into_result()?,
        2
    );
    // Before anything has failed, all of them are listed.
    let new = flow.with(Whole::PARTS, 7).namespace("new");
    let all = error(new.graph::<Whole>().debug::<Part>());
    assert!(all.contains("requires 7 instances of Part: select one"), "{all}");
    Ok(())
}

static ASKS_FOR: AtomicU64 = AtomicU64::new(4);

/// Requires a part, and fails afterwards.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Asks;

runs!(Asks: u64 = |self, cx| {
    let part = cx.with(Part::N, ASKS_FOR.load(Ordering::SeqCst)).require::<Part>()?;
    bail!("the part is {}", *part.load()?)
});

#[test]
fn complete_requirements_are_answered_and_others_are_errors() -> Result<()> {
    let (flow, _folder) = flow();
    failure(flow.run::<Asks>());
    let before = content(&flow);
    let debug = flow.debug::<Asks>()?;
    let answered = debug.run_again()?.into_result().expect_err("it fails");
    assert_eq!(answered.to_string(), "the part is 4");
    ASKS_FOR.store(6, Ordering::SeqCst);
    let refused = debug.run_again()?.into_result().expect_err("it fails");
    assert_eq!(
        refused.to_string(),
        "cannot require Part {n: 6}: its output does not exist, and no other task is run while an instance is \
         debugged: run it first"
    );
    assert_eq!(content(&flow), before);
    // The part runs on request, and the next run of the instance finds it.
    flow.with(Part::N, 6).run::<Part>()?;
    let answered = debug.run_again()?.into_result().expect_err("it fails");
    assert_eq!(answered.to_string(), "the part is 6");
    Ok(())
}

/// A value that is kept in memory.
#[derive(Task)]
#[task(target = Memory<Vec<u64>>)]
struct Numbers;

runs!(Numbers: Vec<u64> = |self, cx| Ok(vec![1, 2, 3]));

#[derive(Task)]
#[task(requires = Numbers, target = Memory<u64>)]
struct Sum {
    #[param(file)]
    weights: PathBuf,
}

runs!(Sum: u64 = |self, cx| {
    let weight: u64 = fs::read_to_string(&self.weights)?.trim().parse().context("no weight")?;
    Ok(cx.input().load()?.iter().sum::<u64>() * weight)
});

#[test]
fn values_in_memory_are_inputs_as_long_as_they_are_there() -> Result<()> {
    let (flow, folder) = flow();
    let weights = folder.path().join("weights.txt");
    fs::write(&weights, "none")?;
    let flow = flow.with(Sum::WEIGHTS, &*weights);
    failure(flow.run::<Sum>());
    let debug = flow.debug::<Sum>()?;
    assert!(
        debug.to_string().contains(&format!("\nfiles:\n  weights: {}\n", weights.display())),
        "{debug}"
    );
    let failed = debug.run_again()?.into_result().expect_err("no number");
    assert_eq!(failed.to_string(), "no weight");

    // A file that is a parameter has changed.
    fs::write(&weights, "2")?;
    let debug = flow.debug::<Sum>()?;
    assert_eq!(debug.changes(), [format!("file {:?}: it has changed", weights)]);
    assert!(error(debug.run_again()).contains("call `accept_changes()` first:\n  file "));
    let debug = debug.accept_changes();
    assert_eq!(*debug.run_again()?.into_result()?, 12);
    assert!(!flow.is_complete::<Sum>()?);
    assert_eq!(*debug.run_and_commit()?.into_result()?, 12);
    assert_eq!(*flow.load::<Sum>()?, 12);

    // Another process has none of the values.
    let other = Flow::open(flow.folder())?.quiet().with(Sum::WEIGHTS, &*weights);
    let missing = error(other.debug::<Sum>()?.run_again());
    assert!(missing.contains("the value in memory is gone"), "{missing}");
    other.run::<Numbers>()?;
    assert_eq!(*other.debug::<Sum>()?.run_again()?.into_result()?, 12);
    Ok(())
}

/// Writes a file itself, and may panic afterwards.
#[derive(Task)]
#[task(target = File(extension = "txt"))]
struct Written {
    #[param(default)]
    panics: bool,
}

runs!(Written: PathBuf = |self, cx| {
    let path = cx.out_path()?;
    fs::write(&path, "written")?;
    cx.meta("written", 7)?;
    assert!(!self.panics, "after writing");
    Ok(path)
});

#[test]
fn files_that_a_task_writes_are_there_as_long_as_the_result() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Written>()?;
    let before = content(&flow);
    let again = flow.debug::<Written>()?.run_again()?;
    let path: &Path = again.result().map_err(|error| anyhow!("{error}"))?;
    assert_eq!(fs::read_to_string(path)?, "written");
    let path = path.to_owned();
    drop(again);
    assert!(!path.exists());

    let panics = flow.with(Written::PANICS, true);
    failure(panics.run::<Written>());
    let of_both = content(&flow);
    let again = panics.debug::<Written>()?.run_again()?;
    assert_eq!(again.metadata()["written"], 7);
    let text = again.result().expect_err("it panics").to_string();
    assert!(text.starts_with(&format!("it panicked at {}:", file!())), "{text}");
    assert_eq!(without_places(&text), "it panicked: after writing");
    drop(again);
    assert_eq!(content(&flow), of_both);
    assert!(before.iter().all(|file| of_both.contains(file)));
    Ok(())
}

#[test]
fn a_changed_external_file_is_not_passed_off_as_the_recorded_one() -> Result<()> {
    let (flow, _folder, source) = with_source("no number");
    failure(flow.run::<Rows>());
    let again = flow.debug::<Rows>()?.run_again()?;
    assert!(again.result().expect_err("it fails").to_string().contains("invalid digit"));
    fs::write(&source, "11")?;
    let debug = flow.debug::<Rows>()?;
    assert!(debug.changes()[0].ends_with(": its file has changed"), "{:?}", debug.changes());
    assert!(error(debug.run_again()).contains("call `accept_changes()` first:\n  input: Source {"));
    assert_eq!(*debug.accept_changes().run_again()?.into_result()?, 11);
    fs::remove_file(&source)?;
    let missing = error(flow.debug::<Rows>()?.accept_changes().run_again());
    assert!(missing.ends_with(&format!("{} does not exist", source.display())), "{missing}");
    assert!(preview::<Rows>(&flow).contains("is missing"));
    Ok(())
}

#[test]
fn a_store_without_failures_stays_as_it_is() -> Result<()> {
    let (flow, _folder, _source) = with_source("2");
    flow.run::<Report>()?;
    let before = content(&flow);
    let debug = flow.graph::<Report>().debug::<Fit>()?;
    assert_eq!(debug.instance().status(), Status::Complete);
    assert_eq!(*debug.run_again()?.into_result()?, 20);
    assert_eq!(content(&flow), before);
    assert!(flow.run::<Report>()?.ran().is_empty());
    Ok(())
}

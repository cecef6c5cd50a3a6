//! `refresh`: tasks that run in each run, when their output is too old, or when the value of an
//! expression changed. Equal bytes leave downstream tasks unchanged.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use flow::plan::{Reason, Status};
use flow::prelude::*;

use crate::support::{failed, failure, flow, not_run, one_file, preview, ran, reused, unchanged};

/// Reads a file that is not tracked, in place of a download.
fn fetch(path: &Path) -> Result<String> {
    Ok(fs::read_to_string(path)?)
}

#[derive(Task)]
#[task(target = Json<String>, refresh = always)]
struct Always {
    url: PathBuf,
}

runs!(Always: String = |self, _cx| fetch(&self.url));

#[derive(Task)]
#[task(requires = Always, target = Json<usize>)]
struct Length;

runs!(Length: usize = |self, cx| Ok(cx.input().load()?.len()));

#[test]
fn refresh_always_runs_each_time_and_loads_the_last_output() -> Result<()> {
    let (flow, folder) = flow();
    let url = folder.path().join("url");
    fs::write(&url, "abc")?;
    let flow = flow.with(Always::URL, &*url);
    assert_eq!(preview::<Always>(&flow).rsplit_once("} ").map(|p| p.1), Some("PENDING never run"));
    assert_eq!(ran(&flow.run::<Length>()?), ["Always", "Length"]);
    // The output of `Always` may change, so that the state of `Length` is unknown.
    let shown = preview::<Length>(&flow);
    assert!(shown.starts_with("Length {") || shown.starts_with("Length PENDING"), "{shown}");
    assert!(shown.contains("PENDING waits for Always"), "{shown}");
    assert!(shown.ends_with("PENDING refresh: always"), "{shown}");
    assert!(!flow.is_complete::<Length>()?);
    // A load returns the output of the last run.
    assert_eq!((&**flow.load::<Always>()?, *flow.load::<Length>()?), ("abc", 3));
    assert_eq!(*flow.graph::<Length>().load::<Always>()?, "abc");

    let summary = flow.run::<Length>()?;
    assert_eq!(
        (ran(&summary), unchanged(&summary)),
        (vec!["Always".into()], vec!["Length".into()])
    );
    fs::write(&url, "abcd")?;
    assert_eq!(ran(&flow.run::<Length>()?), ["Always", "Length"]);
    // An earlier output of `Always` is not reused. The output of `Length` for equal input is.
    fs::write(&url, "abc")?;
    let summary = flow.run::<Length>()?;
    assert_eq!((ran(&summary), reused(&summary)), (vec!["Always".into()], vec!["Length".into()]));
    assert_eq!(*flow.load::<Length>()?, 3);
    // A failed refresh loses no output.
    fs::remove_file(&url)?;
    failure(flow.run::<Length>());
    assert_eq!(*flow.load::<Length>()?, 3);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<String>, refresh = "1h 30m")]
struct Daily {
    url: PathBuf,
    #[param(default = 0)]
    n: u64,
}

runs!(Daily: String = |self, _cx| fetch(&self.url));

/// Moves the recorded start of a task into the past, or with negative seconds into the future.
fn shift_start(flow: &Flow, task: &str, seconds: i64) -> Result<()> {
    for file in crate::support::files_below(flow.folder()) {
        if !file.ends_with("record.json") || !file.starts_with(flow.folder().join(task)) {
            continue;
        }
        let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&file)?)?;
        let started: jiff::Timestamp = record["started"].as_str().context("a time")?.parse()?;
        let started = started - jiff::SignedDuration::from_secs(seconds);
        record["started"] = started.to_string().into();
        fs::write(&file, record.to_string())?;
    }
    Ok(())
}

#[test]
fn an_output_that_is_too_old_is_refreshed() -> Result<()> {
    let (flow, folder) = flow();
    let url = folder.path().join("url");
    fs::write(&url, "abc")?;
    let flow = flow.with(Daily::URL, &*url);
    flow.run::<Daily>()?;
    fs::write(&url, "abcd")?;
    assert!(flow.is_complete::<Daily>()?);
    shift_start(&flow, "Daily", 5_300)?;
    assert_eq!(ran(&flow.run::<Daily>()?), [""; 0]);
    shift_start(&flow, "Daily", 100)?;
    assert!(!flow.is_complete::<Daily>()?);
    let shown = preview::<Daily>(&flow);
    assert!(shown.ends_with("PENDING refresh: older than 1h 30m"), "{shown}");
    assert_eq!(*flow.load::<Daily>()?, "abc");
    // The output in another store is as old, and so it is not reused.
    let (other, _other) = crate::support::flow();
    let other = other.reuse_from(&flow).with(Daily::URL, &*url);
    assert_eq!(ran(&other.run::<Daily>()?), ["Daily"]);
    assert_eq!(ran(&flow.run::<Daily>()?), ["Daily"]);
    assert_eq!(*flow.load::<Daily>()?, "abcd");
    assert_eq!(ran(&flow.run::<Daily>()?), [""; 0]);
    // The output in that store is recent again.
    let (another, _another) = crate::support::flow();
    let another = another.reuse_from(&flow).with(Daily::URL, &*url);
    assert_eq!(reused(&another.run::<Daily>()?), ["Daily"]);
    another.reset::<Daily>()?;
    assert_eq!(ran(&another.run::<Daily>()?), ["Daily"]);
    // A start in the future, as recorded by a machine with another clock.
    shift_start(&flow, "Daily", -60)?;
    assert!(flow.is_complete::<Daily>()?);
    shift_start(&flow, "Daily", -10_000)?;
    assert!(!flow.is_complete::<Daily>()?);
    Ok(())
}

#[test]
fn a_reused_output_keeps_its_age() -> Result<()> {
    let (flow, folder) = flow();
    let url = folder.path().join("url");
    fs::write(&url, "abc")?;
    let flow = flow.with(Daily::URL, &*url);
    flow.run::<Daily>()?;
    let (other, _folder) = crate::support::flow();
    let other = other.reuse_from(&flow).with(Daily::URL, &*url);
    shift_start(&flow, "Daily", 5_000)?;
    assert_eq!(reused(&other.run::<Daily>()?), ["Daily"]);
    shift_start(&other, "Daily", 1_000)?;
    // The output in the other store is not too old yet.
    assert!(flow.is_complete::<Daily>()? && other.is_complete::<Daily>()?);
    shift_start(&flow, "Daily", 1_000)?;
    assert!(!flow.is_complete::<Daily>()? && !other.is_complete::<Daily>()?);
    Ok(())
}

static ASKED: AtomicU64 = AtomicU64::new(0);

/// Is refreshed when the first line of the file changes.
#[derive(Task)]
#[task(target = Json<String>, refresh = {
    ASKED.fetch_add(1, Ordering::SeqCst);
    fetch(&self.url)?.lines().next().map(str::to_owned)
})]
struct Tagged {
    url: PathBuf,
}

runs!(Tagged: String = |self, _cx| fetch(&self.url));

#[derive(Task)]
#[task(requires = Tagged, target = Json<usize>)]
struct Letters;

runs!(Letters: usize = |self, cx| Ok(cx.input().load()?.len()));

#[test]
fn another_value_of_the_expression_is_another_output() -> Result<()> {
    let (flow, folder) = flow();
    let url = folder.path().join("url");
    fs::write(&url, "v1\nabc")?;
    let flow = flow.with(Tagged::URL, &*url);
    let before = ASKED.load(Ordering::SeqCst);
    assert_eq!(ran(&flow.run::<Letters>()?), ["Letters", "Tagged"]);
    assert_eq!(ASKED.load(Ordering::SeqCst) - before, 1, "once for a plan");
    // The first line is the same, although other lines changed.
    fs::write(&url, "v1\nabcd")?;
    assert!(flow.is_complete::<Letters>()?);
    fs::write(&url, "v2\nabcd")?;
    let shown = preview::<Letters>(&flow);
    assert!(shown.ends_with("PENDING refresh: was \"v1\", is \"v2\""), "{shown}");
    assert!(!flow.is_complete::<Letters>()?);
    // A load returns the output of the last run and does not evaluate the expression.
    let before = ASKED.load(Ordering::SeqCst);
    assert_eq!((&**flow.load::<Tagged>()?, *flow.load::<Letters>()?), ("v1\nabc", 6));
    assert_eq!(ASKED.load(Ordering::SeqCst), before);
    assert_eq!(ran(&flow.run::<Letters>()?), ["Letters", "Tagged"]);
    // The output for an earlier value is reused when that value is back.
    fs::write(&url, "v1\nabcde")?;
    assert_eq!(reused(&flow.run::<Letters>()?), ["Letters", "Tagged"]);
    assert_eq!(&**flow.load::<Tagged>()?, "v1\nabc");
    // The value may be `None`.
    fs::write(&url, "")?;
    let shown = preview::<Tagged>(&flow);
    assert!(shown.ends_with("PENDING refresh: was \"v1\", is none"), "{shown}");
    flow.run::<Letters>()?;
    assert!(flow.is_complete::<Letters>()?);

    fs::remove_file(&url)?;
    let shown = preview::<Letters>(&flow);
    assert!(shown.contains("warning: evaluating `refresh` of Tagged failed"), "{shown}");
    assert_eq!(*flow.load::<Letters>()?, 0);
    flow.reset::<Letters>()?;
    Ok(())
}

#[derive(Clone, Serialize, Deserialize)]
struct Version {
    major: u32,
    tag: String,
}

/// The forms of the expression: a value, a `Result` of a value, and an expression that panics.
#[derive(Task)]
#[task(target = Json<u32>, refresh = Version { major: self.major, tag: "x".repeat(100) })]
struct OfStruct {
    #[param(insignificant)]
    major: u32,
}

runs!(OfStruct: u32 = |self, _cx| Ok(self.major));

#[derive(Task)]
#[task(target = Json<u32>, refresh = self.text.parse::<u32>())]
struct OfResult {
    #[param(insignificant)]
    text: String,
}

runs!(OfResult: u32 = |self, _cx| Ok(0));

#[derive(Task)]
#[task(target = Json<u32>, refresh = [1, 2, 3][self.place])]
struct Panics {
    place: usize,
}

runs!(Panics: u32 = |self, _cx| Ok(0));

#[test]
fn an_expression_may_have_any_type_and_may_fail() -> Result<()> {
    let (flow, _folder) = flow();
    flow.with(OfStruct::MAJOR, 1u32).run::<OfStruct>()?;
    let shown = preview::<OfStruct>(&flow.with(OfStruct::MAJOR, 2u32));
    // The value is long, so that it is shortened.
    assert!(
        shown.contains("PENDING refresh: was {major: 1, tag: ") && shown.contains('…'),
        "{shown}"
    );
    assert!(flow.with(OfStruct::MAJOR, 1u32).is_complete::<OfStruct>()?);
    let record = fs::read_to_string(one_file(&flow.folder().join("OfStruct"), "record", ".json"))?;
    assert!(!record.contains(&"x".repeat(90)));

    let of = |text: &str| flow.with(OfResult::TEXT, text);
    of("7").run::<OfResult>()?;
    assert!(of("07").is_complete::<OfResult>()?);
    let shown = preview::<OfResult>(&of("8"));
    assert!(shown.ends_with("PENDING refresh: was 7, is 8"), "{shown}");
    let shown = preview::<OfResult>(&of("x"));
    assert!(shown.ends_with("used as it is: invalid digit found in string"), "{shown}");

    flow.with(Panics::PLACE, 2usize).run::<Panics>()?;
    let shown = preview::<Panics>(&flow.with(Panics::PLACE, 3usize));
    assert!(
        crate::support::without_places(&shown).contains(
            "PENDING never run; refresh: its expression failed: it panicked: index out of"
        ),
        "{shown}"
    );
    Ok(())
}

#[test]
fn the_reason_is_available_as_data() -> Result<()> {
    let (flow, _folder) = flow();
    flow.with(OfResult::TEXT, "7").run::<OfResult>()?;
    let instances = flow.with(OfResult::TEXT, "8").graph::<OfResult>().instances()?;
    assert_eq!(instances[0].status(), Status::Pending);
    assert_eq!(instances[0].reasons(), [Reason::Refresh { what: "was 7, is 8".to_owned() }]);
    Ok(())
}

static OTHER: AtomicU64 = AtomicU64::new(0);

/// Is refreshed in each run; the test removes its file.
#[derive(Task)]
#[task(target = Json<u64>, refresh = always)]
struct Ticks;

runs!(Ticks: u64 = |self, cx| {
    cx.meta("tick", OTHER.fetch_add(1, Ordering::SeqCst))?;
    Ok(7)
});

#[derive(Task)]
#[task(requires = Ticks, target = Json<u64>)]
struct ReadsTick;

runs!(ReadsTick: u64 = |self, cx| Ok(cx.input().meta("tick")?));

#[test]
fn one_run_refreshes_once() -> Result<()> {
    let (flow, _folder) = flow();
    for i in 0..3 {
        let summary = flow.run::<(ReadsTick, Ticks)>()?;
        assert_eq!(ran(&summary), ["ReadsTick", "Ticks"]);
        assert_eq!(OTHER.load(Ordering::SeqCst), i + 1);
        assert_eq!(*flow.load::<ReadsTick>()?, i);
    }
    // A missing file is written again by the same refresh.
    fs::remove_file(flow.output::<Ticks>()?.path()?)?;
    assert_eq!(ran(&flow.run::<ReadsTick>()?), ["ReadsTick", "Ticks"]);
    assert_eq!(OTHER.load(Ordering::SeqCst), 4);
    Ok(())
}

/// The number of evaluations of the expression.
static NEWEST: AtomicU64 = AtomicU64::new(0);

fn newest() -> u64 {
    NEWEST.fetch_add(1, Ordering::Relaxed)
}

/// The value of the expression differs each time.
#[derive(Task)]
#[task(target = Json<u64>, refresh = newest())]
struct Newest;

runs!(Newest: u64 = |self, _cx| Ok(1));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Ask {
    n: u64,
}

runs!(Ask: u64 = |self, cx| {
    let first = *cx.require::<Newest>()?.load()?;
    Ok(first + *cx.require::<Newest>()?.load()? + self.n)
});

#[derive(Task)]
#[task(requires(Newest, [Ask { n } for n in 0..5u64]), target = Json<u64>)]
struct AskAll;

runs!(AskAll: u64 = |self, cx| {
    let (newest, asks) = cx.input();
    asks.iter().try_fold(*newest.load()?, |sum, ask| Ok(sum + *ask.load()?))
});

#[test]
fn dynamic_requirements_evaluate_refresh_once_for_each_run() -> Result<()> {
    let (flow, _folder) = flow();
    for asked in 1..=3 {
        let summary = flow.run::<AskAll>()?;
        assert_eq!(NEWEST.load(Ordering::Relaxed), asked);
        let of_newest = ran(&summary).iter().filter(|task| *task == "Newest").count();
        assert_eq!(of_newest, 1, "{summary}");
    }
    Ok(())
}

/// A download that fails while its file is missing.
#[derive(Task)]
#[task(target = Json<u64>, refresh = fetch(&self.url)?)]
struct Fetch {
    url: PathBuf,
}

runs!(Fetch: u64 = |self, _cx| Ok(fetch(&self.url)?.trim().parse()?));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Other;

runs!(Other: u64 = |self, _cx| Ok(7));

#[derive(Task)]
#[task(requires(fetch = Fetch, other = Other), target = Json<u64>)]
struct Report;

runs!(Report: u64 = |self, cx| Ok(*cx.input().fetch.load()? + *cx.input().other.load()?));

#[test]
fn the_last_output_is_used_while_the_expression_fails() -> Result<()> {
    let (flow, folder) = flow();
    let url = folder.path().join("url");
    fs::write(&url, "1")?;
    let flow = flow.with(Fetch::URL, &*url);
    flow.run::<Report>()?;

    fs::remove_file(&url)?;
    assert!(flow.is_complete::<Report>()?);
    flow.reset::<Other>()?;
    let warning =
        "warning: evaluating `refresh` of Fetch failed, and its output is used as it is: ";
    let shown = preview::<Report>(&flow);
    assert!(shown.contains("} COMPLETE\n") && shown.contains(warning), "{shown}");
    let summary = flow.run::<Report>()?;
    assert_eq!((ran(&summary), unchanged(&summary)), (vec!["Other".into()], vec!["Report".into()]));
    assert_eq!(summary.warnings().len(), 1);
    assert!(summary.to_string().contains(warning), "{summary}");
    assert_eq!(*flow.load::<Report>()?, 8);

    // When the server answers again, its answer counts.
    fs::write(&url, "2")?;
    assert_eq!(ran(&flow.run::<Report>()?), ["Fetch", "Report"]);
    assert_eq!(*flow.load::<Report>()?, 9);
    Ok(())
}

#[test]
fn a_failing_expression_fails_only_tasks_without_an_output() -> Result<()> {
    let (flow, folder) = flow();
    let url = folder.path().join("url");
    let flow = flow.with(Fetch::URL, &*url);
    let shown = preview::<Report>(&flow);
    assert!(shown.contains("PENDING never run; refresh: its expression failed: "), "{shown}");
    let summary = failure(flow.run::<Report>());
    assert_eq!(ran(&summary), ["Other"]);
    assert_eq!(
        (failed(&summary), not_run(&summary)),
        (vec!["Fetch".into()], vec!["Report".into()])
    );
    let error = summary.failed()[0].error.clone().unwrap_or_default();
    assert!(error.starts_with("evaluating `refresh` of Fetch failed: "), "{error}");
    assert!(summary.warnings().is_empty(), "{summary}");

    // A forced run fails as well, and keeps the output.
    fs::write(&url, "1")?;
    flow.run::<Report>()?;
    fs::remove_file(&url)?;
    assert_eq!(failed(&failure(flow.force::<Fetch>().run::<Report>())), ["Fetch"]);
    assert_eq!(*flow.load::<Report>()?, 8);
    Ok(())
}

/// Requires the fetched output while it runs.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Late {
    url: PathBuf,
    #[param(default = 0)]
    n: u64,
}

runs!(Late: u64 = |self, cx| {
    Ok(*cx.with(Fetch::URL, &self.url).require::<Fetch>()?.load()? + self.n)
});

#[test]
fn dynamic_requirements_use_the_last_output_too() -> Result<()> {
    let (flow, folder) = flow();
    let url = folder.path().join("url");
    fs::write(&url, "1")?;
    let flow = flow.with(Late::URL, &*url);
    flow.run::<Late>()?;
    fs::remove_file(&url)?;
    assert!(flow.is_complete::<Late>()?);
    let summary = flow.with(Late::N, 1u64).run::<Late>()?;
    assert_eq!((ran(&summary), summary.warnings().len()), (vec!["Late".into()], 1));
    assert_eq!(*flow.with(Late::N, 1u64).load::<Late>()?, 2);
    Ok(())
}

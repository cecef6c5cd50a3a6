//! Dynamic requirements combined with the other features that decide what runs: refresh, memory,
//! garbage collection, versions, other stores, forcing, costs and namespaces.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use flow::Trust;
use flow::prelude::*;

use crate::support::{flow, preview, ran, reused, unchanged};

static TICK: AtomicU64 = AtomicU64::new(0);

/// Serializes the tests that change `TICK`, which may run in one process.
static FETCHING: Mutex<()> = Mutex::new(());

#[derive(Task)]
#[task(target = Json<u64>, refresh = always)]
struct Fetched {
    #[param(default = 1)]
    n: u64,
}

runs!(Fetched: u64 = |self, _cx| Ok(self.n + TICK.load(Ordering::SeqCst)));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Report;

runs!(Report: u64 = |self, cx| {
    let fetched = cx.over(Fetched::N, [1, 2]).require::<Fetched>()?;
    fetched.iter().map(|one| Ok(*one.load()?)).sum()
});

#[derive(Task)]
#[task(target = Memory<u64>)]
struct Held {
    n: u64,
}

runs!(Held: u64 = |self, _cx| Ok(self.n * 10));

#[derive(Task)]
#[task(target = Memory<u64>)]
struct Holder;

runs!(Holder: u64 = |self, cx| Ok(*cx.with(Held::N, 2).require::<Held>()?.load()?));

#[derive(Task)]
#[task(requires = Holder, target = Json<u64>)]
struct Kept;

runs!(Kept: u64 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn a_refreshed_requirement_runs_once_and_may_cut_off() -> Result<()> {
    let _alone = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<Report>()?), ["Fetched", "Fetched", "Report"]);
    for trust in [Trust::Stamps, Trust::Content] {
        let flow = flow.trust(trust);
        assert!(!flow.is_complete::<Report>()?);
        assert!(preview::<Report>(&flow).contains("PENDING waits for Fetched"));
        assert_eq!(ran(&flow.run::<Report>()?), ["Fetched", "Fetched"]);
        assert_eq!(*flow.load::<Report>()?, 3);
    }
    // As a root, and required by a running task.
    assert_eq!(ran(&flow.run::<(Report, Fetched)>()?), ["Fetched", "Fetched"]);
    TICK.store(5, Ordering::SeqCst);
    assert_eq!(ran(&flow.run::<Report>()?), ["Fetched", "Fetched", "Report"]);
    assert_eq!(*flow.load::<Report>()?, 13);
    assert!(flow.graph::<Report>().verify()?.is_whole());
    // With `Trust::Records`, only the record of the root is checked.
    assert!(flow.trust(Trust::Records).is_complete::<Report>()?);
    TICK.store(0, Ordering::SeqCst);
    assert_eq!(ran(&flow.run::<Report>()?), ["Fetched", "Fetched"]);
    assert_eq!(*flow.load::<Report>()?, 3);
    Ok(())
}

#[test]
fn a_requirement_in_memory_runs_again_only_if_it_is_loaded() -> Result<()> {
    let (flow, folder) = flow();
    assert_eq!(ran(&flow.run::<Kept>()?), ["Held", "Holder", "Kept"]);
    let later = Flow::open(folder.path().join("data"))?.quiet();
    assert!(later.is_complete::<Kept>()?, "{}", preview::<Kept>(&later));
    assert!(later.run::<Kept>()?.ran().is_empty());
    later.reset::<Kept>()?;
    assert_eq!(ran(&later.run::<Kept>()?), ["Held", "Holder", "Kept"]);
    assert_eq!(*later.load::<Kept>()?, 20);
    Ok(())
}

#[test]
fn gc_keeps_requirements_together_with_their_root() -> Result<()> {
    let _alone = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    let (flow, _folder) = flow();
    flow.run::<Kept>()?;
    flow.run::<Report>()?;
    let flow = flow.trust(Trust::Stamps);
    flow.store()
        .gc()
        .older_than(std::time::Duration::ZERO)
        .keep::<(Kept, Report)>(&flow)?
        .find()?
        .remove()?;
    assert_eq!(ran(&flow.run::<Report>()?), ["Fetched", "Fetched"]);
    assert!(flow.run::<Kept>()?.ran().is_empty());
    Ok(())
}

/// Returns the number in the file, and records the length of its text as metadata.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Number {
    #[param(file)]
    path: PathBuf,
}

runs!(Number: u64 = |self, cx| {
    let text = std::fs::read_to_string(&self.path)?;
    cx.meta("length", text.len())?;
    Ok(text.trim().parse()?)
});

#[derive(Task)]
#[task(target = Json<u64>)]
struct Next {
    path: PathBuf,
}

runs!(Next: u64 = |self, cx| Ok(*cx.require::<Number>()?.load()? + 1));

/// Reads only recorded metadata of its requirement.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Length {
    path: PathBuf,
}

runs!(Length: u64 = |self, cx| Ok(cx.require::<Number>()?.meta("length")?));

/// Returns a flow on a file, and a function that writes the file.
fn on_a_file() -> (Flow, impl Fn(&str), tempfile::TempDir) {
    let (flow, folder) = flow();
    let path = folder.path().join("number");
    let flow = flow.with(Next::PATH, &path).with(Length::PATH, &path);
    (flow, move |text| std::fs::write(&path, text).expect("a file"), folder)
}

#[test]
fn recorded_metadata_of_a_requirement_counts_only_if_it_is_read() -> Result<()> {
    let (flow, write, _folder) = on_a_file();
    write("7");
    flow.run::<(Length, Next)>()?;
    // The same number, written in another way.
    write("  7");
    let summary = flow.run::<(Length, Next)>()?;
    assert_eq!(
        (ran(&summary), unchanged(&summary)),
        (names(&["Length", "Number"]), names(&["Next"]))
    );
    assert_eq!((*flow.load::<Length>()?, *flow.load::<Next>()?), (3, 8));
    // When `Number` is complete already, the plan finds that `Length` is pending.
    write("0007");
    flow.with(Number::PATH, flow.graph::<Next>().instance::<Next>()?.path).run::<Number>()?;
    assert!(!flow.is_complete::<Length>()? && flow.is_complete::<Next>()?);
    let shown = preview::<Length>(&flow);
    assert!(shown.contains("PENDING meta length of Number changed"), "{shown}");
    assert_eq!(ran(&flow.run::<Length>()?), ["Length"]);
    assert_eq!(*flow.load::<Length>()?, 4);
    Ok(())
}

#[test]
fn a_kept_version_is_reused_after_its_input_ran_again() -> Result<()> {
    let (flow, write, _folder) = on_a_file();
    let flow = flow.limits(flow::Limits::default().versions(1));
    let number = flow.with(Number::PATH, flow.graph::<Next>().instance::<Next>()?.path);
    for (text, with_next) in [("1", true), ("2", true), ("3", false), ("4", false)] {
        write(text);
        if with_next {
            flow.run::<Next>()?
        } else {
            number.run::<Number>()?
        };
    }
    // The version for `1` is kept for `Next`, but not for `Number`.
    write("1");
    let summary = flow.run::<Next>()?;
    assert_eq!((ran(&summary), reused(&summary)), (names(&["Number"]), names(&["Next"])));
    assert_eq!(*flow.load::<Next>()?, 2);
    // `4` was never an input of `Next`, and all outputs for `3` are gone.
    for (text, expected) in [("4", &["Next"][..]), ("3", &["Next", "Number"])] {
        write(text);
        assert_eq!(ran(&flow.run::<Next>()?), expected, "{text}");
        assert_eq!(*flow.load::<Next>()?, text.parse::<u64>()? + 1);
    }
    Ok(())
}

#[test]
fn outputs_with_requirements_are_reused_from_another_store() -> Result<()> {
    let (team, write, folder) = on_a_file();
    write("1");
    team.run::<Next>()?;
    let open = |name: &str| -> Result<Flow> {
        let flow = Flow::open(folder.path().join(name))?.quiet().reuse_from(&team);
        Ok(flow.with(Next::PATH, folder.path().join("number")))
    };
    let mine = open("mine")?;
    let summary = mine.run::<Next>()?;
    assert_eq!((ran(&summary), reused(&summary)), (vec![], names(&["Next", "Number"])));
    // Without the other store, the output is still complete and can be loaded.
    let alone = Flow::open(folder.path().join("mine"))?.quiet();
    let alone = alone.with(Next::PATH, folder.path().join("number"));
    assert!(alone.is_complete::<Next>()?);
    assert_eq!(*alone.load::<Next>()?, 2);
    // The requirement has another value now, so that the output in the other store is not reused.
    write("2");
    let other = open("other")?;
    assert_eq!(ran(&other.run::<Next>()?), ["Next", "Number"]);
    assert_eq!(*other.load::<Next>()?, 3);
    // The reused outputs remain when the other store is cleared.
    write("1");
    team.store().clear()?;
    assert!(mine.run::<Next>()?.ran().is_empty());
    assert_eq!(*mine.load::<Next>()?, 2);
    Ok(())
}

#[test]
fn going_back_reuses_the_versions_of_requirements_too() -> Result<()> {
    let (flow, write, _folder) = on_a_file();
    for text in ["1", "2"] {
        write(text);
        flow.run::<Next>()?;
    }
    write("1");
    let summary = flow.run::<Next>()?;
    assert_eq!((ran(&summary), reused(&summary)), (vec![], names(&["Next", "Number"])));
    assert!(!preview::<Next>(&flow).contains("PENDING"), "{}", preview::<Next>(&flow));
    // Complete outputs rest on current records, and not on versions that may be dropped.
    flow.limits(flow::Limits::default().versions(0))
        .store()
        .gc()
        .keep::<Next>(&flow)?
        .find()?
        .remove()?;
    assert!(flow.run::<Next>()?.ran().is_empty());
    Ok(())
}

#[test]
fn forced_instances_run_once_as_roots_or_requirements() -> Result<()> {
    let (flow, write, _folder) = on_a_file();
    write("1");
    flow.run::<(Next, Length)>()?;
    assert_eq!(ran(&flow.force::<Next>().run::<(Next, Length)>()?), ["Next"]);
    assert_eq!(ran(&flow.force::<Number>().run::<(Next, Length)>()?), ["Number"]);
    assert_eq!(ran(&flow.force_all().run::<(Next, Length)>()?), ["Length", "Next", "Number"]);
    assert_eq!(ran(&flow.force_roots().run::<(Next, Length)>()?), ["Length", "Next"]);
    assert!(flow.run::<(Next, Length)>()?.ran().is_empty());
    Ok(())
}

#[test]
fn the_cost_includes_pending_requirements() -> Result<()> {
    let (flow, write, _folder) = on_a_file();
    write("1");
    let nothing_known = flow.preview::<(Next, Length)>()?.cost();
    assert_eq!(
        (nothing_known.tasks, nothing_known.unknown),
        (2, 2),
        "nobody knows what they require"
    );
    flow.run::<(Next, Length)>()?;
    assert_eq!(flow.preview::<(Next, Length)>()?.cost(), flow::plan::Cost::default());
    // `Number` is required by both, and counts once.
    write("2");
    let cost = flow.preview::<(Next, Length)>()?.cost();
    assert_eq!((cost.tasks, cost.unknown), (3, 0), "{cost}");
    Ok(())
}

#[test]
fn a_namespace_has_requirements_of_its_own() -> Result<()> {
    let (flow, write, _folder) = on_a_file();
    write("1");
    flow.run::<Next>()?;
    let prod = flow.namespace("prod");
    assert!(!prod.is_complete::<Next>()?);
    assert_eq!(ran(&prod.run::<Next>()?), ["Next", "Number"]);
    prod.graph::<Next>().reset_all()?;
    assert!(flow.is_complete::<Next>()? && !prod.is_complete::<Next>()?);
    Ok(())
}

static CHANGES: AtomicU64 = AtomicU64::new(0);

#[derive(Task)]
#[task(external, path = &self.path, target = Text)]
struct Raw {
    path: PathBuf,
}

/// Changes, once: its external requirement, the file of its requirement, or its own file.
#[derive(Task)]
#[task(target = Json<String>)]
struct Careless {
    which: u64,
    #[param(file)]
    own: PathBuf,
    path: PathBuf,
}

runs!(Careless: String = |self, cx| {
    let required = match self.which {
        0 => cx.require::<Raw>()?.load()?.to_string(),
        1 => cx.require::<Number>()?.load()?.to_string(),
        _ => std::fs::read_to_string(&self.own)?,
    };
    if CHANGES.fetch_add(1, Ordering::SeqCst) == self.which {
        std::fs::write(if self.which == 2 { &self.own } else { &self.path }, "22")?;
    }
    Ok(required.trim().to_owned())
});

#[test]
fn inputs_that_change_during_the_run_leave_the_task_incomplete() -> Result<()> {
    for which in 0..3 {
        CHANGES.store(which, Ordering::SeqCst);
        let (flow, folder) = flow();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("own"), "1")?;
        std::fs::write(at("path"), "1")?;
        let flow = flow.with(Careless::OWN, at("own")).with(Careless::PATH, at("path"));
        let flow = flow.with(Careless::WHICH, which);
        let first = flow.allow_failures().run::<Careless>()?;
        if which == 1 {
            // The output was computed from the earlier output of `Number`, which is outdated now.
            assert!(first.is_success());
        } else {
            let error = first.failed()[0].error.clone().unwrap_or_default();
            assert!(error.contains("changed while the task was running; run it again"), "{error}");
        }
        assert!(!flow.is_complete::<Careless>()?);
        flow.run::<Careless>()?;
        assert_eq!(*flow.load::<Careless>()?, "22");
        assert!(flow.is_complete::<Careless>()?);
    }
    Ok(())
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

//! The history of runs: what it says of each instance, that a crash leaves a readable part of it, that damaged files
//! hide no others, its limits, and the comparison of two runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use flow::Limits;
use flow::prelude::*;
use flow::store::{InstanceOutcome, InstanceRun, RunHistory, RunOutcome};
use flow::testing;

use crate::faulty::{Fault, Faulty, Op};
use crate::support::{failure, faulty_flow, files_below, flow, key, ran};

/// The number in a file.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Number {
    #[param(file)]
    path: PathBuf,
}

runs!(Number: u64 = |self, cx| {
    let text = fs::read_to_string(&self.path)?;
    let Ok(number) = text.parse() else { bail!("{text:?} is no number\nit may have digits only") };
    cx.meta("length", text.len())?;
    Ok(number)
});

#[derive(Task)]
#[task(requires = Number, target = Json<bool>)]
struct Even;

runs!(Even: bool = |self, cx| Ok(cx.input().load()?.is_multiple_of(2)));

#[derive(Task)]
#[task(requires = Even, target = Json<String>)]
struct Said;

runs!(Said: String = |self, cx| Ok(cx.input().load()?.to_string()));

#[derive(Task)]
#[task(aggregate, requires(Even, Said))]
struct Both;

/// Returns a flow on a file, and a function that writes the file.
fn on_a_file() -> (Flow, impl Fn(&str), tempfile::TempDir) {
    let (flow, folder) = flow();
    let path = folder.path().join("number");
    let flow = flow.with(Number::PATH, path.clone());
    (flow, move |text: &str| fs::write(&path, text).expect("a file"), folder)
}

/// Returns the history of the last run.
fn latest(flow: &Flow) -> RunHistory {
    let runs = flow.store().runs().expect("a history");
    runs.load(&runs.latest().expect("a run").id).expect("it can be read")
}

/// Returns the tasks with their outcomes, sorted.
fn outcomes(history: &RunHistory) -> Vec<String> {
    let outcome = |run: &InstanceRun| format!("{} {}", run.task, run.outcome);
    let mut outcomes: Vec<_> = history.instances.iter().map(outcome).collect();
    outcomes.sort_unstable();
    outcomes
}

fn of<'a>(history: &'a RunHistory, task: &str) -> &'a InstanceRun {
    history.instances.iter().find(|run| run.task == task).expect("the task was settled")
}

/// Returns the files of the history, the earliest run first.
fn files(flow: &Flow) -> Vec<PathBuf> {
    files_below(&flow.folder().join(".flow/runs"))
}

#[test]
fn a_run_is_recorded_with_its_instances() -> Result<()> {
    let (flow, write, _folder) = on_a_file();
    write("4");
    let flow = flow.workers(2);
    flow.run::<Said>()?;
    let first = latest(&flow);
    let info = &first.info;
    assert_eq!((info.outcome, info.root_count, info.workers), (RunOutcome::Success, 1, 2));
    assert!(info.roots[0].starts_with("Said {Number.path: "), "{:?}", info.roots);
    assert_eq!(info.pid, std::process::id());
    assert!(info.program.name.starts_with("stores"), "{:?}", info.program);
    assert!(info.program.digest.is_some() && !info.host.is_empty());
    assert_eq!(info.planned.iter().collect::<Vec<_>>(), [(&"pending".to_owned(), &3)]);
    assert_eq!(info.counts.iter().collect::<Vec<_>>(), [(&InstanceOutcome::Ran, &3)]);
    let seconds = info.seconds.expect("it has ended");
    assert!(info.to_string().contains("Z-") && info.to_string().contains(": success in "));
    assert!(info.to_string().contains(": 3 ran (Said {Number.path: "), "{info}");

    assert_eq!(outcomes(&first), ["Even ran", "Number ran", "Said ran"]);
    let number = of(&first, "Number");
    // Threads of a process share its memory, of which the run has the peak.
    assert_eq!((number.attempts, number.peak_bytes, &number.error), (1, None, &None));
    let peak = info.peak_bytes.map(|bytes| bytes >> 20);
    assert_eq!(peak.is_some(), cfg!(target_os = "linux"), "{peak:?}");
    assert!(peak.is_none_or(|mebibytes| (1..1 << 20).contains(&mebibytes)), "{peak:?}");
    assert_eq!(number.reasons, ["never run"]);
    assert_eq!(number.metadata["length"], 1);
    assert!(number.fingerprint.is_some() && number.output.is_some());
    assert!(number.seconds > 0.0 && number.seconds < seconds, "{number:?}");
    assert!(number.started.expect("a worker began with it") >= info.started);
    assert!(number.cpu_seconds.is_some() || !cfg!(target_os = "linux"), "{number:?}");
    assert!(number.cpu_seconds.is_none_or(|cpu| cpu <= number.seconds + 0.05), "{number:?}");
    assert_eq!(of(&first, "Said").key.to_string(), key::<Said>(&flow));
    let text = first.to_string();
    assert!(text.contains("\n  Number {path: ") && text.contains("; reason: never run"), "{text}");
    Ok(())
}

#[test]
fn each_outcome_is_recorded() -> Result<()> {
    let (flow, write, _folder) = on_a_file();
    write("4");
    flow.run::<Said>()?;
    let first = latest(&flow);

    write("60");
    flow.run::<Said>()?;
    let second = latest(&flow);
    assert_eq!(outcomes(&second), ["Even ran", "Number ran", "Said with unchanged inputs"]);
    assert!(of(&second, "Number").reasons[0].starts_with("file: "), "{second}");
    let said = of(&second, "Said");
    assert_eq!((said.reasons.as_slice(), said.attempts), (&["waits for Even".to_owned()][..], 0));
    assert_eq!(said.fingerprint, of(&first, "Said").fingerprint);
    assert_ne!(of(&second, "Even").fingerprint, of(&first, "Even").fingerprint);
    assert_eq!(of(&second, "Even").output, of(&first, "Even").output);

    write("4");
    flow.run::<Said>()?;
    let third = latest(&flow);
    assert_eq!(outcomes(&third), ["Even reused", "Number reused"]);
    assert_eq!((third.info.planned["reusable"], third.info.planned["complete"]), (2, 1));
    assert_eq!(of(&third, "Number").fingerprint, of(&first, "Number").fingerprint);
    assert_eq!(of(&third, "Number").metadata["length"], 1);

    write("x");
    failure(flow.run::<Said>());
    let fourth = latest(&flow);
    assert_eq!(fourth.info.outcome, RunOutcome::Failed);
    assert_eq!(outcomes(&fourth), ["Even not run", "Number failed", "Said not run"]);
    let number = of(&fourth, "Number");
    assert_eq!(number.error.as_deref(), Some("\"x\" is no number"));
    assert_eq!(number.error_text.as_deref(), Some("\"x\" is no number\nit may have digits only"));
    assert_eq!((number.attempts, number.output, number.metadata.len()), (1, None, 0));
    let said = of(&fourth, "Said");
    let error = said.error.as_deref().expect("a reason");
    assert!(error.starts_with("Number {path: ") && error.ends_with("} failed"), "{error}");
    assert_eq!((said.started, said.seconds, said.attempts), (None, 0.0, 0));

    write("5");
    flow.stopper().stop();
    failure(flow.run::<Said>());
    flow.stopper().reset();
    let fifth = latest(&flow);
    assert_eq!(fifth.info.outcome, RunOutcome::Stopped);
    assert_eq!(outcomes(&fifth), ["Even stopped", "Number stopped", "Said stopped"]);
    assert_eq!(of(&fifth, "Even").error.as_deref(), Some("the execution was stopped"));

    flow.run::<Both>()?;
    let sixth = latest(&flow);
    assert_eq!(outcomes(&sixth), ["Both complete now", "Even ran", "Number ran", "Said ran"]);
    assert_eq!(of(&sixth, "Both").fingerprint, None);

    let given = testing::flow().with_input::<Even>(true);
    given.run::<Said>()?;
    assert_eq!(outcomes(&latest(&given)), ["Even given", "Said ran"]);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>, may_require(Even))]
struct Asks {
    path: PathBuf,
}

runs!(Asks: u64 = |self, cx| {
    let even = cx.with(Number::PATH, self.path.clone()).require::<Even>()?;
    Ok(u64::from(*even.load()?))
});

#[test]
fn instances_that_a_running_task_requires_are_recorded_once() -> Result<()> {
    let (flow, write, folder) = on_a_file();
    write("4");
    let flow = flow.with(Asks::PATH, folder.path().join("number"));
    flow.run::<Asks>()?;
    assert_eq!(outcomes(&latest(&flow)), ["Asks ran", "Even ran", "Number ran"]);
    Ok(())
}

#[test]
fn a_run_without_work_leaves_no_file() -> Result<()> {
    let (flow, write, _folder) = on_a_file();
    write("4");
    assert!(flow.store().runs()?.is_empty());
    assert_eq!(flow.store().runs()?.to_string(), "no runs");
    flow.run::<Said>()?;
    let before = files(&flow);
    assert_eq!(before.len(), 1);
    flow.run::<Said>()?;
    flow.preview::<Said>()?;
    flow.load::<Said>()?;
    assert_eq!(files(&flow), before);

    // With this limit, runs are not recorded.
    let other = Flow::open(flow.folder())?.quiet().limits(Limits::default().runs(0));
    let other = other.with(Number::PATH, flow.folder().with_file_name("number"));
    assert_eq!(ran(&other.force::<Said>().run::<Said>()?), ["Said"]);
    assert_eq!(files(&flow), before);
    Ok(())
}

/// Returns a store with two runs, and the path and content of the file of the second one.
fn two_runs() -> Result<(Flow, PathBuf, Vec<u8>, tempfile::TempDir)> {
    let (flow, write, folder) = on_a_file();
    for text in ["4", "61"] {
        write(text);
        flow.run::<Said>()?;
    }
    let path = files(&flow).pop().expect("two files");
    let content = fs::read(&path)?;
    Ok((flow, path, content, folder))
}

#[test]
fn each_prefix_of_a_file_can_be_read() -> Result<()> {
    let (flow, path, whole, _folder) = two_runs()?;
    let lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(lines(&whole), 5, "a run, three instances, an end");
    for len in 0..=whole.len() {
        let prefix = &whole[..len];
        fs::write(&path, prefix)?;
        let runs = flow.store().runs()?;
        assert_eq!(runs.len() + runs.unreadable().len(), 2, "{len}: {runs}");
        if lines(prefix) == 0 {
            let (id, error) = &runs.unreadable()[0];
            let expected = if len == 0 { "it is empty" } else { "its first line is incomplete" };
            assert!(error.contains(expected), "{len}: {error}");
            assert_eq!(runs.load(id).expect_err("it is incomplete").to_string(), *error);
            continue;
        }
        let history = runs.load(&runs[0].id)?;
        let is_whole = len == whole.len();
        let outcome = if is_whole { RunOutcome::Success } else { RunOutcome::Killed };
        assert_eq!((runs[0].outcome, history.info.outcome), (outcome, outcome), "{len}");
        assert_eq!(history.instances.len(), (lines(prefix) - 1).min(3), "{len}");
        let counted: u64 = history.info.counts.values().sum();
        assert_eq!(counted, history.instances.len() as u64, "{len}");
    }
    Ok(())
}

/// Asserts that the second run cannot be read for this reason, that the first one is listed, and that a third run is
/// recorded.
fn assert_unreadable(flow: &Flow, path: &Path, reason: &str) -> Result<()> {
    let runs = flow.store().runs()?;
    let [(id, error)] = runs.unreadable() else { panic!("{reason}: {runs}") };
    assert!(error.contains(reason), "{error}, and not {reason}");
    assert_eq!(path.file_stem().and_then(|stem| stem.to_str()), Some(id.as_str()));
    assert_eq!(runs.load(id).expect_err("it cannot be read either").to_string(), *error);
    assert_eq!((runs.len(), runs[0].outcome), (1, RunOutcome::Success));
    assert!(runs.to_string().contains(&format!("{id}: unreadable: ")), "{runs}");
    flow.force::<Said>().run::<Said>()?;
    assert_eq!(outcomes(&latest(flow)), ["Said ran"]);
    fs::remove_file(files(flow).pop().expect("the third run"))?;
    Ok(())
}

#[test]
fn a_damaged_file_hides_no_other_run() -> Result<()> {
    let (flow, path, whole, _folder) = two_runs()?;
    let text = String::from_utf8(whole)?;
    let (first, rest) = text.split_once('\n').expect("several lines");
    let long = "x".repeat(100_000);
    let cases = [
        (b"\n".to_vec(), "its first line is not that of a run"),
        (b"not JSON\n".to_vec(), "its first line is not that of a run"),
        (vec![0xff, 0xfe, b'\n'], "its first line is not that of a run"),
        (b"[1]\n".to_vec(), "its first line is not that of a run"),
        (rest.into(), "its first line is not that of a run"),
        (b"{\"schema\":1,\"kind\":\"run\"}\n".to_vec(), "missing field"),
        (vec![b'['; 60_000].into_iter().chain([b'\n']).collect(), "its first line is not"),
        (long.clone().into(), "its first line has more than 65536 bytes"),
        (
            text.replacen("\"schema\":1", "\"schema\":2", 1).into(),
            "was written by a newer version of this library (it has schema 2",
        ),
    ];
    for (content, reason) in cases {
        fs::write(&path, content)?;
        assert_unreadable(&flow, &path, reason)?;
    }
    fs::File::create(&path)?.set_len(3 << 30)?;
    assert_unreadable(&flow, &path, "its first line has more than 65536 bytes")?;
    fs::remove_file(&path)?;
    fs::create_dir(&path)?;
    assert_unreadable(&flow, &path, "cannot read")?;
    fs::remove_dir(&path)?;

    // The listing reads the ends of a file only, and each line is checked when the run is loaded.
    let cases = [
        (format!("{first}\nnot JSON\n{rest}"), "line 2: "),
        (format!("{first}\n{}\n{rest}", long.repeat(11)), "line 2 has more than 1048576 bytes"),
    ];
    for (content, reason) in cases {
        fs::write(&path, content)?;
        let runs = flow.store().runs()?;
        assert_eq!((runs.len(), runs[0].outcome), (2, RunOutcome::Success));
        let error = runs.load(&runs[0].id).expect_err("it is damaged").to_string();
        assert!(error.contains(reason), "{error}");
    }
    fs::write(&path, &text)?;
    fs::File::options().write(true).open(&path)?.set_len(3 << 30)?;
    let runs = flow.store().runs()?;
    assert_eq!((runs.len(), runs[0].outcome), (2, RunOutcome::Killed));
    let error = runs.load(&runs[0].id).expect_err("it is too large").to_string();
    assert!(error.contains("more than the limit"), "{error}");
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn links_and_pipes_in_the_history_are_not_followed() -> Result<()> {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    let (flow, path, whole, folder) = two_runs()?;
    let outside = folder.path().join("outside");
    fs::write(&outside, &whole)?;
    fs::remove_file(&path)?;
    std::os::unix::fs::symlink(&outside, &path)?;
    assert_unreadable(&flow, &path, "is a link")?;
    assert_eq!(fs::read(&outside)?, whole);
    // The limits remove the link, and not its target.
    flow.limits(Limits::default().runs(1)).force::<Said>().run::<Said>()?;
    assert!(fs::symlink_metadata(&path).is_err() && outside.exists());

    mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0)?;
    let runs = flow.store().runs()?;
    assert_eq!((runs.len(), runs.unreadable().len()), (1, 1), "{runs}");
    Ok(())
}

#[test]
fn what_later_versions_add_is_ignored() -> Result<()> {
    let (flow, path, whole, _folder) = two_runs()?;
    let text = String::from_utf8(whole)?;
    let added = text
        .replacen(
            "{\"kind\":\"instance\"",
            "{\"kind\":\"weather\",\"sun\":1}\n{\"kind\":\"instance\",\"new\":[1]",
            1,
        )
        .replacen("\"outcome\":\"ran\"", "\"outcome\":\"dreamt\"", 1)
        .replacen("\"schema\":1", "\"schema\":1,\"new\":{}", 1);
    assert_eq!(added.lines().count(), text.lines().count() + 1);
    fs::write(path, added)?;
    let history = latest(&flow);
    assert_eq!(history.info.outcome, RunOutcome::Success);
    assert_eq!(history.instances[0].outcome, InstanceOutcome::Unknown);
    assert_eq!(history.instances.len(), 3);
    Ok(())
}

#[test]
fn an_unknown_run_is_an_error() -> Result<()> {
    let (flow, path, _whole, _folder) = two_runs()?;
    let runs = flow.store().runs()?;
    let outside = flow.folder().join(".flow/outside.jsonl");
    fs::rename(path, outside)?;
    for id in ["", "20260131T120000.000456Z-3f2a91c04b77e010", "../outside", &runs[0].id, "\0"] {
        let error = runs.load(id).expect_err("there is no such run").to_string();
        assert!(
            error.contains(" has no run ")
                && error.contains("runs()` (`history` on the command line) lists the runs"),
            "{error}"
        );
    }
    Ok(())
}

const FOLDER: &str = "FLOW_TEST_HISTORY";
const FOR_EVER: &str = "FLOW_TEST_HISTORY_FOR_EVER";

/// Waits until the process is killed.
#[derive(Task)]
#[task(requires = Number, target = Json<u64>)]
struct Waits;

runs!(Waits: u64 = |self, cx| {
    std::thread::sleep(Duration::from_secs(60));
    Ok(*cx.input().load()?)
});

#[derive(Task)]
#[task(target = Json<u64>)]
struct Small {
    n: u64,
}

runs!(Small: u64 = |self, _cx| Ok(self.n));

#[derive(Task)]
#[task(aggregate, requires = [Small { n } for n in 0..30])]
struct Many;

/// Opens the store of the test from any process.
fn open(folder: &Path) -> Result<Flow> {
    let flow = Flow::open(folder.join("data"))?.quiet().workers(1);
    Ok(flow.with(Number::PATH, folder.join("number")))
}

#[test]
fn child() -> Result<()> {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return Ok(()) };
    let flow = open(&folder)?;
    match std::env::var_os(FOR_EVER) {
        Some(_) => flow.run::<Waits>()?,
        None => flow.run::<Many>()?,
    };
    Ok(())
}

fn start(folder: &Path, for_ever: bool) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["run_history::child", "--exact", "--test-threads=1"]).env(FOLDER, folder);
    if for_ever {
        command.env(FOR_EVER, "1");
    }
    Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
}

#[test]
fn a_killed_run_leaves_what_it_has_done() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    fs::write(folder.join("number"), "4")?;
    let mut child = start(folder, true)?;
    let flow = open(folder)?;
    let deadline = Instant::now() + Duration::from_secs(50);
    let id = loop {
        let runs = flow.store().runs()?;
        if let Some(run) = runs.latest()
            && !runs.load(&run.id)?.instances.is_empty()
        {
            assert_eq!((run.outcome, run.pid), (RunOutcome::Running, child.id()), "{run}");
            break run.id.clone();
        }
        ensure!(Instant::now() < deadline, "the child has recorded nothing");
        std::thread::sleep(Duration::from_millis(5));
    };
    // A run in progress is within every limit.
    let limited = flow.limits(Limits::default().runs(1).run_age(Duration::ZERO));
    limited.run::<Even>()?;
    limited.store().gc().older_than(Duration::ZERO).find()?.remove()?;
    let runs = flow.store().runs()?;
    assert_eq!(runs.iter().filter(|run| run.id == id).count(), 1, "{runs}");

    child.kill()?;
    child.wait()?;
    let runs = flow.store().runs()?;
    let killed = runs.load(&id)?;
    assert_eq!(killed.info.outcome, RunOutcome::Killed);
    assert_eq!(killed.info.seconds, None);
    assert_eq!(outcomes(&killed), ["Number ran"]);
    assert!(killed.info.to_string().contains(": killed: 1 ran (Waits"), "{}", killed.info);
    limited.run::<Said>()?;
    let runs = flow.store().runs()?;
    assert_eq!((runs.len(), outcomes(&latest(&flow))), (1, vec!["Said ran".to_owned()]), "{runs}");
    Ok(())
}

#[test]
fn several_processes_record_their_runs_at_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    fs::write(folder.join("number"), "4")?;
    let children = [start(folder, false)?, start(folder, false)?, start(folder, false)?];
    let mut pids = BTreeSet::new();
    for mut child in children {
        pids.insert(child.id());
        ensure!(child.wait()?.success(), "a child failed");
    }
    let runs = open(folder)?.store().runs()?;
    assert!(runs.unreadable().is_empty(), "{runs}");
    // A process that found everything complete has recorded nothing.
    assert!((1..=3).contains(&runs.len()), "{runs}");
    let mut settled = BTreeSet::new();
    for run in &runs {
        assert_eq!(run.outcome, RunOutcome::Success);
        assert!(pids.remove(&run.pid), "{run}");
        let history = runs.load(&run.id)?;
        let counted: u64 = run.counts.values().sum();
        assert_eq!(history.instances.len() as u64, counted, "{history}");
        settled.extend(history.instances.into_iter().map(|run| run.instance));
    }
    assert_eq!(settled.len(), 31, "{settled:?}");
    Ok(())
}

#[test]
fn runs_beyond_the_limits_are_removed() -> Result<()> {
    let (flow, write, _folder) = on_a_file();
    let limited = flow.limits(Limits::default().runs(3));
    let mut ids = Vec::new();
    for number in 0..5 {
        write(&number.to_string());
        limited.run::<Number>()?;
        ids.push(latest(&flow).info.id);
    }
    let listed = |flow: &Flow| -> Result<Vec<String>> {
        Ok(flow.store().runs()?.iter().rev().map(|run| run.id.clone()).collect())
    };
    assert_eq!(listed(&flow)?, ids[2..]);

    // Files with other names stay. A run of long ago is removed, whatever its file has.
    let folder = flow.folder().join(".flow/runs");
    let others = [folder.join("notes.jsonl"), folder.join("notes.txt")];
    others.iter().try_for_each(|path| fs::write(path, "mine"))?;
    fs::write(folder.join("20200101T000000.000000Z-0123456789abcdef.jsonl"), "")?;
    let unreadable = |flow: &Flow| flow.store().runs().map(|runs| runs.unreadable().len());
    assert_eq!(unreadable(&flow)?, 2);
    write("5");
    flow.run::<Number>()?;
    assert_eq!(unreadable(&flow)?, 1);
    assert_eq!(listed(&flow)?.len(), 4);
    limited.force::<Number>().run::<Number>()?;
    assert_eq!(listed(&flow)?.len(), 3);

    let garbage = flow.limits(Limits::default().runs(1)).store().gc().find()?;
    assert!(
        garbage.to_string().contains(".flow: 2 runs of the history beyond the limits"),
        "{garbage}"
    );
    garbage.remove()?;
    assert_eq!(listed(&flow)?.len(), 1);
    assert!(flow.store().gc().find()?.is_empty());
    flow.limits(Limits::default().run_age(Duration::ZERO)).store().gc().find()?.remove()?;
    assert!(flow.store().runs()?.is_empty());
    assert!(others.iter().all(|path| path.exists()));
    Ok(())
}

#[test]
fn clearing_a_store_keeps_its_history() -> Result<()> {
    let (flow, _path, _whole, folder) = two_runs()?;
    let before = files(&flow);
    flow.store().clear()?;
    assert_eq!(files(&flow), before);
    // An export and a push do not copy it.
    flow.run::<Said>()?;
    flow.export::<Said>(folder.path().join("export"))?;
    flow.push::<Said>(&flow::remote::RemoteFolder::new(folder.path().join("remote")))?;
    for copy in ["export", "remote"] {
        let copied = files_below(&folder.path().join(copy));
        assert!(!copied.is_empty());
        assert!(
            copied.iter().all(|file| file.extension().is_none_or(|end| end != "jsonl")),
            "{copied:?}"
        );
    }
    Ok(())
}

#[test]
fn two_runs_are_compared() -> Result<()> {
    let (flow, write, folder) = on_a_file();
    for text in ["4", "60", "x"] {
        write(text);
        let _ = flow.run::<Said>();
    }
    let runs = flow.store().runs()?;
    let history: Vec<_> =
        runs.iter().rev().map(|run| runs.load(&run.id)).collect::<Result<_, _>>()?;

    let compared = history[0].compare(&history[1]);
    assert!(compared.only_before.is_empty() && compared.only_after.is_empty());
    let change = |task: &str| compared.both.iter().find(|change| change.after.task == task);
    let (number, even) = (change("Number").expect("it ran"), change("Even").expect("it ran"));
    let said = change("Said").expect("it was settled");
    let ratio = number.after.seconds / number.before.seconds;
    assert_eq!(number.ratio(), Some(ratio));
    assert!(number.is_other_output() && !even.is_other_output());
    let length = &number.metadata["length"];
    assert_eq!((length.before.clone(), length.after.clone()), (Some(1.into()), Some(2.into())));
    assert!(said.is_other_outcome() && said.ratio().is_none());
    let text = compared.to_string();
    assert!(text.starts_with(&format!("{}\n{}\n  in both runs:\n", runs[2], runs[1])), "{text}");
    let line =
        |task: &str| text.lines().find(|line| line.trim_start().starts_with(task)).expect("a line");
    assert!(
        line("Number").contains(&format!(" ({ratio:.2} times), length: 1 → 2, another output")),
        "{text}"
    );
    assert!(line("Even").ends_with(" times)"), "{text}");
    assert!(
        line("Said").contains("}: ran in ") && line("Said").ends_with(" → with unchanged inputs"),
        "{text}"
    );

    let text = history[1].compare(&history[2]).to_string();
    let lines: Vec<_> = text.lines().map(str::trim_start).collect();
    let starts = |start: &str| lines.iter().find(|line| line.starts_with(start)).expect("a line");
    assert!(starts("Number").ends_with(": \"x\" is no number"), "{text}");
    assert!(starts("Number").contains(" → failed in "), "{text}");
    assert!(starts("Even").contains(" → not run: Number {"), "{text}");

    // Another parameter is another instance.
    let path = folder.path().join("other");
    fs::write(&path, "4")?;
    flow.with(Number::PATH, path).run::<Even>()?;
    let compared = history[0].compare(&latest(&flow));
    assert_eq!(
        (compared.only_before.len(), compared.only_after.len(), compared.both.len()),
        (3, 2, 0)
    );
    let text = compared.to_string();
    assert!(text.contains("only in the first run:\n    Number {"), "{text}");
    assert!(text.contains("only in the second run:\n    Number {"), "{text}");

    // All of it is serializable, for a page or a report.
    let json = serde_json::to_value(&compared)?;
    assert_eq!(json["only_after"][1]["task"], "Even");
    assert_eq!(json["after"]["outcome"], "success");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Login {
    token: Secret<String>,
}

runs!(Login: u64 = |self, _cx| bail!("no user for {:?}", self.token));

#[test]
fn secrets_are_hidden() -> Result<()> {
    let (flow, _folder) = flow();
    let token = "hunter2-is-a-long-token";
    failure(flow.with(Login::TOKEN, token).run::<Login>());
    let login = latest(&flow).instances.remove(0);
    assert!(login.instance.starts_with("Login {token: ***}"), "{login}");
    assert_eq!(login.error.as_deref(), Some("no user for ***"));
    let text = fs::read_to_string(&files(&flow)[0])?;
    assert!(!text.contains(token) && text.contains("***"), "{text}");
    Ok(())
}

#[test]
fn a_history_that_cannot_be_written_is_a_warning() -> Result<()> {
    let faults = [
        Fault::Refuse(std::io::ErrorKind::PermissionDenied),
        Fault::Half(std::io::ErrorKind::StorageFull),
    ];
    for fault in faults {
        let (faulty, folder) = (Faulty::new(), tempfile::tempdir()?);
        let path = folder.path().join("number");
        fs::write(&path, "4")?;
        let flow = faulty_flow(folder.path(), &faulty)?.with(Number::PATH, path);
        faulty.fail(move |_, op, path| {
            let is_history = path.to_string_lossy().contains(".flow/runs");
            (is_history && op != Op::CreateFolder && op.changes()).then_some(fault)
        });
        let summary = flow.run::<Said>()?;
        assert_eq!(ran(&summary), ["Even", "Number", "Said"]);
        let warning = "warning: the history of this run is incomplete or missing: cannot write ";
        assert!(summary.to_string().contains(warning), "{summary}");
        assert_eq!(summary.warnings().len(), 1);
        faulty.heal();
        let runs = flow.store().runs()?;
        assert!(runs.iter().all(|run| run.outcome == RunOutcome::Killed), "{runs}");
        let summary = flow.force::<Said>().run::<Said>()?;
        assert!(summary.warnings().is_empty(), "{summary}");
        assert_eq!(latest(&flow).info.outcome, RunOutcome::Success);
    }
    Ok(())
}

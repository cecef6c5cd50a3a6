//! Isolated tasks: what a task in a child process computes, reads, requires and logs.
//!
//! The child is this test program, which runs the test function again up to `Flow::open`. So tests open their flow with
//! [`open`], which does nothing else before.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::id;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use flow::Event;
use flow::prelude::*;

use crate::support::{failed, failure, files_below, ran};

/// A flow in a folder, which is removed on drop.
pub(crate) struct Opened {
    pub(crate) flow: Flow,
    pub(crate) folder: PathBuf,
}

impl Drop for Opened {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Opens a quiet flow in a new folder. In a child, this call takes over before anything is created.
pub(crate) fn open() -> Opened {
    static NEXT: AtomicU32 = AtomicU32::new(0);

    let number = NEXT.fetch_add(1, Ordering::SeqCst);
    let folder = std::env::temp_dir().join(format!("flow-isolation-{}-{number}", id()));
    let flow = Flow::open(folder.join("data")).expect("a new store").quiet();
    Opened { flow, folder }
}

#[derive(Task)]
#[task(target = Json<Vec<u64>>)]
struct Numbers {
    #[param(default = 3)]
    n: u64,
}

runs!(Numbers: Vec<u64> = |self, cx| {
    cx.meta("made", self.n)?;
    Ok((0..self.n).collect())
});

/// Loads an input in a child, with everything that a handle offers.
#[derive(Task)]
#[task(requires = Numbers, target = Json<(u64, u64, u32)>, isolate)]
struct Total {
    #[param(default = 1)]
    factor: u64,
}

runs!(Total: (u64, u64, u32) = |self, cx| {
    let numbers = cx.input().load()?;
    assert!(cx.input().path()?.is_file());
    cx.meta("sum", numbers.iter().sum::<u64>())?;
    let made: u64 = cx.input().meta("made")?;
    Ok((self.factor * numbers.iter().sum::<u64>(), made + cx.input().task().n, id()))
});

#[test]
fn a_task_in_a_child_loads_its_input_and_returns_its_output() -> Result<()> {
    let opened = open();
    let flow = opened.flow.with(Total::FACTOR, 10).with(Numbers::N, 5);
    assert_eq!(ran(&flow.run::<Total>()?), ["Numbers", "Total"]);
    let (sum, sizes, process) = *flow.load::<Total>()?;
    assert_eq!((sum, sizes), (100, 10));
    assert_ne!(process, id());
    assert_eq!(flow.output::<Total>()?.meta::<u64>("sum")?, 10);
    // It is complete, and the metadata that it has read counts.
    assert!(ran(&flow.run::<Total>()?).is_empty());
    let runs = flow.store().runs()?;
    let all: Vec<_> = runs.iter().map(|run| runs.load(&run.id)).collect::<Result<_, _>>()?;
    let total = all.iter().flat_map(|run| &run.instances).find(|run| run.task == "Total");
    let total = total.context("the run is in the history")?;
    assert!(total.peak_bytes.is_some_and(|bytes| bytes > 100_000), "{total:?}");
    assert!(total.cpu_seconds.is_some_and(|seconds| seconds < 60.0), "{total:?}");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<(String, Option<String>, u64)>, isolate)]
struct Reads {
    path: PathBuf,
}

runs!(Reads: (String, Option<String>, u64) = |self, cx| {
    let text = fs::read_to_string(cx.file(&self.path)?)?;
    Ok((text, cx.env("FLOW_TEST_UNSET")?, cx.seed()))
});

#[test]
fn what_a_child_reads_is_tracked() -> Result<()> {
    let opened = open();
    let path = opened.folder.join("text");
    fs::write(&path, "one")?;
    let flow = opened.flow.with(Reads::PATH, &*path);
    assert_eq!(ran(&flow.run::<Reads>()?), ["Reads"]);
    assert_eq!(flow.load::<Reads>()?.0, "one");
    assert!(ran(&flow.run::<Reads>()?).is_empty());
    fs::write(&path, "two")?;
    assert_eq!(ran(&flow.run::<Reads>()?), ["Reads"]);
    assert_eq!(flow.load::<Reads>()?.0, "two");
    Ok(())
}

#[derive(Task)]
#[task(external, path = self.at.clone(), target = Text)]
struct Source {
    at: PathBuf,
}

#[derive(Task)]
#[task(aggregate, requires = {n: u64 => Numbers { n } for n in 1..4_u64})]
struct AllNumbers;

#[derive(Task)]
#[task(
    requires(source = Source, all = AllNumbers, some = {format!("k{n}"): String => Numbers { n } for n in 0..2_u64}),
    target = Json<BTreeMap<String, u64>>,
    isolate
)]
struct Collects;

runs!(Collects: BTreeMap<String, u64> = |self, cx| {
    let mut found = BTreeMap::new();
    found.insert(cx.input().source.load()?.to_string(), 0);
    for (n, numbers) in &*cx.input().all.load()? {
        found.insert(format!("all {n}"), numbers.load()?.len() as u64);
    }
    for (key, numbers) in &cx.input().some {
        found.insert(key.clone(), numbers.load()?.len() as u64);
    }
    Ok(found)
});

#[test]
fn external_files_aggregates_and_maps_are_inputs_of_a_child() -> Result<()> {
    let opened = open();
    let path = opened.folder.join("source");
    fs::write(&path, "text")?;
    let flow = opened.flow.with(Source::AT, &*path);
    flow.run::<Collects>()?;
    let found = flow.load::<Collects>()?;
    let expected = [("all 1", 1), ("all 2", 2), ("all 3", 3), ("k0", 0), ("k1", 1), ("text", 0)];
    assert!(found.iter().map(|(key, n)| (key.as_str(), *n)).eq(expected), "{found:?}");
    fs::write(&path, "other")?;
    assert_eq!(ran(&flow.run::<Collects>()?), ["Collects"]);
    assert!(flow.load::<Collects>()?.contains_key("other"));
    Ok(())
}

/// Requires instances while it runs, also one that fails.
#[derive(Task)]
#[task(target = Json<Vec<u64>>, isolate)]
struct Requires;

runs!(Requires: Vec<u64> = |self, cx| {
    let lengths = cx.over(Numbers::N, [2_u64, 7]).require::<Numbers>()?;
    let mut found = Vec::new();
    for numbers in &lengths {
        found.push(numbers.load()?.len() as u64);
    }
    found.push(cx.with(Total::FACTOR, 2).require::<Total>()?.load()?.0);
    let error = cx.require::<Fails>().expect_err("it fails");
    assert!(error.to_string().contains("no luck"), "{error}");
    Ok(found)
});

#[derive(Task)]
#[task(target = Json<u64>, isolate)]
struct Fails;

runs!(Fails: u64 = |self, cx| {
    cx.meta("tried", 1)?;
    Err(anyhow!("no luck")).context("it is Friday")
});

#[test]
fn a_child_requires_instances_which_run_in_the_parent_or_in_other_children() -> Result<()> {
    let opened = open();
    for workers in [0, 1, 2] {
        let flow = opened.flow.namespace(&format!("w{workers}")).workers(workers);
        let summary = flow.allow_failures().run::<Requires>()?;
        assert_eq!(failed(&summary), ["Fails"], "{summary}");
        assert!(ran(&summary).contains(&"Requires".to_owned()), "{summary}");
        // A task of which a requirement has failed runs again.
        assert!(!flow.is_complete::<Requires>()?);
    }
    Ok(())
}

#[derive(Task)]
#[task(target = Json<Vec<u64>>, isolate)]
struct Searches;

runs!(Searches: Vec<u64> = |self, cx| {
    let first = cx.with(Numbers::N, 2_u64).require::<Numbers>()?;
    let size: u64 = first.meta("made")?;
    Ok(vec![size, cx.with(Numbers::N, size + 1).require::<Numbers>()?.load()?.len() as u64])
});

#[test]
fn what_a_child_has_required_is_recorded() -> Result<()> {
    let opened = open();
    let flow = opened.flow.workers(1);
    assert_eq!(ran(&flow.run::<Searches>()?), ["Numbers", "Numbers", "Searches"]);
    assert_eq!(*flow.load::<Searches>()?, [2, 3]);
    assert!(flow.is_complete::<Searches>()?);
    flow.with(Numbers::N, 3).reset::<Numbers>()?;
    assert!(ran(&flow.run::<Searches>()?).iter().all(|task| task != "Searches"));
    Ok(())
}

#[test]
fn an_error_of_a_child_has_its_causes_and_its_metadata() {
    let opened = open();
    let summary = failure(opened.flow.run::<Fails>());
    let error = summary.failed()[0].error.clone().expect("an error");
    assert_eq!(error, "it is Friday: no luck");
    let failed = opened.flow.debug::<Fails>().expect("a failure").to_string();
    assert!(failed.contains("tried"), "{failed}");
}

#[derive(Outputs)]
struct Halves {
    #[output(Json)]
    low: Vec<u64>,
    #[output(Text)]
    high: String,
}

#[derive(Task)]
#[task(outputs = Halves, isolate)]
struct Split;

#[tracked]
impl Run for Split {
    fn run(&self, _cx: &Cx<Self>) -> Result<Halves> {
        Ok(Halves { low: vec![1, 2], high: "three".to_owned() })
    }
}

#[derive(Task)]
#[task(target = flow::File(extension = "txt"), isolate)]
struct Writes;

#[tracked]
impl Run for Writes {
    fn run(&self, cx: &Cx<Self>) -> Result<PathBuf> {
        let path = cx.out_path()?;
        cx.command("sh").arg("-c").arg("echo from a program > $0").arg(&path).run()?;
        Ok(path)
    }
}

#[test]
fn a_child_writes_several_outputs_and_files() -> Result<()> {
    let opened = open();
    let flow = &opened.flow;
    flow.run::<(Split, Writes)>()?;
    let split = flow.load::<Split>()?;
    assert_eq!((&split.low, &*split.high), (&vec![1, 2], "three"));
    assert_eq!(fs::read_to_string(&**flow.load::<Writes>()?)?, "from a program\n");
    assert!(flow.is_complete::<(Split, Writes)>()?);
    Ok(())
}

/// Logs in every way.
#[derive(Task)]
#[task(target = Json<u32>, isolate)]
struct Talks;

runs!(Talks: u32 = |self, cx| {
    println!("on the standard output");
    eprint!("without a line break");
    cx.log("in the log");
    cx.command("echo").arg("of a program").run()?;
    cx.progress(1, 4);
    cx.status("half way");
    cx.progress(4, 4);
    Ok(id())
});

#[test]
fn output_and_log_lines_of_a_child_are_the_log_and_progress_reaches_observers() -> Result<()> {
    let opened = open();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&seen);
    let flow = opened.flow.observe(move |event| {
        let text = match event {
            Event::Progress { done, total, .. } => format!("{done} of {total}"),
            Event::Status { message, .. } => message.clone(),
            Event::Log { line, .. } => format!("log: {line}"),
            _ => return,
        };
        kept.lock().expect("no panic").push(text);
    });
    flow.run::<Talks>()?;
    let log = flow.log::<Talks>()?.context("a log")?.text().to_owned();
    for line in
        ["on the standard output\n", "without a line break\n", " in the log\n", "\nof a program\n"]
    {
        assert!(log.contains(line), "{line:?} in {log}");
    }
    // What the program has printed before it opened the flow is no output of the task.
    assert!(!log.contains("running 1 test"), "{log}");
    let seen = seen.lock().expect("no panic").clone();
    for text in ["1 of 4", "half way", "4 of 4", "log: on the standard output"] {
        assert!(seen.iter().any(|line| line == text), "{text:?} in {seen:?}");
    }
    Ok(())
}

/// The arguments, the environment and the memory maps of a process, as other processes of the user see them.
#[derive(Task)]
#[task(target = Json<(usize, bool)>, isolate)]
struct Confidential {
    token: Secret<String>,
}

runs!(Confidential: (usize, bool) = |self, _cx| {
    let token = self.token.expose().as_bytes();
    let shows = |file: &str| -> Result<bool> {
        let text = fs::read(Path::new("/proc/self").join(file))?;
        Ok(text.windows(token.len()).any(|bytes| bytes == token))
    };
    Ok((token.len(), shows("cmdline")? || shows("environ")?))
});

#[test]
fn a_secret_reaches_the_child_and_nothing_else() -> Result<()> {
    let opened = open();
    let token = "hunter2-is-a-long-token";
    let flow = opened.flow.with(Confidential::TOKEN, token);
    flow.run::<Confidential>()?;
    assert_eq!(*flow.load::<Confidential>()?, (token.len(), false));
    for file in files_below(flow.folder()) {
        let content = fs::read(&file)?;
        let shown = content.windows(token.len()).any(|bytes| bytes == token.as_bytes());
        assert!(!shown, "{}", file.display());
    }
    Ok(())
}

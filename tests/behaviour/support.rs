//! Helpers of the tests: flows in temporary folders, and summaries as sorted lists of task names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use flow::anyhow::{Result, ensure};
use flow::{Flow, Summary};
use tempfile::TempDir;

use crate::faulty::Faulty;

/// Opens a quiet flow in a temporary folder, which is removed on drop.
pub(crate) fn flow() -> (Flow, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let flow = Flow::open(folder.path().join("data")).expect("a new store").quiet();
    (flow, folder)
}

/// Calls `work` on a thread of its own, and returns its result. Panics if it has not ended after a minute: then tasks or
/// runs wait for each other.
pub(crate) fn ends<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, is_done) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || drop(done.send(work())));
    match is_done.recv_timeout(std::time::Duration::from_secs(60)) {
        Ok(result) => result,
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("it waits forever"),
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().expect_err("it has sent no result"))
        }
    }
}

/// Runs a test in a child process, so that the memory of other tests is not measured.
///
/// `test` must be a closure in the test function, because the type name of the closure contains the name of the
/// test.
pub(crate) fn alone<F: FnOnce() -> Result<()>>(test: F) -> Result<()> {
    const ALONE: &str = "FLOW_TEST_ALONE";
    let name = std::any::type_name::<F>().split_once("::").map(|(_, name)| name);
    let name = name.and_then(|name| name.strip_suffix("::{{closure}}")).expect("a closure");
    if std::env::var_os(ALONE).is_some_and(|alone| alone == name) {
        return test();
    }
    let output = std::process::Command::new(std::env::current_exe()?)
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(ALONE, name)
        // To resolve the names of a backtrace takes more memory than the tests measure.
        .env("RUST_BACKTRACE", "0")
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let passed = output.status.success() && printed.contains("1 passed");
    ensure!(passed, "{printed}{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Returns the peak memory of this process, in bytes. See [`alone`].
#[cfg(target_os = "linux")]
pub(crate) fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("it is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.expect("a number") << 10
}

fn names(entries: Vec<flow::Entry>) -> Vec<String> {
    let mut names: Vec<_> = entries.iter().map(|entry| entry.task().to_owned()).collect();
    names.sort_unstable();
    names
}

/// Removes the backtraces of a summary, which it has if `RUST_BACKTRACE` is set.
pub(crate) fn without_backtraces(summary: &str) -> String {
    let mut indent = None;
    let lines = summary.lines().filter(|line| {
        let spaces = line.len() - line.trim_start().len();
        if line.trim() == "backtrace:" {
            indent = Some(spaces);
        } else if indent.is_some_and(|indent| spaces <= indent) {
            indent = None;
        }
        indent.is_none()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Replaces each age, such as `1 s ago`, by `AGE ago`: it depends on how busy the machine is.
pub(crate) fn without_ages(text: &str) -> String {
    let mut parts = text.split(" s ago").peekable();
    let mut shown = String::new();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            shown += part;
        } else {
            let before = part.trim_end_matches(|c: char| c.is_ascii_digit());
            assert_ne!(before, part, "an age is a number: {text}");
            shown = shown + before + "AGE ago";
        }
    }
    shown
}

/// Returns the names of the tasks that ran, sorted.
pub(crate) fn ran(summary: &Summary) -> Vec<String> {
    names(summary.ran())
}

/// Returns the names of the tasks that were cut off, sorted.
pub(crate) fn unchanged(summary: &Summary) -> Vec<String> {
    names(summary.unchanged())
}

/// Returns the names of the tasks that reused an output, sorted.
pub(crate) fn reused(summary: &Summary) -> Vec<String> {
    names(summary.reused())
}

/// Returns the names of the tasks that failed, sorted.
pub(crate) fn failed(summary: &Summary) -> Vec<String> {
    names(summary.failed())
}

/// Returns the names of the tasks that were not run, sorted.
pub(crate) fn not_run(summary: &Summary) -> Vec<String> {
    names(summary.not_run())
}

/// Runs a task and loads its output.
pub(crate) fn get<T: flow::Task>(
    flow: &Flow,
) -> Result<flow::Loaded<flow::Output<T>>, flow::Error> {
    flow.run::<T>()?;
    flow.load::<T>()
}

/// Returns a preview without colors.
pub(crate) fn preview<R: flow::Roots>(flow: &Flow) -> String {
    flow.preview::<R>().expect("a plan").color(false).to_string()
}

/// Returns the summary of a run in which tasks failed.
pub(crate) fn failure(result: Result<Summary, flow::Error>) -> Summary {
    match result {
        Err(flow::Error::Failed(summary)) => *summary,
        other => panic!("expected failed tasks, got {other:?}"),
    }
}

/// Implements `Run` for a task: `runs!(Sum: u64 = |self, cx| Ok(...))`.
macro_rules! runs {
    ($task:ty: $output:ty = |$this:ident, $cx:ident| $body:expr) => {
        #[tracked]
        impl Run for $task {
            fn run(&$this, $cx: &Cx<Self>) -> Result<$output> {
                let _ = $cx;
                $body
            }
        }
    };
}

/// Returns the error of the plan of a flow, and asserts that a run returns the same error.
pub(crate) fn plan_error<R: flow::Roots>(flow: &Flow) -> String {
    let error = flow.preview::<R>().expect_err("the flow is wrong");
    assert!(matches!(error, flow::Error::Plan(_)), "{error:?}");
    let of_run = flow.run::<R>().expect_err("the flow is wrong");
    assert_eq!(error.to_string(), of_run.to_string());
    error.to_string()
}

/// Returns the key of the root.
pub(crate) fn key<R: flow::Roots>(flow: &Flow) -> String {
    let preview = flow.preview::<R>().expect("a plan");
    preview.instances().next_back().expect("a root").key().to_string()
}

/// Returns the step of an enumeration: 1 if `FLOW_TEST_ALL` is set, else `sample`.
///
/// Tests that make each operation fail in turn, or try a thousand seeds, take minutes. `cargo test` tests
/// every `sample`th case, and `.ci/long` tests all cases.
pub(crate) fn step(sample: usize) -> usize {
    if std::env::var_os("FLOW_TEST_ALL").is_some() { 1 } else { sample }
}

/// Opens a quiet flow on a [`Faulty`] file system.
pub(crate) fn faulty_flow(folder: &Path, fs: &Faulty) -> Result<Flow, flow::Error> {
    Ok(Flow::open_on(folder.join("data"), Arc::new(fs.clone()))?.quiet())
}

/// Returns the paths of all files in a folder, at any depth, sorted.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => files.push(path),
            }
        }
    }
    files.sort();
    files
}

/// Asserts that each record in the store is valid, and that its output matches the record or is missing.
pub(crate) fn assert_consistent(store: &Path) {
    for path in files_below(store) {
        let name = path.file_name().and_then(|name| name.to_str()).expect("an ASCII name");
        if name != "record.json" {
            continue;
        }
        let text = std::fs::read(&path).expect("a record that can be read");
        let record: serde_json::Value = serde_json::from_slice(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for output in record["output"]["files"].as_array().into_iter().flatten() {
            let file = path.with_file_name(output["file"].as_str().expect("the name of a file"));
            let Some(within) = output["folder"].as_array() else {
                assert_is(&file, output);
                continue;
            };
            for item in within.iter().filter(|item| item["digest"].is_string()) {
                assert_is(&file.join(item["path"].as_str().expect("a path")), item);
            }
        }
    }
}

/// Asserts that a file has the digest and size that a record states, or is missing.
fn assert_is(file: &Path, described: &serde_json::Value) {
    if let Ok(bytes) = std::fs::read(file) {
        let digest = blake3::hash(&bytes).to_hex()[..32].to_owned();
        assert_eq!(described["digest"].as_str(), Some(&*digest), "{}", file.display());
        assert_eq!(described["bytes"].as_u64(), Some(bytes.len() as u64), "{}", file.display());
    }
}

/// Returns the only file below a folder whose name starts and ends with these texts.
pub(crate) fn one_file(folder: &Path, starts: &str, ends: &str) -> PathBuf {
    let mut files = files_below(folder);
    files.retain(|file| {
        let name = file.file_name().and_then(|name| name.to_str()).expect("an ASCII name");
        name.starts_with(starts) && name.ends_with(ends)
    });
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

/// Returns a message without the places of panics, such as ` at src/train.rs:12`.
pub(crate) fn without_places(message: &str) -> String {
    let mut parts = message.split("panicked at ");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_place, rest) = part.split_once(": ").expect("a message after the place");
        text.extend(["panicked: ", rest]);
    }
    text
}

/// Returns the message of an error with its causes.
pub(crate) fn in_full(error: impl Into<flow::anyhow::Error>) -> String {
    format!("{:#}", error.into())
}

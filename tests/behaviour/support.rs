//! What the tests share: a flow in a folder of its own, and words for what an execution did.

use flow::{Flow, Summary};
use tempfile::TempDir;

/// A quiet flow in a temporary folder, which goes when the folder is dropped.
pub(crate) fn flow() -> (Flow, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let flow = Flow::open(folder.path().join("data")).expect("a new store").quiet();
    (flow, folder)
}

fn names(entries: Vec<flow::Entry>) -> Vec<String> {
    let mut names: Vec<_> = entries.iter().map(|entry| entry.task().to_owned()).collect();
    names.sort_unstable();
    names
}

/// The names of the tasks that ran, sorted.
pub(crate) fn ran(summary: &Summary) -> Vec<String> {
    names(summary.ran())
}

/// The names of the tasks that were cut off, sorted.
pub(crate) fn cut_off(summary: &Summary) -> Vec<String> {
    names(summary.cut_off())
}

/// The names of the tasks that took over a kept output, sorted.
pub(crate) fn adopted(summary: &Summary) -> Vec<String> {
    names(summary.adopted())
}

/// The names of the tasks that failed, sorted.
pub(crate) fn failed(summary: &Summary) -> Vec<String> {
    names(summary.failed())
}

/// The names of the tasks that were not run, sorted.
pub(crate) fn not_run(summary: &Summary) -> Vec<String> {
    names(summary.not_run())
}

/// A preview without colours.
pub(crate) fn preview<R: flow::Roots>(flow: &Flow) -> String {
    flow.preview::<R>().expect("a plan").colour(false).to_string()
}

/// The summary of an execution in which tasks failed.
pub(crate) fn failure(result: Result<Summary, flow::Error>) -> Summary {
    match result {
        Err(flow::Error::Failed(summary)) => *summary,
        other => panic!("expected failed tasks, got {other:?}"),
    }
}

/// `runs!(Sum: u64 = |self, cx| Ok(...))`: how a task of a test is made.
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

/// What is said of a flow that is wrong. Nothing may run, either.
pub(crate) fn plan_error<R: flow::Roots>(flow: &Flow) -> String {
    let error = flow.preview::<R>().expect_err("the flow is wrong");
    assert!(matches!(error, flow::Error::Plan(_)), "{error:?}");
    let of_run = flow.run::<R>().expect_err("the flow is wrong");
    assert_eq!(error.to_string(), of_run.to_string());
    error.to_string()
}

/// The key of the root.
pub(crate) fn key<R: flow::Roots>(flow: &Flow) -> String {
    let preview = flow.preview::<R>().expect("a plan");
    preview.instances().next_back().expect("a root").key().to_string()
}

/// The paths of all files in a folder, at any depth.
pub(crate) fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

//! All tasks of a program, as tests.

use std::path::Path;

use flow_core::__private::Report;
use flow_core::Flow;

/// One test that checks all tasks, and one that guards their outputs: `flow::check_all!();` in a test
/// file, or in a module with `#[cfg(test)]`.
///
/// Every task that is linked into the test is checked as [`Flow::check`](crate::Flow::check) does, and
/// all that is wrong is told, task by task. A linker leaves out a library of which nothing is used, so a
/// file in `tests/` says which one is meant: `use my_pipeline as _;`.
///
/// ```no_run
/// // tests/tasks.rs
/// # mod my_pipeline {}
/// use my_pipeline as _; // its tasks are linked in
///
/// flow::check_all!();
/// ```
///
/// Tasks that no other task requires are planned as roots. What they need is given as to a flow: values
/// without a default, handles, and values in the place of defaults that are another one each day:
///
/// ```no_run
/// # use flow::prelude::*;
/// # #[derive(Task)]
/// # #[task(target = Json<u32>)]
/// # struct Report { symbol: String }
/// # #[tracked]
/// # impl Run for Report { fn run(&self, _cx: &Cx<Self>) -> Result<u32> { Ok(1) } }
/// # struct Client;
/// flow::check_all!(|flow| flow.with(Report::SYMBOL, "A").provide(Client));
/// ```
///
/// # Outputs are found again
///
/// The second test compares what outputs are found by, their keys, and the types that they are read as,
/// with the file `tests/golden/tasks.txt` of the crate, so that a refactoring that loses what was made
/// before does not go unseen. It is written, the first time and when a change is meant, by
///
/// ```sh
/// FLOW_ACCEPT_KEYS=1 cargo test
/// ```
///
/// and kept with the code. Another path is given by `flow::check_all!(golden = "tests/keys.txt")`, after
/// the values if there are any. Where several test files say this, each has to have a path of its own, for
/// they link in different tasks.
#[macro_export]
macro_rules! check_all {
    () => {
        $crate::check_all!(|flow| flow);
    };
    (golden = $path:expr $(,)?) => {
        $crate::check_all!(|flow| flow, golden = $path);
    };
    ($with:expr $(,)?) => {
        $crate::check_all!($with, golden = "tests/golden/tasks.txt");
    };
    ($with:expr, golden = $path:expr $(,)?) => {
        #[test]
        fn all_tasks_are_sound() {
            $crate::testing::check_tasks($with);
        }

        #[test]
        fn all_outputs_are_found_again() {
            $crate::testing::check_keys(env!("CARGO_MANIFEST_DIR"), $path, $with);
        }
    };
}

/// Checks all tasks of this program: what [`check_all!`](crate::check_all) does, to be called from a test
/// of one's own.
///
/// # Panics
///
/// Something is wrong with a task, or there is none.
#[track_caller]
pub fn check_tasks(with: impl FnOnce(Flow) -> Flow) {
    match Report::of_program(with).sound() {
        Ok(sound) if sound.tasks.is_empty() => panic!("{NONE}"),
        Ok(sound) => {
            println!("{} tasks are sound: {}", sound.tasks.len(), sound.tasks.join(", "));
            sound.warnings.iter().for_each(|warning| println!("warning: {warning}"));
        }
        Err(report) => panic!("{report}"),
    }
}

/// Compares what outputs are found by with a file of a crate: what [`check_all!`](crate::check_all)
/// does, to be called from a test of one's own.
///
/// # Panics
///
/// They are not found by the same, the file cannot be read, or there is no task.
#[track_caller]
pub fn check_keys(crate_folder: &str, file: &str, with: impl FnOnce(Flow) -> Flow) {
    let report = Report::of_program(with);
    assert!(report.tasks().next().is_some(), "{NONE}");
    if let Err(different) = report.golden().compare(&Path::new(crate_folder).join(file)) {
        panic!("{different}");
    }
}

/// What is said of a program without tasks.
const NONE: &str = "no task is linked into this test: if they are in a library, name it, with \
                    `use that_library as _;`";

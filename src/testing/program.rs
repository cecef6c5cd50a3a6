//! Tests of all tasks of a program.

use std::path::Path;

use flow_core::__private::Report;
use flow_core::Flow;

/// Defines a test that checks all tasks, and one that detects changes after which outputs are not found.
///
/// Write `flow::check_all!();` in a test file, or in a module with `#[cfg(test)]`.
///
/// Every task that is linked into the test is checked like [`Flow::check`](crate::Flow::check)
/// does, and the test reports all errors by task. A linker omits a library that is not used, so a
/// file in `tests/` must name the library: `use my_pipeline as _;`.
///
/// There is one test for all tasks, because the macro cannot list the tasks and generate a test for each:
/// they are registered when the program is linked.
///
/// ```no_run
/// // tests/tasks.rs
/// # mod my_pipeline {}
/// use my_pipeline as _; // its tasks are linked in
///
/// flow::check_all!();
/// ```
///
/// Tasks that no other task requires are checked as roots. The others are checked with the parameter
/// values that they get there. Give the flow what the roots need: values of parameters without a
/// default, values for `uses(...)` with [`provide`](crate::Flow::provide), and fixed values of parameters
/// whose default changes from day to day:
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
/// # Golden file
///
/// The second test guards the outputs that a store already has. It compares the key of each task with
/// default parameters, by which its output is found, and the type of its output with the file
/// `tests/golden/tasks.txt` of the crate. They change if, for example, a parameter gets another name or
/// type; then existing outputs are not found any more.
///
/// The first run of `cargo test` fails, because there is no golden file yet:
///
/// ```text
/// test all_tasks_are_sound ... ok
/// test all_outputs_are_found_again ... FAILED
///
/// there is no /home/me/pipeline/tests/golden/tasks.txt yet, which guards the outputs of tasks against being
/// lost by a refactoring: write it with `FLOW_ACCEPT_KEYS=1 cargo test`, and keep it with the code
/// ```
///
/// To create the file, or to accept an intended change, run
///
/// ```sh
/// FLOW_ACCEPT_KEYS=1 cargo test
/// ```
///
/// and commit the file with the code. Set another path with
/// `flow::check_all!(golden = "tests/keys.txt")`, after the values if there are any. If several
/// test files use the macro, each needs a path of its own, because they link different tasks.
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

/// Checks all tasks of this program, like [`check_all!`](crate::check_all), from a test of your
/// own.
///
/// # Panics
///
/// Panics if a task has an error, or if there is no task.
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

/// Compares the keys and types of outputs with a golden file, like
/// [`check_all!`](crate::check_all).
///
/// Call it from a test of your own. `file` is relative to `crate_folder`.
///
/// # Panics
///
/// Panics if keys or types differ, if the file cannot be read, or if there is no task.
#[track_caller]
pub fn check_keys(crate_folder: &str, file: &str, with: impl FnOnce(Flow) -> Flow) {
    let report = Report::of_program(with);
    assert!(report.tasks().next().is_some(), "{NONE}");
    if let Err(different) = report.golden().compare(&Path::new(crate_folder).join(file)) {
        panic!("{different}");
    }
}

/// The message for a program without tasks.
const NONE: &str = "no task is linked into this test: if they are in a library, name it, with \
                    `use that_library as _;`";

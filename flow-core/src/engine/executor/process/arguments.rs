//! How a child is started, so that it reaches `Flow::open` in the same state as this process.
//!
//! A child is the same executable file with the same environment and current folder. Its arguments are those of this
//! process, except in a test: libtest runs each test on a thread with the name of the test, and the child runs that test
//! alone. Otherwise it would run all tests before the one that opens the flow.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::base::key::{Digest, Hasher};

/// Returns the arguments of a child, without the name of the program. `opened_by` is the name of the thread that opened
/// the flow.
pub(super) fn arguments(opened_by: Option<&str>) -> Vec<OsString> {
    let own: Vec<_> = std::env::args_os().skip(1).collect();
    let program = std::env::current_exe().unwrap_or_default();
    // Cargo puts test programs, and nothing else that is run, into this folder.
    let is_test = program.parent().is_some_and(|folder| folder.ends_with("deps"));
    match opened_by.filter(|_| is_test).and_then(|thread| of_test(thread, &own)) {
        Some(arguments) => arguments.into_iter().map(Into::into).collect(),
        None => own,
    }
}

/// Returns the arguments with which libtest runs the test that a thread is named for.
fn of_test(thread: &str, own: &[OsString]) -> Option<Vec<String>> {
    // With `--exact`, as from cargo-nextest, the arguments name the test already. Threads of this library run no test.
    let is_exact = own.iter().any(|argument| argument == "--exact");
    if is_exact || thread == "main" || thread.starts_with("flow-") {
        return None;
    }
    let mut arguments = vec![thread];
    arguments.extend(["--exact", "--include-ignored", "--nocapture", "--test-threads=1"]);
    Some(arguments.into_iter().map(str::to_owned).collect())
}

/// Returns the path of the executable file of this process.
///
/// On Linux it leads to the file that runs, even if another one has its name by now or the file was deleted: a program
/// may be built again while it runs.
pub(super) fn program() -> std::io::Result<PathBuf> {
    match cfg!(target_os = "linux") {
        true => Ok(PathBuf::from("/proc/self/exe")),
        false => std::env::current_exe(),
    }
}

/// Returns a digest of the environment and the current folder. A child with other ones is not used again.
pub(super) fn surroundings() -> Digest {
    let mut hasher = Hasher::new("surroundings");
    let folder = std::env::current_dir().unwrap_or_default();
    hasher.bytes(folder.as_os_str().as_bytes());
    let mut variables: Vec<_> = std::env::vars_os().collect();
    variables.sort_unstable();
    for (name, value) in variables {
        hasher.bytes(name.as_bytes()).bytes(value.as_bytes());
    }
    hasher.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_named_exactly_and_once() {
        let none: [OsString; 0] = [];
        let arguments = of_test("isolation::a_test", &none).expect("a test");
        assert_eq!(arguments[..2], ["isolation::a_test", "--exact"]);
        assert_eq!(of_test("main", &none), None);
        assert_eq!(of_test("flow-run", &none), None);
        let named = ["isolation::a_test", "--exact", "--nocapture"].map(OsString::from);
        assert_eq!(of_test("isolation::a_test", &named), None);
    }
}

//! Flows in other programs, and programs in flows: `async_client`, `service` and `isolate`.

use crate::program::{Example, listed};

#[test]
fn async_client_fetches_within_tasks_and_only_once() {
    let example = Example::new("async_client");
    let first = example.run("");
    let quotes = ["Quotes {symbol: ACME}", "Quotes {symbol: BOLT}", "Quotes {symbol: CRUX}"];
    assert_eq!(listed(&first, "ran:"), [&quotes[..], &["Highest"]].concat());
    assert!(first.ends_with("\nACME: 300\nBOLT: 327\nCRUX: 344\n6 requests\n"), "{first}");

    let second = example.run("");
    assert!(listed(&second, "ran:").is_empty(), "{second}");
    assert!(second.ends_with("\nCRUX: 344\n0 requests\n"), "{second}");
}

#[test]
fn service_computes_once_cancels_runs_and_gives_memory_back() {
    let example = Example::new("service");
    let first = example.run("");
    let answers = "north: 18.72, 18.72\nsouth: 18.97\n";
    let canceled = "west: canceled, complete: false\nwest: 15.47\n";
    // Only on Linux, one of two runs at the same time waits for the output of the other.
    let measurements = if cfg!(target_os = "linux") { "3 measurements\n" } else { "" };
    let begin = format!("{answers}{canceled}{measurements}");
    assert!(first.starts_with(&begin) && first.ends_with("\n0 values in memory\n"), "{first}");

    let second = example.run("");
    let stored = "west: answered at once, true\nwest: 15.47\n";
    assert_eq!(second, format!("{answers}{stored}0 measurements\n0 values in memory\n"));
}

#[cfg(target_os = "linux")]
#[test]
fn isolate_fails_one_task_for_each_crash() {
    use crate::program::instances;

    let example = Example::new("isolate");
    let line = "run TrainAll --allow-failures --workers 2";
    let run = example.json(line);
    assert_eq!(instances(&run, "ran"), ["TrainForeign {model: Fits}"]);
    let failed = run["failed"].as_array().expect("a list");
    let error_of = |model: &str| {
        let instance = format!("TrainForeign {{model: {model}}}");
        let one = failed.iter().find(|one| one["instance"] == instance.as_str());
        let error = one.and_then(|one| one["error"].as_str());
        error.unwrap_or_else(|| panic!("no error of {model} in {run}")).to_owned()
    };
    let errors = [
        ("Aborts", "its process aborted (SIGABRT): assertion failed in a foreign library"),
        ("Exits", "its process exited with code 7 before the task had ended"),
        (
            "TakesTooMuchMemory",
            "out of memory: it needs more than 200.0 MB, its `resources(memory)`",
        ),
        ("Hangs", "timed out after 3.0 s"),
        ("Panics", "it panicked at examples/isolate.rs:"),
    ];
    for (model, expected) in errors {
        let error = error_of(model);
        assert!(error.starts_with(expected), "{model}: {error}");
    }
    assert!(error_of("Panics").contains(": the matrix is singular"));
    assert_eq!(failed.len(), errors.len());

    let log = example.run("log TrainForeign --model Aborts");
    // The one comes through the standard error of the process, and may overtake the other.
    assert!(log.lines().any(|line| line.ends_with(" training")), "{log}");
    assert!(log.lines().any(|line| line == "assertion failed in a foreign library"), "{log}");

    // The model that fits is complete, and the others are tried again.
    let again = example.json(line);
    assert_eq!((instances(&again, "ran").len(), instances(&again, "failed").len()), (0, 5));
}

//! The examples do what they say.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// Runs an example in this folder, and gives what it printed.
fn run(example: &str, folder: &Path, args: &[&str]) -> String {
    let library = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--example", example, "--manifest-path"])
        .arg(library.join("Cargo.toml"))
        .arg("--")
        .args(args)
        .current_dir(folder)
        .output()
        .expect("cargo");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).expect("text")
}

/// All files below a folder, each with its time and content.
fn files(folder: &Path) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            let modified = path.metadata().and_then(|metadata| metadata.modified());
            let content = fs::read(&path).expect("a file");
            files.insert(path, (modified.expect("a time"), content));
        }
    }
    files
}

#[test]
fn iris_runs_what_is_needed_and_then_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let args = ["--data", data.to_str().expect("a name in Unicode")];
    let library = Path::new(env!("CARGO_MANIFEST_DIR"));

    let first = run("iris", library, &args);
    assert!(first.starts_with("Train {model: Logistic} PENDING never run\n"), "{first}");
    assert!(first.contains("3 ran\n"), "{first}");
    // 146 of 150, as scikit-learn has it on the standardised data.
    assert!(first.contains("\naccuracy: 0.9733333333333334\n"), "{first}");
    let changed = "Train {model: Logistic, Preprocess.do_preprocess: false} PENDING never run\n\
                   └─ Preprocess {do_preprocess: false} PENDING never run\n   \
                      └─ GetData {source: examples/data/iris.csv} COMPLETE\n";
    assert!(first.contains(changed), "{first}");
    assert!(first.contains("1 complete before, 2 ran\n"), "{first}");

    let before = files(&data);
    let second = run("iris", library, &args);
    assert!(!second.contains("PENDING") && !second.contains("ran"), "{second}");
    assert_eq!(second.matches("3 complete before\n").count(), 2, "{second}");
    assert!(second.contains("\naccuracy: 0.9733333333333334\n"), "{second}");
    assert_eq!(files(&data), before);
}

#[test]
fn minimal_runs_again_for_another_parameter() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let first = run("minimal", folder.path(), &[]);
    assert!(first.contains("sum: 55\n") && first.contains("sum: 385\n"), "{first}");
    assert_eq!(first.matches("2 ran\n").count(), 2, "{first}");
    let second = run("minimal", folder.path(), &[]);
    assert!(!second.contains("ran"), "{second}");
}

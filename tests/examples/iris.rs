//! The examples with which a newcomer begins: `minimal`, `iris` and `iris_functions`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::json;

use crate::program::{Example, files, instances, parse_json, tasks};

#[test]
fn minimal_runs_again_for_another_parameter() {
    let minimal = Example::new("minimal");
    for (line, sum) in [("Sum", "55"), ("Sum --n 10", "385")] {
        let run = minimal.json(&format!("run {line}"));
        assert_eq!(tasks(&run, "ran"), ["Squares", "Sum"]);
        assert_eq!(minimal.run(&format!("load {line}")).trim(), sum);
    }
    let why = minimal.run("why Sum --n 5");
    assert!(why.ends_with(": complete\n"), "{why}");
    for line in ["Sum", "Sum --n 10"] {
        assert!(minimal.ran(line).is_empty());
    }
}

/// Returns how many of the 150 flowers a trained model classifies correctly, by the accuracy that it has recorded.
fn right(example: &Example, line: &str) -> f64 {
    let recorded = example.json(&format!("meta {line}"));
    let accuracy = recorded[0]["metadata"]["accuracy"].as_f64().expect("a number");
    // A number may lose its last digit when it is read.
    (accuracy * 150.0 * 1e6).round() / 1e6
}

/// Returns the outputs and records of a store, without its caches.
fn outputs(example: &Example) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    let mut files = files(example.path("data"));
    files.retain(|path, _| !path.components().any(|part| part.as_os_str() == ".flow"));
    files
}

#[test]
fn iris_runs_pending_tasks_and_then_nothing() {
    let iris = Example::new("iris");

    let plan = iris.run("plan Train");
    assert!(plan.starts_with("Train {model: Logistic} PENDING never run\n"), "{plan}");
    let first = iris.run("run Train");
    assert!(first.contains(": 3 ran\n"), "{first}");
    // 146 of 150 are right, as with scikit-learn on the standardized data.
    assert_eq!(right(&iris, "Train"), 146.0);

    let changed = "Train {model: Logistic, Preprocess.do_preprocess: false} PENDING never run\n\
                   └─ Preprocess {do_preprocess: false} PENDING never run\n   \
                      └─ GetData {source: examples/data/iris.csv} COMPLETE\n";
    let plan = iris.run("plan Train --do_preprocess=false");
    assert!(plan.starts_with(changed), "{plan}");
    let raw = iris.run("run Train --do_preprocess=false");
    assert!(raw.contains(": 1 complete already, 2 ran\n"), "{raw}");

    let before = outputs(&iris);
    assert!(!before.is_empty());
    for line in ["Train", "Train --do_preprocess=false"] {
        let again = iris.json(&format!("run {line}"));
        assert_eq!(
            (instances(&again, "complete_already").len(), tasks(&again, "ran").len()),
            (3, 0)
        );
    }
    assert_eq!(right(&iris, "Train"), 146.0);
    assert_eq!(outputs(&iris), before);
}

#[test]
fn iris_functions_are_tasks() {
    let iris = Example::new("iris_functions");

    let plan = "confusion PENDING never run\n\
                ├─ train {model: Logistic} PENDING never run\n\
                │  └─ preprocess {do_preprocess: true} PENDING never run\n\
                │     └─ get_data {source: examples/data/iris.csv} PENDING never run\n\
                └─ preprocess {do_preprocess: true}";
    let printed = iris.run("plan confusion");
    assert!(printed.starts_with(plan), "{printed}");
    let first = iris.run("run confusion");
    assert!(first.contains(": 4 ran\n"), "{first}");
    // The same accuracy as `iris`: 4 of 150 are classified wrongly.
    assert_eq!(right(&iris, "train"), 146.0);
    let confusion = |line: &str| parse_json(&iris.run(&format!("load confusion{line}")));
    assert_eq!(confusion(""), json!([[50, 0, 0], [0, 47, 3], [0, 1, 49]]));

    let raw = iris.json("run confusion --do_preprocess=false");
    assert_eq!(tasks(&raw, "ran"), ["preprocess", "train", "confusion"]);
    let tree = iris.json("run confusion --model Tree");
    assert_eq!(tasks(&tree, "ran"), ["train", "confusion"]);
    assert_eq!(confusion(" --model Tree"), json!([[50, 0, 0], [0, 50, 0], [0, 0, 50]]));

    for line in ["confusion", "confusion --do_preprocess=false", "confusion --model Tree"] {
        assert!(iris.ran(line).is_empty());
    }
}

//! `--until` and `--only`: runs that are restricted to a task of the graph.

use crate::{stocks, words};

fn ran(run: &serde_json::Value) -> Vec<&str> {
    let ran = run["ran"].as_array().expect("a list").iter();
    ran.map(|one| one["task"].as_str().expect("a name")).collect()
}

#[test]
fn until_runs_a_task_and_its_upstream_with_the_parameters_of_the_roots() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let plan = stocks(folder, words("plan Page --until Average --days 3 --json")).json();
    let tasks = plan["instances"].as_array().expect("a list").iter();
    let mut tasks: Vec<_> = tasks.map(|one| one["task"].as_str().expect("a name")).collect();
    tasks.sort_unstable();
    assert_eq!(tasks, ["Average", "Prices"]);
    let run = stocks(folder, words("run Page --until Average --days 3 --json -q")).json();
    assert_eq!(ran(&run), ["Prices", "Average"]);
    assert_eq!(stocks(folder, words("plan Average --days 3 --exit-code")).code, 0);
    let rest = stocks(folder, words("run Page --days 3 --json -q")).json();
    assert_eq!(ran(&rest), ["Page"]);
}

#[test]
fn only_runs_a_task_alone_and_refuses_incomplete_inputs() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    for arguments in ["run Page --only Page", "plan Page --only Page", "run Page --only Average"] {
        let wrong = stocks(folder, words(arguments)).refused();
        assert!(wrong.contains("cannot run alone") && wrong.contains("never run"), "{wrong}");
    }
    stocks(folder, words("run Prices -q")).ok();
    let run = stocks(folder, words("run Page --only Average --json -q")).json();
    assert_eq!(ran(&run), ["Average"]);
    let run = stocks(folder, words("run Page --only Page --only Average --json -q")).json();
    assert_eq!(ran(&run), ["Page"]);
    // A task that is complete needs nothing.
    assert_eq!(ran(&stocks(folder, words("run Page --only Page --json")).json()), [""; 0]);
}

#[test]
fn a_task_that_the_roots_do_not_require_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let wrong = stocks(folder, words("run Page --until Split")).refused();
    assert!(wrong.contains("Page requires no Split"), "{wrong}");
    let wrong = stocks(folder, words("run Page --until Averge")).refused();
    assert!(wrong.contains("did you mean `Average`?"), "{wrong}");
    let wrong = stocks(folder, words("run Page --until Average --only Page")).refused();
    assert!(wrong.contains("--only"), "{wrong}");
}

#[test]
fn a_sweep_runs_a_part_of_the_graph_of_each_variant() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let wrong = stocks(folder, words("sweep Page --days 3,4 --only Page")).refused();
    assert!(wrong.contains("--only: ") && wrong.contains("cannot run alone"), "{wrong}");
    let dry = "sweep Page --days 3,4 --until Average --dry-run --json";
    let pending = serde_json::json!([["days=3", "pending"], ["days=4", "pending"]]);
    assert_eq!(stocks(folder, words(dry)).json(), pending);
    let until = "sweep Page --days 3,4 --until Average --json -q";
    let swept = stocks(folder, words(until)).json();
    assert_eq!(
        (&swept["success"], &swept["variants"][1]["status"]),
        (&true.into(), &"pending".into())
    );
    for days in ["3", "4"] {
        assert_eq!(stocks(folder, ["plan", "Average", "--days", days, "--exit-code"]).code, 0);
        assert_eq!(stocks(folder, ["plan", "Page", "--days", days, "--exit-code"]).code, 3);
    }
    let complete = serde_json::json!([["days=3", "complete"], ["days=4", "complete"]]);
    assert_eq!(stocks(folder, words(dry)).json(), complete);
    let swept = stocks(folder, words("sweep Page --days 3,4 --only Page --json -q")).json();
    assert_eq!(swept["variants"][1]["status"], "complete");
    let wrong = stocks(folder, words("sweep Page --days 3,4 --until Split")).refused();
    assert!(wrong.contains("--until: ") && wrong.contains("requires no Split"), "{wrong}");
}

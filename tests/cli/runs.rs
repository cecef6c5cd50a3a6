//! Planning, running, explaining and removing.

use crate::{folder, weather, words};

#[test]
fn a_plan_shows_what_runs_and_a_run_runs_it_once() {
    let folder = folder();
    let folder = folder.path();
    let plan = weather(folder, words("plan Report")).ok();
    assert!(
        plan.starts_with("Report {tags: [], limit: none} PENDING never run\n└─ Temperature {"),
        "{plan}"
    );
    assert_eq!(weather(folder, words("plan Report --exit-code")).code, 3);
    assert_eq!(weather(folder, words("run Report --dry-run")).ok(), plan);

    let first = weather(folder, words("run Report --json")).json();
    let tasks = |run: &serde_json::Value| {
        let ran = run["ran"].as_array().expect("a list").iter();
        ran.map(|one| one["task"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (tasks(&first), &first["success"]),
        (vec!["Temperature".to_owned(), "Report".to_owned()], &true.into())
    );
    let second = weather(folder, words("run Report --json")).json();
    assert_eq!(tasks(&second), [""; 0]);
    assert_eq!(second["complete_already"].as_array().map(Vec::len), Some(3));
    assert_eq!(weather(folder, words("plan Report --exit-code")).code, 0);

    let forced = weather(folder, words("run Report --json --force")).json();
    assert_eq!(tasks(&forced), ["Report"]);
    let forced = weather(folder, words("run Report --json --force=Temperature")).json();
    assert_eq!(tasks(&forced), ["Temperature"]);
}

#[test]
fn progress_goes_to_the_standard_error_and_can_be_silenced() {
    let folder = folder();
    let run = weather(folder.path(), words("run Temperature"));
    assert!(run.err.contains("Temperature") && run.err.contains(" ran in "), "{}", run.err);
    assert!(run.ok().starts_with("2 tasks in "));
    let quiet = weather(folder.path(), words("run Temperature --force -q"));
    assert_eq!((quiet.code, quiet.err.as_str()), (0, ""));
}

#[test]
fn a_failed_task_exits_with_1_and_why_and_log_explain_it() {
    let folder = folder();
    let folder = folder.path();
    let failed = weather(folder, words("run Report --at_least 9 -q"));
    assert_eq!(failed.code, 1);
    assert!(failed.out.contains("Oslo has 2 values"), "{}", failed.out);
    let allowed =
        weather(folder, words("run Report --at_least 9 -q --allow-failures --json")).json();
    assert_eq!(allowed["failed"][0]["error"], "Oslo has 2 values");
    assert_eq!(allowed["not_run"][0]["task"], "Report");

    let why = weather(folder, words("why Report --at_least 9")).ok();
    assert!(why.contains("Oslo has 2 values"), "{why}");
    assert_eq!(weather(folder, words("why Report --at_least 9 --exit-code")).code, 3);
    let why = weather(folder, words("why Report --at_least 9 --json")).json();
    assert_eq!(why["complete"], false);
    let log = weather(folder, words("log Temperature --at_least 9")).ok();
    assert!(log.trim_end().ends_with("2 values"), "{log}");
}

#[test]
fn outputs_are_removed_only_with_a_confirmation() {
    let folder = folder();
    let folder = folder.path();
    weather(folder, words("run Report -q")).ok();
    let refused = weather(folder, words("reset Report")).refused();
    assert!(refused.contains("Nothing was removed") && refused.contains("--yes"), "{refused}");
    assert_eq!(weather(folder, words("plan Report --exit-code")).code, 0);
    let removed = weather(folder, words("reset Report --yes --upstream --json")).json();
    assert_eq!(removed["instances"].as_array().map(Vec::len), Some(2));
    assert_eq!(weather(folder, words("plan Report --exit-code")).code, 3);
    assert_eq!(weather(folder, words("gc --dry-run")).ok().lines().next(), Some("no garbage"));
    assert_eq!(weather(folder, words("verify --json")).json()["outputs"], 0);
}

#[test]
fn a_sweep_runs_all_values_and_names_the_best() {
    let folder = folder();
    let folder = folder.path();
    let swept = weather(
        folder,
        words("sweep Temperature --station Oslo,Rome --how Mean,Max --max-by value --json -q"),
    )
    .json();
    let variants = swept["variants"].as_array().expect("a list");
    assert_eq!((variants.len(), &variants[0]["status"]), (4, &"complete".into()));
    assert_eq!(variants[3]["value"], 30.0);
    assert!(swept["best"].as_str().expect("a name").contains("Rome"));
    let text = weather(folder, words("sweep Temperature --param Temperature.at_least=1..3:3 -q"));
    assert_eq!(text.code, 1, "a variant needs three values");
    assert!(text.out.contains("Oslo has 2 values"), "{}", text.out);
    let dry =
        weather(folder, words("sweep Temperature --station Oslo,Bern --dry-run --json")).json();
    assert_eq!((&dry[0][1], &dry[1][1]), (&"complete".into(), &"pending".into()));
}

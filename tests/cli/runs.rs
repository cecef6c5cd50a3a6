//! Planning, running, explaining and removing.

use crate::{folder, stocks, weather, words};

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
    let expected = "error: nothing was removed: without a terminal, confirm with --yes. The question is: Remove the \
                    outputs of Report?\n";
    assert_eq!(refused, expected);
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

#[test]
fn a_variant_whose_value_is_nan_is_named_and_never_the_best() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    for (option, best) in [("--max-by", "days=4"), ("--min-by", "days=2")] {
        let arguments = format!("sweep Typical --days 0,2,4 {option} typical --json -q");
        let swept = stocks(folder, words(&arguments)).json();
        assert_eq!(swept["best"], best);
        let note = "`typical` of days=0 is NaN: the variant is ranked below all others";
        assert_eq!(swept["notes"], serde_json::json!([note]));
    }
    let text = stocks(folder, words("sweep Typical --days 0,2,4 --max-by typical -q")).ok();
    assert!(text.contains("\nnote: `typical` of days=0 is NaN: "), "{text}");
    assert!(
        text.contains("\ndays=4: typical 100.75, the best of 2 (1 left out: days=0 is NaN)"),
        "{text}"
    );
    let none = stocks(folder, words("sweep Typical --param Prices.days=0,0 --max-by typical -q"));
    assert!(none.err.contains("days=0: is NaN"), "{}", none.err);
}

#[test]
fn a_sweep_that_allows_failures_succeeds() {
    let folder = folder();
    let arguments = "sweep Temperature --at_least 1,3 -q --json";
    let failed = weather(folder.path(), words(arguments));
    assert_eq!(failed.code, 1, "{}", failed.err);
    let allowed = weather(folder.path(), words(&format!("{arguments} --allow-failures"))).json();
    assert_eq!(allowed["success"], false);
}

#[test]
fn verbs_that_read_create_no_store() {
    let folder = folder();
    let folder = folder.path();
    for arguments in [
        "list",
        "plan Report",
        "run Report --dry-run",
        "sweep Temperature --station Oslo,Rome --dry-run",
        "why Report",
        "status",
        "show Report",
        "show --stored Report",
        "load Report",
        "path Report",
        "meta Report",
        "versions Report",
        "describe Report",
        "log Temperature",
        "debug Temperature --no-run",
        "graph Report",
        "history",
        "gc --dry-run",
    ] {
        for data in ["", " --data elsewhere", " --namespace prod"] {
            let printed = weather(folder, words(&format!("{arguments}{data}")));
            assert!(matches!(printed.code, 0..=2), "{arguments}: {}", printed.err);
            let is_there = folder.join("data").exists() || folder.join("elsewhere").exists();
            assert!(!is_there, "{arguments}{data}");
        }
    }
    let plan = weather(folder, words("plan Report")).ok();
    assert!(plan.starts_with("Report {tags: [], limit: none} PENDING never run\n"), "{plan}");
    assert!(weather(folder, ["status"]).ok().starts_with("0 outputs, "));
    assert_eq!(weather(folder, words("history --json")).json(), serde_json::json!([]));
    weather(folder, words("run Report -q")).ok();
    assert!(folder.join("data").is_dir());
}

#[test]
fn damaged_outputs_are_reported_once_and_removed() {
    let folder = folder();
    let folder = folder.path();
    weather(folder, words("run Temperature -q")).ok();
    let path = weather(folder, words("path Temperature")).ok();
    std::fs::write(path.trim_end(), "9.9").expect("other content");
    let verified = weather(folder, words("verify"));
    assert_eq!(verified.code, 1, "{}", verified.err);
    assert!(verified.out.contains(": 1 file does not match its record\n"), "{}", verified.out);
    let advice =
        "\nremove the damaged output with `verify --reset`; the next run computes it again\n";
    assert!(verified.out.ends_with(advice), "{}", verified.out);
    let refused = weather(folder, words("verify --reset")).refused();
    assert!(refused.contains("1 file does not match its record"), "{refused}");
    assert!(refused.contains("nothing was removed: without a terminal"), "{refused}");

    let reset = weather(folder, words("verify --reset --yes"));
    assert_eq!(reset.err, "");
    let out = reset.ok();
    assert_eq!(out.matches("does not match its record").count(), 1, "{out}");
    let last = out.lines().last().unwrap_or_default();
    assert!(last.starts_with("removed the output of Temperature {station: Oslo, "), "{out}");
    assert!(!out.contains("remove the damaged"), "{out}");
    assert_eq!(weather(folder, words("plan Temperature --exit-code")).code, 3);
    let again = weather(folder, words("verify --reset")).ok();
    assert!(again.ends_with("\nnothing to remove: no file is damaged\n"), "{again}");
}

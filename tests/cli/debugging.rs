//! `debug`: what is known of a failed instance, and running it again by itself.

use crate::{folder, stocks, weather, words};

#[test]
fn a_failed_instance_is_shown_and_runs_again_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    assert_eq!(stocks(folder, words("run Page -q --at_least 99")).code, 1);

    let debug = stocks(folder, words("debug Average --at_least 99"));
    assert_eq!(debug.code, 1, "{}", debug.err);
    for part in [
        " failed ",
        "inputs:",
        "error: 30 days are too few",
        "\nagain: Average",
        "days: 30",
        "averaging",
        "nothing was stored; `--commit` stores the result",
    ] {
        assert!(debug.out.contains(part), "{part} in {}", debug.out);
    }
    let debug = stocks(folder, words("debug Average --in Page --at_least 99 --json"));
    let json: serde_json::Value = serde_json::from_str(&debug.out).expect("JSON");
    assert_eq!((debug.code, &json["again"]["success"]), (1, &false.into()));
    assert_eq!(json["error"], "30 days are too few");
    assert!(json["inputs"][0]["path"].as_str().is_some_and(|path| path.ends_with(".parquet")));

    let shown = stocks(folder, words("debug Average --at_least 99 --no-run")).ok();
    assert!(shown.contains("30 days are too few") && !shown.contains("again:"), "{shown}");
    let upstream = stocks(folder, words("debug Page --at_least 99"));
    assert_eq!(upstream.code, 1);
    assert!(upstream.err.contains("debug Average --in Page"), "{}", upstream.err);
    let never = stocks(folder, words("debug Listed"));
    assert!(never.err.contains("run it first, with `run Listed`"), "{}", never.err);
}

#[test]
fn an_instance_that_has_not_failed_runs_again_and_is_committed_on_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    stocks(folder, words("run Average -q")).ok();
    let again = stocks(folder, words("debug Average --json")).json();
    assert_eq!(
        (&again["error"], &again["again"]["success"]),
        (&serde_json::Value::Null, &true.into())
    );
    assert_eq!(again["again"]["committed"], false);
    let again = stocks(folder, words("debug Average --commit")).ok();
    assert!(again.ends_with("\nthe output was stored\n"), "{again}");
    assert_eq!(stocks(folder, words("plan Average --exit-code")).code, 0);
    let wrong = stocks(folder, words("debug Average --commit --no-run")).refused();
    assert!(wrong.contains("--no-run"), "{wrong}");
}

#[test]
fn a_task_that_the_program_does_not_run_is_refused() {
    let folder = folder();
    let wrong = weather(folder.path(), words("debug Measurements")).refused();
    assert!(wrong.contains("Measurements cannot be debugged: it is external"), "{wrong}");
}

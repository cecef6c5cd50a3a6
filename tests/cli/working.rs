//! `worker`, and runs whose tasks it runs.

use std::thread;

use crate::documented::check;
use crate::{folder, weather, weather_with, words};

#[test]
fn a_worker_runs_the_tasks_of_a_run_and_says_what_it_has_done() {
    let folder = folder();
    let folder = folder.path();
    let (worker, run) = thread::scope(|scope| {
        let arguments = "worker --data shared --slots 2 --exit-when-idle 8 --json";
        let worker = scope.spawn(|| weather(folder, words(arguments)));
        let run = weather(folder, words("run Report --data shared --executor pull --jobs 20"));
        (worker.join().expect("no panic"), run)
    });
    let progress = run.err.clone();
    run.ok();
    assert!(progress.contains(": on "), "{progress}");
    assert!(worker.err.contains("takes jobs from "), "{}", worker.err);
    assert!(worker.err.contains("runs Temperature"), "{}", worker.err);
    check("worker", &worker);
    let done = worker.json();
    assert!(done["jobs"].as_u64() >= Some(2) && done["lost"] == 0, "{done}");
    // The outputs are like those of any run, and the queue is empty.
    assert_eq!(weather(folder, words("plan Report --data shared --exit-code")).code, 0);
    let queue = folder.join("shared/.flow/queue");
    for part in ["open", "taken", "runs", "workers"] {
        assert_eq!(std::fs::read_dir(queue.join(part)).expect("a folder").count(), 0, "{part}");
    }
}

#[test]
fn the_executor_may_be_a_setting_and_a_task_may_stay_in_the_process() {
    let folder = folder();
    let folder = folder.path();
    // No worker is there, and none is needed.
    let arguments = words("run Temperature --in-process Temperature -q");
    let variables = [("FLOW_EXECUTOR", "pull"), ("FLOW_JOBS", "5")];
    weather_with(folder, arguments, &variables).ok();
    std::fs::write(folder.join("flow.toml"), "executor = \"pull\"\njobs = 5\n").expect("a file");
    weather(folder, words("run Temperature --in-process Temperature -q --force")).ok();
    std::fs::write(folder.join("flow.toml"), "executor = \"push\"\n").expect("a file");
    let error = weather(folder, words("run Temperature")).refused();
    assert!(error.contains("flow.toml is wrong") && error.contains("`pull`"), "{error}");
    std::fs::write(folder.join("flow.toml"), "jobs = 0\n").expect("a file");
    let error = weather(folder, words("run Temperature")).refused();
    assert!(error.contains("flow.toml is wrong") && error.contains("jobs"), "{error}");
    std::fs::remove_file(folder.join("flow.toml")).expect("a file");
    let error = weather_with(folder, words("status"), &[("FLOW_JOBS", "0")]).refused();
    assert_eq!(error, "error: FLOW_JOBS is \"0\", which is not a number from 1 to 65535\n");
    let error = weather_with(folder, words("status"), &[("FLOW_EXECUTOR", "push")]).refused();
    let expected = "error: FLOW_EXECUTOR is \"push\", which is not the name of an executor: pull\n";
    assert_eq!(error, expected);
}

#[test]
fn a_number_of_jobs_needs_an_executor() {
    let folder = folder();
    let error = weather(folder.path(), words("run Temperature --jobs 4")).refused();
    assert!(error.contains("add `--executor pull`") && error.contains("`--workers`"), "{error}");
    // The executor may be a setting.
    let arguments = words("run Temperature --jobs 4 --in-process Temperature -q");
    weather_with(folder.path(), arguments, &[("FLOW_EXECUTOR", "pull")]).ok();
}

#[test]
fn a_run_and_a_worker_may_have_only_a_bucket_in_common() {
    let folder = folder();
    let folder = folder.path();
    // The file that a task imports is on the machine of the run alone.
    let arguments = "run Report --data data --executor pull --bucket exchange";
    let error = weather(folder, words(arguments)).err;
    assert!(error.contains("measurements.csv, which is outside the store"), "{error}");
    assert!(error.contains("`--in-process Temperature`"), "{error}");
    let (worker, run) = thread::scope(|scope| {
        let arguments = "worker --data local --bucket exchange --exit-when-idle 8 --json";
        let worker = scope.spawn(|| weather(folder, words(arguments)));
        let arguments =
            "run Report --data data --executor pull --bucket exchange --in-process Temperature";
        let run = weather(folder, words(arguments));
        (worker.join().expect("no panic"), run)
    });
    run.ok();
    assert!(worker.err.contains("takes jobs from exchange"), "{}", worker.err);
    assert!(worker.json()["jobs"].as_u64() >= Some(1));
    assert_eq!(weather(folder, words("plan Report --data data --exit-code")).code, 0);
    assert_eq!(weather(folder, words("plan Report --data local --exit-code")).code, 3);
    // The bucket may be a setting, by the name of a remote.
    let settings = "bucket = \"team\"\n[remotes]\nteam = \"gs://team/exchange\"\n";
    std::fs::write(folder.join("flow.toml"), settings).expect("a file");
    let error = weather(folder, words("worker --data local --exit-when-idle 0")).refused();
    assert!(error.contains("gs://team/exchange") && error.contains("feature"), "{error}");
    let variables = [("FLOW_BUCKET", "other")];
    let arguments = words("worker --data local --exit-when-idle 0");
    let worker = weather_with(folder, arguments, &variables);
    assert!(worker.err.contains("takes jobs from other"), "{}", worker.err);
}

#[test]
fn a_bucket_of_a_run_needs_an_executor() {
    let folder = folder();
    let error = weather(folder.path(), words("run Temperature --bucket exchange")).refused();
    assert!(error.contains("add `--executor pull`"), "{error}");
}

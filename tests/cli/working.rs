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
    let expected =
        "error: FLOW_EXECUTOR is \"push\", which is not the name of an executor: pull, slurm, hq\n";
    assert_eq!(error, expected);
}

#[cfg(unix)]
#[test]
fn a_worker_of_a_scheduler_has_the_settings_of_the_run() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder();
    let folder = folder.path();
    let script = "#!/bin/sh\nprintf '%s\\n' \"$@\" >asked\necho 'sbatch: error: Invalid account' >&2\nexit 1\n";
    std::fs::create_dir(folder.join("bin")).expect("a folder");
    std::fs::write(folder.join("script"), script).expect("a file");
    // A file that this process has written could still be open for writing in a process of another test.
    let sbatch = folder.join("bin/sbatch");
    let copied = std::process::Command::new("cp").arg(folder.join("script")).arg(&sbatch).status();
    assert!(copied.expect("cp").success());
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&sbatch, executable).expect("permissions");
    let settings =
        "data = \"base\"\nnamespace = \"prod\"\n[profile.cluster]\nexecutor = \"slurm\"\n";
    std::fs::write(folder.join("own.toml"), settings).expect("a file");

    let path = format!("{}:/usr/bin:/bin", folder.join("bin").display());
    let arguments = words("run Temperature --config own.toml --profile cluster");
    let run = weather_with(folder, arguments, &[("PATH", path.as_str())]);
    // A message may be broken into lines.
    let said = format!("{} {}", run.out, run.err);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(run.code != 0 && said.contains("Invalid account"), "{said}");
    let asked = std::fs::read_to_string(folder.join("asked")).expect("the arguments");
    let asked: Vec<_> = asked.lines().collect();
    let worker = asked.iter().position(|word| *word == "worker").expect("the verb");
    let [config, file, profile, name, data, store, ..] = asked[worker + 1..] else {
        panic!("{asked:?}")
    };
    assert_eq!([config, profile, name, data], ["--config", "--profile", "cluster", "--data"]);
    assert!(file.ends_with("/own.toml") && file.starts_with('/'), "{file}");
    assert!(store.ends_with("/base/env=prod"), "{store}");
    // The scheduler would start this. The folder is already that of the namespace.
    let of_worker = asked[worker..].iter().map(|word| match *word {
        "30" => "1",
        word => word,
    });
    let worker = weather(folder, of_worker);
    assert!(worker.err.contains("/base/env=prod\n"), "{}", worker.err);
    assert_eq!(worker.code, 0, "{}", worker.err);
    // So is the folder that a run with `--executor pull` says.
    let arguments = words("worker --data base/env=prod --exit-when-idle 1");
    let worker = weather_with(folder, arguments, &[("FLOW_NAMESPACE", "prod")]);
    assert!(worker.err.contains("base/env=prod\n"), "{}", worker.err);
    assert!(!folder.join("base/env=prod/env=prod").exists());
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

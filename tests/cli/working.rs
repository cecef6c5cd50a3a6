//! `worker`, and runs whose tasks it runs.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

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
    // Each line of the log has a time, and each job a beginning and an end.
    let log: Vec<_> =
        worker.err.lines().map(|line| line.split_once("Z ").expect("two parts")).collect();
    let is_time = |time: &str| time.len() == "2026-11-30T09:30:00".len() && time.starts_with("20");
    assert!(log.iter().all(|(time, _)| is_time(time)), "{}", worker.err);
    for task in ["Temperature", "Report"] {
        let place = |begin: &str| log.iter().position(|(_, said)| said.starts_with(begin));
        let (begun, ended) = (place(&format!("runs {task}")), place(&format!("ran {task}")));
        assert!(begun.is_some() && begun < ended, "{task}: {}", worker.err);
    }
    let done = worker.json();
    assert!(done["jobs"].as_u64() >= Some(2) && done["lost"] == 0, "{done}");
    assert!(done["failed"] == 0 && done["given_back"] == 0, "{done}");
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

#[test]
fn the_log_of_a_worker_says_that_a_task_has_failed_and_its_last_line_counts_jobs() {
    let folder = folder();
    let folder = folder.path();
    let (worker, run) = thread::scope(|scope| {
        let arguments = "worker --data shared --exit-when-idle 8";
        let worker = scope.spawn(|| weather(folder, words(arguments)));
        let arguments = "run Temperature --data shared --executor pull --at_least 9 -q";
        let run = weather(folder, words(arguments));
        (worker.join().expect("no panic"), run)
    });
    assert_eq!(run.code, 1, "{}", run.err);
    let failed = worker.err.lines().find(|line| line.contains(" failed in ")).expect("a line");
    assert!(failed.contains("Z Temperature") && failed.contains("Oslo has "), "{failed}");
    assert_eq!(worker.out, "ran 1 job, of which 1 failed\n");
}

#[test]
fn tasks_of_a_profile_stay_in_the_process_of_the_run() {
    let folder = folder();
    let folder = folder.path();
    let settings = "[profile.cluster]\nexecutor = \"pull\"\nin_process = [\"Temperature\"]\n";
    std::fs::write(folder.join("flow.toml"), settings).expect("a file");
    // No worker is there, and none is needed.
    weather(folder, words("run Temperature --profile cluster -q")).ok();
    // Those of the option are added to those of the file.
    let both = words("run Report --profile cluster --in-process Report -q");
    weather(folder, both).ok();
    let typo = "executor = \"pull\"\nin_process = [\"Temperatur\"]\n";
    std::fs::write(folder.join("flow.toml"), typo).expect("a file");
    let error = weather(folder, words("run Temperature")).refused();
    let of_file = error.contains("in_process of flow.toml: ");
    assert!(of_file && error.contains("`Temperature`"), "{error}");
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
fn a_scheduler_that_cannot_be_used_is_an_error_before_anything_runs() {
    let folder = folder();
    let folder = folder.path();
    let nowhere = [("PATH", "/none")];
    for verb in ["run", "plan"] {
        let arguments = format!("{verb} Report --executor slurm --in-process Temperature");
        let error = weather_with(folder, words(&arguments), &nowhere).refused();
        let expected = "the executor `slurm` cannot run tasks: there is no command `sbatch` on PATH: run this on a machine of \
                        the cluster";
        let error = error.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(error.contains(expected), "{error}");
    }
    // What could run here has not run, and nothing is a failure of a task.
    let here = weather(folder, words("plan Temperature --exit-code"));
    assert!(here.code == 3 && !here.out.contains("failed"), "{}", here.out);
    for (settings, executor, expected) in [
        ("[slurm]\ngrow = 0.5\n", "slurm", "`grow` is 0.5"),
        ("[slurm]\nmax_workers = 0\n", "slurm", "`max_workers` is 0"),
        (
            "[slurm.tasks.Report]\noptions = [\"gpu\"]\n",
            "slurm",
            "\"gpu\" of a worker does not begin",
        ),
        ("[hq]\npartition = \"m\"\n", "hq", "HyperQueue has no partitions"),
    ] {
        std::fs::write(folder.join("flow.toml"), settings).expect("a file");
        let error = weather(folder, words(&format!("plan Report --executor {executor}"))).refused();
        assert!(error.contains(expected), "{settings}: {error}");
    }
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

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// Ends the run of a test that fails, which would wait for a worker forever.
struct CancelAll<'a>(&'a Path, &'a str);

impl Drop for CancelAll<'_> {
    fn drop(&mut self) {
        weather(self.0, words(&format!("cancel --all --yes {}", self.1)));
    }
}

#[test]
fn jobs_are_listed_and_cancelled_from_another_terminal() {
    let folder = folder();
    let folder = folder.path();
    let listed = || weather(folder, words("status --jobs --json --data shared"));
    thread::scope(|scope| {
        // No worker is there.
        let run = scope.spawn(|| {
            weather(folder, words("run Report --data shared --executor pull --jobs 20 -q"))
        });
        let _end = CancelAll(folder, "--data shared");
        let begun = Instant::now();
        let status = loop {
            let status = listed();
            if status.json_of()["counts"]["waiting"] == 1 {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE && !run.is_finished(), "{}", status.out);
            thread::sleep(Duration::from_millis(50));
        };
        check("status --jobs", &status);
        let job = status.json_of()["jobs"][0].clone();
        assert_eq!(
            (job["task"].as_str(), job["state"].as_str()),
            (Some("Temperature"), Some("waiting"))
        );
        let text = weather(folder, words("status --jobs --data shared")).ok();
        assert!(text.contains("Temperature"), "{text}");
        assert!(
            text.ends_with("1 job: 0 running, 1 waiting, 0 ended; 1 run in progress; 0 workers\n"),
            "{text}"
        );
        let other = weather(folder, words("status Report --jobs --data shared")).ok();
        assert!(other.ends_with("no jobs; 1 run in progress; 0 workers\n"), "{other}");
        // Like other verbs that remove something.
        let error = weather(folder, words("cancel Temperature --data shared")).refused();
        assert!(
            error.contains(
                "Cancel 1 job (1 waiting), and those that runs in progress submit later?"
            ),
            "{error}"
        );
        assert!(
            error.contains("error: nothing was cancelled: without a terminal, confirm with --yes"),
            "{error}"
        );
        assert!(!run.is_finished());
        let cancelled = weather(folder, words("cancel Temperature --yes --json --data shared"));
        check("cancel", &cancelled);
        let cancelled = cancelled.json();
        assert_eq!(
            (&cancelled["runs"], &cancelled["asked"]),
            (&1.into(), &1.into()),
            "{cancelled}"
        );
        let run = run.join().expect("no panic");
        assert_eq!(run.code, 1, "{}", run.err);
        assert!(run.out.contains("it was cancelled: by request of "), "{}", run.out);
    });
    // The failure is in the history, with the time in the queue.
    let history = weather(folder, words("history latest --json --data shared"));
    check("history RUN", &history);
    let history = history.json();
    let instances = history["instances"].as_array().expect("a list");
    let job = instances.iter().find(|one| one["task"] == "Temperature").expect("the job");
    assert!(job["queue_seconds"].as_f64() > Some(0.0) && job["worker"] == Value::Null, "{job}");
    let nothing = weather(folder, words("cancel --all --data shared")).ok();
    assert_eq!(nothing, "no jobs to cancel\n");
}

#[test]
fn workers_are_listed() {
    let folder = folder();
    let folder = folder.path();
    thread::scope(|scope| {
        let arguments = "worker --data shared --slots 3 --exit-when-idle 12 -q";
        let worker = scope.spawn(|| weather(folder, words(arguments)));
        let begun = Instant::now();
        let status = loop {
            let status = weather(folder, words("status --jobs --json --data shared"));
            if status.json_of()["workers"].as_array().is_some_and(|workers| !workers.is_empty()) {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE && !worker.is_finished(), "{}", status.out);
            thread::sleep(Duration::from_millis(50));
        };
        check("status --jobs", &status);
        let status = status.json_of();
        let worker = &status["workers"][0];
        assert_eq!((&worker["slots"], &worker["program"]), (&3.into(), &"weather".into()));
        assert_eq!((&worker["same_build"], &worker["alive"]), (&true.into(), &true.into()));
        let text = weather(folder, words("status --jobs --data shared")).ok();
        assert!(text.contains("this one") && text.ends_with("; 1 worker\n"), "{text}");
    });
}

#[test]
fn what_is_to_be_cancelled_must_be_named_and_no_store_is_created() {
    let folder = folder();
    let folder = folder.path();
    for (arguments, text) in [
        ("cancel", "--all"),
        ("cancel --yes", "--all"),
        ("cancel Nope --yes", "no task `Nope`"),
        ("cancel ../Report --yes", "no task `../Report`"),
        ("cancel --all Report --yes", "--all"),
        ("cancel --all --key 00112233445566778899aabbccddeeff", "--all"),
        ("cancel --key 0011 --yes", "invalid value for --key"),
        ("cancel --key ../../../../etc/passwd --yes", "invalid value for --key"),
        ("cancel --key 0011223344556677 --yes", "no job has the key 0011223344556677"),
        ("cancel --key", "--key"),
        ("cancel Report --station Oslo --yes", "--station"),
        ("status --most 5", "--jobs"),
        ("status --jobs --most many", "--most"),
        ("status --jobs Nope", "no task `Nope`"),
        ("status --jobs=yes", "--jobs"),
    ] {
        let error = weather(folder, words(arguments)).refused();
        assert!(error.contains(text), "{arguments}: {error}");
    }
    assert_eq!(weather(folder, words("cancel --all --yes")).ok(), "no jobs to cancel\n");
    let none = weather(folder, words("status --jobs")).ok();
    assert_eq!(none, "no jobs; 0 runs in progress; 0 workers\n");
    assert!(!folder.join("data").exists());
}

#[test]
fn damaged_files_of_the_queue_are_listed() {
    let folder = folder();
    let folder = folder.path();
    weather(folder, words("run Temperature -q")).ok();
    let name = format!("{}-00000000000000aa-00000001", "0123456789abcdef".repeat(2));
    let bundle = folder.join("data/.flow/queue/open").join(name);
    std::fs::create_dir_all(&bundle).expect("a folder");
    std::fs::write(bundle.join("bundle.json"), "{\"format\":\u{1b}").expect("a file");
    let text = weather(folder, words("status --jobs")).ok();
    assert!(text.contains("cannot be read: ") && text.contains("bundle.json is damaged"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
    let status = weather(folder, words("status --jobs --json"));
    check("status --jobs", &status);
    assert_eq!(status.json()["unreadable"].as_array().map(Vec::len), Some(1));
    let cancelled = weather(folder, words("cancel --all --json"));
    assert!(
        cancelled.err.contains("warning: ") && cancelled.err.contains("is damaged"),
        "{}",
        cancelled.err
    );
    check("cancel", &cancelled);
}

#[test]
fn a_run_and_a_worker_may_have_only_a_bucket_in_common() {
    let folder = folder();
    let folder = folder.path();
    // The file that a task imports is on the machine of the run alone.
    let arguments = "run Report --data data --executor pull --bucket ./exchange";
    let error = weather(folder, words(arguments)).err;
    assert!(error.contains("measurements.csv, which is outside the store"), "{error}");
    assert!(error.contains("`--in-process Temperature`"), "{error}");
    let (worker, run) = thread::scope(|scope| {
        let arguments = "worker --data local --bucket ./exchange --exit-when-idle 8 --json";
        let worker = scope.spawn(|| weather(folder, words(arguments)));
        let arguments =
            "run Report --data data --executor pull --bucket ./exchange --in-process Temperature";
        let run = weather(folder, words(arguments));
        (worker.join().expect("no panic"), run)
    });
    run.ok();
    assert!(worker.err.contains("takes jobs from ./exchange"), "{}", worker.err);
    assert!(worker.json()["jobs"].as_u64() >= Some(1));
    assert_eq!(weather(folder, words("plan Report --data data --exit-code")).code, 0);
    assert_eq!(weather(folder, words("plan Report --data local --exit-code")).code, 3);
    // The bucket may be a setting, by the name of a remote.
    let settings = "bucket = \"team\"\n[remotes]\nteam = \"gs://team/exchange\"\n";
    std::fs::write(folder.join("flow.toml"), settings).expect("a file");
    let error = weather(folder, words("worker --data local --exit-when-idle 0")).refused();
    assert!(error.contains("gs://team/exchange") && error.contains("feature"), "{error}");
    let variables = [("FLOW_BUCKET", "./other")];
    let arguments = words("worker --data local --exit-when-idle 0");
    let worker = weather_with(folder, arguments, &variables);
    assert!(worker.err.contains("takes jobs from ./other"), "{}", worker.err);
}

#[test]
fn jobs_in_a_bucket_are_listed_and_cancelled() {
    let folder = folder();
    let folder = folder.path();
    let bucket = "--data other --bucket exchange";
    // A word is the name of a folder if there is one.
    std::fs::create_dir(folder.join("exchange")).expect("a folder");
    thread::scope(|scope| {
        // No worker is there.
        let arguments =
            "run Report --data data --executor pull --bucket exchange --in-process Temperature -q";
        let run = scope.spawn(|| weather(folder, words(arguments)));
        let _end = CancelAll(folder, bucket);
        let begun = Instant::now();
        let status = loop {
            let status = weather(folder, words(&format!("status --jobs --json {bucket}")));
            if status.json_of()["counts"]["waiting"] == 1 {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE && !run.is_finished(), "{}", status.out);
            thread::sleep(Duration::from_millis(50));
        };
        check("status --jobs", &status);
        let says = "checks whether a run is in progress: up to 20 s\n";
        assert_eq!(status.err, says);
        let quiet = weather(folder, words(&format!("status --jobs -q {bucket}")));
        assert_eq!((quiet.code, quiet.err.as_str()), (0, ""), "{}", quiet.out);
        let status = status.json_of();
        assert_eq!(
            (&status["jobs"][0]["task"], &status["runs"][0]["running"]),
            (&"Report".into(), &true.into())
        );
        let none = weather(folder, words("status --jobs --data data")).ok();
        assert_eq!(none, "no jobs; 0 runs in progress; 0 workers\n");
        // Another executor that is set counts nothing here.
        let variables = [("FLOW_EXECUTOR", "slurm")];
        let arguments = format!("cancel Report --yes --json {bucket}");
        let cancelled = weather_with(folder, words(&arguments), &variables).json();
        assert_eq!(
            (&cancelled["runs"], &cancelled["asked"]),
            (&1.into(), &1.into()),
            "{cancelled}"
        );
        let run = run.join().expect("no panic");
        assert_eq!(run.code, 1, "{}", run.err);
        assert!(run.out.contains("it was cancelled: by request of "), "{}", run.out);
    });
    let none = weather(folder, words(&format!("cancel --all {bucket}"))).ok();
    assert_eq!(none, "no jobs to cancel\n");
    assert!(!folder.join("other").exists());
}

#[test]
fn a_bucket_is_refused_where_workers_need_the_folder_of_the_store() {
    let folder = folder();
    let folder = folder.path();
    let error =
        weather(folder, words("run Temperature --executor slurm --bucket exchange")).refused();
    assert!(
        error.contains("the executors slurm and hq start workers on machines that have the folder"),
        "{error}"
    );
    let error =
        weather(folder, words("worker --pool slurm-00000000000000ab --bucket exchange")).refused();
    assert!(error.contains("--pool") && error.contains("--bucket"), "{error}");
    let variables = [("FLOW_BUCKET", "./exchange")];
    let worker = weather_with(folder, words("worker --pool slurm-00000000000000ab"), &variables);
    assert!(worker.err.contains("leave out the pool or the bucket"), "{}", worker.err);
    let error = weather(folder, words("status --bucket exchange")).refused();
    assert!(error.contains("--jobs"), "{error}");
}

#[test]
fn a_bucket_of_a_run_needs_an_executor() {
    let folder = folder();
    let error = weather(folder.path(), words("run Temperature --bucket exchange")).refused();
    assert!(error.contains("add `--executor pull`"), "{error}");
}

#[test]
fn a_bucket_that_does_not_exist_is_refused_or_announced() {
    let folder = folder();
    let folder = folder.path();
    for arguments in ["status --jobs --bucket ./bukcet", "cancel --all --yes --bucket ./bukcet"] {
        let error = weather(folder, words(arguments)).refused();
        assert!(error.contains("the folder ./bukcet of the bucket does not exist"), "{error}");
    }
    std::fs::write(folder.join("flow.toml"), "[remotes]\nteam = \"shared\"\n").expect("a file");
    for arguments in [
        "worker --data local --bucket taem",
        "status --jobs --bucket taem",
        "run Report --executor pull --bucket taem",
    ] {
        let error = weather(folder, words(arguments)).refused();
        assert!(error.starts_with("error: --bucket: `taem` is neither"), "{arguments}: {error}");
        assert!(error.contains("did you mean `team`?"), "{arguments}: {error}");
    }
    let variables = [("FLOW_BUCKET", "taem")];
    let error = weather_with(folder, words("worker --data local"), &variables).refused();
    assert!(error.starts_with("error: FLOW_BUCKET: `taem` is neither"), "{error}");
    // In the file, the folder would be beside it.
    std::fs::create_dir(folder.join("inner")).expect("a folder");
    std::fs::write(folder.join("inner/flow.toml"), "bucket = \"taem\"\n").expect("a file");
    let arguments = "worker --config inner/flow.toml --data local";
    let error = weather(folder, words(arguments)).refused();
    assert!(
        error.starts_with("error: bucket of inner/flow.toml: there is no folder `taem`"),
        "{error}"
    );
    for name in ["bukcet", "taem", "inner/taem", "local", "data"] {
        assert!(!folder.join(name).exists(), "{name}");
    }
    let arguments = "worker --data local --bucket ./fresh --exit-when-idle 0";
    let worker = weather(folder, words(arguments));
    assert_eq!(worker.code, 0, "{}", worker.err);
    let said: Vec<_> = worker.err.lines().filter_map(|line| line.split_once("Z ")).collect();
    let said: Vec<_> = said.into_iter().map(|(_, said)| said).collect();
    let created =
        ["creates the store local, which does not exist", "creates the folder ./fresh as a bucket"];
    assert!(said.starts_with(&created), "{}", worker.err);
    let again = weather(folder, words(arguments));
    assert!(again.code == 0 && !again.err.contains("creates the store"), "{}", again.err);
}

#[test]
fn the_options_of_a_worker_are_checked_before_anything_is_created() {
    let folder = folder();
    let folder = folder.path();
    for (arguments, expected) in [
        ("--pool foo", "for '--pool <NAME>': the name of a pool is that of an executor"),
        (
            "--exit-when-idle 2x",
            "for '--exit-when-idle <TIME>': write a number of seconds, or a number with `s`",
        ),
        ("--time-limit 1.5", "for '--time-limit <TIME>': write a number of seconds"),
        ("--time-limit 0", "for '--time-limit <TIME>': the worker would have no time"),
        ("--slots many", "for '--slots <N>': it is not a whole number"),
    ] {
        let arguments = format!("worker --data nowhere {arguments}");
        let error = weather(folder, words(&arguments)).refused();
        assert!(error.contains(expected), "{arguments}: {error}");
    }
    assert!(!folder.join("nowhere").exists());
    // Times are written as in the file, or as seconds.
    let arguments = "worker --data shared --exit-when-idle 1s --time-limit 02:00:00";
    let worker = weather(folder, words(arguments));
    assert_eq!(worker.code, 0, "{}", worker.err);
    assert!(worker.err.contains("creates the store shared"), "{}", worker.err);
}

#[test]
fn verbs_that_begin_no_run_ignore_the_executor_and_its_bucket() {
    let folder = folder();
    let folder = folder.path();
    weather(folder, words("run Report -q")).ok();
    for (settings, expected) in [
        ("executor = \"pull\"\nbucket = \"taem\"\n", "there is no folder `taem`"),
        ("executor = \"slurm\"\nbucket = \"./exchange\"\n", "and a bucket is set"),
    ] {
        std::fs::write(folder.join("flow.toml"), settings).expect("a file");
        for arguments in ["run Report", "plan Report"] {
            let error = weather(folder, words(arguments)).refused();
            assert!(error.contains(expected), "{arguments}: {error}");
        }
        for arguments in ["status", "history", "verify", "why Report", "show Report", "path Report"]
        {
            weather(folder, words(arguments)).ok();
        }
    }
    // What starts the workers of runs does not matter to a worker.
    let worker = weather(folder, words("worker --data local --exit-when-idle 0"));
    assert!(worker.code == 0 && worker.err.contains("takes jobs from"), "{}", worker.err);
}

#[test]
fn the_log_of_a_worker_controls_no_terminal() {
    let folder = folder();
    let arguments = ["worker", "--data", "a\u{1b}[2Jb", "--exit-when-idle", "0"];
    let worker = weather(folder.path(), arguments);
    assert_eq!(worker.code, 0, "{}", worker.err);
    let lines: Vec<_> = worker.err.lines().collect();
    let [created, takes] = lines.as_slice() else { panic!("{}", worker.err) };
    assert!(created.ends_with(r"creates the store a\u{1b}[2Jb, which does not exist"), "{created}");
    assert!(takes.contains("takes jobs from /") && takes.ends_with(r"a\u{1b}[2Jb"), "{takes}");
    assert!(!worker.err.contains('\u{1b}'), "{:?}", worker.err);
}

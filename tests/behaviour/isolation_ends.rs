//! How the process of an isolated task ends: after a crash, a time-out, a stop, a panic, or with the run.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio, id};
use std::thread;
use std::time::{Duration, Instant};

use flow::prelude::*;
use rustix::process::{Pid, Signal, getpid, kill_process, test_kill_process};

use crate::isolation::open;
use crate::support::{failed, failure, ran};

/// Ends its process in one of several ways.
#[derive(Task)]
#[task(target = Json<u32>, isolate)]
struct Ends {
    how: String,
}

runs!(Ends: u32 = |self, _cx| {
    match &*self.how {
        "abort" => {
            eprintln!("a check of a library failed");
            std::process::abort()
        }
        "exit" => std::process::exit(3),
        "kill" => kill_process(getpid(), Signal::KILL)?,
        // The handler of the standard library takes the first signal.
        "segfault" => loop {
            kill_process(getpid(), Signal::SEGV)?;
        },
        "panic" => panic!("it panics in a child"),
        _ => {}
    }
    Ok(id())
});

#[derive(Task)]
#[task(aggregate, requires = [Ends { how: how.to_owned() } for how in ["abort", "exit", "kill", "segfault", "fine"]])]
struct AllEnds;

#[test]
fn a_crash_fails_one_task_and_is_explained() -> Result<()> {
    let opened = open();
    let flow = opened.flow.workers(2);
    let summary = failure(flow.run::<AllEnds>());
    assert_eq!(failed(&summary), ["Ends"; 4]);
    assert_eq!(ran(&summary), ["Ends"]);
    let errors: Vec<_> = summary.failed().into_iter().filter_map(|entry| entry.error).collect();
    for text in [
        "its process aborted (SIGABRT): a check of a library failed",
        "its process exited with code 3 before the task had ended",
        "its process was killed by SIGKILL",
        "its process was ended by SIGSEGV",
    ] {
        assert!(errors.iter().any(|error| error.contains(text)), "{text:?} in {errors:?}");
    }
    let log = flow.with(Ends::HOW, "abort").log::<Ends>()?.context("a log")?;
    assert!(log.text().contains("a check of a library failed\n"));
    Ok(())
}

#[derive(Task)]
#[task(target = Json<usize>, isolate, resources(memory = "200MB"))]
struct Allocates {
    bytes: usize,
}

runs!(Allocates: usize = |self, _cx| {
    let filled = vec![1_u8; self.bytes];
    Ok(filled.iter().map(|&byte| usize::from(byte)).sum())
});

#[test]
fn a_task_that_allocates_more_than_it_declares_fails_alone() -> Result<()> {
    let opened = open();
    let flow = &opened.flow;
    let summary = failure(flow.with(Allocates::BYTES, 1_usize << 30).run::<Allocates>());
    let error = summary.failed()[0].error.clone().context("an error")?;
    assert!(error.contains("out of memory: it needs more than 200.0 MB"), "{error}");
    let little = flow.with(Allocates::BYTES, 50_000_000_usize);
    little.run::<Allocates>()?;
    assert_eq!(*little.load::<Allocates>()?, 50_000_000);
    Ok(())
}

/// Sleeps in a program that its program has started, and ignores SIGTERM.
#[derive(Task)]
#[task(target = Json<u32>, isolate, timeout = 1)]
struct Hangs {
    pids: PathBuf,
}

runs!(Hangs: u32 = |self, _cx| {
    let script = "trap '' TERM; sleep 1000 & echo $$ $! > $0.part; mv $0.part $0; wait";
    let mut program = Command::new("sh").arg("-c").arg(script).arg(&self.pids).spawn()?;
    program.wait()?;
    Ok(1)
});

/// Waits until no process of these has this id any more.
fn wait_for_end(pids: &[i32]) {
    let begun = Instant::now();
    let lives = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let is_zombie = stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z"));
        Pid::from_raw(*pid).is_some_and(|pid| test_kill_process(pid).is_ok()) && !is_zombie
    };
    while pids.iter().any(lives) {
        assert!(begun.elapsed() < Duration::from_secs(10), "a process of {pids:?} lives");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the process ids in a file, once it exists.
fn pids(path: &std::path::Path) -> Vec<i32> {
    let begun = Instant::now();
    loop {
        if let Ok(text) = fs::read_to_string(path) {
            return text.split_whitespace().map(|pid| pid.parse().expect("a process id")).collect();
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "the task did not start");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_time_out_kills_all_processes_of_the_task() {
    let opened = open();
    let path = opened.folder.join("pids");
    let flow = opened.flow.with(Hangs::PIDS, &*path);
    let begun = Instant::now();
    let summary = failure(flow.run::<Hangs>());
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(summary.failed()[0].error.as_deref(), Some("timed out after 1.0 s"));
    let pids = pids(&path);
    assert_eq!(pids.len(), 2);
    wait_for_end(&pids);
}

#[derive(Task)]
#[task(target = Json<u32>, isolate)]
struct Patient {
    pids: PathBuf,
}

runs!(Patient: u32 = |self, cx| {
    let part = self.pids.with_extension("part");
    fs::write(&part, id().to_string())?;
    fs::rename(part, &self.pids)?;
    loop {
        cx.checkpoint()?;
        thread::sleep(Duration::from_millis(2));
    }
});

#[test]
fn a_stop_reaches_the_child_at_its_checkpoint() {
    let opened = open();
    let path = opened.folder.join("pids");
    let flow = opened.flow.with(Patient::PIDS, &*path);
    let stopper = flow.stopper();
    let stop = thread::spawn(move || {
        pids(&path);
        stopper.stop();
    });
    let summary = failure(flow.run::<Patient>());
    stop.join().expect("no panic");
    assert!(failed(&summary).is_empty(), "{summary}");
    assert_eq!(summary.not_run()[0].error.as_deref(), Some("the execution was stopped"));
}

#[derive(Task)]
#[task(target = Json<u32>, isolate)]
struct Process {
    n: u32,
}

runs!(Process: u32 = |self, _cx| Ok(id()));

#[derive(Task)]
#[task(requires = Process { n: 1 }, target = Json<u32>, isolate, priority = 10)]
struct Panics;

runs!(Panics: u32 = |self, _cx| panic!("it panics in a child"));

/// Runs after the task that panics.
#[derive(Task)]
#[task(requires = Process { n: 1 }, target = Json<u32>, isolate)]
struct Late;

runs!(Late: u32 = |self, _cx| Ok(id()));

#[derive(Task)]
#[task(aggregate, requires = [Process { n } for n in 0..4_u32])]
struct Processes;

#[test]
fn a_child_runs_several_tasks_and_none_after_a_panic() -> Result<()> {
    let opened = open();
    let flow = opened.flow.workers(1);
    flow.run::<Processes>()?;
    let process = |n: u32| -> Result<u32> { Ok(*flow.with(Process::N, n).load::<Process>()?) };
    let first = process(0)?;
    assert_ne!(first, id());
    for n in 1..4 {
        assert_eq!(process(n)?, first);
    }
    // It has ended with the run.
    wait_for_end(&[i32::try_from(first)?]);

    let other = opened.flow.namespace("panics").workers(1);
    let summary = failure(other.run::<(Panics, Late)>());
    let error = summary.failed()[0].error.clone().context("an error")?;
    assert!(error.contains("it panicked at tests/behaviour/isolation_ends.rs:"), "{error}");
    let before = *other.with(Process::N, 1).load::<Process>()?;
    assert_ne!(*other.load::<Late>()?, before);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u32>, isolate, retries = 2)]
struct Improves {
    count: PathBuf,
}

runs!(Improves: u32 = |self, _cx| {
    let attempts = fs::read_to_string(&self.count).map_or(0, |text| text.len() as u32);
    fs::write(&self.count, "x".repeat(attempts as usize + 1))?;
    match attempts {
        0 => std::process::abort(),
        1 => panic!("at the second attempt"),
        _ => Ok(id()),
    }
});

#[test]
fn a_task_that_crashes_is_tried_again() -> Result<()> {
    let opened = open();
    let count = opened.folder.join("count");
    let flow = opened.flow.with(Improves::COUNT, &*count);
    flow.run::<Improves>()?;
    assert_eq!(fs::read_to_string(count)?, "xxx");
    Ok(())
}

const KILLED: &str = "FLOW_TEST_ISOLATION_KILLED";

/// Is started by the test below, and killed while its child runs a task.
#[test]
fn parent_that_is_killed() {
    if std::env::var_os(KILLED).is_none() {
        return;
    }
    let opened = open();
    let path = opened.folder.join("pids");
    eprintln!("{}", path.display());
    let _ = opened.flow.with(Patient::PIDS, &*path).run::<Patient>();
}

#[test]
fn no_child_outlives_a_parent_that_is_killed() -> Result<()> {
    let mut parent = Command::new(std::env::current_exe()?)
        .args(["isolation_ends::parent_that_is_killed", "--exact", "--nocapture"])
        .env(KILLED, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut path = String::new();
    BufReader::new(parent.stderr.take().context("a pipe")?).read_line(&mut path)?;
    let path = PathBuf::from(path.trim());
    let pids = pids(&path);
    parent.kill()?;
    parent.wait()?;
    wait_for_end(&pids);
    fs::remove_dir_all(path.parent().context("a folder")?)?;
    Ok(())
}

#[test]
fn a_program_that_inherits_the_variable_of_a_child_is_none() -> Result<()> {
    let output = Command::new(std::env::current_exe()?)
        .args([
            "isolation_ends::a_stop_reaches_the_child_at_its_checkpoint",
            "--exact",
            "--nocapture",
        ])
        .env("FLOW_CHILD", "1:0123456789abcdef:00000000000000000000000000000000")
        .stdin(Stdio::null())
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
    Ok(())
}

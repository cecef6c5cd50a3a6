//! External programs that tasks run with `cx.command`.

#![cfg(unix)]

use std::path::Path;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use flow::prelude::*;

use crate::support::{alone, failed, failure, files_below, flow, peak, ran};

/// Returns the standard output of a shell script.
#[derive(Task)]
#[task(target = Text)]
struct Shell {
    script: String,
    #[param(default)]
    input: String,
}

#[tracked]
impl Run for Shell {
    fn run(&self, cx: &Cx<Self>) -> Result<String> {
        let shell =
            cx.command("sh").args(["-c", &self.script]).env("WHO", "you").stdin(&*self.input);
        Ok(String::from_utf8(shell.output()?)?)
    }
}

/// Runs a shell script whose output goes to the log of the task.
#[derive(Task)]
#[task(target = Json<u8>)]
struct Logged {
    script: String,
}

#[tracked]
impl Run for Logged {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        cx.command("sh").arg("-c").arg(&self.script).current_dir("/").run()?;
        Ok(1)
    }
}

fn log(folder: &Path) -> String {
    let logs: Vec<_> =
        files_below(folder).into_iter().filter(|file| file.ends_with("log.txt")).collect();
    assert_eq!(logs.len(), 1, "{logs:?}");
    std::fs::read_to_string(&logs[0]).expect("a log")
}

#[test]
fn stdout_of_a_program_is_returned_and_stderr_is_logged() -> Result<()> {
    let (flow, folder) = flow();
    let shell = flow.with(Shell::SCRIPT, "cat; echo \"hello $WHO\"; echo oops >&2");
    let shell = shell.with(Shell::INPUT, "first\n");
    shell.run::<Shell>()?;
    assert_eq!(*shell.load::<Shell>()?, "first\nhello you\n");
    let log = log(folder.path());
    assert!(log.starts_with("$ sh -c \"cat; echo"), "{log}");
    assert!(log.contains("\noops\n[exit status: 0 after "), "{log}");
    assert!(!log.contains("hello you"), "{log}");
    Ok(())
}

#[test]
fn each_run_starts_a_new_log() -> Result<()> {
    let (flow, folder) = flow();
    let logged = flow.with(Logged::SCRIPT, "pwd; echo oops >&2; printf end");
    logged.run::<Logged>()?;
    let first = log(folder.path());
    for line in ["/", "oops", "end"] {
        assert!(first.lines().any(|printed| printed == line), "{first}");
    }
    logged.force_all().run::<Logged>()?;
    assert_eq!(log(folder.path()).lines().count(), first.lines().count());

    logged.reset::<Logged>()?;
    assert!(files_below(folder.path()).iter().all(|file| !file.ends_with("log.txt")));
    Ok(())
}

#[test]
fn a_task_that_runs_no_program_has_no_log() -> Result<()> {
    #[derive(Task)]
    #[task(target = Json<u8>)]
    struct Silent;

    #[tracked]
    impl Run for Silent {
        fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
            Ok(1)
        }
    }

    let (flow, folder) = flow();
    flow.run::<Silent>()?;
    assert!(files_below(folder.path()).iter().all(|file| !file.ends_with("log.txt")));
    Ok(())
}

#[test]
fn a_failing_program_fails_its_task() {
    let (flow, folder) = flow();
    let script = "for i in 1 2 3 4 5 6 7 8 9 10 11; do echo line $i >&2; done; exit 3";
    let summary = failure(flow.with(Logged::SCRIPT, script).run::<Logged>());
    let error = summary.failed()[0].error.clone().expect("an error");
    assert!(error.contains("failed (exit status: 3): line 2\n"), "{error}");
    assert!(error.contains("line 11\nits log: "), "{error}");
    assert!(log(folder.path()).contains("line 1\n"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_very_long_line_is_not_held_in_memory() -> Result<()> {
    alone(|| {
        const LONG: usize = 300 << 20;
        let before = peak();
        let (flow, folder) = flow();
        let zeros = format!("head -c {LONG} /dev/zero | tr '\\0' x");
        let script = format!("{zeros}; echo first >&2; {zeros} >&2; printf 'the end' >&2; exit 3");
        let summary = failure(flow.with(Logged::SCRIPT, script).run::<Logged>());
        let error = summary.failed()[0].error.clone().expect("an error");
        assert!(error.len() < 6 << 10, "{} bytes", error.len());
        assert!(error.contains("(exit status: 3): first\n...xxx"), "{error}");
        assert!(error.contains("xthe end\nits log: "), "{error}");
        let taken = peak() - before;
        assert!(taken < 50 << 20, "{taken} bytes of memory");
        let logs = files_below(folder.path()).into_iter().find(|file| file.ends_with("log.txt"));
        // The log is cut in the middle, and says so. Its end is there.
        let log = std::fs::read_to_string(logs.expect("a log"))?;
        assert!(log.len() < 65 << 20, "the log has {} bytes", log.len());
        let (_, end) = log
            .split_once("\n[the log is cut here, because it has 67108864 bytes;")
            .context("a notice")?;
        assert!(end.contains(" bytes are left out]\n"), "{end:.200}");
        // The end of the other output may be logged within this line, because both are long.
        let (_, last) = end.split_once("the end\n").context("its last line")?;
        assert!(last.trim_start().starts_with("[exit status: 3 after "), "{last}");
        Ok(())
    })
}

#[test]
fn a_missing_program_is_named_in_the_error() {
    #[derive(Task)]
    #[task(target = Json<u8>)]
    struct Missing;

    #[tracked]
    impl Run for Missing {
        fn run(&self, cx: &Cx<Self>) -> Result<u8> {
            cx.command("no-such-program-9").run()?;
            Ok(1)
        }
    }

    let (flow, _folder) = flow();
    let summary = failure(flow.run::<Missing>());
    let error = summary.failed()[0].error.clone().expect("an error");
    assert!(error.contains("cannot start `no-such-program-9`"), "{error}");
}

#[test]
fn a_large_output_is_read_while_the_input_is_written() -> Result<()> {
    let (flow, _folder) = flow();
    let text = "0123456789\n".repeat(100_000);
    let shell = flow.with(Shell::SCRIPT, "cat; yes | head -c 500000 >&2");
    let shell = shell.with(Shell::INPUT, &text);
    shell.run::<Shell>()?;
    assert_eq!(*shell.load::<Shell>()?, text);
    Ok(())
}

#[test]
fn a_program_may_ignore_its_input() -> Result<()> {
    let (flow, _folder) = flow();
    let shell = flow.with(Shell::SCRIPT, "echo done").with(Shell::INPUT, "x".repeat(1_000_000));
    shell.run::<Shell>()?;
    assert_eq!(*shell.load::<Shell>()?, "done\n");
    Ok(())
}

/// Returns whether a `sleep` process with this text among its arguments is running.
fn is_running(text: &str) -> bool {
    let out = std::process::Command::new("sh")
        .args(["-c", "grep -la \"$0\" /proc/[0-9]*/cmdline 2>/dev/null | grep -v \"/$$/\"", text])
        .output()
        .expect("a shell");
    let own = format!("/proc/{}/", std::process::id());
    // The shell and grep have the text among their arguments, too.
    String::from_utf8_lossy(&out.stdout)
        .lines()
        .filter(|path| !path.starts_with(&own))
        .filter_map(|path| std::fs::read(path).ok())
        .any(|arguments| arguments.starts_with(b"sleep"))
}

/// Waits until `holds` returns true, for at most 20 seconds.
fn eventually(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_stop_kills_the_program_and_its_children() {
    let (flow, _folder) = flow();
    // Ten hours; the number identifies the processes of this test.
    let flow = flow.with(Logged::SCRIPT, "sleep 36017 & sleep 36017");
    let stopper = flow.stopper();
    let (done, ended) = channel();
    let run = std::thread::spawn(move || {
        let summary = failure(flow.run::<Logged>());
        let _ = done.send(());
        (ran(&summary).len(), failed(&summary).len())
    });
    eventually("it has started", || is_running("36017"));
    stopper.stop();
    ended.recv_timeout(Duration::from_secs(10)).expect("the run ends soon");
    assert_eq!(run.join().expect("no panic"), (0, 0), "it was given up, and has not failed");
    eventually("it was killed", || !is_running("36017"));
}

#[test]
#[cfg(target_os = "linux")]
fn background_processes_end_with_the_program() -> Result<()> {
    let (flow, _folder) = flow();
    flow.with(Logged::SCRIPT, "sleep 36019 & echo started").run::<Logged>()?;
    eventually("it was killed", || !is_running("36019"));
    Ok(())
}

#[test]
#[cfg(target_os = "linux")]
fn a_program_does_not_outlive_a_process_that_is_killed() -> Result<()> {
    const FOLDER: &str = "FLOW_TEST_COMMAND_FOLDER";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let flow = Flow::open(PathBuf::from(folder))?.quiet();
        // `exec` replaces the shell, because this test is about the program itself and not about its children.
        flow.with(Logged::SCRIPT, "exec sleep 36023").run::<Logged>()?;
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let mut child = std::process::Command::new(std::env::current_exe()?)
        .args(["--exact", "commands::a_program_does_not_outlive_a_process_that_is_killed"])
        .env(FOLDER, folder.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()?;
    eventually("it has started", || is_running("36023"));
    child.kill()?;
    child.wait()?;
    eventually("it was killed", || !is_running("36023"));
    Ok(())
}

/// Returns a script that starts a service in a session of its own, which inherits the pipes of the script.
///
/// The script prints `done` once the service runs. The process id of the service is written to the file `number`.
#[cfg(target_os = "linux")]
fn leaves(service: &str, number: &Path) -> String {
    let number = number.display();
    format!(
        "setsid sh -c 'echo $$ > {number}; exec {service}' <&0 & \
         while ! test -s {number}; do sleep 0.01; done; echo done"
    )
}

/// A service that prints without end.
#[cfg(target_os = "linux")]
const ENDLESS: &str = r#"sh -c "while :; do echo more; done""#;

/// Kills the service on drop. Holds the path of the file with its process id.
#[cfg(target_os = "linux")]
struct Service(PathBuf);

#[cfg(target_os = "linux")]
impl Drop for Service {
    fn drop(&mut self) {
        let number = std::fs::read_to_string(&self.0).unwrap_or_default();
        let kill = std::process::Command::new("kill").arg("-9").arg(number.trim()).output();
        drop(kill);
    }
}

/// Runs a task on a thread of its own, and panics if the run takes longer than 20 seconds.
#[cfg(target_os = "linux")]
fn ends<T: Task>(flow: &Flow) -> Result<flow::Summary, flow::Error> {
    let (done, ended) = channel();
    let flow = flow.clone();
    std::thread::spawn(move || drop(done.send(flow.run::<T>())));
    ended.recv_timeout(Duration::from_secs(20)).expect("the task waits for the service")
}

#[test]
#[cfg(target_os = "linux")]
fn a_detached_service_does_not_block_the_task() -> Result<()> {
    let (flow, folder) = flow();
    for (place, service) in ["sleep 36037", ENDLESS].into_iter().enumerate() {
        let service_of = |kind: &str| Service(folder.path().join(format!("{kind}-{place}")));
        let service = |number: &Service| leaves(service, &number.0);

        let number = service_of("logged");
        ends::<Logged>(&flow.with(Logged::SCRIPT, service(&number)))?;

        // All text that the program printed before its end is returned; an input that nothing reads is dropped.
        let number = service_of("captured");
        let shell =
            flow.with(Shell::SCRIPT, service(&number)).with(Shell::INPUT, "x".repeat(1 << 20));
        ends::<Shell>(&shell)?;
        let printed = shell.load::<Shell>()?;
        assert!(printed.split_inclusive('\n').any(|line| line == "done\n"), "{}", printed.len());
    }
    let logs = files_below(folder.path()).into_iter().filter(|file| file.ends_with("log.txt"));
    let mut logs = logs.filter_map(|log| std::fs::read_to_string(log).ok());
    assert!(logs.any(|log| log.contains("\ndone\n[exit status: 0")));
    Ok(())
}

#[test]
#[cfg(target_os = "linux")]
fn a_stop_works_while_a_detached_service_holds_the_pipes() {
    let (flow, folder) = flow();
    let number = Service(folder.path().join("number"));
    // The program itself runs for hours and ignores SIGTERM.
    let script = format!("trap '' TERM; {}; sleep 36041", leaves("sleep 36041", &number.0));
    let flow = flow.with(Logged::SCRIPT, script);
    let stopper = flow.stopper();
    let file = number.0.clone();
    let stops = std::thread::spawn(move || {
        eventually("the service has started", || {
            std::fs::read(&file).is_ok_and(|number| !number.is_empty())
        });
        stopper.stop();
    });
    let summary = failure(ends::<Logged>(&flow));
    stops.join().expect("no panic");
    assert_eq!((ran(&summary).len(), failed(&summary).len()), (0, 0), "it was given up");
}

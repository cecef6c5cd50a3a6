//! `cx.log` writes lines to a log beside the output. It stays if the task fails, can be followed, and is read safely
//! whatever it holds.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use flow::Event;
use flow::jiff::Timestamp;
use flow::log::LogScope;
use flow::prelude::*;

use crate::support::{failed, failure, files_below, flow, one_file};

/// Logs what it does, and fails for large numbers.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Fit {
    #[param(default = 1)]
    n: u64,
}

runs!(Fit: u64 = |self, cx| {
    cx.log(format_args!("fitting {}", self.n));
    ensure!(self.n < 10, "{} is too large", self.n);
    cx.log("done\nwith two lines");
    Ok(self.n)
});

/// Returns the messages of a log, without their times.
fn messages(text: &str) -> Vec<&str> {
    text.lines().map(|line| line.split_once('Z').map_or(line, |(_, message)| message)).collect()
}

fn log<T: Task>(flow: &Flow) -> String {
    flow.log::<T>().expect("it can be read").expect("a log").text().to_owned()
}

#[test]
fn lines_have_the_time_and_stay_together() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(flow.log::<Fit>()?, None);
    flow.run::<Fit>()?;
    let log = flow.log::<Fit>()?.context("a log")?;
    assert_eq!(messages(log.text()), [" fitting 1", " done", "  with two lines"]);
    let (time, _) = log.text().split_once(' ').context("a time")?;
    let age = Timestamp::now().duration_since(time.parse::<Timestamp>()?).as_secs();
    assert!((0..60).contains(&age), "{time}");

    // The same from every handle.
    assert_eq!(log.path(), one_file(flow.folder(), "log", ".txt"));
    assert_eq!(flow.output::<Fit>()?.log()?.as_ref(), Some(&log));
    assert_eq!(flow.store().list()?[0].log()?.as_ref(), Some(&log));
    let instances = flow.graph::<Fit>().instances()?;
    assert_eq!(instances[0].log()?.as_ref(), Some(&log));
    assert_eq!(instances[0].log_path()?, log.path());
    assert_eq!((log.attempt(), instances[0].earlier_logs()?.len()), (None, 0));
    Ok(())
}

#[test]
fn a_failed_task_keeps_its_log() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Fit::N, 10);
    let summary = failure(flow.run::<Fit>());
    assert_eq!(messages(&log::<Fit>(&flow)), [" fitting 10"]);
    let path = one_file(flow.folder(), "log", ".txt");
    assert_eq!(summary.failed()[0].log.as_deref(), Some(&*path));
    let text = summary.to_string();
    assert!(text.contains(&format!("10 is too large\n      log: {}", path.display())), "{text}");
    assert_eq!(flow.graph::<Fit>().log::<Fit>()?.context("a log")?.path(), path);
    Ok(())
}

static LOUD: AtomicBool = AtomicBool::new(true);
static BROKEN: AtomicBool = AtomicBool::new(false);

/// Logs a line, fails, or does neither.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Moody;

runs!(Moody: u64 = |self, cx| {
    if LOUD.load(Ordering::SeqCst) {
        cx.log("loud");
    }
    ensure!(!BROKEN.load(Ordering::SeqCst), "broken");
    Ok(1)
});

#[test]
fn the_log_is_that_of_the_last_run() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Moody>()?;
    assert_eq!(messages(&log::<Moody>(&flow)), [" loud"]);
    let path = one_file(flow.folder(), "log", ".txt");

    // The next run logs nothing. The file of the run before is too old to be its log.
    LOUD.store(false, Ordering::SeqCst);
    let before = SystemTime::now() - Duration::from_secs(60);
    fs::File::options().append(true).open(&path)?.set_modified(before)?;
    flow.force_all().run::<Moody>()?;
    assert_eq!(flow.log::<Moody>()?, None);

    // One that fails without a line has none either, however new the file is.
    BROKEN.store(true, Ordering::SeqCst);
    fs::File::options().append(true).open(&path)?.set_modified(SystemTime::now())?;
    let summary = failure(flow.force_all().run::<Moody>());
    assert_eq!((summary.failed()[0].log.clone(), flow.log::<Moody>()?), (None, None));

    LOUD.store(true, Ordering::SeqCst);
    failure(flow.force_all().run::<Moody>());
    assert_eq!(messages(&log::<Moody>(&flow)), [" loud"]);
    // The output of the run before the failure is still there.
    assert_eq!(flow.store().list()?[0].log()?.context("a log")?.path(), path);
    flow.reset::<Moody>()?;
    let left = files_below(flow.folder());
    assert!(!left.iter().any(|file| file.ends_with("log.txt")), "{left:?}");
    Ok(())
}

#[test]
fn logs_of_earlier_attempts_are_read_in_order() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Fit::N, 11);
    failure(flow.run::<Fit>());
    let last = one_file(flow.folder(), "log", ".txt");
    for attempt in [2, 10, 1] {
        fs::write(last.with_file_name(format!("log-{attempt}.txt")), format!("{attempt}\n"))?;
    }
    fs::write(last.with_file_name("log-x.txt"), "not one")?;
    let instance = flow.graph::<Fit>().instances()?.remove(0);
    assert!(instance.earlier_logs()?.is_empty(), "there was one attempt");
    let record = one_file(flow.folder(), "failure", ".json");
    let recorded = fs::read_to_string(&record)?;
    fs::write(&record, recorded.replace("\"attempts\": 1", "\"attempts\": 11"))?;
    let earlier = instance.earlier_logs()?;
    let earlier: Vec<_> = earlier.iter().map(|log| (log.attempt(), log.text())).collect();
    assert_eq!(earlier, [(Some(1), "1\n"), (Some(2), "2\n"), (Some(10), "10\n")]);
    assert_eq!(messages(&log::<Fit>(&flow)), [" fitting 11"]);

    // The next run begins with a log of its own, and removes those of the run before.
    failure(flow.run::<Fit>());
    assert!(instance.earlier_logs()?.is_empty());
    assert!(last.with_file_name("log-x.txt").exists());
    Ok(())
}

#[test]
fn whatever_a_log_holds_it_is_displayed_safely() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Fit>()?;
    let path = one_file(flow.folder(), "log", ".txt");
    fs::write(&path, b"a\tb \x1b[2Jred\r\n\xff\xfe\xe2\x80\xae\0end")?;
    let log = flow.log::<Fit>()?.context("a log")?;
    assert_eq!(log.text(), "a\tb \u{1b}[2Jred\r\n\u{fffd}\u{fffd}\u{202e}\0end");
    assert_eq!(log.to_string(), "a\tb \\u{1b}[2Jred\n\u{fffd}\u{fffd}\\u{202e}\\u{0}end");
    let debug = flow.debug::<Fit>()?.to_string();
    assert!(
        debug.ends_with("\n  a\tb \\u{1b}[2Jred\n  \u{fffd}\u{fffd}\\u{202e}\\u{0}end"),
        "{debug}"
    );

    // A file that is larger than any log is read from its end.
    let file = fs::File::create(&path)?;
    file.set_len(1 << 40)?;
    let log = flow.log::<Fit>()?.context("a log")?;
    assert!(log.text().starts_with("[the first 1099"), "{:.50}", log.text());
    assert!(log.text().len() < 65 << 20);
    Ok(())
}

#[test]
fn a_log_that_cannot_be_read_or_written_fails_no_task() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Fit>()?;
    let path = one_file(flow.folder(), "log", ".txt");
    fs::remove_file(&path)?;
    fs::create_dir(&path)?;
    let error = flow.log::<Fit>().expect_err("a folder").to_string();
    assert!(error.starts_with(&format!("cannot read {}: ", path.display())), "{error}");
    let debug = flow.debug::<Fit>()?.to_string();
    assert!(
        debug.contains(&format!("\nnot used: the log: cannot read {}", path.display())),
        "{debug}"
    );

    let seen = Arc::new(Mutex::new(Vec::new()));
    let events = Arc::clone(&seen);
    let observed = flow.force_all().observe(move |event| {
        if let Event::Status { instance, message, .. } = event {
            events.lock().expect("no panic").push(format!("{}: {message}", instance.task()));
        }
    });
    observed.run::<Fit>()?;
    let seen = seen.lock().expect("no panic");
    let [told] = seen.as_slice() else { panic!("one message, not {seen:?}") };
    assert!(told.starts_with("Fit: its log is incomplete: cannot create "), "{told}");
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_link_in_place_of_a_log_is_not_followed() -> Result<()> {
    let (flow, folder) = flow();
    flow.run::<Fit>()?;
    let path = one_file(flow.folder(), "log", ".txt");
    let secret = folder.path().join("secret");
    fs::write(&secret, "secret")?;
    fs::remove_file(&path)?;
    std::os::unix::fs::symlink(&secret, &path)?;
    let error = flow.log::<Fit>().expect_err("a link").to_string();
    assert!(error.contains("is a link"), "{error}");
    let mut followed = flow.graph::<Fit>().follow_log::<Fit>()?;
    assert!(followed.read_new().is_err());
    // A run replaces the link, and not what it leads to.
    flow.force_all().run::<Fit>()?;
    assert_eq!(fs::read_to_string(secret)?, "secret");
    assert_eq!(messages(&log::<Fit>(&flow)).len(), 3);
    Ok(())
}

/// Logs a line for each message, until the channel is closed.
#[derive(Task)]
#[task(target = Json<u64>, uses(Mutex<Lines>))]
struct Slow;

struct Lines {
    next: Receiver<String>,
    logged: Sender<()>,
}

runs!(Slow: u64 = |self, cx| {
    let lines = cx.provided::<Mutex<Lines>>().lock().expect("no panic");
    while let Ok(line) = lines.next.recv() {
        cx.log(line);
        lines.logged.send(())?;
    }
    Ok(1)
});

#[test]
fn a_log_is_followed_while_it_is_written() -> Result<()> {
    let (flow, _folder) = flow();
    let mut followed = flow.graph::<Slow>().follow_log::<Slow>()?;
    assert_eq!(followed.read_new()?, "");
    for run in 1..=2 {
        let (line, next) = channel();
        let (logged, is_logged) = channel();
        let runs = flow.force_all().provide(Mutex::new(Lines { next, logged }));
        let running = std::thread::spawn(move || runs.run::<Slow>().map(drop));
        for text in ["first", "secönd"] {
            line.send(format!("{text} {run}"))?;
            is_logged.recv()?;
            let new = followed.read_new()?;
            assert!(new.ends_with(&format!("Z {text} {run}\n")), "{new}");
            assert_eq!(new.lines().count(), 1, "{new}");
            assert_eq!(followed.read_new()?, "");
        }
        drop(line);
        running.join().expect("no panic")?;
        assert_eq!(followed.read_new()?, "");
    }
    Ok(())
}

/// Gives its log to a thread that outlives the task.
#[derive(Task)]
#[task(target = Json<u64>, uses(Mutex<Sender<LogScope>>))]
struct Leaky;

runs!(Leaky: u64 = |self, cx| {
    let scope = cx.log_scope();
    let sender = cx.provided::<Mutex<Sender<LogScope>>>().lock().expect("no panic");
    sender.send(scope.clone())?;
    std::thread::spawn(move || scope.log("on another thread")).join().expect("no panic");
    Ok(1)
});

#[test]
fn lines_of_a_thread_that_outlives_its_task_are_dropped() -> Result<()> {
    let (flow, _folder) = flow();
    let (sender, scopes) = channel::<LogScope>();
    flow.provide(Mutex::new(sender)).run::<Leaky>()?;
    let scope = scopes.recv()?;
    scope.log("too late");
    let _entered = scope.enter();
    assert_eq!(messages(&log::<Leaky>(&flow)), [" on another thread"]);
    // The scope does not keep the run alive, so that nothing tells `gc` that it is in progress.
    let running = files_below(&flow.folder().join(".flow").join("running"));
    assert!(running.is_empty(), "{running:?}");
    Ok(())
}

#[cfg(unix)]
#[test]
fn programs_and_lines_share_a_log_in_order() -> Result<()> {
    #[derive(Task)]
    #[task(target = Json<u64>)]
    struct Mixed;

    #[tracked]
    impl Run for Mixed {
        fn run(&self, cx: &Cx<Self>) -> Result<u64> {
            cx.log("before");
            cx.command("sh").args(["-c", "echo between"]).run()?;
            cx.log("after");
            Ok(1)
        }
    }

    let (flow, _folder) = flow();
    flow.run::<Mixed>()?;
    let log = log::<Mixed>(&flow);
    let lines = messages(&log);
    let [before, command, between, status, after] = lines[..] else { panic!("{lines:?}") };
    assert_eq!([before, between, after], [" before", "between", " after"]);
    assert!(command.starts_with("$ sh -c ") && status.starts_with("[exit status: 0 after "));
    Ok(())
}

#[test]
fn a_task_cannot_read_the_log_of_another() -> Result<()> {
    #[derive(Task)]
    #[task(requires = Fit, target = Text)]
    struct Reads;

    #[tracked]
    impl Run for Reads {
        fn run(&self, cx: &Cx<Self>) -> Result<String> {
            let log = cx.input().log()?.context("a log")?;
            Ok(log.text().to_owned())
        }
    }

    let (flow, _folder) = flow();
    let summary = failure(flow.run::<Reads>());
    assert_eq!(failed(&summary), ["Reads"]);
    let error = summary.failed()[0].error.clone().context("an error")?;
    assert!(error.contains("a running task cannot read its log, because"), "{error}");
    Ok(())
}

static TRIED: AtomicUsize = AtomicUsize::new(0);

/// Succeeds at the third attempt.
#[derive(Task)]
#[task(target = Json<u64>, retries = 3)]
struct Third;

runs!(Third: u64 = |self, cx| {
    let attempt = TRIED.fetch_add(1, Ordering::SeqCst) + 1;
    cx.log(format_args!("attempt {attempt}"));
    ensure!(attempt == 3, "not yet");
    Ok(attempt as u64)
});

#[test]
fn each_attempt_has_a_log_of_its_own() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Third>()?;
    assert_eq!(messages(&log::<Third>(&flow)), [" attempt 3"]);
    let earlier = flow.graph::<Third>().instances()?.remove(0).earlier_logs()?;
    let earlier: Vec<_> = earlier.iter().map(|log| (log.attempt(), messages(log.text()))).collect();
    assert_eq!(earlier, [(Some(1), vec![" attempt 1"]), (Some(2), vec![" attempt 2"])]);
    Ok(())
}

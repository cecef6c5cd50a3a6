//! What a user sees of a run: in a terminal of 80 columns, in a pipe, and with `quiet`.
//!
//! The program `shown` runs in a pseudo-terminal, whose screen a terminal emulator reads. Linux only.
#![cfg(target_os = "linux")]

mod screen;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use self::screen::{PROGRAM, Terminal};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Lets the task `Train` end.
fn go(folder: &Path) {
    fs::write(folder.join("go"), "").expect("the folder is there");
}

/// Returns whether a line is a bar with these counts, such as `[==>  ] 4/5, 1 running, 3 s`.
fn is_bar(line: &str, counts: &str) -> bool {
    line.starts_with("[=") && line.contains(&format!("] {counts}, "))
}

/// Returns whether a line is about the task `Train` of the run.
fn is_train(line: &str) -> bool {
    line.starts_with("  Train {model: 数据") && line.contains("40/200  ") && line.ends_with(" s")
}

#[test]
fn a_terminal_shows_a_bar_and_running_tasks_below_failures() {
    let folder = folder();
    let terminal = Terminal::run(folder.path(), "all", &[]);
    let lines = terminal.wait_for("the bar and the task", |lines| {
        let bar = lines.iter().position(|line| is_bar(line, "4/6, 1 running, 1 failed"));
        bar.is_some_and(|bar| lines.get(bar + 1).is_some_and(|line| is_train(line)))
    });
    // The failure is above the bar, with its further lines and nothing that controls the terminal.
    let bar = lines.iter().position(|line| line.starts_with("[=")).expect("a bar");
    assert_eq!(bar, 2, "{lines:#?}");
    assert!(lines[0].ends_with("/7] Broken failed: there are no prices"), "{lines:#?}");
    assert_eq!(lines[1], r"  for \u{1b}[31mMonday");
    // The bar and the task are one line each, and the label is cut by the width that it is displayed with. There is no
    // time left, because the task never ran before.
    assert_eq!(lines.len(), 4, "{lines:#?}");
    assert!(lines[3].contains(r"…: epoch 3\r\u{1b}[2J"), "{lines:#?}");
    assert!(!lines[2].contains("left"), "{lines:#?}");

    // At the end only the failure remains, above what the program prints.
    go(folder.path());
    let lines = terminal.end();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines[0].contains("Broken failed") && lines[2] == "END", "{lines:#?}");
}

#[test]
fn durations_of_earlier_runs_tell_the_time_left() {
    let folder = folder();
    go(folder.path());
    Terminal::run(folder.path(), "good", &[]).end();
    // The task took a thousand seconds.
    let tasks = fs::read_dir(folder.path().join("data/Train")).expect("its folder");
    let instance = tasks.map(|entry| entry.expect("an entry").path()).find(|path| path.is_dir());
    let record = instance.expect("the instance").join("record.json");
    let text = fs::read_to_string(&record).expect("its record");
    let (before, after) = text.split_once("\"seconds\": ").expect("its duration");
    let (_, after) = after.split_once(',').expect("another field");
    fs::write(&record, format!("{before}\"seconds\": 1000.0,{after}")).expect("the record");

    fs::remove_file(folder.path().join("go")).expect("the file");
    let terminal = Terminal::run(folder.path(), "again", &[]);
    terminal.wait_for("the time left", |lines| {
        let has = |text: &str| lines.iter().any(|line| line.contains(text));
        has(" of about 16 min 40 s") && has(", about 16 min ") && has(" s left")
    });
    go(folder.path());
    assert_eq!(terminal.end(), ["END"]);
}

#[test]
fn two_runs_of_one_program_share_the_terminal() {
    let folder = folder();
    let terminal = Terminal::run(folder.path(), "two", &[]);
    terminal.wait_for("two bars with a task each", |lines| {
        let bars = lines.iter().filter(|line| line.contains("] 0/1, 1 running, "));
        let has = |name: &str| {
            lines.iter().any(|line| line.starts_with(&format!("  Train {{model: {name}}}")))
        };
        bars.count() == 2 && has("first") && has("second") && lines.len() == 4
    });
    go(folder.path());
    assert_eq!(terminal.end(), ["END"]);
}

#[test]
fn quiet_shows_nothing() {
    let folder = folder();
    go(folder.path());
    assert_eq!(Terminal::run(folder.path(), "quiet", &[]).end(), ["END"]);
}

/// Asserts that lines have the time, and returns them without it.
fn without_times(text: &str) -> Vec<String> {
    let without = |line: &str| {
        let (time, rest) = line.split_at_checked(9).expect("a time");
        let is_digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        let parts: Vec<_> = time.trim_end().split(':').collect();
        assert!(parts.len() == 3 && parts.into_iter().all(is_digits), "{line:?} in {text}");
        rest.to_owned()
    };
    text.lines().map(without).collect()
}

/// The lines of mode `good`, on one worker, without times and durations. Labels are not cut.
fn expected() -> Vec<String> {
    let model = format!(r"{}\u{{1b}}[31m", "数据".repeat(18));
    let mut lines = vec!["5 instances, 5 pending".to_owned()];
    for n in 0..3 {
        lines.push(format!("Quick {{n: {n}}} started"));
        lines.push(format!("[{}/5] Quick {{n: {n}}} ran", n + 1));
    }
    lines.push(format!("Train {{model: {model}}} started"));
    lines.push(format!(r"Train {{model: {model}}}: epoch 3\r\u{{1b}}[2J"));
    lines.push(format!("[4/5] Train {{model: {model}}} ran"));
    lines.push("Good started".to_owned());
    lines.push("[5/5] Good ran".to_owned());
    lines
}

fn without_durations(lines: Vec<String>) -> Vec<String> {
    let without = |line: String| line.split(" in ").next().expect("a text").to_owned();
    lines.into_iter().map(without).collect()
}

/// Runs the program with its outputs in pipes. Returns the standard output and the standard error.
fn piped(folder: &Path, mode: &str) -> (String, String) {
    let mut program = Command::new(PROGRAM);
    let output = program.arg(folder).arg(mode).stdin(Stdio::null()).output().expect("the program");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{out}{err}");
    (out, err)
}

#[test]
fn a_pipe_receives_a_line_for_each_event() {
    let folder = folder();
    go(folder.path());
    let (out, err) = piped(folder.path(), "good");
    assert_eq!(out, "END\n");
    assert!(!err.contains('\u{1b}'), "{err:?}");
    assert_eq!(without_durations(without_times(&err)), expected());
}

#[test]
fn a_failure_in_a_pipe_has_all_lines_of_its_error() {
    let folder = folder();
    go(folder.path());
    let (out, err) = piped(folder.path(), "all");
    assert_eq!(out, "END\n");
    let lines: Vec<_> = err.lines().collect();
    let failed = lines.iter().position(|line| line.contains("Broken failed: ")).expect("a line");
    assert!(lines[failed].ends_with("] Broken failed: there are no prices"), "{err}");
    assert_eq!(lines[failed + 1], r"           for \u{1b}[31mMonday");
    let skipped = lines.iter().position(|line| line.contains("All was not run: Broken failed"));
    assert!(skipped.is_some_and(|skipped| skipped > failed), "{err}");
    // A second run has nothing to say but the failure.
    let (_, err) = piped(folder.path(), "all");
    let is_about = |line: &str| ["Broken", "All", "Monday"].iter().any(|name| line.contains(name));
    let others: Vec<_> = err.lines().filter(|line| !is_about(line)).collect();
    assert_eq!(others.len(), 1, "{err}");
    assert!(others[0].ends_with("7 instances, 2 pending"), "{err}");
}

#[test]
fn quiet_writes_nothing_to_a_pipe() {
    let folder = folder();
    go(folder.path());
    assert_eq!(piped(folder.path(), "quiet"), ("END\n".to_owned(), String::new()));
}

#[test]
fn a_terminal_that_cannot_move_the_cursor_shows_lines() {
    let folder = folder();
    go(folder.path());
    let lines = Terminal::run(folder.path(), "all", &[("TERM", "dumb")]).end();
    assert!(lines[0].ends_with(" 7 instances, 7 pending"), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.starts_with("[=")), "{lines:#?}");
    assert_eq!(lines[lines.len() - 1], "END");
}

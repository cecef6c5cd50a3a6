//! What a user sees of a run: in terminals of several widths, in a pipe, with `quiet`, at Ctrl-C and at Ctrl-Z.
//! `commands` is about the verbs of the command line.
//!
//! The programs `shown` and `ledger` run in a pseudo-terminal, whose screen a terminal emulator reads. Linux only.
#![cfg(target_os = "linux")]

mod commands;
mod screen;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use self::screen::{PROGRAM, Terminal};

const CTRL_C: u8 = 0x03;
const CTRL_Z: u8 = 0x1a;

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

/// Returns the path of the record of the task `Train`.
fn record(folder: &Path) -> PathBuf {
    let tasks = fs::read_dir(folder.join("data/Train")).expect("its folder");
    let instance = tasks.map(|entry| entry.expect("an entry").path()).find(|path| path.is_dir());
    instance.expect("the instance").join("record.json")
}

#[test]
fn durations_of_earlier_runs_tell_the_time_left() {
    let folder = folder();
    go(folder.path());
    Terminal::run(folder.path(), "good", &[]).end();
    // The task took a thousand seconds.
    let record = record(folder.path());
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

#[test]
fn a_service_for_continuous_integration_and_no_color_have_their_output() {
    let folder = folder();
    let terminal = Terminal::run(folder.path(), "all", &[("NO_COLOR", "1")]);
    terminal.wait_for("the bar", |lines| lines.iter().any(|line| line.starts_with("[=")));
    go(folder.path());
    let (_, written) = terminal.end_with_written();
    // `ESC [ 31 m` colors what follows. The escape in the name of the model is text.
    let colors = written.split("\u{1b}[").skip(1).filter(|sequence| {
        sequence.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m')
    });
    assert_eq!(colors.count(), 0, "{written:?}");

    // A terminal of such a service is a file for who reads it.
    let (lines, written) =
        Terminal::run(folder.path(), "all", &[("CI", "true")]).end_with_written();
    assert!(lines[0].ends_with(" 7 instances, 2 pending"), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("Broken failed: there are no prices")));
    assert!(!written.contains('\u{1b}'), "{written:?}");
}

/// Returns the number of columns of a text with wide characters.
fn columns(line: &str) -> usize {
    let columns = |c| match c {
        // It is drawn above the character before.
        '\u{301}' => 0,
        '\u{2e80}'.. => 2,
        _ => 1,
    };
    line.chars().map(columns).sum()
}

#[test]
fn a_narrow_terminal_has_one_line_for_each_thing() {
    for width in [60, 40, 20] {
        let folder = folder();
        let terminal = Terminal::with_columns(folder.path(), "good", width);
        let lines = terminal.wait_for("the task", |lines| {
            lines.len() == 2 && lines[0].contains("3/5, 1 running") && lines[1].starts_with("  T")
        });
        assert!(lines.iter().all(|line| columns(line) <= usize::from(width)), "{lines:#?}");
        go(folder.path());
        assert_eq!(terminal.end(), ["END"], "{width} columns");
    }
    let folder = folder();
    let terminal = Terminal::without_size(folder.path(), "good");
    terminal.wait_for("the bar and the task", |lines| {
        lines.len() == 2 && is_bar(&lines[0], "3/5, 1 running") && is_train(&lines[1])
    });
    go(folder.path());
    assert_eq!(terminal.end(), ["END"]);
}

#[test]
fn a_terminal_can_be_resized_while_a_run_is_shown() {
    let folder = folder();
    let terminal = Terminal::run(folder.path(), "good", &[]);
    let has_width = |lines: &[String], width: usize| {
        // The line of the task ends where the terminal does, or one column before.
        lines.len() == 2
            && lines[0].contains("3/5, 1 running")
            && (width - 1..=width).contains(&columns(&lines[1]))
            && lines[1].ends_with(" s")
    };
    terminal.wait_for("80 columns", |lines| has_width(lines, 80));
    for width in [110, 50, 30, 100] {
        terminal.resize(width);
        terminal.wait_for("another width", |lines| has_width(lines, width.into()));
    }
    go(folder.path());
    assert_eq!(terminal.end(), ["END"]);
}

#[test]
fn names_from_data_neither_break_lines_nor_control_the_terminal() {
    let folder = folder();
    let terminal = Terminal::run(folder.path(), "hostile", &[]);
    let lines = terminal.wait_for("the bar and four tasks", |lines| {
        lines.len() == 5 && lines[1..].iter().all(|line| line.starts_with("  Train {model: "))
    });
    assert!(lines[0].contains("] 0/5, 4 running, "), "{lines:#?}");
    let all = lines.join("\n");
    for text in [r"a\nb\r\u{1b}[2J", r"\u{9b}31m", "e\u{301} 数据", r"\u{1b}[1;1H"] {
        assert!(all.contains(text), "{text} is not in\n{all}");
    }
    // Each line fits, with its numbers on the right.
    assert!(lines[1..].iter().all(|line| line.ends_with(" s") && columns(line) <= 80), "{all}");
    assert!(terminal.cursor().is_some(), "the cursor is visible");
    go(folder.path());
    let (lines, written) = terminal.end_with_written();
    assert_eq!(lines, ["END"]);
    for control in ["\u{1b}]", "\u{1b}[?", "\u{1b}[2J", "\u{7}", "\u{9b}", "\u{202e}", "\u{200d}"] {
        assert!(!written.contains(control), "{control:?} in {written:?}");
    }

    // Lines are escaped in the same way. One is about the start of each task, and one about its end.
    let (_, err) = piped(folder.path(), "hostile");
    assert_eq!(err, "", "all is complete");
    let fresh = self::folder();
    go(fresh.path());
    let (_, err) = piped(fresh.path(), "hostile");
    let lines = without_times(&err);
    let starts = lines
        .iter()
        .filter(|line| line.starts_with("Train {model: ") && line.ends_with(" started"));
    assert_eq!(starts.count(), 4, "{err}");
    assert!(!err.contains(|c: char| c.is_control() && c != '\n'), "{err:?}");
}

/// The line about Ctrl-C.
const ANNOUNCED: &str = "SIGINT: no other task starts; running tasks end, or stop at their next checkpoint. \
                         A second signal ends the program at once.";

/// Asserts that lines of 80 columns are the line about Ctrl-C.
fn assert_announced(lines: &[String]) {
    assert_eq!(lines.len(), ANNOUNCED.len().div_ceil(80), "{lines:#?}");
    let text: String = lines.iter().map(|line| format!("{line:80}")).collect();
    assert_eq!(text.trim_end(), ANNOUNCED);
}

#[test]
fn the_line_about_ctrl_c_is_above_the_bar() {
    let folder = folder();
    let terminal = Terminal::run(folder.path(), "interrupts", &[]);
    terminal.wait_for("the task", |lines| lines.len() == 2 && lines[1].starts_with("  Train"));
    terminal.press(CTRL_C);
    let lines = terminal.wait_for("the announcement", |lines| {
        lines.len() == 4 && lines[2].contains("0/1, 1 running, stopping, ")
    });
    assert_announced(&lines[..2]);
    assert!(lines[3].starts_with("  Train {model: one}"), "{lines:#?}");
    go(folder.path());
    let lines = terminal.end();
    assert_announced(&lines[..2]);
    assert_eq!(lines[2..], ["END"]);
}

#[test]
fn a_second_ctrl_c_leaves_a_clean_terminal() {
    let folder = folder();
    let terminal = Terminal::run(folder.path(), "interrupts", &[]);
    terminal.wait_for("the task", |lines| lines.len() == 2 && lines[1].starts_with("  Train"));
    terminal.press(CTRL_C);
    terminal.wait_for("the announcement", |lines| {
        lines.len() == 4 && lines[2].contains(", stopping, ")
    });
    // Within 100 ms, a second one would count as the first one.
    std::thread::sleep(Duration::from_millis(300));
    terminal.press(CTRL_C);
    // Nothing lets the task end.
    assert_announced(&terminal.end_with_code(130).0);
}

#[test]
fn in_the_background_a_run_prints_failures_and_draws_nothing() {
    let folder = folder();
    let terminal = Terminal::in_background(folder.path(), "all");
    terminal.wait_for("the failure", |lines| {
        lines.iter().any(|line| line.ends_with("Broken failed: there are no prices"))
    });
    // A bar would be drawn after 200 ms.
    std::thread::sleep(Duration::from_millis(400));
    go(folder.path());
    let (lines, written) = terminal.end_with_written();
    assert!(lines.iter().any(|line| line == "END"), "{lines:#?}");
    assert!(!written.contains(" running, "), "{written:?}");
}

#[test]
fn the_line_about_ctrl_c_is_printed_without_a_bar_too() {
    for (mode, variables) in [("quiet interrupts", &[][..]), ("interrupts", &[("TERM", "dumb")])] {
        let folder = folder();
        let terminal = Terminal::run(folder.path(), mode, variables);
        terminal.wait_for("the start", |lines| {
            lines.iter().any(|line| line.contains("started")) || begun(folder.path())
        });
        terminal.send(Signal::INT);
        terminal.wait_for("the announcement", |lines| {
            lines.iter().any(|line| line.contains("SIGINT: no other task"))
        });
        go(folder.path());
        let lines = terminal.end();
        let first = lines.iter().position(|line| line.contains("SIGINT")).expect("the line");
        if mode == "interrupts" {
            // It has a time, and follows what was before.
            let (time, rest) = lines[first].split_at(9);
            assert!(rest.starts_with("SIGINT: ") && time.ends_with(' '), "{lines:#?}");
            assert!(lines[..first].iter().any(|line| line.contains("started")), "{lines:#?}");
        } else {
            assert_announced(&lines[..2]);
            assert_eq!(lines[2..], ["END"]);
        }
    }
}

/// Returns whether the task `Train` runs. It creates a file.
fn begun(folder: &Path) -> bool {
    folder.join("begun").exists()
}

/// Returns the whole seconds before the end of a line, such as those of `... 12 s`.
fn seconds(line: &str) -> u64 {
    let number = line.trim_end_matches(" s").rsplit(' ').next().expect("a number");
    number.parse().unwrap_or_else(|_| panic!("no seconds in {line:?}"))
}

#[test]
fn a_suspended_run_leaves_a_clean_terminal_and_its_clock_stands_still() {
    const SUSPENDED: Duration = Duration::from_secs(3);

    let (folder, started) = (folder(), Instant::now());
    let terminal = Terminal::run(folder.path(), "interrupts", &[]);
    let is_shown = |lines: &[String]| {
        lines.len() == 2
            && lines[0].contains("0/1, 1 running, ")
            && lines[1].starts_with("  Train {model: one}")
    };
    let before = terminal.wait_for("the task", is_shown);
    terminal.press(CTRL_Z);
    terminal.wait_for_suspension();
    // The prompt of the shell begins in an empty line.
    assert_eq!(terminal.wait_for("an empty screen", <[String]>::is_empty), [""; 0]);
    assert_eq!(terminal.cursor(), Some((0, 0)));
    std::thread::sleep(SUSPENDED);
    assert_eq!(terminal.lines(), [""; 0]);

    terminal.send(Signal::CONT);
    let after = terminal.wait_for("the task again", is_shown);
    for (before, after) in before.iter().zip(&after) {
        let more = seconds(after) - seconds(before);
        assert!(more < 2, "{more} s between\n{before}\n{after}");
    }
    go(folder.path());
    assert_eq!(terminal.end(), ["END"]);
    // The recorded duration, from which later runs estimate their time, does not have it either.
    let text = fs::read_to_string(record(folder.path())).expect("its record");
    let (_, rest) = text.split_once("\"seconds\": ").expect("its duration");
    let seconds: f64 = rest.split(',').next().expect("a number").parse().expect("a number");
    assert!(
        seconds <= started.elapsed().as_secs_f64() - 2.9,
        "{seconds} of {:?}",
        started.elapsed()
    );
}

#[test]
fn a_run_of_many_instances_draws_ten_times_a_second() {
    let folder = folder();
    let (lines, written) = Terminal::run(folder.path(), "many", &[]).end_with_written();
    let times = lines.iter().find_map(|line| line.strip_prefix("MANY ")).expect("the times");
    let (seconds, display) = times.split_once(' ').expect("two numbers");
    let [seconds, display] = [seconds, display].map(|text| text.parse::<f64>().expect("a number"));
    // Failures are printed once each, and do not add drawings: at most a print and a drawing in 100 ms.
    let failures = written.matches("is a multiple of 20").count();
    assert_eq!(failures, 499);
    let drawings = written.matches(" running, ").count();
    let limit = (seconds * 10.0 + 3.0) * 2.0;
    assert!(drawings >= 2 && (drawings as f64) < limit, "{drawings} drawings in {seconds} s");
    let share = display / seconds;
    assert!(display > 0.0 && share < 0.05, "{display} s of {seconds} s for the display");
}

//! The command line in terminals of 80 and 200 columns, resized, without colors, and in pipes.
//!
//! The program `ledger` runs in a folder with `ledger.csv`, which has many columns.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::screen::{Terminal, command};
use crate::{columns, go};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ledger");

/// The widths of the terminals.
const WIDTHS: [u16; 2] = [80, 200];

/// The number of columns of the table.
const TABLE: usize = 30;

/// The arguments of a session, and the exit code of each command.
const SESSION: [(&str, i32); 8] = [
    ("list", 0),
    ("plan Audit", 0),
    ("run Audit", 1),
    ("status", 0),
    ("show Ledger", 0),
    ("history", 0),
    ("run Total --nmae x", 2),
    ("sweep Total --name a,b --dry-run", 0),
];

/// Returns a folder with the table. Its cells have wide characters, and one would color the terminal.
fn folder() -> TempDir {
    let folder = crate::folder();
    let header = (0..TABLE).map(|n| format!("column{n}")).collect::<Vec<_>>().join(",");
    let cell = |row: usize, column: usize| match (row, column) {
        (_, 0) => "数据".repeat(row + 1),
        (1, 29) => "\u{1b}[31mred".to_owned(),
        _ => (row * column).to_string(),
    };
    let row = |row| (0..TABLE).map(|column| cell(row, column)).collect::<Vec<_>>().join(",");
    let rows = (0..3).map(|n| format!("{}\n", row(n))).collect::<String>();
    fs::write(folder.path().join("ledger.csv"), format!("{header}\n{rows}")).expect("the table");
    folder
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

/// Starts the program in a terminal.
fn start(folder: &Path, arguments: &str, width: u16, variables: &[(&str, &str)]) -> Terminal {
    let command = command(PROGRAM).args(words(arguments)).current_dir(folder);
    Terminal::of(command, width, variables)
}

/// Runs the program to its end in a terminal, and returns all that it wrote.
fn written(
    folder: &Path,
    arguments: &str,
    width: u16,
    variables: &[(&str, &str)],
    code: i32,
) -> String {
    let terminal = start(folder, arguments, width, variables);
    terminal.end_with_code(code).1.replace("\r\n", "\n")
}

/// Returns a line without the sequences that color it.
fn plain(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (codes, rest) = part.split_once('m').unwrap_or(("?", part));
        let is_color = codes.chars().all(|c| c.is_ascii_digit() || c == ';');
        assert!(is_color, "{part:?} in {line:?} controls the terminal");
        text.push_str(rest);
    }
    text
}

/// Runs the program to its end in a terminal, and returns the lines that it wrote, without colors.
fn lines(folder: &Path, arguments: &str, width: u16, code: i32) -> Vec<String> {
    written(folder, arguments, width, &[], code).lines().map(plain).collect()
}

/// Runs the program with its outputs in pipes. Returns the exit code, the standard output and the standard error.
fn piped(folder: &Path, arguments: &str) -> (Option<i32>, String, String) {
    let mut program = Command::new(PROGRAM);
    program.args(words(arguments)).current_dir(folder).stdin(Stdio::null());
    let output = program.output().expect("the program");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Returns the place at which a part of a line begins, in columns of the terminal.
#[track_caller]
fn place(line: &str, part: &str) -> usize {
    let (before, _) = line.split_once(part).unwrap_or_else(|| panic!("no {part:?} in {line:?}"));
    columns(before)
}

#[track_caller]
fn assert_fits(lines: &[String], width: u16) {
    for line in lines {
        assert!(columns(line) <= width.into(), "{width} columns: {line}\nin {lines:#?}");
    }
}

#[test]
fn a_table_leaves_out_columns_in_the_middle_that_do_not_fit() {
    let folder = folder();
    let shown = WIDTHS.map(|width| {
        let lines = lines(folder.path(), "show Ledger", width, 0);
        assert!(lines[1].ends_with(", 3 rows)"), "{lines:#?}");
        let table = &lines[2..];
        assert_fits(table, width);
        let [names, types, rule, rows @ .., more] = table else { panic!("{lines:#?}") };
        // The first and the last columns are there, and those of each line are below each other.
        assert!(names.starts_with("column0  ") && names.ends_with("  column29"), "{names}");
        assert!(types.starts_with("Utf8 ") && rule.starts_with("───"), "{table:#?}");
        for line in [types].into_iter().chain(rows) {
            assert_eq!(place(line, "…"), place(names, "…"), "{table:#?}");
        }
        assert_eq!(place(&rows[0], "数据"), 0, "{table:#?}");
        assert!(rows[1].ends_with(r"\u{1b}[31mred"), "{table:#?}");
        assert_eq!(rows.len(), 3, "{table:#?}");
        let shown = names.split_whitespace().count() - 1;
        let expected = format!("… and {} more columns: ", TABLE - shown);
        assert!(more.starts_with(&expected), "{shown} columns: {more}");
        shown
    });
    assert!(4 < shown[0] && shown[0] < shown[1] && shown[1] < TABLE, "{shown:?}");
}

#[test]
fn a_pipe_receives_all_columns() {
    let folder = folder();
    let (code, out, err) = piped(folder.path(), "show Ledger");
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[2].split_whitespace().count(), TABLE, "{out}");
    assert_eq!(lines.len(), 8, "{out}");
    assert!(!out.contains('…') && lines[6].ends_with(r"\u{1b}[31mred"), "{out}");
}

#[test]
fn lists_of_outputs_and_runs_are_tables() {
    for width in WIDTHS {
        let folder = folder();
        go(folder.path());
        let long = "n".repeat(90);
        for name in ["books", &long] {
            lines(folder.path(), &format!("run Total -q --name {name}"), width, 0);
        }
        let status = lines(folder.path(), "status", width, 0);
        let [header, rule, rows @ .., sum] = status.as_slice() else { panic!("{status:#?}") };
        assert_fits(&status[..4], width);
        let names: Vec<_> = words(header).collect();
        assert_eq!(names, ["instance", "size", "files", "ran", "took"], "{status:#?}");
        assert!(rule.starts_with("────────") && sum.starts_with("2 outputs, 2 B in "));
        assert_eq!(rows.len(), 2, "{status:#?}");
        for row in rows {
            assert_eq!(place(row, "1 stored"), place(header, "files"), "{status:#?}");
            // Numbers are on the right.
            assert_eq!(place(row, "1 B") + 3, place(header, "size") + 4, "{status:#?}");
        }
        // A narrow terminal cuts the longest cells, and leaves out no column.
        assert!(rows.iter().any(|row| row.contains("{name: books}")), "{status:#?}");
        assert!(width > 80 || rows.iter().any(|row| row.contains('…')), "{status:#?}");

        let history = lines(folder.path(), "history", width, 0);
        assert_fits(&history, width);
        let names: Vec<_> = words(&history[0]).collect();
        assert_eq!(names, ["run", "outcome", "took", "instances", "roots"], "{history:#?}");
        assert_eq!(history.len(), 4, "{history:#?}");
        for row in &history[2..] {
            assert_eq!(place(row, "success"), place(&history[0], "outcome"), "{history:#?}");
            assert_eq!(place(row, "Total"), place(&history[0], "roots"), "{history:#?}");
        }
    }
}

#[test]
fn a_sweep_prints_a_table_that_fits() {
    for width in WIDTHS {
        let folder = folder();
        go(folder.path());
        let long = "n".repeat(90);
        let arguments = format!("sweep Total -q --name books,{long}");
        let swept = lines(folder.path(), &arguments, width, 0);
        assert_fits(&swept[..4], width);
        assert!(swept[0].starts_with("variant") && swept[0].contains("status"), "{swept:#?}");
        for row in &swept[2..4] {
            assert_eq!(place(row, "complete"), place(&swept[0], "status"), "{swept:#?}");
        }
    }
}

#[test]
fn a_preview_a_summary_and_errors_are_readable_at_each_width() {
    for width in WIDTHS {
        let folder = folder();
        go(folder.path());
        let list = lines(folder.path(), "list", width, 0);
        assert_fits(&list, width);
        assert_eq!(place(&list[0], "Whether"), place(&list[2], "The sum"), "{list:#?}");

        let plan = lines(folder.path(), "plan Audit", width, 0);
        assert_fits(&plan, width);
        assert_eq!(plan[0], "Audit PENDING never run");
        assert!(plan[1].starts_with("└─ Total {name: books} PENDING"), "{plan:#?}");

        // The failure is printed while the run goes on, and the summary has it, too.
        let run = start(folder.path(), "run Audit", width, &[]).end_with_code(1);
        let count = run.0.iter().filter(|line| line.contains("the books do not balance")).count();
        assert_eq!(count, 2, "{:#?}", run.0);
        assert!(run.0.iter().any(|line| line.contains("1 ran, 1 failed")), "{:#?}", run.0);
        assert!(!run.0.iter().any(|line| line.starts_with('[') && line.contains("running")));
        // What the error would do to the terminal is text.
        assert!(!run.1.contains("by \u{1b}") && run.1.contains(r"by \u{1b}[2J1"), "{:?}", run.1);

        let wrong = lines(folder.path(), "run Total --nmae x", width, 2);
        assert_fits(&wrong, width);
        assert!(wrong[0].starts_with("error: ") && wrong[0].contains("'--nmae'"), "{wrong:#?}");
        assert!(wrong.iter().any(|line| line.contains("'--name'")), "{wrong:#?}");
        let help = lines(folder.path(), "run Total --help", width, 0);
        assert_fits(&help, width);
        assert!(help.iter().any(|line| line == "Parameters of Total:"), "{help:#?}");
    }
}

#[test]
fn a_run_can_be_followed_while_its_terminal_is_resized() {
    let folder = folder();
    let terminal = start(folder.path(), "run Audit", 80, &[]);
    let has_width = |lines: &[String], width: usize| {
        let is_bar = |line: &String| line.starts_with('[') && line.contains(", 1 running, ");
        // On a wide terminal the numbers stay near the label.
        let width = width.min(120);
        let is_task = |line: &String| {
            let is_right = line.starts_with("  Total {name: books}") && line.ends_with(" s");
            is_right && line.contains("1/3  ") && (width - 1..=width).contains(&columns(line))
        };
        lines.iter().any(is_bar) && lines.iter().any(is_task)
    };
    terminal.wait_for("80 columns", |lines| has_width(lines, 80));
    for width in [200, 50, 110] {
        terminal.resize(width);
        terminal.wait_for("another width", |lines| has_width(lines, width.into()));
    }
    go(folder.path());
    let (lines, _) = terminal.end_with_code(1);
    assert!(lines.iter().any(|line| line.contains("Audit failed: the books")), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains(" running, ")), "{lines:#?}");
}

#[test]
fn colors_are_absent_where_they_are_not_wanted() {
    let folder = folder();
    go(folder.path());
    for arguments in ["plan Audit", "run Total --nmae x", "run --help"] {
        let code = if arguments.ends_with('x') { 2 } else { 0 };
        let colored = written(folder.path(), arguments, 80, &[], code);
        assert!(colored.contains("\u{1b}["), "{arguments}: {colored:?}");
        for variables in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
            let text = written(folder.path(), arguments, 80, &variables, code);
            assert!(!text.contains('\u{1b}'), "{arguments}, {variables:?}: {text:?}");
        }
        for never in ["--color never", "--color=never"] {
            let text = written(folder.path(), &format!("{arguments} {never}"), 80, &[], code);
            assert!(!text.contains('\u{1b}'), "{arguments} {never}: {text:?}");
        }
    }
    let (_, out, _) = piped(folder.path(), "plan Audit --color always");
    assert!(out.contains("\u{1b}[33mPENDING"), "{out:?}");
}

#[test]
fn results_go_to_the_standard_output_and_progress_to_the_standard_error() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let file = |name: &str| Stdio::from(File::create(path(name)).expect("a file"));
    let read = |name: &str| fs::read_to_string(path(name)).expect("the file");
    let run = || command(PROGRAM).args(["run", "Total"]).current_dir(folder.path());

    // A terminal shows the progress while the result is in a file.
    let terminal = Terminal::of(run().stdout(file("out")), 80, &[]);
    terminal.wait_for("the bar", |lines| lines.iter().any(|line| line.contains(", 1 running, ")));
    go(folder.path());
    assert_eq!(terminal.end(), [""; 0]);
    let out = read("out");
    assert!(out.contains(" tasks in ") && out.contains("1 ran"), "{out}");
    assert!(!out.contains('\u{1b}') && !out.contains("running"), "{out:?}");

    // A terminal shows the result while the progress is in a file, a line for each event.
    let run = command(PROGRAM).args(["run", "Total", "--force"]).current_dir(folder.path());
    let lines = Terminal::of(run.stderr(file("err")), 80, &[]).end();
    assert!(lines[0].contains(" tasks in ") && lines[0].contains("1 ran"), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("started")), "{lines:#?}");
    let err = read("err");
    assert!(err.contains("Total {name: books} started\n"), "{err}");
    assert!(!err.contains('\u{1b}') && !err.contains("tasks in"), "{err:?}");
}

#[test]
fn a_pipe_receives_no_escape_sequence_and_no_bar() {
    let folder = folder();
    go(folder.path());
    for (arguments, code) in SESSION {
        let (ended, out, err) = piped(folder.path(), arguments);
        assert_eq!(ended, Some(code), "{arguments}: {out}{err}");
        // The text of a failed task is passed on as it is.
        let out = out.replace("by \u{1b}[2J", "");
        assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "{arguments}: {out:?}{err:?}");
        assert!(!err.contains("[=") && !err.contains(" running, "), "{arguments}: {err}");
        assert_eq!(out.is_empty(), code == 2, "{arguments}: {out}");
    }
}

#[test]
fn each_command_of_a_session_ends_with_a_clean_terminal() {
    for width in WIDTHS {
        let folder = folder();
        go(folder.path());
        for (arguments, code) in SESSION {
            let text = written(folder.path(), arguments, width, &[], code);
            assert!(text.ends_with('\n') || text.ends_with("\u{1b}[0m"), "{arguments}: {text:?}");
            assert!(!text.contains("panicked"), "{arguments}: {text}");
            // Only a run moves the cursor.
            if !arguments.starts_with("run Audit") {
                text.lines().for_each(|line| drop(plain(line)));
            }
        }
    }
}

#[test]
fn a_confirmation_that_is_declined_removes_nothing() {
    let folder = folder();
    go(folder.path());
    written(folder.path(), "run Total", 80, &[], 0);
    let terminal = start(folder.path(), "reset Total", 80, &[]);
    terminal.wait_for("the question", |lines| lines.iter().any(|line| line.ends_with("[y/N]")));
    terminal.press(b'n');
    terminal.press(b'\n');
    let (lines, _) = terminal.end_with_code(2);
    let expected = ["Remove the outputs of Total? [y/N] n", "nothing was removed"];
    assert_eq!(lines, expected);
    let status = written(folder.path(), "status", 200, &[], 0);
    assert!(status.contains("1 output, "), "{status}");
}

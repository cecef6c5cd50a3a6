//! The session in the guide: each command of the chapter is typed again, in order, and prints what the chapter shows.
//!
//! In a block of the language `console`, a line that begins with `$ iris` is a command, and the lines up to the next
//! one are what it prints. The commands run in one temporary folder. Of a command that succeeds, the standard output is
//! compared; of one that fails, also the standard error and, in the last line, the exit code.
//!
//! What differs between two sessions is a placeholder, in the chapter and in what is compared with it ([`stable`]).
//!
//! `FLOW_ACCEPT_TRANSCRIPT=1 cargo test --test examples transcript` writes what the commands print now into the chapter.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{Printed, command, library};

/// The variable with which the test rewrites the chapter.
const ACCEPT: &str = "FLOW_ACCEPT_TRANSCRIPT";

/// What a command begins with.
const PROMPT: &str = "$ iris ";

/// The file that the tasks read, below the folder of the library and that of the session.
const SOURCE: &str = "examples/data/iris.csv";

#[test]
fn the_transcript_is_what_the_example_prints() {
    let path = library().join("docs/guide/src/iris_transcript.md");
    let chapter = fs::read_to_string(&path).expect("the chapter");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join(SOURCE);
    fs::create_dir_all(source.parent().expect("a folder")).expect("a folder");
    fs::copy(library().join(SOURCE), source).expect("a copy");

    let mut session = Session { folder: folder.path().to_owned(), differences: Vec::new() };
    let replayed = session.replay(&chapter);
    if std::env::var_os(ACCEPT).is_some_and(|value| value == "1") {
        fs::write(&path, replayed).expect("the chapter can be written");
        return;
    }
    let differences = session.differences.concat();
    assert!(
        differences.is_empty(),
        "the example prints something else than {}; with {ACCEPT}=1, this test rewrites the chapter\n{differences}",
        path.display()
    );
    assert_eq!(replayed, chapter);
}

/// A session in a terminal.
struct Session {
    folder: PathBuf,
    /// A text for each command that does not print what the chapter shows.
    differences: Vec<String>,
}

impl Session {
    /// Types the commands of a chapter, and returns the chapter with what they print.
    fn replay(&mut self, chapter: &str) -> String {
        let mut replayed = String::with_capacity(chapter.len());
        let mut lines = chapter.lines().peekable();
        let mut count = 0;
        while let Some(line) = lines.next() {
            replayed.push_str(line);
            replayed.push('\n');
            if line != "```console" {
                continue;
            }
            while let Some(line) = lines.next_if(|line| !line.starts_with("```")) {
                let Some(arguments) = line.strip_prefix(PROMPT) else {
                    panic!(
                        "the line {line:?} of a block follows no command: a block begins with `{PROMPT}`"
                    )
                };
                count += 1;
                let mut shown = String::new();
                while let Some(line) =
                    lines.next_if(|line| !line.starts_with("```") && !line.starts_with("$ "))
                {
                    shown.push_str(line);
                    shown.push('\n');
                }
                let printed = self.typed(arguments);
                if printed != shown {
                    self.differences.push(format!(
                        "\n{line}\n--- the chapter shows\n{shown}--- the example prints\n{printed}"
                    ));
                }
                replayed.push_str(line);
                replayed.push('\n');
                replayed.push_str(&printed);
            }
        }
        assert!(count > 10, "the chapter has {count} commands");
        replayed
    }

    /// Runs a command, and returns what it prints, with placeholders.
    fn typed(&self, arguments: &str) -> String {
        let mut command = command("iris", &self.folder, arguments);
        command.stdin(std::process::Stdio::null());
        let Printed { code, mut out, err } = Printed::of(command);
        if code != 0 {
            out.push_str(&err);
            out.push_str(&format!("exit code {code}\n"));
        }
        let text = stable(&out, &self.folder);
        let is_markup = |line: &str| line.starts_with("```") || line.starts_with("$ ");
        assert!(!text.lines().any(is_markup), "this cannot be shown in a block: {text}");
        text
    }
}

/// The fields of JSON whose values differ between two sessions. Their placeholder is the name in brackets.
const FIELDS: [&str; 12] = [
    "bytes",
    "commit",
    "cpu_seconds",
    "digest",
    "fingerprint",
    "host",
    "id",
    "key",
    "output",
    "peak_bytes",
    "pid",
    "started",
];

/// Returns a text with placeholders for what differs between two sessions, without spaces at the ends of lines and without
/// the estimate below a plan, such as `to run: 2 tasks, about 3.1 s`.
///
/// | placeholder | for |
/// | --- | --- |
/// | `[duration]` | a duration, such as `3.1 ms`; the value of the JSON field `seconds` |
/// | `[size]` | a size, such as `4.2 kB` |
/// | `[digits]` | eight or more hexadecimal digits, such as those at the end of a folder's name |
/// | `[time]` | a time, such as `2026-01-31 09:30 UTC` |
/// | `[folder]` | the folder of the session |
/// | `[host]`, `[key]`, ... | the value of that JSON field |
fn stable(text: &str, folder: &Path) -> String {
    let named = folder.display().to_string();
    // The current folder of a process has no links in its path.
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned()).display().to_string();
    let text = text.replace(&real, "[folder]").replace(&named, "[folder]");
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    // The estimate of a plan, which only slow machines print.
    lines.retain(|line| !line.starts_with("to run: "));
    stable_tables(&mut lines);
    lines.iter().map(|line| format!("{}\n", stable_line(line).trim_end())).collect()
}

/// Puts placeholders into the cells of tables, and aligns the columns again: their widths depend on what the placeholders
/// stand for.
fn stable_tables(lines: &mut [String]) {
    let is_rule = |line: &String| line.starts_with('─') && line.chars().all(|c| "─ ".contains(c));
    let mut from = 0;
    while let Some(rule) = lines[from..].iter().position(is_rule).map(|at| from + at) {
        let columns = columns(&lines[rule]);
        let is_row = |line: &&String| cells(line, &columns).is_some();
        let first = rule - lines[..rule].iter().rev().take_while(is_row).count();
        let end = rule + lines[rule..].iter().take_while(is_row).count();
        let rows = lines[first..end].iter().map(|line| cells(line, &columns).expect("a row"));
        let mut rows: Vec<Vec<String>> = rows.collect();
        for column in 0..columns.len() {
            align(rows.iter_mut().map(|row| &mut row[column]).collect(), rule - first);
        }
        for (line, row) in lines[first..end].iter_mut().zip(rows) {
            *line = row.join("  ");
        }
        from = end;
    }
}

/// Returns where the columns of a table begin and end, in characters, from the line below its header.
fn columns(rule: &str) -> Vec<(usize, usize)> {
    let mut columns = Vec::new();
    let mut start = 0;
    for part in rule.split("  ") {
        let end = start + part.chars().count();
        columns.push((start, end));
        start = end + 2;
    }
    columns
}

/// Returns the cells of a line of a table, with spaces; `None` if it is none.
fn cells(line: &str, columns: &[(usize, usize)]) -> Option<Vec<String>> {
    let chars: Vec<char> = line.chars().collect();
    let within = |from: usize, to: usize| &chars[from.min(chars.len())..to.min(chars.len())];
    let gaps = columns.windows(2).map(|pair| within(pair[0].1, pair[1].0));
    let last = columns.last()?.1;
    let is_row = !chars.is_empty() && chars.len() <= last && gaps.flatten().all(|&c| c == ' ');
    let cell = |&(start, end): &(usize, usize)| {
        let mut cell: String = within(start, end).iter().collect();
        cell.extend(std::iter::repeat_n(' ', end - start - within(start, end).len()));
        cell
    };
    is_row.then(|| columns.iter().map(cell).collect())
}

/// Aligns the cells of a column. The cell at `rule` is the line below the header.
fn align(cells: Vec<&mut String>, rule: usize) {
    let is_right = cells.iter().any(|cell| cell.starts_with(' ') && !cell.trim().is_empty());
    let mut texts: Vec<_> = cells.iter().map(|cell| stable_line(cell.trim())).collect();
    // Numbers of equal width do not show how they are aligned.
    let is_right =
        is_right || texts[rule + 1..].iter().any(|text| text == "[duration]" || text == "[size]");
    texts[rule].clear();
    let width = texts.iter().map(|text| text.chars().count()).max().unwrap_or_default();
    texts[rule] = "─".repeat(width);
    for (cell, text) in cells.into_iter().zip(texts) {
        *cell = if is_right { format!("{text:>width$}") } else { format!("{text:<width$}") };
    }
}

fn stable_line(line: &str) -> String {
    if let Some((name, comma)) = json_field(line)
        && let Some((before, _)) = line.split_once(": ")
    {
        let end = if comma { "," } else { "" };
        if name == "seconds" {
            return format!("{before}: [duration]{end}");
        }
        if FIELDS.contains(&name) {
            return format!("{before}: [{name}]{end}");
        }
    }
    let mut stable = String::new();
    let mut rest = line;
    let mut before = None;
    while let Some(c) = rest.chars().next() {
        let starts =
            before.is_none_or(|before: char| !before.is_alphanumeric() && !"._".contains(before));
        let found = if starts { placeholder(rest) } else { None };
        let taken = match found {
            Some((length, name)) => {
                stable.push_str(name);
                length
            }
            None => {
                stable.push(c);
                c.len_utf8()
            }
        };
        before = rest[..taken].chars().next_back();
        rest = &rest[taken..];
    }
    stable
}

/// Returns the name of the JSON field that a line holds with a value that is neither a list nor an object, and whether
/// a comma follows.
fn json_field(line: &str) -> Option<(&str, bool)> {
    let (name, value) = line.trim_start().strip_prefix('"')?.split_once("\": ")?;
    (!value.ends_with(['[', '{'])).then_some((name, value.ends_with(',')))
}

/// Returns the placeholder for what a text begins with, and how many bytes it stands for.
fn placeholder(text: &str) -> Option<(usize, &'static str)> {
    time(text).or_else(|| amount(text)).or_else(|| hexadecimal(text))
}

/// Finds a time such as `2026-01-31 09:30 UTC`, `2026-01-31T09:30:00.123Z` or `20260131T093000.123456Z`.
fn time(text: &str) -> Option<(usize, &'static str)> {
    let is_like = |text: &str, pattern: &str| {
        let mut chars = text.chars();
        pattern.chars().all(|wanted| {
            let c = chars.next();
            if wanted == '0' { c.is_some_and(|c| c.is_ascii_digit()) } else { c == Some(wanted) }
        })
    };
    let minutes = "0000-00-00 00:00 UTC";
    if is_like(text, minutes) {
        return ends(text, minutes.len()).then_some((minutes.len(), "[time]"));
    }
    // The name of a run begins with its time.
    if is_like(text, "00000000T000000") {
        let is_of_time = |c: char| c.is_ascii_digit() || matches!(c, 'T' | '.' | 'Z');
        let length = text.find(|c: char| !is_of_time(c)).unwrap_or(text.len());
        return Some((length, "[time]"));
    }
    let is_of_time = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '.');
    let length = text.find(|c: char| !is_of_time(c)).unwrap_or(text.len());
    let length = text[..length].trim_end_matches([':', '.']).len();
    is_like(text, "0000-00-00T00").then_some((length, "[time]"))
}

/// Finds a duration or a size: a number and a unit, or two of them such as `2 min 10 s`.
fn amount(text: &str) -> Option<(usize, &'static str)> {
    let number = text.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|&end| end > 0)?;
    let unit = text[number..].strip_prefix(' ')?;
    let start = number + 1;
    for name in ["B", "kB", "MB", "GB"] {
        if unit.starts_with(name) && ends(text, start + name.len()) {
            return Some((start + name.len(), "[size]"));
        }
    }
    for name in ["µs", "ms", "s", "min", "h"] {
        if unit.starts_with(name) && ends(text, start + name.len()) {
            let end = start + name.len();
            let smaller = text[end..].strip_prefix(' ').and_then(amount);
            return match smaller {
                Some((length, "[duration]")) if matches!(name, "min" | "h") => {
                    Some((end + 1 + length, "[duration]"))
                }
                _ => Some((end, "[duration]")),
            };
        }
    }
    None
}

/// Finds a number of hexadecimal digits that is no ordinary number.
fn hexadecimal(text: &str) -> Option<(usize, &'static str)> {
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let length = text.find(|c: char| !is_digit(c)).unwrap_or(text.len());
    (length >= 8 && ends(text, length)).then_some((length, "[digits]"))
}

/// Returns whether no word or number goes on at this place.
fn ends(text: &str, at: usize) -> bool {
    text[at..].chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_')
}

#[test]
fn the_columns_of_tables_have_the_width_of_their_placeholders() {
    let table =
        "run     took    size\n───  ───────  ──────\na     3.1 ms    42 B\nb    12.0 ms  1.5 kB\n";
    let wider = "run        took  size\n───  ──────────  ────\na     2 min 3 s   7 B\nb    2 min 10 s  42 B\n";
    let expected = "run        took    size\n───  ──────────  ──────\na    [duration]  [size]\nb    [duration]  [size]\n";
    for text in [table, wider] {
        assert_eq!(stable(text, Path::new("/nowhere")), expected);
    }
}

#[test]
fn placeholders_stand_for_what_differs_and_for_nothing_else() {
    let stable = |text: &str| stable(text, Path::new("/nowhere"));
    let same = |text: &str| assert_eq!(stable(text), format!("{text}\n"));
    assert_eq!(
        stable(
            "3 tasks in 2 min 10 s: 3 ran\n    Train {model: Tree} in 12.0 ms (code: a changed)"
        ),
        "3 tasks in [duration]: 3 ran\n    Train {model: Tree} in [duration] (code: a changed)\n"
    );
    assert_eq!(
        stable(
            "/nowhere/data/Train/model=Tree-7f3a91c04b77e010/data-8c1f02ab44d01e9f-5b2e9c01.pickle"
        ),
        "[folder]/data/Train/model=Tree-[digits]/data-[digits]-[digits].pickle\n"
    );
    assert_eq!(
        stable("Train: 4.2 kB, stored, ran 2026-01-31 09:30 UTC in 88 µs"),
        "Train: [size], stored, ran [time] in [duration]\n"
    );
    assert_eq!(
        stable(
            "{\n  \"seconds\": 0.25,\n  \"key\": \"ab\"\n  \"host\": null,\n  \"keys\": \"ab\"\n}"
        ),
        "{\n  \"seconds\": [duration],\n  \"key\": [key]\n  \"host\": [host],\n  \"keys\": \"ab\"\n}\n"
    );
    assert_eq!(stable("at 2026-01-31T09:30:00.5Z: it ran  "), "at [time]: it ran\n");
    assert_eq!(
        stable("20260131T093000.123456Z-3f2a91c04b77e010: it ran"),
        "[time]-[digits]: it ran\n"
    );
    same("accuracy: 0.9733333333333334 and -2.220446049250313e-16");
    same("3 tasks, 1 system, 150 rows, scale: false");
    same("  \"seconds\": [");
    // What was replaced stays as it is, so that the chapter can be compared with itself.
    same("in [duration]: [digits], \"key\": [key]");
}

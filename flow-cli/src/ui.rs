//! Writes results to the standard output, as text or as JSON.
//!
//! Results are the only thing on the standard output. Progress, warnings and errors go to the standard error.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use serde::{Deserialize, Serialize};

use crate::error::CliError;
use crate::text::{escaped, harmless, shortened};

/// The assumed width of a terminal that does not report its size, in columns.
const COLUMNS: usize = 80;

/// The longest line of an error, in characters. An argument in it may have any length.
const LINE: usize = 1_000;

/// The form in which results are written.
#[derive(Clone, Copy)]
pub(crate) struct Ui {
    pub(crate) is_json: bool,
    pub(crate) has_color: bool,
    /// The number of columns of the terminal; `None` if the standard output is no terminal.
    pub(crate) width: Option<usize>,
}

/// When text is colored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Color {
    /// If the standard output is a terminal that has colors, and `NO_COLOR` is not set.
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    /// Returns the choice with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "auto" => Some(Self::Auto),
            "always" => Some(Self::Always),
            "never" => Some(Self::Never),
            _ => None,
        }
    }

    /// Whether the standard output is colored.
    pub(crate) fn is_on(self) -> bool {
        let is_asked_not_to = || {
            std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
                || std::env::var_os("TERM").is_some_and(|kind| kind == "dumb")
        };
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => std::io::stdout().is_terminal() && !is_asked_not_to(),
        }
    }
}

impl Ui {
    pub(crate) fn new(is_json: bool, color: Color) -> Self {
        Self { is_json, has_color: color.is_on(), width: terminal_width() }
    }

    /// Writes a result: `value` with `--json`, and `text` otherwise.
    pub(crate) fn write(self, value: &impl Serialize, text: impl Display) -> Result<(), CliError> {
        if self.is_json { self.json(value) } else { self.text(text) }
    }

    /// Writes text and a line end.
    ///
    /// In a terminal, control characters are escaped, because errors, logs and names may have any text. A pipe receives
    /// the text unchanged.
    pub(crate) fn text(self, text: impl Display) -> Result<(), CliError> {
        let mut text = self.shown(text.to_string());
        text.push('\n');
        write(text.as_bytes())
    }

    /// Writes a part of a text, as [`text`](Self::text) does, without a line end.
    pub(crate) fn part(self, text: &str) -> Result<(), CliError> {
        write(self.shown(text.to_owned()).as_bytes())
    }

    /// Returns a text as the standard output receives it.
    fn shown(self, text: String) -> String {
        if self.width.is_some() { harmless(&text, self.has_color) } else { text }
    }

    /// Writes one JSON document and a line end.
    pub(crate) fn json(self, value: &impl Serialize) -> Result<(), CliError> {
        self.document(serde_json::to_string_pretty(value))
    }

    /// Writes one JSON document on a line: a part of JSON Lines.
    pub(crate) fn json_line(self, value: &impl Serialize) -> Result<(), CliError> {
        self.document(serde_json::to_string(value))
    }

    fn document(self, text: serde_json::Result<String>) -> Result<(), CliError> {
        let mut text = text.map_err(anyhow::Error::from)?;
        if self.width.is_some() {
            text = escaped_json(&text);
        }
        text.push('\n');
        write(text.as_bytes())
    }
}

/// Escapes the characters of a JSON document that control a terminal or reorder text, and that JSON need not escape.
///
/// Between texts there is none of them, so that the document stays the same.
fn escaped_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        let mut units = [0; 2];
        match c == '\n' || escaped(c.encode_utf8(&mut [0; 4])).starts_with(c) {
            true => text.push(c),
            false => {
                let units = c.encode_utf16(&mut units).iter();
                text.extend(units.map(|unit| format!("\\u{unit:04x}")));
            }
        }
    }
    text
}

/// Writes bytes to the standard output.
pub(crate) fn write(bytes: &[u8]) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(CliError::Output)
}

/// Returns the number of columns of the terminal; `None` if the standard output is no terminal.
fn terminal_width() -> Option<usize> {
    let out = std::io::stdout();
    let size = terminal_size::terminal_size_of(&out);
    out.is_terminal().then(|| size.map_or(COLUMNS, |(width, _)| usize::from(width.0)))
}

/// Writes an error to the standard error. Long lines are cut, because an error may quote arguments and files.
pub(crate) fn report_error(error: impl Display) {
    let text = format!("error: {error}");
    let lines: Vec<_> = text.lines().map(|line| shortened(&escaped(line), LINE)).collect();
    report(lines.join("\n"));
}

/// Writes a text to the standard error, which may be closed. Control characters are escaped, because paths and labels may have
/// any text.
pub(crate) fn report(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{}", harmless(&text.to_string(), false));
}

/// The answer to a question.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// There is no terminal on which to ask.
    NotAsked,
}

/// Asks on the terminal whether to continue.
pub(crate) fn confirm(question: &str) -> Answer {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Answer::NotAsked;
    }
    let _ = write!(std::io::stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    let is_read = std::io::stdin().read_line(&mut answer).is_ok();
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" if is_read => Answer::Yes,
        _ => Answer::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_controls_no_terminal_and_reaches_a_pipe_as_it_is() {
        let ui = |width| Ui { is_json: false, has_color: false, width };
        let text = "a\u{1b}[2J\n\u{1b}]0;title\u{7}";
        let shown = ui(Some(80)).shown(text.to_owned());
        assert_eq!(shown, "a\\u{1b}[2J\n\\u{1b}]0;title\\u{7}");
        assert_eq!(ui(None).shown(text.to_owned()), text);
    }

    #[test]
    fn json_in_a_terminal_controls_it_as_little() {
        let json = "{\n  \"a\": \"\u{9b}31mü\u{202e}\u{1f332}\\n\\\\\"\n}";
        let shown = escaped_json(json);
        assert_eq!(shown, "{\n  \"a\": \"\\u009b31mü\\u202e\u{1f332}\\n\\\\\"\n}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(value(&shown), value(json));
    }
}

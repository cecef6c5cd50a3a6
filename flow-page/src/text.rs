//! Texts of users and files as people see them.
//!
//! `maud` escapes what HTML interprets. This module makes visible what a browser would not show, or would show in
//! another order: control characters, and characters that change the direction of a text.

use std::fmt::Write as _;

use flow_core::jiff::Timestamp;
use flow_core::{Bytes, Seconds};
use maud::{Markup, html};
use serde_json::Value;

/// Returns whether a character is shown as an escape.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Returns a text in one line, with hidden characters as escapes such as `\u{202e}`.
pub(crate) fn line(text: &str) -> String {
    escaped(text, |_| false)
}

/// Returns a text of several lines, with hidden characters as escapes. Line ends and tabs stay.
pub(crate) fn block(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if stays(c) => shown.push(c),
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            c if is_hidden(c) => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    shown
}

/// Returns the beginning of a text in one line, at most `limit` characters of it.
pub(crate) fn clipped(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", line(&text[..end])),
        None => line(text),
    }
}

/// Returns a value of metadata or of a parameter. A text is shown without quotes.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => clipped(text, LONGEST),
        value => clipped(&value.to_string(), LONGEST),
    }
}

/// The number of characters of a value that are shown.
const LONGEST: usize = 2_000;

/// Shows a time, given in seconds since 1970.
pub(crate) fn second(second: i64) -> Markup {
    match Timestamp::from_second(second) {
        Ok(time) => timestamp(time),
        Err(_) => html! { "unknown" },
    }
}

/// Shows a time.
pub(crate) fn timestamp(time: Timestamp) -> Markup {
    html! {
        time datetime=(maud::display(time)) { (self::time(time)) }
    }
}

/// Returns a time as text.
pub(crate) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Returns a number as a short text, rounded to six digits.
pub(crate) fn number(value: f64) -> String {
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    let is_plain = rounded == 0.0 || (1e-4..1e6).contains(&rounded.abs()) || !rounded.is_finite();
    // Adding 0 makes -0 a 0.
    if is_plain { format!("{}", rounded + 0.0) } else { format!("{rounded:e}") }
}

/// Returns a number as text: a whole number with all its digits, another one rounded to six.
pub(crate) fn exact_number(value: f64) -> String {
    // Beyond, a double stands for several whole numbers.
    let is_exact = value.fract() == 0.0 && value.abs() < 1e15;
    // Adding 0 makes -0 a 0.
    if is_exact { format!("{:.0}", value + 0.0) } else { number(value) }
}

/// Returns a length in pixels as text, for SVG.
pub(crate) fn px(length: f64) -> String {
    format!("{length:.1}")
}

/// Returns a duration with a fitting unit.
pub(crate) fn seconds(seconds: f64) -> String {
    Seconds(seconds).to_string()
}

/// Returns a size with a fitting unit.
pub(crate) fn bytes(bytes: u64) -> String {
    Bytes(bytes).to_string()
}

/// Returns a number of things, such as `1 instance` and `3 instances`.
pub(crate) fn count(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_shown_as_escapes() {
        assert_eq!(line("a\0b\u{202e}c\r\n\tä"), "a\\u{0}b\\u{202e}c\\r\\n\\tä");
        assert_eq!(block("a\tb\x1b[31m\r\nc"), "a\tb\\u{1b}[31m\\r\nc");
        assert_eq!(clipped("äöü", 2), "äö…");
        assert_eq!(clipped("äöü", 3), "äöü");
        assert_eq!(
            (count(1, "file"), count(0, "file")),
            ("1 file".to_owned(), "0 files".to_owned())
        );
    }

    #[test]
    fn numbers_are_short() {
        let texts = [0.1 + 0.2, -0.0, 1e7, 0.000_012, 123_456.0, 2.0, f64::INFINITY].map(number);
        assert_eq!(texts, ["0.3", "0", "1e7", "1.2e-5", "123456", "2", "inf"]);
        // A digit that was rounded away is not shown as a zero.
        assert_eq!(number(1_234_567.0), "1.23457e6");
    }

    #[test]
    fn whole_numbers_have_all_their_digits() {
        let numbers = [1_234_567.0, -20_261_129.0, -0.0, 0.1 + 0.2, 1e15, f64::NAN];
        assert_eq!(numbers.map(exact_number), ["1234567", "-20261129", "0", "0.3", "1e15", "NaN"]);
    }

    #[test]
    fn a_time_has_seconds() {
        assert_eq!(time(Timestamp::UNIX_EPOCH), "1970-01-01 00:00:00 UTC");
    }
}

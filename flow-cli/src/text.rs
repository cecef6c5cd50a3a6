//! Text for a terminal: control characters are escaped, and long text is cut.

use std::fmt::Display;

use flow_core::jiff::Timestamp;
use unicode_width::UnicodeWidthChar;

/// Returns a line in which characters that control a terminal or reorder text are escaped. Tabs are kept.
pub(crate) fn escaped(line: &str) -> String {
    let is_mark = |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}');
    let is_direction = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_break = |c| matches!(c, '\u{2028}' | '\u{2029}');
    let mut text = String::with_capacity(line.len());
    for c in line.chars() {
        match (c.is_control() && c != '\t') || is_mark(c) || is_direction(c) || is_break(c) {
            true => text.extend(c.escape_default()),
            false => text.push(c),
        }
    }
    text
}

/// Returns a line for each of the first items, and one that counts the others.
pub(crate) fn listed<T: Display>(items: impl ExactSizeIterator<Item = T>, limit: usize) -> String {
    let more = items.len().saturating_sub(limit);
    let mut lines: Vec<_> = items.take(limit).map(|item| format!("\n  {item}")).collect();
    if more > 0 {
        lines.push(format!("\n  … and {more} more"));
    }
    lines.concat()
}

/// Returns a time, in seconds since 1970, such as `2026-01-31 09:30 UTC`.
pub(crate) fn time(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).ok();
    time.map(|time| time.strftime("%Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default()
}

/// Returns a text whose lines are [escaped] for a terminal. If `has_color`, sequences that color the text are kept.
pub(crate) fn harmless(text: &str, has_color: bool) -> String {
    const START: &str = "\u{1b}[";
    let line = |line: &str| {
        // Without colors there is one part, because a line has no end.
        let mut parts = line.split(if has_color { START } else { "\n" });
        let mut shown = escaped(parts.next().unwrap_or_default());
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_digit() && c != ';');
            match end.filter(|&end| part[end..].starts_with('m')) {
                Some(end) => {
                    shown.push_str(START);
                    shown.push_str(&part[..=end]);
                    shown.push_str(&escaped(&part[end + 1..]));
                }
                None => shown.push_str(&escaped(&format!("{START}{part}"))),
            }
        }
        shown
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Returns a text on one line, for a cell of a table.
///
/// Characters that join with the one before are left out: terminals do not agree on the width of the result.
pub(crate) fn one_line(text: &str) -> String {
    let joins =
        |c: char| matches!(c, '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}');
    let text: String = text.chars().filter(|&c| !joins(c)).collect();
    escaped(&text).replace('\t', "\\t")
}

/// Returns the number of columns that a text takes in a terminal.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

fn width(c: char) -> usize {
    c.width().unwrap_or_default()
}

/// Returns a text that takes at most `limit` columns. A text that is cut ends in `…`.
pub(crate) fn clipped(text: &str, limit: usize) -> String {
    if columns(text) <= limit {
        return text.to_owned();
    }
    let Some(mut left) = limit.checked_sub(1) else { return String::new() };
    let mut kept = String::new();
    for c in text.chars() {
        let Some(rest) = left.checked_sub(width(c)) else { break };
        left = rest;
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// Returns a text of at most `limit` characters and a `…` between its beginning and its end.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    let count = text.chars().count();
    if count <= limit {
        return text.to_owned();
    }
    let tail = limit / 3;
    let mut short: String = text.chars().take(limit - tail).collect();
    short.push('…');
    short.extend(text.chars().skip(count - tail));
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_controls_a_terminal_is_escaped() {
        assert_eq!(escaped("a\u{1b}[2J\tb\u{202e}"), "a\\u{1b}[2J\tb\\u{202e}");
        assert_eq!(one_line("a\r\n\tb\u{2028}c"), "a\\r\\n\\tb\\u{2028}c");
        assert_eq!(one_line("\u{1f44b}\u{1f3fd}e\u{301}"), "\u{1f44b}e\u{301}");
    }

    #[test]
    fn a_terminal_keeps_lines_and_colors() {
        let text = "\u{1b}[33ma\u{1b}[0m\n\u{1b}[2J\r\tb\n";
        assert_eq!(harmless(text, true), "\u{1b}[33ma\u{1b}[0m\n\\u{1b}[2J\\r\tb\n");
        assert_eq!(harmless(text, false), "\\u{1b}[33ma\\u{1b}[0m\n\\u{1b}[2J\\r\tb\n");
        assert_eq!(harmless("a\u{1b}[", true), "a\\u{1b}[");
    }

    #[test]
    fn text_is_cut_by_the_columns_that_it_takes() {
        assert_eq!(columns("a数据e\u{301}"), 6);
        assert_eq!(clipped("abcdef", 6), "abcdef");
        assert_eq!(clipped("abcdef", 4), "abc…");
        assert_eq!(clipped("数据数据", 6), "数据…");
        assert_eq!(clipped("数据数据", 7), "数据数…");
        assert_eq!((clipped("ab", 1).as_str(), clipped("ab", 0).as_str()), ("…", ""));
    }

    #[test]
    fn a_long_text_keeps_its_beginning_and_its_end() {
        assert_eq!(shortened("abcdefghi", 9), "abcdefghi");
        assert_eq!(shortened("abcdefghij", 9), "abcdef…hij");
        assert_eq!(shortened("数据数据", 3), "数据…据");
    }
}

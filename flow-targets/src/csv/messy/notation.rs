//! The notation of values in text: null words, numbers, dates and booleans.
//!
//! A cell is converted only where the column needs a number, a date or a boolean. So a text such as
//! `1.234` stays as it is in a column of texts, whatever the separators are.

use std::borrow::Cow;

use anyhow::{Result, ensure};
use flow_core::jiff::fmt::strtime::BrokenDownTime;

use super::grid::RawCell;

/// Words that often stand for null, for hints in errors and reports.
const USUAL_NULLS: [&str; 12] =
    ["NA", "N/A", "n/a", "#N/A", "NULL", "null", "None", "nan", "-", "--", "?", "."];

/// How numbers are often written, for hints in errors: the mark before the decimals, and the
/// separator of thousands.
const USUAL_NUMBERS: [(char, char); 6] =
    [(',', '.'), ('.', ','), (',', ' '), ('.', ' '), ('.', '\''), (',', '\'')];

/// The first year with four digits.
const FIRST_YEAR: i16 = 1000;

/// How values are written in cells.
#[derive(Clone, Debug)]
pub(crate) struct Notation {
    pub(super) nulls: Vec<String>,
    pub(super) decimal: char,
    pub(super) thousands: Option<char>,
    pub(super) dates: Vec<String>,
    /// The words for true and false.
    pub(super) booleans: (String, String),
}

impl Default for Notation {
    fn default() -> Self {
        Self {
            nulls: Vec::new(),
            decimal: '.',
            thousands: None,
            dates: Vec::new(),
            booleans: ("true".to_owned(), "false".to_owned()),
        }
    }
}

impl Notation {
    /// Returns an error if numbers could be read in two ways.
    pub(super) fn check(&self) -> Result<()> {
        let is_mark = |c: char| !c.is_alphanumeric() && !matches!(c, '+' | '-');
        ensure!(
            is_mark(self.decimal) && self.thousands.is_none_or(is_mark),
            "`decimal` and `thousands` are marks between digits, and no letters, digits or signs",
        );
        ensure!(
            self.thousands != Some(self.decimal),
            "`decimal` and `thousands` are both {:?}, so that a number could be read in two ways",
            self.decimal,
        );
        Ok(())
    }

    /// Returns whether a cell is null: empty, or one of the words.
    pub(super) fn is_null(&self, cell: &RawCell) -> bool {
        let text = cell.text.trim();
        text.is_empty() || !cell.form.is_exact() && self.nulls.iter().any(|word| word == text)
    }

    /// Returns a number in the notation of Rust, if the cell is one.
    pub(super) fn number<'a>(&self, cell: &'a RawCell) -> Option<Cow<'a, str>> {
        let text = cell.text.trim();
        match cell.form.is_exact() {
            true => plain_number(text, '.', None),
            false => plain_number(text, self.decimal, self.thousands),
        }
    }

    /// Returns a date or a time in ISO 8601, if the cell is one by the given formats.
    ///
    /// # Errors
    ///
    /// The cell is a different time by two of the formats. The message has both.
    pub(super) fn date(&self, cell: &RawCell) -> Result<Option<String>, String> {
        let text = cell.text.trim();
        if cell.form.is_exact() {
            return Ok(None);
        }
        let mut found: Option<(String, &str)> = None;
        for format in &self.dates {
            let Some(time) = parse_time(format, text) else { continue };
            match &found {
                None => found = Some((time, format)),
                Some((first, _)) if *first == time => {}
                Some((first, of_first)) => {
                    return Err(format!(
                        "{text:?} is {first} by the format `{of_first}`, and {time} by `{format}`"
                    ));
                }
            }
        }
        Ok(found.map(|(time, _)| time))
    }

    /// Returns the truth value of a cell, if it is one of the words.
    pub(super) fn boolean(&self, cell: &RawCell) -> Option<bool> {
        let text = cell.text.trim();
        let is = |word: &str| text.to_lowercase() == word.to_lowercase();
        if cell.form.is_exact() {
            return text.parse().ok();
        }
        match (is(&self.booleans.0), is(&self.booleans.1)) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        }
    }

    /// Returns what to set so that the text would be a number, as the end of an error.
    pub(super) fn hint(&self, cell: &RawCell) -> String {
        let text = cell.text.trim();
        if let Some(word) = usual_null(text) {
            return format!("; if it stands for null, set `nulls = [{word:?}]`");
        }
        let one = plain_number(text, ',', None);
        if let (Some(small), Some(large)) = (one, plain_number(text, '.', Some(','))) {
            return format!(
                "; it is {small} with `decimal = ','`, and {large} with `thousands = ','`"
            );
        }
        for (decimal, thousands) in USUAL_NUMBERS {
            if let Some(number) = plain_number(text, decimal, Some(thousands)) {
                return format!(
                    "; with `decimal = {decimal:?}, thousands = {thousands:?}` it is {number}"
                );
            }
        }
        String::new()
    }
}

/// Returns the text if it is a word that often stands for null.
pub(super) fn usual_null(text: &str) -> Option<&str> {
    USUAL_NULLS.contains(&text).then_some(text)
}

/// Returns whether two characters are the same mark: a space is also a no-break space.
fn is_mark(c: char, mark: char) -> bool {
    match mark {
        ' ' => matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'),
        '\'' => matches!(c, '\'' | '\u{2019}'),
        mark => c == mark,
    }
}

/// Returns a number in the notation of Rust, if the text is one with these marks.
fn plain_number(text: &str, decimal: char, thousands: Option<char>) -> Option<Cow<'_, str>> {
    if matches!(text, "NaN" | "inf" | "-inf") {
        return Some(Cow::Borrowed(text));
    }
    let unsigned = text.strip_prefix(['+', '-', '\u{2212}']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once(decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let grouped = match thousands {
        Some(mark) if !is_digits(whole) => Some(ungrouped(whole, mark)?),
        _ => None,
    };
    let has_digits = !whole.is_empty() || fraction.is_some_and(|digits| !digits.is_empty());
    let is_exponent = |text: &str| {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        !digits.is_empty() && is_digits(digits)
    };
    let is_number = has_digits
        && (grouped.is_some() || is_digits(whole))
        && fraction.is_none_or(is_digits)
        && exponent.is_none_or(is_exponent);
    if !is_number {
        return None;
    }
    // `.5` and `5.` are numbers that not all parsers know.
    let is_usual = !whole.is_empty() && fraction != Some("");
    let is_plain = is_usual && grouped.is_none() && (decimal == '.' || fraction.is_none());
    if is_plain && !text.starts_with(['+', '\u{2212}']) {
        return Some(Cow::Borrowed(text));
    }
    let mut number = String::with_capacity(text.len());
    if text.starts_with(['-', '\u{2212}']) {
        number.push('-');
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    number.push_str(grouped.as_deref().unwrap_or(whole));
    if let Some(fraction) = fraction.filter(|digits| !digits.is_empty()) {
        number.push('.');
        number.push_str(fraction);
    }
    if let Some(exponent) = exponent {
        number.push('e');
        number.push_str(exponent);
    }
    Some(Cow::Owned(number))
}

/// Returns the digits of a number with a separator between groups of three.
fn ungrouped(whole: &str, mark: char) -> Option<String> {
    let mut groups = whole.split(|c| is_mark(c, mark));
    let is_group = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().filter(|group| matches!(group.len(), 1..=3) && is_group(group))?;
    groups.try_fold(first.to_owned(), |digits, group| {
        (group.len() == 3 && is_group(group)).then(|| digits + group)
    })
}

/// Returns the time of a text in ISO 8601, if the whole text has the format.
fn parse_time(format: &str, text: &str) -> Option<String> {
    let time = BrokenDownTime::parse(format, text).ok()?;
    // The parser accepts `24` for `%Y`, as the year 24.
    time.year().filter(|year| *year >= FIRST_YEAR)?;
    if time.offset().is_some() {
        return Some(time.to_timestamp().ok()?.to_string());
    }
    match time.hour() {
        Some(_) => Some(time.to_datetime().ok()?.to_string()),
        None => Some(time.to_date().ok()?.to_string()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn numbers_need_whole_groups_and_their_own_marks() {
        let number =
            |text, decimal, thousands| plain_number(text, decimal, thousands).map(Cow::into_owned);
        for (text, decimal, thousands, expected) in [
            ("1.234,5", ',', Some('.'), Some("1234.5")),
            ("-1.234.567", ',', Some('.'), Some("-1234567")),
            ("1,5", ',', None, Some("1.5")),
            ("+2", '.', None, Some("2")),
            ("\u{2212}2", '.', None, Some("-2")),
            ("1\u{a0}234,5", ',', Some(' '), Some("1234.5")),
            ("1’234.5e-3", '.', Some('\''), Some("1234.5e-3")),
            (",5", ',', None, Some("0.5")),
            ("-5.", '.', None, Some("-5")),
            ("1e5", '.', None, Some("1e5")),
            ("NaN", ',', None, Some("NaN")),
            // Numbers of another notation, which would have another value.
            ("1.5", ',', None, None),
            ("1.5", ',', Some('.'), None),
            ("1,23", '.', Some(','), None),
            ("1234,567", '.', Some(','), None),
            ("1,,234", '.', Some(','), None),
            ("1.234,5", '.', None, None),
            // No numbers.
            ("", '.', None, None),
            (".", '.', None, None),
            ("-", '.', None, None),
            ("e5", '.', None, None),
            ("1e", '.', None, None),
            ("0x10", '.', None, None),
            ("1 2", '.', None, None),
        ] {
            assert_eq!(number(text, decimal, thousands).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_date_of_two_formats_is_an_error_unless_both_give_the_same_day() {
        let dates = ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y %H:%M"].map(str::to_owned).to_vec();
        let notation = Notation { dates, ..Notation::default() };
        let date = |text: &str| notation.date(&RawCell::written(text));
        assert_eq!(date("31/12/2024"), Ok(Some("2024-12-31".to_owned())));
        assert_eq!(date("12/31/2024"), Ok(Some("2024-12-31".to_owned())));
        assert_eq!(date("05/05/2024"), Ok(Some("2024-05-05".to_owned())));
        assert_eq!(date("01.02.2024 09:30"), Ok(Some("2024-02-01T09:30:00".to_owned())));
        assert_eq!(date("5/5/2024"), Ok(Some("2024-05-05".to_owned())));
        assert_eq!(date("05/05/24"), Ok(None), "no year of two digits");
        assert_eq!(date("2024-02-01"), Ok(None), "it is ISO 8601 already");
        let error = date("03/02/2024").unwrap_err();
        assert_eq!(
            error,
            "\"03/02/2024\" is 2024-02-03 by the format `%d/%m/%Y`, and 2024-03-02 by `%m/%d/%Y`"
        );
    }

    #[test]
    fn a_hint_names_the_options_that_would_help() {
        let hint = |text: &str| Notation::default().hint(&RawCell::written(text));
        assert_eq!(hint("n/a"), "; if it stands for null, set `nulls = [\"n/a\"]`");
        assert_eq!(hint("1.234,5"), "; with `decimal = ',', thousands = '.'` it is 1234.5");
        assert_eq!(hint("1 234.5"), "; with `decimal = '.', thousands = ' '` it is 1234.5");
        let both = "; it is 1.234 with `decimal = ','`, and 1234 with `thousands = ','`";
        assert_eq!(hint("1,234"), both);
        assert_eq!(hint("x"), "");
    }
}

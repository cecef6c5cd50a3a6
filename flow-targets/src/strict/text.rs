//! Texts of which a type of dates or times would read only a part.

use std::fmt;

/// Returns the error of a text, if a type that expects `expected` would drop a part of it.
///
/// The types of jiff do so. They are recognized by what their visitors expect.
pub(crate) fn excess(text: &str, expected: impl fmt::Display) -> Option<String> {
    if !is_candidate(text) {
        return None;
    }
    let excess = match expected.to_string().as_str() {
        "a date string" => match time_of(text) {
            _ if text.contains('[') => "a time zone, and the field is a date",
            Some(time) if !is_midnight(time) => "a time of day, and the field is a date",
            _ => return None,
        },
        "a time string" => match text.trim_start_matches(['T', 't']) {
            time if is_clock(time) => return None,
            _ if time_of(text).is_some_and(|time| time.len() + 1 < text.len()) => {
                "a date, and the field is a time of day"
            }
            _ => "an offset from UTC or a time zone, and the field is a time of day",
        },
        "a datetime string" => match time_of(text) {
            Some(time) if !is_clock(time) => {
                "an offset from UTC or a time zone, and the field is a date and time without one"
            }
            None if text.contains('[') => {
                "a time zone, and the field is a date and time without one"
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(format!("{text:?} has {excess}"))
}

/// Returns whether a text may be a date or a time with several parts. Most texts are not.
fn is_candidate(text: &str) -> bool {
    let is_start = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'T' | b't' | b'+' | b'-');
    let is_part = |byte: u8| matches!(byte, b'T' | b't' | b' ' | b':' | b'[' | b'+' | b'-');
    text.bytes().next().is_some_and(is_start) && text.bytes().any(is_part)
}

/// Returns the text after the date.
fn time_of(text: &str) -> Option<&str> {
    text.split_once(['T', 't', ' ']).map(|(_, time)| time)
}

/// Returns whether a text has only the digits of a time of day.
fn is_clock(time: &str) -> bool {
    time.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b','))
}

fn is_midnight(time: &str) -> bool {
    is_clock(time) && !time.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_no_time_and_no_zone() {
        for whole in ["2024-02-29", "20240229", "2024-02-29T00:00:00", "2024-02-29 00:00"] {
            assert_eq!(excess(whole, "a date string"), None, "{whole}");
        }
        for cut in [
            "2024-02-29T13:45:00",
            "2024-02-29 13",
            "20240229T134500",
            "2024-02-29T00:00:00Z",
            "2024-02-29T00:00:00-05:00",
            "2024-02-29[America/New_York]",
        ] {
            assert!(excess(cut, "a date string").is_some(), "{cut}");
        }
    }

    #[test]
    fn a_time_of_day_has_no_date_and_no_offset() {
        for whole in ["13:45:00", "T13:45", "134500", "13:45:00.123456789", "13:45:00,5"] {
            assert_eq!(excess(whole, "a time string"), None, "{whole}");
        }
        for (cut, what) in [
            ("2024-02-29T13:45:00", "a date"),
            ("20240229T134500", "a date"),
            ("2024-02-29 13:45", "a date"),
            ("13:45:00-05:00", "an offset"),
            ("T13:45+05", "an offset"),
            ("13:45[Asia/Karachi]", "an offset"),
        ] {
            let excess = excess(cut, "a time string");
            assert!(excess.is_some_and(|excess| excess.contains(what)), "{cut}");
        }
    }

    #[test]
    fn a_date_and_time_has_no_offset() {
        for whole in ["2024-02-29", "2024-02-29T13:45:00.5", "2024-02-29 13:45", "-000001-01-01T00"]
        {
            assert_eq!(excess(whole, "a datetime string"), None, "{whole}");
        }
        for cut in [
            "2024-02-29T13:45:00-05:00",
            "2024-02-29 13:45+05:00[Asia/Karachi]",
            "2024-02-29T13:45Z",
            "2024-02-29[Asia/Karachi]",
        ] {
            assert!(excess(cut, "a datetime string").is_some(), "{cut}");
        }
    }

    #[test]
    fn other_types_take_any_text() {
        for text in ["2024-02-29T13:45:00-05:00", "", "T", "a date", "13:45"] {
            assert_eq!(excess(text, "a string"), None);
        }
    }
}

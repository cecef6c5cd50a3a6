//! Inference of types from the text of unquoted cells.

use std::str::FromStr;

use arrow::compute::kernels::cast_utils::{Parser, string_to_timestamp_nanos};
use arrow::datatypes::Date32Type;

/// The type that an unquoted cell can be read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only nulls so far.
    Null,
    Boolean,
    Integer {
        /// Whether a value is negative, so that a `u64` cannot hold it.
        negative: bool,
        /// Whether a value needs a `u64`.
        large: bool,
        /// Whether an `f64` can hold all values without rounding.
        exact: bool,
    },
    Float,
    Date {
        /// Whether all values are in the range of nanosecond timestamps, 1677 to 2262.
        near: bool,
    },
    /// A time without a zone or in UTC, with or without digits beyond microseconds.
    Time {
        utc: bool,
        nanoseconds: bool,
        /// Like `near` of dates.
        near: bool,
    },
    Text,
}

impl Kind {
    /// Returns the kind of one cell.
    pub(super) fn of(cell: &str) -> Self {
        match cell.as_bytes() {
            b"true" | b"false" => Self::Boolean,
            b"NaN" | b"inf" | b"-inf" => Self::Float,
            [b'0'..=b'9', ..] if cell.as_bytes().get(4) == Some(&b'-') => Self::of_time(cell),
            [b'-', digits @ ..] => Self::of_number(cell, digits),
            digits => Self::of_number(cell, digits),
        }
    }

    fn of_number(cell: &str, digits: &[u8]) -> Self {
        match digits {
            // A leading zero marks an identifier, such as a postal code.
            [b'0', b'0'..=b'9', ..] => Self::Text,
            [b'0'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {
                Self::of_integer(cell, digits)
            }
            [b'0'..=b'9', .., b'0'..=b'9'] if f64::from_str(cell).is_ok_and(f64::is_finite) => {
                Self::Float
            }
            _ => Self::Text,
        }
    }

    fn of_integer(cell: &str, digits: &[u8]) -> Self {
        let negative = digits.len() < cell.len();
        match i64::from_str(cell) {
            // Integers have no negative zero.
            Ok(0) if negative => Self::Text,
            Ok(number) => {
                let exact = number.unsigned_abs() <= 1 << 53 || is_exact(number.into());
                Self::Integer { negative, large: false, exact }
            }
            Err(_) => match u64::from_str(cell) {
                Ok(number) => {
                    Self::Integer { negative, large: true, exact: is_exact(number.into()) }
                }
                Err(_) => Self::Text,
            },
        }
    }

    fn of_time(cell: &str) -> Self {
        let (date, time) = cell.split_at_checked(10).unwrap_or((cell, ""));
        if date.len() != 10 || Date32Type::parse(date).is_none() {
            return Self::Text;
        }
        let near = is_near(cell, date);
        if time.is_empty() {
            return Self::Date { near };
        }
        let (time, utc) = match time.strip_suffix('Z') {
            Some(time) => (time, true),
            None => (time, false),
        };
        let fraction = match time.as_bytes() {
            [b'T', h1, h2, b':', m1, m2, b':', s1, s2, fraction @ ..]
                if two(*h1, *h2) < 24 && two(*m1, *m2) < 60 && two(*s1, *s2) < 60 =>
            {
                fraction
            }
            _ => return Self::Text,
        };
        match fraction {
            [] => Self::time(utc, false, near),
            [b'.', digits @ ..]
                if matches!(digits.len(), 1..=9) && digits.iter().all(u8::is_ascii_digit) =>
            {
                Self::time(utc, digits.len() > 6, near)
            }
            _ => Self::Text,
        }
    }

    /// Returns the kind of a column that holds cells of both kinds.
    pub(super) fn and(self, other: Self) -> Self {
        use Kind::{Date, Float, Integer, Null, Text, Time};
        match (self, other) {
            (a, b) if a == b => a,
            (Null, kind) | (kind, Null) => kind,
            (
                Integer { negative: a, large: b, exact: c },
                Integer { negative: x, large: y, exact: z },
            ) => match (a || x, b || y) {
                (true, true) => Text,
                (negative, large) => Integer { negative, large, exact: c && z },
            },
            // Integers that a float cannot hold exactly would be rounded.
            (Integer { large: false, exact: true, .. }, Float)
            | (Float, Integer { large: false, exact: true, .. }) => Float,
            (Date { near: a }, Date { near: b }) => Date { near: a && b },
            (Date { near: a }, Time { utc: false, nanoseconds, near: b })
            | (Time { utc: false, nanoseconds, near: b }, Date { near: a }) => {
                Self::time(false, nanoseconds, a && b)
            }
            (
                Time { utc: a, nanoseconds: m, near: x },
                Time { utc: b, nanoseconds: n, near: y },
            ) if a == b => Self::time(a, m || n, x && y),
            _ => Text,
        }
    }

    /// Returns a time, or text if some values need nanoseconds and others are out of their range.
    fn time(utc: bool, nanoseconds: bool, near: bool) -> Self {
        match nanoseconds && !near {
            true => Self::Text,
            false => Self::Time { utc, nanoseconds, near },
        }
    }
}

/// Returns whether a float can hold an integer without rounding.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "it is compared")]
fn is_exact(number: i128) -> bool {
    number as f64 as i128 == number
}

/// Returns whether nanoseconds since 1970 can hold the time of a cell that begins with `date`.
fn is_near(cell: &str, date: &str) -> bool {
    match &date[..4] {
        "1677" | "2262" => string_to_timestamp_nanos(cell).is_ok(),
        year => ("1678".."2262").contains(&year),
    }
}

/// Returns the number of two digits, or 99 if one is not a digit.
fn two(tens: u8, ones: u8) -> u8 {
    if tens.is_ascii_digit() && ones.is_ascii_digit() {
        (tens - b'0') * 10 + (ones - b'0')
    } else {
        99
    }
}

/// Returns whether text must be quoted, because without quotes it would be read as another type.
pub(super) fn looks_typed(cell: &str) -> bool {
    match cell.as_bytes().first() {
        None => true,
        Some(b'0'..=b'9' | b'-' | b't' | b'f' | b'N' | b'i') => Kind::of(cell) != Kind::Text,
        Some(_) => false,
    }
}

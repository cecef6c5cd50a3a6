//! What a bare cell looks like.

use std::str::FromStr;

use arrow::compute::kernels::cast_utils::Parser;
use arrow::datatypes::Date32Type;

/// What a bare cell may be read as, of which a later one may hold more than an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing but null.
    Null,
    Boolean,
    /// An integer that is negative.
    Negative,
    /// An integer that an `i64` holds.
    Int,
    /// An integer that only a `u64` holds.
    Large,
    Float,
    Date,
    /// Without a zone, or in UTC; with digits beyond the microseconds, or not.
    Time {
        utc: bool,
        nanoseconds: bool,
    },
    Text,
}

impl Kind {
    /// What one cell looks like.
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
            // What begins with a zero is an identifier, such as a postal code.
            [b'0', b'0'..=b'9', ..] => Self::Text,
            [b'0'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {
                match i64::from_str(cell) {
                    // There is no negative zero among integers.
                    Ok(0) if digits.len() < cell.len() => Self::Text,
                    Ok(number) if number < 0 => Self::Negative,
                    Ok(_) => Self::Int,
                    Err(_) if u64::from_str(cell).is_ok() => Self::Large,
                    Err(_) => Self::Text,
                }
            }
            [b'0'..=b'9', .., b'0'..=b'9'] if f64::from_str(cell).is_ok_and(f64::is_finite) => {
                Self::Float
            }
            _ => Self::Text,
        }
    }

    fn of_time(cell: &str) -> Self {
        let (date, time) = cell.split_at_checked(10).unwrap_or((cell, ""));
        if date.len() != 10 || Date32Type::parse(date).is_none() {
            return Self::Text;
        }
        if time.is_empty() {
            return Self::Date;
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
            [] => Self::Time { utc, nanoseconds: false },
            [b'.', digits @ ..]
                if matches!(digits.len(), 1..=9) && digits.iter().all(u8::is_ascii_digit) =>
            {
                Self::Time { utc, nanoseconds: digits.len() > 6 }
            }
            _ => Self::Text,
        }
    }

    /// What a column is that holds both.
    pub(super) fn and(self, other: Self) -> Self {
        use Kind::{Date, Float, Int, Large, Negative, Null, Text, Time};
        match (self, other) {
            (a, b) if a == b => a,
            (Null, kind) | (kind, Null) => kind,
            (Int, kind @ (Negative | Large | Float)) | (kind @ (Negative | Large | Float), Int) => {
                kind
            }
            (Negative, Float) | (Float, Negative) => Float,
            (Date, Time { utc: false, nanoseconds }) | (Time { utc: false, nanoseconds }, Date) => {
                Time { utc: false, nanoseconds }
            }
            (Time { utc: a, nanoseconds: m }, Time { utc: b, nanoseconds: n }) if a == b => {
                Time { utc: a, nanoseconds: m || n }
            }
            _ => Text,
        }
    }
}

/// The number of two digits; 99 if they are none.
fn two(tens: u8, ones: u8) -> u8 {
    if tens.is_ascii_digit() && ones.is_ascii_digit() {
        (tens - b'0') * 10 + (ones - b'0')
    } else {
        99
    }
}

/// Whether a cell must be quoted to be read as text.
pub(super) fn looks_typed(cell: &str) -> bool {
    match cell.as_bytes().first() {
        None => true,
        Some(b'0'..=b'9' | b'-' | b't' | b'f' | b'N' | b'i') => Kind::of(cell) != Kind::Text,
        Some(_) => false,
    }
}

//! Dates and times as text, where the parsers of arrow drop a part of it.

use arrow::datatypes::{DataType, TimeUnit};

/// Whether a text that parses as a date holds no time of day, other than midnight.
///
/// The parser reads the date of `2024-02-29T13:45:00` and drops the time.
pub(crate) fn is_date(text: &str) -> bool {
    match text.trim().split_once(['T', 't', ' ']) {
        None => true,
        Some((_, time)) => time.bytes().all(|byte| matches!(byte, b'0' | b':' | b'.')),
    }
}

/// Whether a type of times holds all digits of a second's fraction in a text.
///
/// The parsers drop the digits that the unit of the type does not have. Other types hold any text.
pub(crate) fn fits_unit(text: &str, data_type: &DataType) -> bool {
    let digits = match data_type {
        DataType::Timestamp(unit, _) | DataType::Time32(unit) | DataType::Time64(unit) => {
            match unit {
                TimeUnit::Second => 0,
                TimeUnit::Millisecond => 3,
                TimeUnit::Microsecond => 6,
                TimeUnit::Nanosecond => 9,
            }
        }
        _ => return true,
    };
    let Some((_, fraction)) = text.split_once('.') else { return true };
    let fraction = fraction.bytes().take_while(u8::is_ascii_digit);
    fraction.skip(digits).all(|digit| digit == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_no_time_of_day() {
        for date in ["2024-02-29", " 2024-02-29 ", "2024-02-29T00:00:00", "2024-02-29 00:00:00.000"]
        {
            assert!(is_date(date), "{date}");
        }
        for moment in ["2024-02-29T13:45:00", "2024-02-29 00:00:00.001", "2024-02-29T00:00:00Z"] {
            assert!(!is_date(moment), "{moment}");
        }
    }

    #[test]
    fn a_unit_holds_the_digits_of_a_second() {
        let time = |unit| DataType::Timestamp(unit, None);
        assert!(fits_unit("2024-02-29T12:00:00.000", &time(TimeUnit::Second)));
        assert!(!fits_unit("2024-02-29T12:00:00.5", &time(TimeUnit::Second)));
        assert!(fits_unit("12:00:00.123456", &DataType::Time64(TimeUnit::Microsecond)));
        assert!(!fits_unit("12:00:00.1234567", &DataType::Time64(TimeUnit::Microsecond)));
        assert!(!fits_unit("2024-02-29T12:00:00.1234567891Z", &time(TimeUnit::Nanosecond)));
        assert!(fits_unit("1.23456", &DataType::Decimal128(10, 2)));
    }
}

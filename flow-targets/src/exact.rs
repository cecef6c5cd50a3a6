//! Checks whether a column's type can hold a text in full.
//!
//! The parsers of arrow drop or round what a type cannot hold: digits of a fraction, the time of
//! day in a date, the offset in a time without a zone. These checks reject such texts.

use arrow::datatypes::{DataType, TimeUnit};

/// Returns why the parser of a type would drop a part of a text, if it would.
pub(crate) fn excess(text: &str, data_type: &DataType) -> Option<&'static str> {
    match data_type {
        DataType::Dictionary(_, values) => excess(text, values),
        DataType::Boolean => {
            (!matches!(text, "true" | "false")).then_some("write `true` or `false`")
        }
        DataType::Date32 => (!is_date(text)).then_some("it has a time of day"),
        DataType::Date64 => zone(text).or_else(|| fraction(text, TimeUnit::Millisecond)),
        DataType::Timestamp(unit, None) => zone(text).or_else(|| fraction(text, *unit)),
        DataType::Timestamp(unit, Some(_)) | DataType::Time32(unit) | DataType::Time64(unit) => {
            fraction(text, *unit)
        }
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => {
            let fits = scale_of(text).is_none_or(|digits| digits <= i64::from(*scale));
            (!fits).then_some("it has more digits than the scale of the type")
        }
        // The next number after 65504 would be 65536; a number closer to that is infinite.
        DataType::Float16 => {
            infinite(text, |text| text.parse().is_ok_and(|number: f64| number.abs() >= 65_520.0))
        }
        DataType::Float32 => infinite(text, |text| text.parse().is_ok_and(f32::is_infinite)),
        DataType::Float64 => infinite(text, |text| text.parse().is_ok_and(f64::is_infinite)),
        _ => None,
    }
}

/// Returns why a float cannot hold the number that a text was parsed from, if it became infinite.
pub(crate) fn infinite(text: &str, is_infinite: impl Fn(&str) -> bool) -> Option<&'static str> {
    // `inf` and `infinity` have no digits.
    let overflows = is_infinite(text) && text.bytes().any(|byte| byte.is_ascii_digit());
    overflows.then_some("the number is beyond those of the type")
}

/// Returns whether a text that parses as a date has no time of day, other than midnight.
///
/// The parser reads the date of `2024-02-29T13:45:00` and drops the time.
fn is_date(text: &str) -> bool {
    match text.trim().split_once(['T', 't', ' ']) {
        None => true,
        Some((_, time)) => time.bytes().all(|byte| matches!(byte, b'0' | b':' | b'.')),
    }
}

/// Returns why a time without a zone cannot hold a text with one. The parser would convert it to
/// UTC.
fn zone(text: &str) -> Option<&'static str> {
    let (_, time) = text.trim().split_once(['T', 't', ' '])?;
    let is_clock = |byte: u8| byte.is_ascii_digit() || matches!(byte, b':' | b'.');
    let has_zone = !time.bytes().all(is_clock);
    has_zone.then_some("it has an offset from UTC, and the type is a time without a zone")
}

/// Returns why a type of times cannot hold a text with more digits of a second than its unit has.
///
/// The parsers drop these digits.
fn fraction(text: &str, unit: TimeUnit) -> Option<&'static str> {
    let digits = match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    let (_, fraction) = text.split_once('.')?;
    let mut rest = fraction.bytes().take_while(u8::is_ascii_digit).skip(digits);
    rest.any(|digit| digit != b'0').then_some("it has more digits of a second than the type")
}

/// Returns the number of digits after the decimal point, without trailing zeros; -2 for 100.
///
/// Returns `None` for zero, and for a text that is not a number.
fn scale_of(text: &str) -> Option<i64> {
    let text = text.trim();
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if !digits().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let zeros = digits().rev().take_while(|digit| *digit == b'0').count();
    if zeros == whole.len() + fraction.len() {
        return None;
    }
    let digits = i64::try_from(fraction.len()).ok()? - i64::try_from(zeros).ok()?;
    Some(digits.saturating_sub(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn holds(data_type: &DataType, texts: &[&str]) {
        for text in texts {
            assert_eq!(excess(text, data_type), None, "{text}");
        }
    }

    #[track_caller]
    fn drops(data_type: &DataType, texts: &[&str]) {
        for text in texts {
            assert!(excess(text, data_type).is_some(), "{text}");
        }
    }

    #[test]
    fn a_date_has_no_time_of_day() {
        let dates =
            ["2024-02-29", " 2024-02-29 ", "2024-02-29T00:00:00", "2024-02-29 00:00:00.000"];
        holds(&DataType::Date32, &dates);
        let moments = ["2024-02-29T13:45:00", "2024-02-29 00:00:00.001", "2024-02-29T00:00:00Z"];
        drops(&DataType::Date32, &moments);
    }

    #[test]
    fn a_unit_holds_the_digits_of_a_second() {
        let time = |unit| DataType::Timestamp(unit, None);
        holds(&time(TimeUnit::Second), &["2024-02-29T12:00:00.000"]);
        drops(&time(TimeUnit::Second), &["2024-02-29T12:00:00.5"]);
        let clock = DataType::Time64(TimeUnit::Microsecond);
        holds(&clock, &["12:00:00.123456", "12:00:00.5 PM"]);
        drops(&clock, &["12:00:00.1234567"]);
        let zoned = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        drops(&zoned, &["2024-02-29T12:00:00.1234567891Z"]);
        holds(&DataType::Date64, &["2024-02-29T13:45:00.123", "2024-02-29"]);
        drops(&DataType::Date64, &["2024-02-29T13:45:00.123456"]);
    }

    #[test]
    fn a_time_without_a_zone_has_no_offset() {
        let offsets =
            ["2024-01-01T00:00:00+02:00", "2024-01-01 00:00:00-05", "2024-01-01T00:00:00Z"];
        for plain in [DataType::Timestamp(TimeUnit::Microsecond, None), DataType::Date64] {
            drops(&plain, &offsets);
            holds(&plain, &["2024-01-01T00:00:00", "2024-01-01 00:00", "2024-01-01"]);
        }
        holds(&DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), &offsets);
    }

    #[test]
    fn a_decimal_has_no_more_digits_than_its_scale() {
        let cents = DataType::Decimal128(10, 2);
        holds(&cents, &["1.23", "1.230", "-1.2", "123e-2", "0.000", "0", "1", "1.2300e1", "1e-2"]);
        drops(&cents, &["1.239", "-0.001", "1239e-3", "1.23e-1"]);
        drops(&DataType::Dictionary(Box::new(DataType::Int32), Box::new(cents)), &["1.239"]);
        let hundreds = DataType::Decimal256(10, -2);
        holds(&hundreds, &["100", "1e2", "-12300.00", "0"]);
        drops(&hundreds, &["149", "150", "110", "0.5"]);
        for none in ["", ".", "a", "1.2.3", "1e", "--1"] {
            assert_eq!(scale_of(none), None, "{none}");
        }
    }

    #[test]
    fn a_float_is_infinite_only_if_the_text_is() {
        for (data_type, most, beyond) in [
            (DataType::Float16, "65519", "70000"),
            (DataType::Float32, "3.4e38", "-1e39"),
            (DataType::Float64, "1.7e308", "1e400"),
        ] {
            holds(&data_type, &[most, "inf", "-inf", "NaN", "infinity", "x"]);
            drops(&data_type, &[beyond]);
        }
    }

    #[test]
    fn a_truth_value_is_true_or_false() {
        holds(&DataType::Boolean, &["true", "false"]);
        drops(&DataType::Boolean, &["yes", "1", "TRUE", "t", ""]);
    }
}

//! Values that a cell can hold, and their conversion to and from numbers.

use anyhow::{Context, Result, bail, ensure};
use arrow::array::ArrowPrimitiveType;
use arrow::compute::kernels::cast_utils::Parser;
use arrow::datatypes::{Date32Type, Time32MillisecondType, TimestampMillisecondType};
use arrow::temporal_conversions::timestamp_ms_to_datetime;

use crate::exact::excess;

/// The value of one cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Bool(bool),
    Number {
        value: f64,
        /// Whether the format shows it as an integer.
        whole: bool,
    },
    Time(Time),
    Text(String),
}

impl Cell {
    /// Returns the name of the cell's kind for errors.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a truth value",
            Self::Number { .. } => "a number",
            Self::Time(Time { form: Form::Clock, .. }) => "a time of day",
            Self::Time(Time { form: Form::Span, .. }) => "a duration",
            Self::Time(_) => "a date",
            Self::Text(_) => "text",
        }
    }
}

/// A date, a time of day, a timestamp, or a duration: a number with a format for times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) form: Form,
    /// Milliseconds since 1970, since midnight, or of the duration.
    pub(super) ms: i64,
}

/// The part of a time that a format shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Date,
    Clock,
    Moment,
    /// A duration, which may be longer than a day.
    Span,
}

/// The format of blank cells that stand for empty text, which Excel cannot represent otherwise.
pub(super) const EMPTY_TEXT: &str = "@";

/// The format of a blank cell in the last row, if all its values are null, so that the row exists.
pub(super) const LAST_ROW: &str = "General;General;General;@";

/// The format of integers, which shows all their digits.
pub(super) const WHOLE: &str = "0";

const DAY: i64 = 86_400_000;

/// The number of the day 1970-01-01 in Excel.
const EPOCH: i64 = 25_569;

/// The range of valid day numbers. Excel treats 1900 as a leap year, and ends with the year 9999.
const DAYS: std::ops::Range<i64> = 61..2_958_466;

/// The longest duration that is read, in days. A float can hold its milliseconds exactly.
const LONGEST: f64 = 1e8;

/// The difference between day numbers that count from 1904-01-01, and the usual ones.
pub(super) const FROM_1904: f64 = 1462.0;

/// The most UTF-16 code units in a cell.
pub(super) const CHARACTERS: usize = 32_767;

/// The most rows in a sheet.
pub(super) const ROWS: u32 = 1_048_576;
pub(super) const COLUMNS: usize = 16_384;

/// Returns Excel's name of a cell, such as `C5`. `row` and `column` count from 0.
pub(crate) fn reference(row: usize, column: usize) -> String {
    let (mut letters, mut rest) = (String::new(), column + 1);
    while rest > 0 {
        let digit = u32::try_from((rest - 1) % 26).unwrap_or(0);
        letters.insert(0, char::from_u32(u32::from('A') + digit).unwrap_or('?'));
        rest = (rest - 1) / 26;
    }
    format!("{letters}{}", row + 1)
}

/// Parses a text as a number, if a cell can hold it and all programs can read it.
///
/// The number must not be NaN, infinite, −0.0 or subnormal.
pub(super) fn number(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    (value.is_normal() || value == 0.0 && value.is_sign_positive()).then_some(value)
}

/// Like [`number`], for integers of at most 2^53, which a float holds exactly.
pub(super) fn integer(text: &str) -> Option<f64> {
    let exact = text.parse::<i64>().is_ok_and(|value| value.unsigned_abs() <= 1 << 53);
    number(text).filter(|_| exact)
}

/// Like [`number`], for decimals of at most 15 digits, which Excel shows.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let digits = text.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0');
    let short = digits.count() <= 15;
    number(text).filter(|_| short)
}

/// Formats a number as text, from which columns of any numeric type are parsed.
pub(super) fn digits(value: f64) -> String {
    // Above 2^53, an integer notation would show digits that the number does not have.
    if value.abs() > 2_f64.powi(53) { format!("{value:?}") } else { value.to_string() }
}

impl Time {
    /// Creates a time of `ticks`, of which a day has `per_day`, if a cell can hold it.
    pub(super) fn new(form: Form, ticks: i64, per_day: i64) -> Option<Self> {
        let ms = i128::from(ticks) * i128::from(DAY);
        let per_day = i128::from(per_day);
        if ms.rem_euclid(per_day) != 0 {
            return None; // Excel counts milliseconds.
        }
        let time = Self { form, ms: i64::try_from(ms / per_day).ok()? };
        let known = match form {
            Form::Clock => 0..DAY,
            Form::Span => 0..DAYS.end * DAY,
            Form::Date | Form::Moment => (DAYS.start - EPOCH) * DAY..(DAYS.end - EPOCH) * DAY,
        };
        known.contains(&time.ms).then_some(time)
    }

    /// Returns the number in the cell.
    #[expect(clippy::cast_precision_loss, reason = "both are below 2^53")]
    pub(super) fn serial(self) -> f64 {
        match self.form {
            Form::Clock | Form::Span => self.ms as f64 / DAY as f64,
            Form::Date | Form::Moment => (self.ms + EPOCH * DAY) as f64 / DAY as f64,
        }
    }

    /// Returns the time of a number, rounded to milliseconds.
    ///
    /// `is_1904` is whether the workbook counts days from 1904 instead of 1900.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "as above")]
    pub(super) fn of_serial(form: Form, serial: f64, is_1904: bool) -> Result<Self> {
        if form == Form::Span {
            ensure!(serial.abs() < LONGEST, "{serial} is no duration of Excel");
            return Ok(Self { form, ms: (serial * DAY as f64).round() as i64 });
        }
        // A number below 1 is a time of day, whatever the format shows: there is no day 0.
        if (0.0..1.0).contains(&serial) && (form == Form::Clock || !is_1904) {
            let ms = (serial * DAY as f64).round() as i64;
            return Ok(Self { form: Form::Clock, ms: ms.min(DAY - 1) });
        }
        let serial = if is_1904 { serial + FROM_1904 } else { serial };
        let days = serial.floor();
        ensure!(serial >= 0.0 && days < DAYS.end as f64, "{serial} is no date of Excel");
        let epoch = match days as i64 {
            days if days >= DAYS.start => EPOCH,
            // Before 1900-02-29, a day that Excel counts and that did not exist.
            days if days != DAYS.start - 1 => EPOCH - 1,
            _ => bail!("{serial} is 1900-02-29 in Excel, and there was no such day"),
        };
        let form = if form == Form::Clock { Form::Moment } else { form };
        Ok(Self { form, ms: (serial * DAY as f64).round() as i64 - epoch * DAY })
    }

    /// Parses a time in ISO 8601, of at most milliseconds, such as `2024-02-29T13:45:00`.
    pub(super) fn of_iso(text: &str) -> Option<Self> {
        let time = |form, ms| Some(Self { form, ms });
        let plain = |byte: u8| byte.is_ascii_digit() || b"-:.".contains(&byte);
        let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, ""));
        // A time with a zone is another type, which a cell cannot show.
        let held = date.bytes().all(plain) && clock.bytes().all(plain) && !clock.contains('-');
        if !held || excess(text, &Time32MillisecondType::DATA_TYPE).is_some() {
            return None;
        }
        if !clock.is_empty() {
            return time(Form::Moment, TimestampMillisecondType::parse(text)?);
        }
        match Date32Type::parse(text) {
            Some(days) => time(Form::Date, i64::from(days) * DAY),
            None if text.contains(':') => {
                time(Form::Clock, Time32MillisecondType::parse(text)?.into())
            }
            None => None,
        }
    }

    /// Returns the number format of the cell.
    pub(super) fn format(self, utc: bool) -> String {
        let date = match self.form {
            Form::Clock | Form::Span => "",
            Form::Date | Form::Moment => "yyyy-mm-dd",
        };
        let between = if self.form == Form::Moment { " " } else { "" };
        let clock = match self.form {
            Form::Date => "",
            Form::Span if self.ms % 1000 == 0 => "[h]:mm:ss",
            Form::Span => "[h]:mm:ss.000",
            _ if self.ms % 1000 == 0 => "hh:mm:ss",
            _ => "hh:mm:ss.000",
        };
        let zone = if utc { "\"Z\"" } else { "" };
        format!("{date}{between}{clock}{zone}")
    }

    /// Returns whether it is the start of a day.
    pub(super) fn is_date(self) -> bool {
        matches!(self.form, Form::Date | Form::Moment) && self.ms.rem_euclid(DAY) == 0
    }

    /// Formats the time as text, from which columns of any time type are parsed.
    ///
    /// A duration is formatted as hours, minutes and seconds, as the cell shows it.
    pub(super) fn text(self) -> Result<String> {
        if self.form == Form::Span {
            let (sign, ms) = (if self.ms < 0 { "-" } else { "" }, self.ms.unsigned_abs());
            let (seconds, ms) = (ms / 1000, ms % 1000);
            let (minutes, seconds) = (seconds / 60, seconds % 60);
            let (hours, minutes) = (minutes / 60, minutes % 60);
            return Ok(format!("{sign}{hours:02}:{minutes:02}:{seconds:02}.{ms:03}"));
        }
        let time = timestamp_ms_to_datetime(self.ms).context("it is no date")?;
        let format = match self.form {
            _ if self.form == Form::Date && self.is_date() => "%Y-%m-%d",
            Form::Clock | Form::Span => "%H:%M:%S%.3f",
            Form::Date | Form::Moment => "%Y-%m-%dT%H:%M:%S%.3f",
        };
        Ok(time.format(format).to_string())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_millisecond_comes_back() {
        let mut ms = (DAYS.start - EPOCH) * DAY;
        while let Some(time) = Time::new(Form::Moment, ms, DAY) {
            assert_eq!(Time::of_serial(Form::Moment, time.serial(), false).unwrap(), time);
            ms += 86_399_987 * 101;
        }
        assert!(ms > (DAYS.end - EPOCH) * DAY);
        for ms in (0..DAY).step_by(977) {
            let time = Time::new(Form::Clock, ms, DAY).unwrap();
            assert_eq!(Time::of_serial(Form::Clock, time.serial(), false).unwrap(), time);
        }
    }

    #[test]
    fn dates_are_those_of_excel() {
        let text = |serial| Time::of_serial(Form::Date, serial, false).unwrap().text().unwrap();
        assert_eq!(text(1.0), "1900-01-01");
        assert_eq!(text(59.0), "1900-02-28");
        assert_eq!(text(61.0), "1900-03-01");
        assert_eq!(text(45_351.0), "2024-02-29");
        assert_eq!(text(45_351.5), "2024-02-29T12:00:00.000");
        assert_eq!(text(2_958_465.0), "9999-12-31");
        for none in [-1.0, 60.0, 60.5, 2_958_466.0, f64::NAN] {
            assert!(Time::of_serial(Form::Date, none, false).is_err());
        }
        // There is no day 0; a number below 1 is a time of day.
        assert_eq!(text(0.0), "00:00:00.000");
        assert_eq!(text(0.25), "06:00:00.000");
    }

    #[test]
    fn workbooks_that_count_from_1904_have_other_numbers() {
        let text = |form, serial| Time::of_serial(form, serial, true).unwrap().text().unwrap();
        assert_eq!(text(Form::Date, 0.0), "1904-01-01");
        assert_eq!(text(Form::Date, 43_889.0), "2024-02-29");
        assert_eq!(text(Form::Clock, 0.5), "12:00:00.000");
        assert_eq!(text(Form::Moment, 0.5), "1904-01-01T12:00:00.000");
        assert_eq!(text(Form::Span, -1.5), "-36:00:00.000");
    }

    #[test]
    fn times_in_iso_8601_are_read() {
        let text = |iso| Time::of_iso(iso).map(|time| (time.form, time.text().unwrap()));
        assert_eq!(text("2024-02-29"), Some((Form::Date, "2024-02-29".to_owned())));
        let moment = (Form::Moment, "2024-02-29T13:45:00.500".to_owned());
        assert_eq!(text("2024-02-29T13:45:00.5"), Some(moment));
        assert_eq!(text("13:45:00"), Some((Form::Clock, "13:45:00.000".to_owned())));
        for none in ["2024-02-30", "2024-02-29T13:45:00.0001", "2024-02-29T13:45:00Z", "7", ""] {
            assert_eq!(text(none), None);
        }
    }

    #[test]
    fn cells_are_called_as_the_sheet_does() {
        for (row, column, name) in
            [(0, 0, "A1"), (4, 25, "Z5"), (9, 26, "AA10"), (0, 16_383, "XFD1")]
        {
            assert_eq!(reference(row, column), name);
        }
    }

    #[test]
    fn numbers_are_those_that_every_program_reads() {
        assert_eq!(number("0.1"), Some(0.1));
        for none in ["NaN", "inf", "-0.0", "5e-324"] {
            assert_eq!(number(none), None);
        }
        assert_eq!(integer("-9007199254740992"), Some(-9_007_199_254_740_992.0));
        assert_eq!(integer("9007199254740993"), None);
        assert_eq!(decimal("-0.00123456789012345"), Some(-0.001_234_567_890_123_45));
        assert_eq!(decimal("1234567890.123456"), None);
    }
}

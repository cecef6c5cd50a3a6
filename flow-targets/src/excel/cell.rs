//! What a cell of a sheet can hold, and what it cannot.

use anyhow::{Context, Result, bail, ensure};
use arrow::temporal_conversions::timestamp_ms_to_datetime;

/// The value of one cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Bool(bool),
    Number {
        value: f64,
        /// Whether it is shown as an integer.
        whole: bool,
    },
    Time(Time),
    Text(String),
}

/// A date, a time of day, or both: a number with a format that shows it as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) form: Form,
    /// Milliseconds since 1970, or since midnight.
    pub(super) ms: i64,
}

/// What a format shows of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Date,
    Clock,
    Moment,
}

/// Blank cells of this format are text without characters: there is no other way to enter it.
pub(super) const EMPTY_TEXT: &str = "@";

/// A blank cell of this format stands in the last row if all of it is null, to be a row at all.
pub(super) const LAST_ROW: &str = "General;General;General;@";

/// The format of integers, which shows all their digits.
pub(super) const WHOLE: &str = "0";

const DAY: i64 = 86_400_000;

/// The day 1970-01-01 as Excel counts days.
const EPOCH: i64 = 25_569;

/// The days that are counted right: Excel takes 1900 for a leap year, and ends with the year 9999.
const DAYS: std::ops::Range<i64> = 61..2_958_466;

/// From 1904-01-01, whose number is 0 in files that count from there, to the usual count.
pub(super) const FROM_1904: f64 = 1462.0;

/// The number that a text without a unit is, if a cell holds that one and every program reads it:
/// no NaN and no infinity, no zero with a sign, none below what Excel takes for zero.
pub(super) fn number(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    (value.is_normal() || value == 0.0 && value.is_sign_positive()).then_some(value)
}

/// As [`number`], for an integer: those that a float counts one by one.
pub(super) fn integer(text: &str) -> Option<f64> {
    let exact = text.parse::<i64>().is_ok_and(|value| value.unsigned_abs() <= 1 << 53);
    number(text).filter(|_| exact)
}

/// As [`number`], for a decimal: those of no more digits than Excel shows.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let digits = text.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0');
    let short = digits.count() <= 15;
    number(text).filter(|_| short)
}

/// The number as text, by which columns of any type of numbers are read.
pub(super) fn digits(value: f64) -> String {
    // Beyond it the digits are not all those of the number, and no integer is read from them.
    if value.abs() > 2_f64.powi(53) { format!("{value:?}") } else { value.to_string() }
}

impl Time {
    /// `ticks` of which a day has `per_day`, if that is a time that a cell holds.
    pub(super) fn new(form: Form, ticks: i64, per_day: i64) -> Option<Self> {
        let ms = i128::from(ticks) * i128::from(DAY);
        let per_day = i128::from(per_day);
        if ms.rem_euclid(per_day) != 0 {
            return None; // Excel counts milliseconds.
        }
        let time = Self { form, ms: i64::try_from(ms / per_day).ok()? };
        let known = match form {
            Form::Clock => 0..DAY,
            Form::Date | Form::Moment => (DAYS.start - EPOCH) * DAY..(DAYS.end - EPOCH) * DAY,
        };
        known.contains(&time.ms).then_some(time)
    }

    /// The number that stands in the cell.
    #[expect(clippy::cast_precision_loss, reason = "both are below 2^53")]
    pub(super) fn serial(self) -> f64 {
        match self.form {
            Form::Clock => self.ms as f64 / DAY as f64,
            Form::Date | Form::Moment => (self.ms + EPOCH * DAY) as f64 / DAY as f64,
        }
    }

    /// The time that such a number is, to the millisecond.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "as above")]
    pub(super) fn of_serial(form: Form, serial: f64) -> Result<Self> {
        let days = serial.floor();
        ensure!(serial >= 0.0 && days < DAYS.end as f64, "{serial} is no date of Excel");
        let ms = (serial * DAY as f64).round() as i64;
        let epoch = match form {
            Form::Clock if serial < 1.0 => 0,
            _ if days as i64 >= DAYS.start => EPOCH,
            // Before the leap day that never was.
            _ if days as i64 != DAYS.start - 1 => EPOCH - 1,
            _ => bail!("{serial} is 1900-02-29 in Excel, and there was no such day"),
        };
        let form = if epoch == 0 || form != Form::Clock { form } else { Form::Moment };
        Ok(Self { form, ms: ms - epoch * DAY })
    }

    /// What it is written as in the cell.
    pub(super) fn format(self, utc: bool) -> String {
        let date = if self.form == Form::Clock { "" } else { "yyyy-mm-dd" };
        let between = if self.form == Form::Moment { " " } else { "" };
        let clock = match self.form {
            Form::Date => "",
            _ if self.ms % 1000 == 0 => "hh:mm:ss",
            _ => "hh:mm:ss.000",
        };
        let zone = if utc { "\"Z\"" } else { "" };
        format!("{date}{between}{clock}{zone}")
    }

    /// The form that a format shows.
    pub(super) fn form(format: &str) -> Form {
        let mut quoted = false;
        let shown = |c: &char| {
            quoted ^= *c == '"';
            !quoted
        };
        let shown: String = format.to_ascii_lowercase().chars().filter(shown).collect();
        match (shown.contains(['y', 'd']), shown.contains(['h', 's'])) {
            (true, true) => Form::Moment,
            (false, true) => Form::Clock,
            _ => Form::Date,
        }
    }

    /// Whether it is the start of a day.
    pub(super) fn is_date(self) -> bool {
        self.form != Form::Clock && self.ms.rem_euclid(DAY) == 0
    }

    /// Such a time as text, by which columns of any type of times are read.
    pub(super) fn text(self) -> Result<String> {
        let time = timestamp_ms_to_datetime(self.ms).context("it is no date")?;
        let format = match self.form {
            _ if self.form == Form::Date && self.is_date() => "%Y-%m-%d",
            Form::Clock => "%H:%M:%S%.3f",
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
            assert_eq!(Time::of_serial(Form::Moment, time.serial()).unwrap(), time);
            ms += 86_399_987 * 101;
        }
        assert!(ms > (DAYS.end - EPOCH) * DAY);
        for ms in (0..DAY).step_by(977) {
            let time = Time::new(Form::Clock, ms, DAY).unwrap();
            assert_eq!(Time::of_serial(Form::Clock, time.serial()).unwrap(), time);
        }
    }

    #[test]
    fn dates_are_those_of_excel() {
        let text = |serial| Time::of_serial(Form::Date, serial).unwrap().text().unwrap();
        assert_eq!(text(1.0), "1900-01-01");
        assert_eq!(text(59.0), "1900-02-28");
        assert_eq!(text(61.0), "1900-03-01");
        assert_eq!(text(45_351.0), "2024-02-29");
        assert_eq!(text(45_351.5), "2024-02-29T12:00:00.000");
        assert_eq!(text(2_958_465.0), "9999-12-31");
        for none in [-1.0, 60.0, 60.5, 2_958_466.0, f64::NAN] {
            assert!(Time::of_serial(Form::Date, none).is_err());
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

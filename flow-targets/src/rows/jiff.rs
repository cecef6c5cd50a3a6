//! Columns of the types of jiff.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Date32Type, Date64Type};
use flow_core::jiff::civil::{Date, DateTime, Time};
use flow_core::jiff::{self, SignedDuration, Timestamp};

use super::number::{all_null, primitive};
use super::text::{each, parsed};
use super::{Column, Fault, Form, civil, time};

/// The milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Returns the date so many days after 1970-01-01.
fn date(days: i64) -> Result<Date, String> {
    let (year, month, day) = civil::date(days);
    let date = i16::try_from(year).ok().and_then(|year| Date::new(year, month, day).ok());
    date.ok_or_else(|| format!("a date in the year {year}, and jiff has the years -9999 to 9999"))
}

/// Returns the days from 1970-01-01 to a date.
fn days(date: Date) -> i64 {
    civil::days(date.year(), date.month(), date.day())
}

/// Returns the nanoseconds since midnight.
fn since_midnight(time: Time) -> i64 {
    let (hour, minute) = (i64::from(time.hour()), i64::from(time.minute()));
    let seconds = (hour * 60 + minute) * 60 + i64::from(time.second());
    seconds * 1_000_000_000 + i64::from(time.subsec_nanosecond())
}

/// Returns the time so many nanoseconds after midnight.
fn clock(nanoseconds: i64) -> Result<Time, String> {
    let part = |value: i64| i8::try_from(value).unwrap_or(i8::MAX);
    let seconds = nanoseconds.div_euclid(1_000_000_000);
    let rest = i32::try_from(nanoseconds.rem_euclid(1_000_000_000)).unwrap_or(0);
    Time::new(part(seconds / 3600), part(seconds / 60 % 60), part(seconds % 60), rest)
        .map_err(|_| format!("{nanoseconds} ns after midnight is no time of day"))
}

impl Column for Date {
    fn data_type(_: Form) -> DataType {
        DataType::Date32
    }

    fn array(values: &[Option<&Self>], _: Form) -> Result<ArrayRef, Fault> {
        let days = |date: &Self| i32::try_from(days(*date)).unwrap_or_default();
        let values = values.iter().map(|value| value.map(days));
        Ok(Arc::new(primitive::<Date32Type>(values).finish()))
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        match array.data_type() {
            DataType::Date32 => {
                each(array.as_primitive::<Date32Type>().iter(), |days| date(days.into()))
            }
            DataType::Date64 => each(array.as_primitive::<Date64Type>().iter(), |ms| {
                if ms % DAY_MS != 0 {
                    return Err("the value has a time of day, and the field is a date".to_owned());
                }
                date(ms / DAY_MS)
            }),
            _ => parsed(array, "a date", |text| whole(text, "a date string")),
        }
    }
}

impl Column for Time {
    const HAS_UNIT: bool = true;

    fn data_type(form: Form) -> DataType {
        time::clock(form)
    }

    fn array(values: &[Option<&Self>], form: Form) -> Result<ArrayRef, Fault> {
        let values = values.iter().map(|value| value.map(|time| i128::from(since_midnight(*time))));
        time::array(values, time::clock(form), form)
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        match array.data_type() {
            DataType::Time32(_) | DataType::Time64(_) => time::values(array, |nanoseconds| {
                clock(i64::try_from(nanoseconds).unwrap_or(i64::MAX))
            }),
            _ => parsed(array, "a time of day", |text| whole(text, "a time string")),
        }
    }
}

impl Column for DateTime {
    const HAS_UNIT: bool = true;

    fn data_type(form: Form) -> DataType {
        time::civil(form)
    }

    fn array(values: &[Option<&Self>], form: Form) -> Result<ArrayRef, Fault> {
        let nanoseconds = |value: &Self| {
            let day = i128::from(days(value.date())) * i128::from(time::DAY);
            day + i128::from(since_midnight(value.time()))
        };
        time::array(values.iter().map(|value| value.map(nanoseconds)), time::civil(form), form)
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        match array.data_type() {
            DataType::Timestamp(_, None) => time::values(array, |nanoseconds| {
                let day = i128::from(time::DAY);
                let days = i64::try_from(nanoseconds.div_euclid(day)).unwrap_or(i64::MAX / 2);
                let rest = i64::try_from(nanoseconds.rem_euclid(day)).unwrap_or(0);
                Ok(Self::from_parts(date(days)?, clock(rest)?))
            }),
            other @ DataType::Timestamp(_, Some(_)) => {
                Err(time::has_zone(other, "jiff::Timestamp"))
            }
            _ => parsed(array, "a date and time", |text| whole(text, "a datetime string")),
        }
    }
}

impl Column for Timestamp {
    const HAS_UNIT: bool = true;

    fn data_type(form: Form) -> DataType {
        time::instant(form)
    }

    fn array(values: &[Option<&Self>], form: Form) -> Result<ArrayRef, Fault> {
        let values = values.iter().map(|value| value.map(|value| value.as_nanosecond()));
        time::array(values, time::instant(form), form)
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        match array.data_type() {
            DataType::Timestamp(_, Some(_)) => time::values(array, |nanoseconds| {
                Self::from_nanosecond(nanoseconds).map_err(|error| error.to_string())
            }),
            other @ DataType::Timestamp(_, None) => {
                Err(time::has_no_zone(other, "jiff::civil::DateTime"))
            }
            _ => parsed(array, "a timestamp", |text| whole(text, "a timestamp string")),
        }
    }
}

impl Column for SignedDuration {
    const HAS_UNIT: bool = true;

    fn data_type(form: Form) -> DataType {
        DataType::Duration(form.unit)
    }

    fn array(values: &[Option<&Self>], form: Form) -> Result<ArrayRef, Fault> {
        let values = values.iter().map(|value| value.map(|value| value.as_nanos()));
        time::array(values, Self::data_type(form), form)
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        match array.data_type() {
            DataType::Duration(_) => time::values(array, |nanoseconds| {
                Self::try_from_nanos_i128(nanoseconds)
                    .ok_or_else(|| format!("{nanoseconds} ns is beyond the durations of jiff"))
            }),
            DataType::Null => Ok(all_null(array)),
            _ => parsed(array, "a duration", |text| whole(text, "a duration string")),
        }
    }
}

/// Parses a text of which the type drops no part. `expected` is what the visitor of the type expects.
fn whole<T>(text: &str, expected: &str) -> Result<T, String>
where
    T: std::str::FromStr<Err = jiff::Error>,
{
    match crate::strict::excess(text, expected) {
        Some(excess) => Err(excess),
        None => text.parse().map_err(|error: jiff::Error| error.to_string()),
    }
}

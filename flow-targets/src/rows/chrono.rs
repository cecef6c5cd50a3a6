//! Columns of the types of chrono.
//!
//! `DateTime<FixedOffset>` and `DateTime<Local>` are no columns: a column of instants has one zone, so that the offset of
//! each value would be lost.

use std::sync::Arc;

use ::chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};
use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Date32Type, Date64Type};

use super::number::{all_null, primitive};
use super::text::{each, parsed};
use super::{Column, Fault, Form, time};

/// The days from 0001-01-01, which chrono counts as day 1, to 1970-01-01.
const EPOCH: i32 = 719_163;

const DAY_MS: i64 = 86_400_000;
const SECOND: i128 = 1_000_000_000;

/// Returns the date so many days after 1970-01-01.
fn date(days: i64) -> Result<NaiveDate, String> {
    let date = i32::try_from(days.saturating_add(EPOCH.into())).ok();
    date.and_then(NaiveDate::from_num_days_from_ce_opt)
        .ok_or_else(|| format!("{days} days after 1970-01-01 is no date of chrono"))
}

/// Returns the nanoseconds since midnight.
///
/// In a leap second, chrono counts them up to two seconds. No column has such a time.
fn since_midnight(time: &NaiveTime) -> Option<i128> {
    let rest = i128::from(time.nanosecond());
    let seconds = i128::from(time.num_seconds_from_midnight());
    (rest < SECOND).then_some(seconds * SECOND + rest)
}

/// Returns the nanoseconds from 1970-01-01, except in a leap second.
fn since_epoch(time: &DateTime<Utc>) -> Option<i128> {
    let rest = i128::from(time.timestamp_subsec_nanos());
    (rest < SECOND).then_some(i128::from(time.timestamp()) * SECOND + rest)
}

/// Returns the instant so many nanoseconds after 1970-01-01.
fn instant(nanoseconds: i128) -> Result<DateTime<Utc>, String> {
    let seconds = i64::try_from(nanoseconds.div_euclid(SECOND)).ok();
    let rest = u32::try_from(nanoseconds.rem_euclid(SECOND)).unwrap_or(0);
    seconds
        .and_then(|seconds| DateTime::from_timestamp(seconds, rest))
        .ok_or_else(|| format!("{nanoseconds} ns after 1970-01-01 is beyond the dates of chrono"))
}

/// Returns the nanoseconds of each value.
fn whole<T>(
    values: &[Option<&T>],
    nanoseconds: impl Fn(&T) -> Option<i128>,
) -> Result<Vec<Option<i128>>, Fault> {
    let leap = |row| Fault::new("the value is in a leap second, which no column has").at(row);
    let each = values.iter().enumerate().map(|(row, value)| {
        value.map(|value| nanoseconds(value).ok_or_else(|| leap(row))).transpose()
    });
    each.collect()
}

fn read<T: std::str::FromStr<Err = ::chrono::ParseError>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{text:?}: {error}"))
}

impl Column for NaiveDate {
    fn data_type(_: Form) -> DataType {
        DataType::Date32
    }

    fn array(values: &[Option<&Self>], _: Form) -> Result<ArrayRef, Fault> {
        let days = |date: &Self| date.num_days_from_ce() - EPOCH;
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
            _ => parsed(array, "a date", read),
        }
    }
}

impl Column for NaiveTime {
    const HAS_UNIT: bool = true;

    fn data_type(form: Form) -> DataType {
        time::clock(form)
    }

    fn array(values: &[Option<&Self>], form: Form) -> Result<ArrayRef, Fault> {
        time::array(whole(values, since_midnight)?.into_iter(), time::clock(form), form)
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        match array.data_type() {
            DataType::Time32(_) | DataType::Time64(_) => time::values(array, |nanoseconds| {
                let seconds = u32::try_from(nanoseconds.div_euclid(SECOND)).ok();
                let rest = u32::try_from(nanoseconds.rem_euclid(SECOND)).unwrap_or(0);
                seconds
                    .and_then(|seconds| Self::from_num_seconds_from_midnight_opt(seconds, rest))
                    .ok_or_else(|| format!("{nanoseconds} ns after midnight is no time of day"))
            }),
            _ => parsed(array, "a time of day", read),
        }
    }
}

impl Column for NaiveDateTime {
    const HAS_UNIT: bool = true;

    fn data_type(form: Form) -> DataType {
        time::civil(form)
    }

    fn array(values: &[Option<&Self>], form: Form) -> Result<ArrayRef, Fault> {
        let nanoseconds = |value: &Self| since_epoch(&value.and_utc());
        time::array(whole(values, nanoseconds)?.into_iter(), time::civil(form), form)
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        match array.data_type() {
            DataType::Timestamp(_, None) => {
                time::values(array, |nanoseconds| Ok(instant(nanoseconds)?.naive_utc()))
            }
            other @ DataType::Timestamp(_, Some(_)) => {
                Err(time::has_zone(other, "chrono::DateTime<Utc>"))
            }
            _ => parsed(array, "a date and time", read),
        }
    }
}

impl Column for DateTime<Utc> {
    const HAS_UNIT: bool = true;

    fn data_type(form: Form) -> DataType {
        time::instant(form)
    }

    fn array(values: &[Option<&Self>], form: Form) -> Result<ArrayRef, Fault> {
        time::array(whole(values, since_epoch)?.into_iter(), time::instant(form), form)
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        match array.data_type() {
            DataType::Timestamp(_, Some(_)) => time::values(array, instant),
            other @ DataType::Timestamp(_, None) => {
                Err(time::has_no_zone(other, "chrono::NaiveDateTime"))
            }
            _ => parsed(array, "a timestamp", read),
        }
    }
}

impl Column for TimeDelta {
    const HAS_UNIT: bool = true;

    fn data_type(form: Form) -> DataType {
        DataType::Duration(form.unit)
    }

    fn array(values: &[Option<&Self>], form: Form) -> Result<ArrayRef, Fault> {
        // The seconds are rounded towards zero, and the rest has their sign.
        let nanoseconds = |value: &Self| {
            i128::from(value.num_seconds()) * SECOND + i128::from(value.subsec_nanos())
        };
        let values = values.iter().map(|value| value.map(nanoseconds));
        time::array(values, Self::data_type(form), form)
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        match array.data_type() {
            DataType::Duration(_) => time::values(array, |nanoseconds| {
                let seconds = i64::try_from(nanoseconds.div_euclid(SECOND)).ok();
                let rest = u32::try_from(nanoseconds.rem_euclid(SECOND)).unwrap_or(0);
                seconds
                    .and_then(|seconds| Self::new(seconds, rest))
                    .ok_or_else(|| format!("{nanoseconds} ns is beyond the durations of chrono"))
            }),
            DataType::Null => Ok(all_null(array)),
            other => Err(Fault::other_type(other, "a duration")),
        }
    }
}

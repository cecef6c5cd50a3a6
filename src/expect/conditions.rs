//! What each expectation tests: the rows of a batch that violate it.

use std::any::type_name;
use std::collections::{HashMap, HashSet};
use std::fmt::Debug;

use anyhow::{Result, ensure};
use flow_targets::RecordBatch;
use flow_targets::arrow::array::{Array, ArrayRef};
use flow_targets::arrow::row::{RowConverter, Rows, SortField};
use flow_targets::display::displayable;
use flow_targets::table::rows_of as read;
use serde::de::DeserializeOwned;

use super::batches::unreadable;
use super::column::{Values, cast_to, column, limit_of, shown};
use super::limit::{Limit, Range, Value};
use super::rows::Holds;
use super::violations::Violations;

/// Returns the rows in which a column is null.
pub(super) fn nulls(batch: &RecordBatch, name: &str) -> Result<Violations> {
    let column = column(batch, name)?;
    let mut violations = Violations::default();
    if let Some(nulls) = column.logical_nulls() {
        let is_null = |row: &usize| nulls.is_null(*row);
        (0..batch.num_rows()).filter(is_null).for_each(|row| violations.add(row, String::new));
    }
    Ok(violations)
}

/// Returns the rows in which a column is outside of a range. Nulls are in each range.
pub(super) fn outside(batch: &RecordBatch, name: &str, range: &Range) -> Result<Violations> {
    let column = column(batch, name)?;
    let mut violations = Violations::default();
    let Some(are_texts) = range.is_text() else { return Ok(violations) };
    let values = Values::of(column, are_texts, "range")?;
    let range = range.try_map(|limit| limit_of(column, limit))?;
    for row in 0..batch.num_rows() {
        if values.get(row).is_some_and(|value| !range.contains(value)) {
            violations.add(row, || shown(column, row));
        }
    }
    Ok(violations)
}

/// Returns the rows in which a column has none of these values. Nulls are no violation.
pub(super) fn other_values(
    batch: &RecordBatch,
    name: &str,
    allowed: &[Limit],
) -> Result<Violations> {
    let column = column(batch, name)?;
    let are_texts = allowed.first().is_some_and(Limit::is_text);
    let values = Values::of(column, are_texts, "list")?;
    let allowed =
        allowed.iter().map(|limit| limit_of(column, limit)).collect::<Result<Vec<_>>>()?;
    // `-0.0` is equal to `0.0`, and NaN to nothing.
    let bits = |number: f64| (!number.is_nan()).then(|| (number + 0.0).to_bits());
    let mut texts: HashSet<&str> = HashSet::new();
    let mut integers: HashSet<i128> = HashSet::new();
    // The floats, and all numbers as floats.
    let (mut floats, mut numbers) = (HashSet::new(), HashSet::new());
    for limit in &allowed {
        match limit {
            Limit::Text(text) => {
                texts.insert(text);
            }
            Limit::Integer(number) => {
                integers.insert(*number);
                numbers.extend(bits(*number as f64));
            }
            Limit::Float(number) => {
                floats.extend(bits(*number));
                numbers.extend(bits(*number));
            }
        }
    }
    let is_one = |set: &HashSet<u64>, number: f64| bits(number).is_some_and(|it| set.contains(&it));
    let is_allowed = |value: Value<'_>| match value {
        Value::Text(text) => texts.contains(text),
        Value::Integer(number) => integers.contains(&number) || is_one(&floats, number as f64),
        Value::Float(number) => is_one(&numbers, number),
    };
    let mut violations = Violations::default();
    for row in 0..batch.num_rows() {
        if values.get(row).is_some_and(|value| !is_allowed(value)) {
            violations.add(row, || shown(column, row));
        }
    }
    Ok(violations)
}

/// Returns the columns of these names. Times of a zone are in UTC, so that columns of two tables can be compared.
fn columns(batch: &RecordBatch, names: &[String]) -> Result<Vec<ArrayRef>> {
    ensure!(!names.is_empty(), "it names no columns");
    names.iter().map(|name| Ok(displayable(column(batch, name)?)?)).collect()
}

/// Returns a converter of rows of these columns to bytes that can be compared.
fn converter(columns: &[ArrayRef]) -> Result<RowConverter> {
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone()));
    Ok(RowConverter::new(fields.collect())?)
}

/// Returns the values of a row as text.
fn shown_key(columns: &[ArrayRef], row: usize) -> String {
    columns.iter().map(|column| shown(column, row)).collect::<Vec<_>>().join(", ")
}

/// Returns the rows that have the key of an earlier row.
pub(super) fn repeated(batch: &RecordBatch, names: &[String]) -> Result<Violations> {
    let columns = columns(batch, names)?;
    let keys: Rows = converter(&columns)?.convert_columns(&columns)?;
    let mut seen = HashMap::with_capacity(batch.num_rows());
    let mut violations = Violations::default();
    for (row, key) in keys.iter().enumerate() {
        let first = *seen.entry(key).or_insert(row);
        if first != row {
            violations.add(row, || format!("{} (as row {first})", shown_key(&columns, row)));
        }
    }
    Ok(violations)
}

/// Returns the rows whose key is not in another table. A key with a null refers to nothing, and is no violation.
pub(super) fn dangling(
    batch: &RecordBatch,
    names: &[String],
    other: &RecordBatch,
    other_names: &[String],
) -> Result<Violations> {
    let own = columns(batch, names)?;
    let others = cast_to(&columns(other, other_names)?, &own)?;
    let converter = converter(&own)?;
    let (keys, known) = (converter.convert_columns(&own)?, converter.convert_columns(&others)?);
    let known: HashSet<_> = known.iter().collect();
    let nulls: Vec<_> = own.iter().filter_map(|column| column.logical_nulls()).collect();
    let mut violations = Violations::default();
    for (row, key) in keys.iter().enumerate() {
        let has_null = nulls.iter().any(|nulls| nulls.is_null(row));
        if !has_null && !known.contains(&key) {
            violations.add(row, || shown_key(&own, row));
        }
    }
    Ok(violations)
}

/// Returns the rows for which a condition does not hold.
pub(super) fn unmet<R, H>(batch: &RecordBatch, mut holds: impl FnMut(&R) -> H) -> Result<Violations>
where
    R: DeserializeOwned + Debug + 'static,
    H: Holds,
{
    let rows = read::<R>(batch).or_else(|error| unreadable::<R>(batch, error))?;
    let mut violations = Violations::default();
    for (place, row) in rows.iter().enumerate() {
        if let Some(why_not) = holds(row).why_not() {
            violations.add(place, || match why_not.as_str() {
                "" => format!("{row:?}"),
                why_not => format!("{row:?} ({why_not})"),
            });
        }
    }
    Ok(violations)
}

/// Checks that all rows can be read as a type.
pub(super) fn readable<R: DeserializeOwned + 'static>(batch: &RecordBatch) -> Result<()> {
    read::<R>(batch).or_else(|error| unreadable::<R>(batch, error)).map(drop)
}

/// Returns the name of a type without its path.
pub(super) fn short_name<R>() -> &'static str {
    let name = type_name::<R>();
    // The path of a type argument stays.
    let end = name.find('<').unwrap_or(name.len());
    name[..end].rfind("::").map_or(name, |start| &name[start + 2..])
}

//! Describes values in the common form that `read.py` explains.

use arrow::array::types::*;
use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use serde_json::{Value, json};

/// Describes an integer.
pub fn int(value: impl ToString) -> Value {
    json!({ "int": value.to_string() })
}

/// Describes a float by its bits.
pub fn float(value: f64) -> Value {
    if value.is_nan() {
        return json!({ "float": "nan" });
    }
    json!({ "float": format!("{:016x}", value.to_bits()) })
}

/// Describes a text.
pub fn text(value: &str) -> Value {
    json!({ "text": value })
}

/// Describes a list.
pub fn list(values: impl IntoIterator<Item = Value>) -> Value {
    json!({ "list": values.into_iter().collect::<Vec<_>>() })
}

/// Describes a map.
pub fn map<'a>(pairs: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let pair = |(name, value)| json!([text(name), value]);
    json!({ "map": pairs.into_iter().map(pair).collect::<Vec<_>>() })
}

/// Describes all values of a column.
pub fn column(array: &dyn Array) -> Vec<Value> {
    (0..array.len()).map(|row| value(array, row)).collect()
}

fn value(array: &dyn Array, row: usize) -> Value {
    if array.logical_nulls().is_some_and(|nulls| nulls.is_null(row)) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => json!(array.as_boolean().value(row)),
        DataType::UInt64 => int(array.as_primitive::<UInt64Type>().value(row)),
        integer if integer.is_integer() => {
            let wide = cast(&array.slice(row, 1), &DataType::Int64).expect("an integer");
            int(wide.as_primitive::<Int64Type>().value(0))
        }
        DataType::Float32 => float(f64::from(array.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(..) => {
            json!({ "decimal": array.as_primitive::<Decimal128Type>().value_as_string(row) })
        }
        DataType::Utf8 => text(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => text(array.as_string::<i64>().value(row)),
        DataType::Binary => {
            let bytes = array.as_binary::<i32>().value(row);
            json!({ "bytes": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() })
        }
        DataType::Date32 => {
            let date = array.as_primitive::<Date32Type>().value_as_date(row).expect("a date");
            json!({ "date": date.to_string() })
        }
        DataType::Time32(unit) | DataType::Time64(unit) => {
            json!({ "clock": ticks(array, row, *unit) })
        }
        DataType::Timestamp(unit, _) => json!({ "time": ticks(array, row, *unit) }),
        DataType::Dictionary(_, values) => {
            let plain = cast(&array.slice(row, 1), values).expect("a dictionary");
            value(&plain, 0)
        }
        DataType::List(_) => list(column(&array.as_list::<i32>().value(row))),
        DataType::LargeList(_) => list(column(&array.as_list::<i64>().value(row))),
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let field = |i: usize| (fields[i].name().as_str(), value(&columns[i], row));
            map((0..fields.len()).map(field))
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (column(entries.column(0)), column(entries.column(1)));
            let pairs: Vec<_> = keys.into_iter().zip(values).map(|(k, v)| json!([k, v])).collect();
            json!({ "map": pairs })
        }
        other => panic!("{other} has no description"),
    }
}

/// Returns a time as nanoseconds.
fn ticks(array: &dyn Array, row: usize, unit: TimeUnit) -> String {
    let ticks = array.slice(row, 1);
    let ticks = match array.data_type() {
        DataType::Time32(_) => cast(&ticks, &DataType::Int32).expect("a time"),
        _ => ticks,
    };
    let ticks = cast(&ticks, &DataType::Int64).expect("a time");
    let ticks = i128::from(ticks.as_primitive::<Int64Type>().value(0));
    let nanos = match unit {
        TimeUnit::Second => ticks * 1_000_000_000,
        TimeUnit::Millisecond => ticks * 1_000_000,
        TimeUnit::Microsecond => ticks * 1_000,
        TimeUnit::Nanosecond => ticks,
    };
    nanos.to_string()
}

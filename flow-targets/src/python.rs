//! Arrow types as `pyarrow` expressions, for the readers in the Python module of an export.

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

/// Returns a Python expression for the columns: `pyarrow.schema([...])`.
pub(crate) fn schema(schema: &Schema) -> String {
    let fields = schema.fields().iter().map(|field| self::field(field)).collect::<Vec<_>>();
    format!("pyarrow.schema([{}])", fields.join(", "))
}

fn field(field: &Field) -> String {
    let nullable = if field.is_nullable() { "" } else { ", nullable=False" };
    format!("pyarrow.field({}, {}{nullable})", text(field.name()), data_type(field.data_type()))
}

/// Returns the `pyarrow` expression of a type that CSV or Excel can hold. Other types never get
/// here.
fn data_type(data_type: &DataType) -> String {
    use DataType as Type;
    let plain = match data_type {
        Type::Null => "null()",
        Type::Boolean => "bool_()",
        Type::Int8 => "int8()",
        Type::Int16 => "int16()",
        Type::Int32 => "int32()",
        Type::Int64 => "int64()",
        Type::UInt8 => "uint8()",
        Type::UInt16 => "uint16()",
        Type::UInt32 => "uint32()",
        Type::UInt64 => "uint64()",
        Type::Float16 => "float16()",
        Type::Float32 => "float32()",
        Type::Float64 => "float64()",
        Type::Date32 => "date32()",
        Type::LargeUtf8 => "large_string()",
        Type::Utf8View => "string_view()",
        Type::Time32(unit) => return format!("pyarrow.time32({})", self::unit(*unit)),
        Type::Time64(unit) => return format!("pyarrow.time64({})", self::unit(*unit)),
        Type::Duration(unit) => return format!("pyarrow.duration({})", self::unit(*unit)),
        Type::Timestamp(unit, None) => return format!("pyarrow.timestamp({})", self::unit(*unit)),
        Type::Timestamp(unit, Some(zone)) => {
            return format!("pyarrow.timestamp({}, {})", self::unit(*unit), text(zone));
        }
        Type::Decimal32(precision, scale)
        | Type::Decimal64(precision, scale)
        | Type::Decimal128(precision, scale) => {
            return format!("pyarrow.decimal128({precision}, {scale})");
        }
        Type::Decimal256(precision, scale) => {
            return format!("pyarrow.decimal256({precision}, {scale})");
        }
        Type::Dictionary(keys, values) => {
            let (keys, values) = (self::data_type(keys), self::data_type(values));
            return format!("pyarrow.dictionary({keys}, {values})");
        }
        _ => "string()",
    };
    format!("pyarrow.{plain}")
}

fn unit(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "\"s\"",
        TimeUnit::Millisecond => "\"ms\"",
        TimeUnit::Microsecond => "\"us\"",
        TimeUnit::Nanosecond => "\"ns\"",
    }
}

/// Returns a Python string literal of `text`.
pub(crate) fn text(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_fields_of_pyarrow() {
        let zoned = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        let few = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
        let of = Schema::new(vec![
            Field::new("it's \"a\"\n\\", DataType::Int64, false),
            Field::new("at", zoned, true),
            Field::new("few", few, true),
            Field::new("d", DataType::Decimal128(10, -2), true),
        ]);
        assert_eq!(
            schema(&of),
            r#"pyarrow.schema([pyarrow.field("it's \"a\"\u000a\\", pyarrow.int64(), nullable=False), "#.to_owned()
                + r#"pyarrow.field("at", pyarrow.timestamp("ns", "UTC")), "#
                + r#"pyarrow.field("few", pyarrow.dictionary(pyarrow.int8(), pyarrow.string())), "#
                + r#"pyarrow.field("d", pyarrow.decimal128(10, -2))])"#,
        );
    }
}

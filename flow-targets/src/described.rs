//! Descriptions of the columns of a table, for exports.

use arrow::datatypes::{DataType, Field, Fields, Schema};
use flow_core::target::{Column, Description};

/// Returns the columns of a table, with their Arrow types and the Rust types of the fields of a
/// row.
pub(crate) fn columns(schema: &Schema) -> Description {
    columns_of(schema.fields()).into_iter().fold(Description::default(), Description::column)
}

fn columns_of(fields: &Fields) -> Vec<Column> {
    fields.iter().map(|field| column(field)).collect()
}

fn column(field: &Field) -> Column {
    let kind = field.data_type();
    let column = Column::new(field.name(), kind.to_string(), field.is_nullable());
    let mut fields = Vec::new();
    match rust(field, &mut fields) {
        Some(rust) => column.rust(rust).fields(fields),
        None => column,
    }
}

/// Returns the Rust type for the values of a column; `{}` in it stands for a struct of `fields`.
fn rust(field: &Field, fields: &mut Vec<Column>) -> Option<String> {
    let kind = kind(field.data_type(), fields)?;
    Some(if field.is_nullable() { format!("Option<{kind}>") } else { kind })
}

fn kind(kind: &DataType, fields: &mut Vec<Column>) -> Option<String> {
    use DataType as Kind;
    let plain = match kind {
        Kind::Null => "()",
        Kind::Boolean => "bool",
        Kind::Int8 => "i8",
        Kind::Int16 => "i16",
        Kind::Int32 => "i32",
        Kind::Int64 => "i64",
        Kind::UInt8 => "u8",
        Kind::UInt16 => "u16",
        Kind::UInt32 => "u32",
        Kind::UInt64 => "u64",
        Kind::Float16 | Kind::Float32 => "f32",
        Kind::Float64 => "f64",
        // Dates, times and decimals, as their text form.
        Kind::Utf8 | Kind::LargeUtf8 | Kind::Utf8View => "String",
        Kind::Date32 | Kind::Date64 | Kind::Time32(_) | Kind::Time64(_) => "String",
        Kind::Timestamp(..) | Kind::Decimal128(..) => "String",
        Kind::Dictionary(_, values) => return self::kind(values, fields),
        Kind::List(items) | Kind::LargeList(items) | Kind::FixedSizeList(items, _) => {
            return Some(format!("Vec<{}>", rust(items, fields)?));
        }
        Kind::Map(entries, _) => return map(entries, fields),
        Kind::Struct(inner) => {
            *fields = columns_of(inner);
            return fields.iter().all(|field| field.rust.is_some()).then(|| "{}".to_owned());
        }
        // The other types are rare, and serde does not read them from a table.
        _ => return None,
    };
    Some(plain.to_owned())
}

/// Returns the type of a map, whose keys must be ordered.
fn map(entries: &Field, fields: &mut Vec<Column>) -> Option<String> {
    let DataType::Struct(entry) = entries.data_type() else { return None };
    let [key, value] = entry.as_ref() else { return None };
    let key = kind(key.data_type(), fields)?;
    let is_ordered = fields.is_empty() && !matches!(key.as_str(), "f32" | "f64");
    is_ordered.then(|| Some(format!("BTreeMap<{key}, {}>", rust(value, fields)?)))?
}

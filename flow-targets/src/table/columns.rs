//! Finds columns by name, and computes the memory that they take.

#[cfg(any(feature = "arrow", feature = "parquet"))]
use anyhow::{Result, bail, ensure};
use arrow::datatypes::DataType;
use arrow::datatypes::Schema;

#[cfg(any(feature = "arrow", feature = "parquet"))]
/// The least similarity of two names for one to be suggested instead of the other.
const ALIKE: f64 = 0.8;

#[cfg(any(feature = "arrow", feature = "parquet"))]
/// The end of a message about a table without columns, for users who know that the row has fields.
const NONE: &str =
    ": the table has no columns, as no rows have of a type that does not show its columns";

#[cfg(any(feature = "arrow", feature = "parquet"))]
/// Returns the indices of the columns with these names, in the order of the names.
///
/// # Errors
///
/// A name is requested twice, no column has it, or several columns have it.
pub(crate) fn find(schema: &Schema, names: &[&str]) -> Result<Vec<usize>> {
    let mut found = Vec::with_capacity(names.len());
    for (i, &name) in names.iter().enumerate() {
        ensure!(!names[..i].contains(&name), "column `{name}` is asked for twice");
        let mut named = (0..schema.fields().len()).filter(|at| schema.field(*at).name() == name);
        match (named.next(), named.next()) {
            (Some(at), None) => found.push(at),
            (Some(_), Some(_)) => bail!("several columns are called `{name}`"),
            (None, _) => bail!("there is no column `{name}`{}", known(schema, name)),
        }
    }
    Ok(found)
}

/// Returns the schema of some columns, without the description of all columns that pandas has added.
#[cfg(any(feature = "arrow", feature = "parquet"))]
pub(crate) fn projected(schema: &Schema, at: &[usize]) -> Result<Schema> {
    let mut projected = schema.project(at)?;
    projected.metadata.remove(crate::digests::PANDAS);
    Ok(projected)
}

#[cfg(any(feature = "arrow", feature = "parquet"))]
/// Returns the part of a message that suggests another name.
fn known(schema: &Schema, name: &str) -> String {
    let alike = |other: &&str| strsim::jaro_winkler(name, other);
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    match names().max_by(|a, b| alike(a).total_cmp(&alike(b))) {
        None => NONE.to_owned(),
        Some(nearest) if alike(&nearest) >= ALIKE => format!(": did you mean `{nearest}`?"),
        Some(_) => format!(": there are `{}`", names().collect::<Vec<_>>().join("`, `")),
    }
}

/// Returns the least bytes of a row in memory. The sizes of list items and texts are unknown.
pub(crate) fn width(schema: &Schema) -> u64 {
    let bits = schema.fields().iter().map(|field| bits(field.data_type()));
    bits.fold(0, u64::saturating_add).div_ceil(8)
}

fn bits(data_type: &DataType) -> u64 {
    use DataType as Type;
    match data_type {
        Type::Null => 0,
        Type::Boolean => 1,
        Type::Utf8 | Type::Binary | Type::List(_) | Type::Map(..) => 32,
        Type::LargeUtf8 | Type::LargeBinary | Type::LargeList(_) => 64,
        Type::Utf8View | Type::BinaryView | Type::ListView(_) | Type::LargeListView(_) => 128,
        Type::FixedSizeBinary(bytes) => u64::try_from(*bytes).unwrap_or(0).saturating_mul(8),
        Type::FixedSizeList(item, length) => {
            u64::try_from(*length).unwrap_or(0).saturating_mul(bits(item.data_type()))
        }
        Type::Struct(fields) => {
            fields.iter().fold(0, |sum, field| bits(field.data_type()).saturating_add(sum))
        }
        Type::Dictionary(keys, _) => bits(keys),
        other => other.primitive_width().map_or(0, |bytes| 8 * bytes as u64),
    }
}

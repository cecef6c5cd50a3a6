//! Which columns of a table are partition columns, and what the files record of these.
//!
//! A file does not have the partition columns. So the name of a folder is all that is stored of their values, and the
//! metadata of each file has a *note* of their types: a line for each column, with its place in the table, whether it may be
//! null, its name, its type, and its metadata.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};

use super::values::check_type;
use crate::table::find;

/// The columns of a table, divided.
pub(super) struct Layout {
    pub(super) schema: SchemaRef,
    /// The schema of each file.
    pub(super) file: SchemaRef,
    /// The places of the partition columns, in the order of the folders.
    pub(super) partition: Vec<usize>,
    /// The places of all other columns.
    pub(super) rest: Vec<usize>,
}

impl Layout {
    /// Divides the columns of a table.
    ///
    /// # Errors
    ///
    /// A partition column does not exist or its values have no form as text, or no other column is left.
    pub(super) fn new(schema: &SchemaRef, partition_by: &[String]) -> Result<Self> {
        let names: Vec<&str> = partition_by.iter().map(String::as_str).collect();
        let partition = find(schema, &names).context("`partition_by`")?;
        for &place in &partition {
            check_type(schema.field(place))?;
        }
        let rest: Vec<_> =
            (0..schema.fields().len()).filter(|place| !partition.contains(place)).collect();
        ensure!(
            !rest.is_empty(),
            "`partition_by` names all columns of the table, and no column is left for the files",
        );
        let file = Arc::new(schema.project(&rest)?);
        Ok(Self { schema: Arc::clone(schema), file, partition, rest })
    }

    /// Returns the note of the partition columns.
    pub(super) fn note(&self) -> String {
        let mut note = String::new();
        for &place in &self.partition {
            let field = self.schema.field(place);
            let mut metadata: Vec<_> = field.metadata().iter().collect();
            metadata.sort_unstable();
            let metadata =
                metadata.iter().map(|(key, value)| format!("{}={}", escaped(key), escaped(value)));
            // Writing to a string cannot fail.
            let _ = writeln!(
                note,
                "{place}\t{}\t{}\t{}\t{}",
                field.is_nullable(),
                escaped(field.name()),
                field.data_type(),
                metadata.collect::<Vec<_>>().join("&"),
            );
        }
        note
    }
}

/// A partition column, and its place among all columns.
pub(super) struct Noted {
    pub(super) place: usize,
    pub(super) field: FieldRef,
}

/// Parses a note.
///
/// # Errors
///
/// It is damaged.
pub(super) fn noted(note: &str) -> Result<Vec<Noted>> {
    let parse = |line: &str| {
        let [place, nullable, name, data_type, metadata]: [&str; 5] =
            line.split('\t').collect::<Vec<_>>().try_into().ok()?;
        let data_type: DataType = data_type.parse().ok()?;
        let entry = |entry: &str| {
            let (key, value) = entry.split_once('=')?;
            Some((unescaped(key), unescaped(value)))
        };
        let metadata = metadata.split('&').filter(|entry| !entry.is_empty()).map(entry);
        let metadata = metadata.collect::<Option<HashMap<_, _>>>()?;
        let field = Field::new(unescaped(name), data_type, nullable.parse().ok()?);
        let field = Arc::new(field.with_metadata(metadata));
        Some(Noted { place: place.parse().ok()?, field })
    };
    let lines = note.lines().map(|line| {
        parse(line).with_context(|| format!("invalid note of a partition column: {line:?}"))
    });
    lines.collect()
}

/// Inserts partition columns into the columns of the files. Returns the schema, and for each column its place among the
/// columns of the files, or else among the partition columns.
pub(super) fn joined(file: &Schema, partition: &[Noted]) -> (SchemaRef, Vec<Result<usize, usize>>) {
    let mut columns: Vec<_> =
        file.fields().iter().enumerate().map(|(at, field)| (Arc::clone(field), Ok(at))).collect();
    let mut by_place: Vec<_> = partition.iter().enumerate().collect();
    by_place.sort_by_key(|(_, noted)| noted.place);
    for (at, noted) in by_place {
        columns.insert(noted.place.min(columns.len()), (Arc::clone(&noted.field), Err(at)));
    }
    let (fields, places): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let schema = Schema::new_with_metadata(fields, file.metadata().clone());
    (Arc::new(schema), places)
}

/// The characters that separate the parts of a note.
const SEPARATORS: [(char, &str); 7] = [
    ('%', "%25"),
    ('\t', "%09"),
    ('\n', "%0A"),
    ('\r', "%0D"),
    ('=', "%3D"),
    ('&', "%26"),
    ('\0', "%00"),
];

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match SEPARATORS.iter().find(|(separator, _)| *separator == c) {
            Some((_, code)) => escaped.push_str(code),
            None => escaped.push(c),
        }
    }
    escaped
}

fn unescaped(text: &str) -> String {
    // `%` is last: otherwise `%2509` would become a tab.
    let in_turn = SEPARATORS.iter().rev();
    in_turn.fold(text.to_owned(), |text, (separator, code)| {
        text.replace(code, separator.encode_utf8(&mut [0; 4]))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::datatypes::TimeUnit;

    use super::*;

    #[test]
    fn the_columns_come_back_from_the_note() {
        let metadata = HashMap::from([("k=&%".to_owned(), "\t%09\n".to_owned())]);
        let schema: SchemaRef = Arc::new(Schema::new(vec![
            Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
            Field::new("x", DataType::Float64, true),
            Field::new("a\tb%", DataType::Int8, false).with_metadata(metadata),
            Field::new("amount", DataType::Decimal128(12, 2), true),
        ]));
        let columns = ["amount", "a\tb%", "at"].map(str::to_owned);
        let layout = Layout::new(&schema, &columns).unwrap();
        assert_eq!(layout.file.fields().len(), 1);
        let (joined, places) = joined(&layout.file, &noted(&layout.note()).unwrap());
        assert_eq!(joined, schema);
        assert_eq!(places, [Err(2), Ok(0), Err(1), Err(0)]);
        assert!(noted("1\ttrue\n").is_err());
        assert!(Layout::new(&schema, &["x".to_owned()]).is_err());
    }
}

//! Infers the types of columns from their text.

use anyhow::Result;
use arrow::datatypes::{DataType, TimeUnit};

use super::super::cell::CellKind;
use super::super::kinds::Kind;
use super::super::scan::{Block, Scanner};

/// How many lines are inspected at a time.
const LINES: usize = 8192;

/// Returns the types of the columns of all remaining lines.
///
/// A column without values has the type `Null`. The result is empty if there are no lines and
/// `columns` is `None`.
pub(super) fn types(scanner: &mut Scanner, columns: Option<usize>) -> Result<Vec<DataType>> {
    let mut kinds = vec![Kind::Null; columns.unwrap_or_default()];
    while let Some(block) = scanner.block(LINES)? {
        kinds.resize(block.columns(), Kind::Null);
        for (i, kind) in kinds.iter_mut().enumerate() {
            *kind = kind_of(&block, i, *kind);
        }
    }
    Ok(kinds.into_iter().map(data_type).collect())
}

/// Returns the kind of a column that has the kind `kind` before this block.
fn kind_of(block: &Block<'_>, column: usize, mut kind: Kind) -> Kind {
    for cell in block.column(column) {
        if kind == Kind::Text {
            break; // It stays text.
        }
        kind = match cell.kind {
            CellKind::Null => kind,
            CellKind::Quoted => Kind::Text,
            CellKind::Bare => kind.and(Kind::of(&cell.text)),
        };
    }
    kind
}

/// Returns the type of a column that has cells of this kind.
pub(in super::super) fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Null => DataType::Null,
        Kind::Boolean => DataType::Boolean,
        Kind::Integer { large: false, .. } => DataType::Int64,
        Kind::Integer { large: true, .. } => DataType::UInt64,
        Kind::Float => DataType::Float64,
        Kind::Date { .. } => DataType::Date32,
        Kind::Time { utc, nanoseconds, .. } => DataType::Timestamp(
            if nanoseconds { TimeUnit::Nanosecond } else { TimeUnit::Microsecond },
            utc.then(|| "UTC".into()),
        ),
        Kind::Text => DataType::Utf8,
    }
}

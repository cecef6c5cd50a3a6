//! Finds the conversions of a row at run time.

use std::any::{Any, TypeId};
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
use std::collections::HashMap;
use std::sync::Arc;
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
use std::sync::LazyLock;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{FieldRef, Schema};
use flow_core::__private::inventory;

use super::{Fault, Row, RowTable, columns, names_of};

/// The conversions of a type that derives `Row`, which the macro submits to a registry.
#[cfg_attr(
    not(any(feature = "arrow", feature = "excel", feature = "parquet")),
    allow(dead_code, reason = "CSV writes what serde serializes")
)]
pub struct Registered {
    id: fn() -> TypeId,
    pub(crate) columns: fn() -> Vec<FieldRef>,
    pub(crate) names: fn() -> Vec<&'static [&'static str]>,
    /// The [`ToBatch`] of the type.
    batch: &'static (dyn Any + Send + Sync),
    /// Converts a batch to a `Vec` of rows.
    pub(crate) rows: fn(&RecordBatch) -> Result<Box<dyn Any>, Fault>,
}

/// A function that converts rows to a batch.
type ToBatch<R> = fn(&[R]) -> Result<RecordBatch, Fault>;

impl Registered {
    /// Creates the entry of a type.
    pub const fn of<R: Row>() -> Self {
        Self {
            id: TypeId::of::<R>,
            columns: columns::<R>,
            names: names_of::<R>,
            batch: const { &(batch::<R> as ToBatch<R>) },
            rows: rows::<R>,
        }
    }

    /// Converts rows of the registered type to a batch.
    ///
    /// # Errors
    ///
    /// A column cannot hold one of the values in full.
    #[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
    pub(crate) fn batch<R: 'static>(&self, rows: &[R]) -> Result<RecordBatch, Fault> {
        let batch = self.batch.downcast_ref::<ToBatch<R>>();
        batch.expect("rows of the registered type")(rows)
    }
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registered").field("columns", &(self.columns)()).finish_non_exhaustive()
    }
}

inventory::collect!(Registered);

/// Returns the conversions of a type that derives `Row`.
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
pub(crate) fn registered<R: 'static>() -> Option<&'static Registered> {
    static ALL: LazyLock<HashMap<TypeId, &'static Registered>> = LazyLock::new(|| {
        inventory::iter::<Registered>.into_iter().map(|row| ((row.id)(), row)).collect()
    });
    ALL.get(&TypeId::of::<R>()).copied()
}

fn batch<R: Row>(rows: &[R]) -> Result<RecordBatch, Fault> {
    let rows: Vec<Option<&R>> = rows.iter().map(Some).collect();
    let schema = Arc::new(Schema::new(columns::<R>()));
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(RecordBatch::try_new_with_options(schema, R::arrays(&rows)?, &options)?)
}

fn rows<R: Row>(batch: &RecordBatch) -> Result<Box<dyn Any>, Fault> {
    let rows = R::rows(&RowTable::of(batch))?;
    // Only a struct in a column can be null.
    Ok(Box::new(rows.into_iter().flatten().collect::<Vec<R>>()))
}

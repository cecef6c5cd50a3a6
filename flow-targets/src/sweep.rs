//! Exports of the table of a sweep, as a trait because the table in `flow-core` knows no format.

use std::sync::Arc;

use anyhow::Result;
use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{Field, Schema};
use flow_core::{Cells, Table, TableColumn};

/// Exports the [table](flow_core::Table) of a sweep as a `RecordBatch` or as CSV.
///
/// CSV needs the feature `csv`.
///
/// ```
/// use arrow::array::AsArray;
/// use arrow::datatypes::Float64Type;
/// use flow::prelude::*;
///
/// #[derive(Task)]
/// #[task(target = Json<f64>)]
/// struct Fit {
///     #[param(default = 1.0)]
///     c: f64,
/// }
///
/// #[tracked]
/// impl Run for Fit {
///     fn run(&self, cx: &Cx<Self>) -> Result<f64> {
///         ensure!(self.c > 0.0, "c must be positive");
///         cx.meta("score", self.c / 2.0)?;
///         Ok(self.c)
///     }
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet().allow_failures();
/// let sweep = flow.sweep::<Fit>().over(Fit::C, [1.0, -1.0]);
/// sweep.run()?;
///
/// let batch = sweep.table()?.to_record_batch()?;
/// let scores = batch.column_by_name("score").unwrap().as_primitive::<Float64Type>();
/// assert_eq!(scores.iter().collect::<Vec<_>>(), [Some(0.5), None]);
///
/// let csv = sweep.table()?.to_csv()?;
/// assert!(csv.starts_with("variant,c,status,seconds,score,failure\nc=1.0,1.0,complete,"), "{csv}");
/// assert!(csv.ends_with("\nc=-1.0,-1.0,failed,,,c must be positive\n"), "{csv}");
/// # Ok(())
/// # }
/// ```
pub trait SweepTable {
    /// Converts the table to a batch.
    ///
    /// Integers are `Int64`, other numbers `Float64`, booleans `Boolean`, and everything else
    /// `Utf8`. A missing value is null.
    ///
    /// # Errors
    ///
    /// Arrow rejects the batch, which is not expected for any table.
    fn to_record_batch(&self) -> Result<RecordBatch>;

    /// Converts the table to CSV, in the form of the target [`Csv`](crate::Csv).
    ///
    /// It has a header, commas, empty cells for null, and quotes around text that looks like
    /// another type.
    ///
    /// # Errors
    ///
    /// Like [`to_record_batch`](Self::to_record_batch).
    #[cfg(feature = "csv")]
    fn to_csv(&self) -> Result<String>;
}

impl SweepTable for Table {
    fn to_record_batch(&self) -> Result<RecordBatch> {
        let columns: Vec<_> = self.columns().iter().map(array).collect();
        let fields = self.columns().iter().zip(&columns);
        let fields = fields.map(|(c, array)| Field::new(&c.name, array.data_type().clone(), true));
        let schema = Schema::new(fields.collect::<Vec<_>>());
        Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
    }

    #[cfg(feature = "csv")]
    fn to_csv(&self) -> Result<String> {
        use flow_core::{Sink, Target};

        let mut bytes = Vec::new();
        crate::Csv::default().save(&self.to_record_batch()?, &mut Sink::new(&mut bytes))?;
        Ok(String::from_utf8(bytes)?)
    }
}

fn array(column: &TableColumn) -> ArrayRef {
    match &column.cells {
        Cells::Bool(values) => Arc::new(BooleanArray::from(values.clone())),
        Cells::Int(values) => Arc::new(Int64Array::from(values.clone())),
        Cells::Float(values) => Arc::new(Float64Array::from(values.clone())),
        Cells::Text(values) => {
            Arc::new(values.iter().map(Option::as_deref).collect::<StringArray>())
        }
        // Cells of a kind that a later version adds are exported as text.
        other => {
            let texts = (0..other.len()).map(|row| other.text(row));
            Arc::new(texts.collect::<StringArray>())
        }
    }
}

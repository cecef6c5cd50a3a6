//! The best variant of a sweep.

use std::fmt;

use super::table::Cells;
use super::{Sweep, Table, TableColumn};
use crate::flow::Flow;
use crate::flow::error::{Error, NOT_RUN, SelectError};
use crate::value::first_line;

/// The most variants without a number that are printed.
const LISTED: usize = 3;

/// The best variant of a sweep, returned by [`Sweep::max_by`] and [`Sweep::min_by`].
///
/// It is printed as `gbm: accuracy 0.97, the best of 24`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Best {
    /// The name of the variant.
    pub name: String,
    /// The variant as a flow.
    pub flow: Flow,
    /// The variant's number.
    pub value: f64,
    /// The column of the number.
    pub column: String,
    /// How many variants have a number.
    pub compared: usize,
    /// The variants without a number, each with the reason: it failed, is not complete, recorded no such
    /// metadata, or recorded a value that is NaN or not a number.
    pub left_out: Vec<(String, String)>,
}

/// # The best variant
impl<R> Sweep<R> {
    /// Returns the variant with the largest number in a column of the [`table`](Self::table).
    ///
    /// The column is metadata such as `accuracy` or, of a task upstream, `Train.accuracy`. If several variants have the
    /// largest number, the first one is returned.
    ///
    /// Variants without such a number, or with NaN, are left out and listed in [`Best::left_out`]. If some variants
    /// have recorded text, the whole column is text, but the numbers in it are still compared as numbers.
    ///
    /// The column may also be a parameter; then only complete variants are compared. If metadata has the same name,
    /// write the parameter as in code, `Fit::ACCURACY`, or in capitals if it was given by name.
    ///
    /// ```
    /// # use flow::prelude::*;
    /// #[derive(Task)]
    /// #[task(target = Json<f64>)]
    /// struct Fit {
    ///     loss: f64,
    /// }
    ///
    /// #[tracked]
    /// impl Run for Fit {
    ///     fn run(&self, cx: &Cx<Self>) -> Result<f64> {
    ///         cx.meta("loss", 1.0 - self.loss)?;
    ///         Ok(self.loss)
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let flow = Flow::open(folder.path())?.quiet();
    /// let sweep = flow.sweep::<Fit>().over(Fit::LOSS, [0.25, 0.5]);
    /// sweep.run()?;
    /// assert!(sweep.min_by("loss").is_err()); // ambiguous: a parameter and metadata
    /// assert_eq!(sweep.min_by("Fit.loss")?.name, "loss=0.5");
    /// assert_eq!(sweep.min_by("Fit::LOSS")?.name, "loss=0.25");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// No variant has a number in that column, or the name is that of both a parameter and metadata; or as
    /// [`table`](Self::table).
    pub fn max_by(&self, column: &str) -> Result<Best, Error> {
        self.best_by(column, |value, best| value > best)
    }

    /// Returns the variant with the smallest number in a column of the [`table`](Self::table).
    ///
    /// Columns are named as for [`max_by`](Self::max_by).
    ///
    /// # Errors
    ///
    /// As [`max_by`](Self::max_by).
    pub fn min_by(&self, column: &str) -> Result<Best, Error> {
        self.best_by(column, |value, best| value < best)
    }

    fn best_by(&self, column: &str, is_better: fn(f64, f64) -> bool) -> Result<Best, Error> {
        let table = self.table()?;
        let found = table.find(column)?;
        let is_parameter = found.is_some_and(TableColumn::is_parameter);
        let cells_of_all = found.map(|column| &column.cells);
        let mut best: Option<(usize, f64)> = None;
        let mut left_out = Vec::new();
        let mut compared = 0;
        let names = self.names()?;
        for (row, name) in names.iter().enumerate() {
            // A parameter has a value for every variant, so check that the variant has a result.
            let counts = !is_parameter || status(&table, row) == "complete";
            let cells = cells_of_all.filter(|_| counts);
            match cells.and_then(|cells| number(cells, row)) {
                Some(value) if !value.is_nan() => {
                    compared += 1;
                    if best.is_none_or(|(_, best)| is_better(value, best)) {
                        best = Some((row, value));
                    }
                }
                value => {
                    let why = why_not(&table, cells, row, column, value);
                    left_out.push(((*name).to_owned(), why));
                }
            }
        }
        let Some((row, value)) = best else {
            let name = column.to_owned();
            return Err(SelectError::NoBest { name, known: numbers(&table), left_out }.into());
        };
        let (name, column) = (names[row].to_owned(), column.to_owned());
        let flow = self[&name].clone();
        Ok(Best { name, flow, value, column, compared, left_out })
    }
}

/// Returns the number in a row, even if the column is text because of another row.
fn number(cells: &Cells, row: usize) -> Option<f64> {
    match cells {
        Cells::Text(texts) => texts[row].as_ref().and_then(|text| text.parse().ok()),
        cells => cells.number(row),
    }
}

fn status(table: &Table, row: usize) -> String {
    table.column("status").and_then(|cells| cells.text(row)).unwrap_or_default()
}

/// Returns the reason why a variant cannot be compared.
fn why_not(
    table: &Table,
    cells: Option<&Cells>,
    row: usize,
    column: &str,
    value: Option<f64>,
) -> String {
    let failure = || table.column("failure").and_then(|cells| cells.text(row)).unwrap_or_default();
    match (status(table, row).as_str(), value, cells.and_then(|cells| cells.text(row))) {
        (_, Some(_), _) => "is NaN".to_owned(),
        (_, None, Some(text)) => format!("is {text:?}"),
        ("failed", ..) => format!("failed: {}", failure()),
        ("not run", ..) => format!("was not run: {}", failure()),
        ("pending", ..) => NOT_RUN.to_owned(),
        _ => format!("recorded no `{column}`"),
    }
}

/// Returns the names of the columns of numeric metadata.
fn numbers(table: &Table) -> Vec<String> {
    let after = table.columns().iter().skip_while(|column| column.name != "seconds").skip(1);
    let numeric = after.filter(|column| matches!(column.cells, Cells::Int(_) | Cells::Float(_)));
    numeric.map(|column| column.name.clone()).collect()
}

impl fmt::Display for Best {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, column, value, compared, left_out, .. } = self;
        let (name, column) = (first_line(name), first_line(column));
        write!(f, "{name}: {column} {value}, the best of {compared}")?;
        if left_out.is_empty() {
            return Ok(());
        }
        write!(f, " ({} left out", left_out.len())?;
        for (place, (name, why)) in left_out.iter().take(LISTED).enumerate() {
            let comma = if place == 0 { ":" } else { ";" };
            write!(f, "{comma} {} {}", first_line(name), first_line(why))?;
        }
        f.write_str(if left_out.len() > LISTED { "; …)" } else { ")" })
    }
}

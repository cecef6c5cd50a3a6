//! The best variant: the one with the largest or the smallest number in a column.

use super::table::{Column, Table};

/// The best of some variants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Best {
    pub(crate) row: usize,
    pub(crate) value: f64,
    /// The number of variants that were compared, and of those that were not: they have no such number, it is NaN, or it is that
    /// of an output which is not complete any more.
    pub(crate) compared: usize,
    pub(crate) left_out: usize,
}

/// Returns the best of some rows; of equal ones, the first. Returns `None` if no row has a number.
pub(crate) fn best(table: &Table, column: &Column, rows: &[usize], is_max: bool) -> Option<Best> {
    let ranked = rows.iter().filter_map(|&row| {
        let value = column.cells[row].ranked().filter(|value| !value.is_nan())?;
        (!table.variants[row].is_outdated()).then_some((row, value))
    });
    let mut best: Option<Best> = None;
    let mut compared = 0;
    for (row, value) in ranked {
        compared += 1;
        let is_better = |best: Best| if is_max { value > best.value } else { value < best.value };
        if best.is_none_or(is_better) {
            best = Some(Best { row, value, compared: 0, left_out: 0 });
        }
    }
    best.map(|best| Best { compared, left_out: rows.len() - compared, ..best })
}

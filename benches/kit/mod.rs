//! What the benchmarks share: their command line, measurements in processes of their own, generated crates, floors and a
//! table.
//!
//! A benchmark is a program that prints a line `RESULT benchmark case name=number ...` for each case. It measures in
//! rounds, in which the library and its floor take turns, and prints [`median`]s. Where the peak memory matters, each
//! measurement is a [`child`] process, because the operating system reports the [peak](memory::peak) of a whole process.

pub mod args;
pub mod child;
pub mod disk;
pub mod files;
pub mod generated;
pub mod memory;
pub mod records;
pub mod rounds;
pub mod table;

/// Returns the median, or the larger one of the two in the middle.
///
/// # Panics
///
/// There are no values.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

//! Expectations: what the check of an output reports, and what is recorded of it.
//!
//! The function of `#[task(check = ...)]` returns a [`CheckReport`]: the number of rows, statistics of columns, a result
//! for each expectation, and the rows that violate one. The core knows no format, so the facade's module `expect` fills
//! the report from the columns of a table. [`Checks`] collects the reports of one attempt: it compares them with what the
//! earlier version of the output has recorded, keeps the rejected rows aside, and records the [`Quality`] as metadata of the
//! output under the name [`EXPECTATIONS`]. A violated expectation fails the task, unless it only warns.
//!
//! Nothing here decides whether an instance is complete. The code of a check is a part of the task's code, so that an
//! instance runs again if its expectations change.

mod checks;
mod quality;
mod report;

pub use checks::Checks;
pub(crate) use quality::is_same_metadata;
pub use quality::{ColumnStatistics, ExpectationResult, OutputQuality, Quality, Severity};
pub use report::CheckReport;

/// The name of the metadata with the results of expectations.
pub(crate) const EXPECTATIONS: &str = "expectations";

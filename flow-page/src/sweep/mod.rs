//! Sweeps: the instances of a task with several settings of parameters, as a table.
//!
//! `flow-core` has a table for each sweep that a program declares. The table of the page has all instances of a task whose
//! outputs the store has, whichever program and sweep produced them, and those in the present graph. Columns have the
//! same names, values are compared by the same rules, and the best variant is found in the same way.
//!
//! ```text
//! variants  the outputs of a task in the store, and its instances in the graph
//!    ▼
//! records   the records of the variants, and of what they were computed from
//!    ▼
//! metadata  the values that the tasks upstream recorded, if a variant has one instance of the task
//!    ▼
//! parameters    those that vary, with the names of their columns
//!    ▼
//! table     a column for each parameter that varies and for each entry of metadata, a row for each variant
//!    ▼
//! filter, best    the rows that fit, and the one with the largest or smallest value
//! ```

mod best;
mod cell;
mod filter;
mod metadata;
mod parameters;
mod records;
mod table;
mod variants;

pub(crate) use self::best::best;
pub(crate) use self::cell::Cell;
pub(crate) use self::filter::Filter;
pub(crate) use self::table::{Column, Origin, Table};
pub(crate) use self::variants::Variants;

//! The code of a task changes: it runs again, with what follows, and the reason names it. Whatever
//! does not change what it does leaves it alone.
//!
//! Only a compiler sees code, so each case edits a small crate, builds it and asks it. There are three
//! kinds of cases:
//!
//! - [`edit`] applies many edits to one of the pipelines in `fixtures/`, each to the pipeline as it
//!   was at first, and asserts which tasks are pending after it and why. The edits are lists, a
//!   file for each pipeline: [`retail`], [`models`], [`survey`], [`options`], [`functions`].
//! - [`handed`] hands outputs over as a crate, and builds a program that reads them.
//! - [`checking`] edits a crate that checks its own tasks, and reads what its tests say.
//! - [`generated`] edits what build scripts read, and looks at all tasks at once.
//! - The others run what they have built: [`run`], [`target`], [`waves`], [`iris`], [`crates`], where
//!   other releases of crates are used, and [`places`], where one pipeline is built in other ways and
//!   other places, and nothing is pending.

mod checking;
mod crates;
mod edit;
mod fixture;
mod functions;
mod generated;
mod handed;
mod iris;
mod models;
mod options;
mod places;
mod retail;
mod run;
mod survey;
mod sweep;
mod target;
mod waves;

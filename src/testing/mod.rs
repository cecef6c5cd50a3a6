//! Tests of pipelines in `cargo test`: flows in temporary folders, given inputs, assertions.
//!
//! [`flow()`] returns a flow in a temporary folder. To test a task without those upstream, give its
//! inputs as values with [`with_input`](Flow::with_input). Assertions such as [`assert_ran`] name the
//! instances that ran, failed or were reused:
//!
//! ```
//! use flow::prelude::*;
//! use flow::testing::{self, assert_because, assert_ran};
//!
//! #[derive(Task)]
//! #[task(target = Json<Vec<f64>>)]
//! struct Prices;
//!
//! #[tracked]
//! impl Run for Prices {
//!     fn run(&self, _cx: &Cx<Self>) -> Result<Vec<f64>> {
//!         bail!("the network is not there")
//!     }
//! }
//!
//! #[derive(Task)]
//! #[task(requires = Prices, target = Json<f64>)]
//! struct Mean;
//!
//! #[tracked]
//! impl Run for Mean {
//!     fn run(&self, cx: &Cx<Self>) -> Result<f64> {
//!         let prices = cx.input().load()?;
//!         ensure!(!prices.is_empty(), "there are no prices");
//!         Ok(prices.iter().sum::<f64>() / prices.len() as f64)
//!     }
//! }
//!
//! # fn main() -> Result<()> {
//! // The output of `Prices` is given, so that `Prices` does not run.
//! let flow = testing::flow().with_input::<Prices>(vec![1.0, 2.0, 6.0]);
//! assert_ran(&flow.run::<Mean>()?, ["Mean"]);
//! assert_eq!(*flow.load::<Mean>()?, 3.0);
//!
//! let none = flow.with_input::<Prices>(vec![]);
//! assert_because(&none.run::<Mean>(), "Mean", "there are no prices");
//! # Ok(())
//! # }
//! ```
//!
//! [`check_all!`](crate::check_all) checks all tasks of a program, and detects refactorings after which
//! existing outputs would not be found.
//!
//! Only a [`testing::Flow`](Flow) accepts given outputs, so that the store of a real flow never
//! contains any.

mod assertions;
mod disk;
mod flow;
mod program;

pub use assertions::{
    RunResult, assert_already_complete, assert_because, assert_failed, assert_given,
    assert_not_run, assert_ran, assert_reused, assert_unchanged,
};
pub use flow::Flow;
pub use program::{check_keys, check_tasks};

/// Creates a flow in a temporary folder of its own, which prints nothing while it runs.
///
/// The folder is removed when the last flow and the last output handle that use it are dropped.
///
/// # Panics
///
/// Panics if no temporary folder can be created.
#[must_use]
pub fn flow() -> Flow {
    Flow::new()
}

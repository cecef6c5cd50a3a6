//! Checks of outputs before they are stored: functions for `#[task(check = ...)]`.
//!
//! A task names the function that checks its output in `#[task(check = ...)]` or, for one of
//! several outputs, in `#[output(..., check = ...)]`. If the function returns an error, the task
//! fails with the text of that error, and the output is not kept. The code of the function is part
//! of the task's code.
//!
//! ```
//! use flow::prelude::*;
//! use flow::{expect, testing};
//!
//! #[derive(Clone, Debug, Serialize, Deserialize)]
//! struct Order {
//!     id: u32,
//!     price: f64,
//! }
//!
//! #[derive(Task)]
//! #[task(target = Json<Vec<Order>>, check = are_orders)]
//! struct Orders;
//!
//! fn are_orders(orders: &[Order]) -> Result<()> {
//!     ensure!(!orders.is_empty(), "there are no orders");
//!     expect::rows(orders, |order| order.price > 0.0)?;
//!     expect::unique(orders, |order| order.id)
//! }
//!
//! #[tracked]
//! impl Run for Orders {
//!     fn run(&self, _cx: &Cx<Self>) -> Result<Vec<Order>> {
//!         Ok(vec![Order { id: 1, price: 5.0 }, Order { id: 2, price: -1.0 }])
//!     }
//! }
//!
//! # fn main() -> Result<()> {
//! let failed = testing::flow().run::<Orders>();
//! testing::assert_because(
//!     &failed,
//!     "Orders",
//!     "the output is not as expected: 1 of 2 rows is not as expected: row 1: Order { id: 2, price: -1.0 }",
//! );
//! # Ok(())
//! # }
//! ```

//!
//! # Expectations
//!
//! A check may also return [`Expectations`]: a list of what is expected of a table. [`table`] begins it. All of them are
//! tested, those that only warn let the task succeed, the results are recorded with the output, and the rows that
//! violate one are kept aside. They may compare the output with its last version.
//!
//! ```
//! use flow::expect::{self, Expectations};
//! use flow::prelude::*;
//!
//! #[derive(Serialize, Deserialize)]
//! struct Trade {
//!     id: u64,
//!     volume: i64,
//! }
//!
//! #[task(target = Csv<Vec<Trade>>, check = are_trades)]
//! fn trades() -> Vec<Trade> {
//!     vec![Trade { id: 1, volume: 10 }, Trade { id: 1, volume: 20 }]
//! }
//!
//! fn are_trades(trades: &[Trade]) -> Expectations {
//!     expect::table(trades).unique("id").in_range("volume", 0..).rows_since_last(0.5..).warn()
//! }
//!
//! # fn main() {
//! let failed = flow::testing::flow().run::<trades>();
//! flow::testing::assert_because(
//!     &failed,
//!     "trades",
//!     "the output is not as expected: `id` unique: violated in 1 of 2 rows: row 1: 1 (as row 0)",
//! );
//! # }
//! ```
//!
//! [`Expectations`] and [`table`] need one of the cargo features `parquet`, `arrow` and `excel`.

mod rows;

// Checks of tables, whose columns are those of Arrow.
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
mod batches;
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
mod column;
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
mod conditions;
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
mod expectations;
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
mod limit;
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
mod tabular;
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
mod violations;

#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
pub use batches::{no_nulls, rows_of, schema};
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
pub use expectations::{ColumnNames, Expectations, table};
#[doc(inline)]
pub use flow_core::{
    CheckReport, ColumnStatistics, ExpectationResult, OutputQuality, Quality, RejectedRows,
    Severity,
};
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
pub use limit::{Limit, LimitRange};
pub use rows::{Holds, rows, unique};
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
pub use tabular::Tabular;

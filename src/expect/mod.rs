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

mod rows;
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
mod table;

pub use rows::{Holds, rows, unique};
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
pub use table::{no_nulls, rows_of, schema};

//! Expectations on a table: some fail the task, some warn, and the rows that violate one are kept aside.
//!
//! ```text
//! cargo run --example data_quality -- run Invoices                # warns: one invoice is in another currency
//! cargo run --example data_quality -- meta Invoices               # each expectation with its result
//! cargo run --example data_quality -- show Invoices --rejected    # the rows that violate one
//! cargo run --example data_quality -- run Invoices --invoices FILE
//! ```
//!
//! A file with a negative amount, or with one order twice, fails the task, and the earlier output stays.

use std::path::PathBuf;
use std::process::ExitCode;

use flow::expect::{self, Expectations};
use flow::prelude::*;

/// An invoice, as the shop exports it.
#[derive(Clone, Serialize, Deserialize)]
struct Invoice {
    order: u32,
    day: String,
    country: String,
    currency: String,
    amount: f64,
}

/// The file of the shop.
#[derive(Task)]
#[task(external, path = &self.invoices, target = Csv<Vec<Invoice>>)]
struct InvoiceFile {
    #[param(default = "examples/data/orders.csv")]
    invoices: PathBuf,
}

/// The invoices, checked.
#[derive(Task)]
#[task(requires = InvoiceFile, target = Parquet<Vec<Invoice>>, check = are_invoices)]
struct Invoices;

#[tracked]
impl Run for Invoices {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<Invoice>> {
        Ok(cx.input().load()?.into_owned())
    }
}

fn are_invoices(invoices: &[Invoice]) -> Expectations {
    expect::table(invoices)
        .rows(1..)
        .unique("order")
        .in_range("amount", 0.0..)
        .in_range("day", "2024-01-01"..)
        .one_of("currency", ["EUR", "NOK", "USD"])
        .warn()
        // A night in which half of the invoices are missing is worth a look.
        .rows_since_last(0.5..)
        .warn()
}

fn main() -> ExitCode {
    flow::main!()
}

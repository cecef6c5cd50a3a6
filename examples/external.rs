//! External files, which another program writes.
//!
//! Each task states the path and the format of its file. Downstream tasks run again when the
//! content of a file changes.
//!
//! ```text
//! cargo run --example external -- run Revenue
//! cargo run --example external -- show Revenue
//! cargo run --example external -- show Orders                    # the file of the other program
//! cargo run --example external -- run Revenue --orders FILE      # another file
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use flow::prelude::*;

/// A row of the shop's export. A cell that does not parse is an error that names the cell.
#[derive(Serialize, Deserialize)]
struct Order {
    order: u32,
    day: String,
    country: String,
    currency: String,
    amount: f64,
}

/// The orders, which the shop exports every night.
///
/// There is no `run`: the file is the output, and the target reads it.
#[derive(Task)]
#[task(external, path = &self.orders, target = Csv<Vec<Order>>)]
struct Orders {
    #[param(default = "examples/data/orders.csv")]
    orders: PathBuf,
}

/// The value of a unit of each currency in euros, from the bank.
#[derive(Task)]
#[task(external, path = &self.rates, target = Json<BTreeMap<String, f64>>)]
struct Rates {
    #[param(default = "examples/data/rates.json")]
    rates: PathBuf,
}

/// Revenue by country, in euros.
#[derive(Task)]
#[task(requires(orders = Orders, rates = Rates), target = Json<BTreeMap<String, f64>>)]
struct Revenue;

#[tracked]
impl Run for Revenue {
    fn run(&self, cx: &Cx<Self>) -> Result<BTreeMap<String, f64>> {
        let (orders, rates) = (cx.input().orders.load()?, cx.input().rates.load()?);
        let mut revenue = BTreeMap::new();
        for Order { order, day, country, currency, amount } in orders.iter() {
            let rate = rates.get(currency);
            let rate =
                rate.ok_or_else(|| anyhow!("order {order} of {day}: no rate of {currency}"))?;
            *revenue.entry(country.clone()).or_default() += amount * rate;
        }
        Ok(revenue)
    }
}

fn main() -> ExitCode {
    flow::main!()
}

//! External files, which another program writes.
//!
//! Each task states the path and the format of its file. Downstream tasks run again when the
//! content of a file changes.
//!
//! ```text
//! cargo run --example external -- [--data DIR] [--orders FILE] [--rates FILE]
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;

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

fn main() -> Result<()> {
    let flow = flow()?;
    println!("{}\n", flow.preview::<Revenue>()?);
    println!("{}\n", flow.run::<Revenue>()?);

    println!("{} orders", flow.load::<Orders>()?.len());
    for (country, revenue) in flow.load::<Revenue>()?.iter() {
        println!("{country} {revenue:>8.2} €");
    }
    Ok(())
}

/// Returns a flow in the folder after `--data`, or in `data/external`.
///
/// Any other argument, such as `--orders FILE`, sets the parameter of that name.
fn flow() -> Result<Flow> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (mut data, mut values) = ("data/external", Vec::new());
    for pair in args.chunks(2) {
        match pair {
            [flag, folder] if flag == "--data" => data = folder,
            [flag, value] if flag.starts_with("--") => values.push((&flag[2..], value)),
            _ => bail!("usage: external [--data DIR] [--orders FILE] [--rates FILE]"),
        }
    }
    let flow = Flow::open(data)?;
    Ok(values.into_iter().fold(flow, |flow, (name, value)| flow.with_named(name, value)))
}

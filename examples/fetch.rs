//! Data that is fetched, and changes over time: each task states when it is fetched again.
//!
//! ```text
//! cargo run --example fetch -- plan DayReport
//! cargo run --example fetch -- run DayReport
//! cargo run --example fetch -- show --stored DayReport
//! cargo run --example fetch -- run DayReport --server DIR
//! ```
//!
//! To run without a network, the server is a folder. Change one of its files, and run the example
//! again: only data that may have changed is fetched, and downstream tasks run only if the fetched
//! data is different. The sensors are fetched in each run, so that the report is never complete beforehand:
//! `--stored` shows the report that is stored, whatever has changed since.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use flow::prelude::*;

/// Returns the time at which the server's file was written, like an `ETag` of HTTP.
fn tag(server: &Path, name: &str) -> Result<String> {
    let time = fs::metadata(server.join(name)).with_context(|| format!("no {name} there"))?;
    Ok(format!("{:?}", time.modified()?.duration_since(std::time::UNIX_EPOCH)?))
}

/// Returns the content of a file of the server.
fn get(server: &Path, name: &str) -> Result<String> {
    fs::read_to_string(server.join(name)).with_context(|| format!("no {name} there"))
}

/// A row of the shop's export.
#[derive(Serialize, Deserialize)]
struct Order {
    order: u32,
    day: String,
    country: String,
    currency: String,
    amount: f64,
}

/// The orders. Each run asks the server for the tag, and fetches the file only if the tag has
/// changed.
#[derive(Task)]
#[task(target = Csv<Vec<Order>>, refresh = tag(&self.server, "orders.csv"))]
struct FetchOrders {
    #[param(default = "examples/data")]
    server: PathBuf,
}

#[tracked]
impl Run for FetchOrders {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<Order>> {
        let text = get(&self.server, "orders.csv")?;
        let orders = csv::Reader::from_reader(text.as_bytes()).into_deserialize();
        let orders = orders.collect::<Result<Vec<Order>, _>>()?;
        cx.meta("last day", orders.iter().map(|order| &order.day).max())?;
        Ok(orders)
    }
}

/// The exchange rates of the day, which are fetched again after 24 hours.
#[derive(Task)]
#[task(target = Json<BTreeMap<String, f64>>, refresh = "24h")]
struct FetchRates {
    #[param(default = "examples/data")]
    server: PathBuf,
}

#[tracked]
impl Run for FetchRates {
    fn run(&self, _cx: &Cx<Self>) -> Result<BTreeMap<String, f64>> {
        Ok(serde_json::from_str(&get(&self.server, "rates.json")?)?)
    }
}

/// The names of the sensors, which are fetched in each run.
///
/// If they have not changed, downstream tasks do not run.
#[derive(Task)]
#[task(target = Json<Vec<String>>, refresh = always)]
struct FetchSensors {
    #[param(default = "examples/data")]
    server: PathBuf,
}

#[tracked]
impl Run for FetchSensors {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<String>> {
        // Unlike with `#[param(file)]`, the matching files are recorded while the task runs.
        let files = cx.files(self.server.join("stations/*.csv"))?;
        let name = |file: &PathBuf| file.file_stem().unwrap_or_default().display().to_string();
        Ok(files.iter().map(name).collect())
    }
}

/// A report in a few lines, in the currency from the environment.
#[derive(Task)]
#[task(requires(orders = FetchOrders, rates = FetchRates, sensors = FetchSensors), target = Text)]
struct DayReport;

#[tracked]
impl Run for DayReport {
    fn run(&self, cx: &Cx<Self>) -> Result<String> {
        let input = cx.input();
        // The variable is recorded: with another currency, only this task runs again.
        let currency = cx.env("REPORT_CURRENCY")?.unwrap_or_else(|| "EUR".to_owned());
        let rates = input.rates.load()?;
        let rate = |of: &str| rates.get(of).with_context(|| format!("no rate of {of}"));
        let mut sum = 0.0;
        for order in input.orders.load()?.iter() {
            sum += order.amount * rate(&order.currency)?;
        }
        // Metadata and parameters of an input that the task reads are recorded, too.
        let last_day: String = input.orders.meta("last day")?;
        let server = input.orders.task().server.file_name().unwrap_or_default().display();
        Ok(format!(
            "{:.2} {currency} up to {last_day} from {server}, {} sensors",
            sum / rate(&currency)?,
            input.sensors.load()?.len(),
        ))
    }
}

fn main() -> ExitCode {
    flow::main!()
}

//! A workflow with a command line: measurements, their means, and a report.

use std::path::PathBuf;
use std::process::ExitCode;

use flow::prelude::*;

/// A row of the measurements.
#[derive(Clone, Serialize, Deserialize)]
struct Measurement {
    station: String,
    celsius: Option<f64>,
}

/// The measurements that another program writes.
#[derive(Task)]
#[task(external, path = &self.path, target = Csv<Vec<Measurement>>)]
struct Measurements {
    /// The file of the measurements.
    #[param(default = "measurements.csv")]
    path: PathBuf,
}

/// How stations are summarized.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum How {
    Mean,
    Max,
}

/// The temperature at a station.
///
/// Empty cells do not count.
#[derive(Task)]
#[task(requires = Measurements, target = Json<f64>)]
struct Temperature {
    /// The name of the station.
    #[param(default = "Oslo")]
    station: String,
    /// How the values become one.
    #[param(default = How::Mean)]
    how: How,
    /// The least number of values.
    #[param(default = 1, range = 1..=100)]
    at_least: usize,
    /// Whether the result is in Fahrenheit.
    #[param(default = false)]
    fahrenheit: bool,
    /// A parameter with the name of an option.
    #[param(default = 0)]
    data: u8,
}

#[tracked]
impl Run for Temperature {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        let rows = cx.input().load()?;
        let rows = rows.iter().filter(|row| row.station == self.station);
        let values: Vec<f64> = rows.filter_map(|row| row.celsius).collect();
        cx.log(format!("{} values", values.len()));
        ensure!(values.len() >= self.at_least, "{} has {} values", self.station, values.len());
        let celsius = match self.how {
            How::Mean => values.iter().sum::<f64>() / values.len() as f64,
            How::Max => values.iter().copied().fold(f64::MIN, f64::max),
        };
        let value = if self.fahrenheit { celsius * 1.8 + 32.0 } else { celsius };
        cx.meta("value", value)?;
        cx.meta("data", self.data)?;
        Ok(value)
    }
}

/// A sentence about a station.
#[derive(Task)]
#[task(requires = Temperature, target = Json<String>)]
struct Report {
    #[param(default = vec![])]
    tags: Vec<String>,
    #[param(default = None)]
    limit: Option<f64>,
}

#[tracked]
impl Run for Report {
    fn run(&self, cx: &Cx<Self>) -> Result<String> {
        let value = *cx.input().load()?;
        Ok(format!("{value} {} {:?}", self.tags.join("+"), self.limit))
    }
}

fn main() -> ExitCode {
    flow::main!()
}

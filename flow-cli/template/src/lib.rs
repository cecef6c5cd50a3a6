//! The tasks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use flow::prelude::*;

/// A row of the file. An empty cell is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    pub station: String,
    pub day: String,
    pub celsius: Option<f64>,
}

/// The measurements, a file that another program writes.
#[derive(Task)]
#[task(external, path = &self.path, target = Csv<Vec<Measurement>>)]
pub struct Measurements {
    /// The file of the measurements.
    #[param(default = "measurements.csv")]
    path: PathBuf,
}

/// The measurements that have a plausible value.
#[task(requires = Measurements, target = Parquet<Vec<Measurement>>)]
pub fn cleaned(
    rows: &[Measurement],
    /// Lower temperatures are errors of the instrument.
    #[param(default = -60.0)]
    lowest: f64,
) -> Vec<Measurement> {
    let is_valid = |row: &&Measurement| row.celsius.is_some_and(|celsius| celsius >= lowest);
    rows.iter().filter(is_valid).cloned().collect()
}

/// The mean temperature at each station.
#[task(requires = cleaned, target = Json<BTreeMap<String, f64>>)]
pub fn means(rows: &[Measurement]) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::<String, (f64, f64)>::new();
    for row in rows {
        let (sum, count) = sums.entry(row.station.clone()).or_default();
        *sum += row.celsius.unwrap_or_default();
        *count += 1.0;
    }
    sums.into_iter()
        .map(|(station, (sum, count))| (station, sum / count))
        .collect()
}

/// A line for each station.
#[task(requires = means, target = Text)]
pub fn report(
    means: &BTreeMap<String, f64>,
    /// The digits after the point.
    #[param(default = 1)]
    digits: usize,
) -> String {
    means
        .iter()
        .map(|(station, mean)| format!("{station}: {mean:.digits$} °C\n"))
        .collect()
}

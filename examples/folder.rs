//! A folder of files, with an instance for each file, and a task that combines their results.
//!
//! ```text
//! cargo run --example folder -- run Ranking
//! cargo run --example folder -- show Ranking
//! cargo run --example folder -- plan Ranking --folder DIR   # the files of another folder
//! ```
//!
//! Add a file to the folder, or change one, and run it again: that file is read, the others are
//! reused, and the last task runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use flow::prelude::*;

/// A reading of a weather station.
#[derive(Deserialize)]
struct Reading {
    celsius: f64,
}

/// The result for a station.
#[derive(Serialize, Deserialize)]
struct Temperature {
    readings: usize,
    mean: f64,
    max: f64,
}

/// The temperatures in one file.
#[derive(Task)]
#[task(target = Json<Temperature>)]
struct Station {
    #[param(file)] // the file's content counts, not only its name
    file: PathBuf,
}

#[tracked]
impl Run for Station {
    fn run(&self, _cx: &Cx<Self>) -> Result<Temperature> {
        let readings = csv::Reader::from_path(&self.file)?.into_deserialize::<Reading>();
        let celsius: Vec<f64> = readings.map(|row| Ok(row?.celsius)).collect::<Result<_>>()?;
        ensure!(!celsius.is_empty(), "{} has no readings", self.file.display());
        Ok(Temperature {
            readings: celsius.len(),
            mean: celsius.iter().sum::<f64>() / celsius.len() as f64,
            max: celsius.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }
}

/// A row of the table of stations.
#[derive(Serialize, Deserialize)]
struct Row {
    station: String,
    readings: usize,
    mean: f64,
    max: f64,
}

/// All stations of a folder, the warmest first.
#[derive(Task)]
#[task(requires = [Station { file } for file in csv_files(&self.folder)?], target = Csv<Vec<Row>>)]
struct Ranking {
    #[param(default = "examples/data/stations")]
    folder: PathBuf,
}

#[tracked]
impl Run for Ranking {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for input in cx.input() {
            let Temperature { readings, mean, max } = *input.load()?;
            // The input is an instance of `Station`, with its parameter `file`.
            let name = input.task().file.file_stem().unwrap_or_default();
            rows.push(Row { station: name.display().to_string(), readings, mean, max });
        }
        rows.sort_by(|a, b| b.mean.total_cmp(&a.mean));
        Ok(rows)
    }
}

/// Returns the CSV files of a folder, sorted by name. Each plan lists the folder again.
fn csv_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("no folder {folder:?}"))?;
    let mut files: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "csv"));
    files.sort();
    Ok(files)
}

fn main() -> ExitCode {
    flow::main!()
}

//! A folder of files: each is read by an instance of its own, and a last task puts together what
//! they say.
//!
//! ```text
//! cargo run --example folder -- [--data DIR] [--folder DIR]
//! ```
//!
//! Add a file to the folder, or change one, and run it again: that file is read, the others are
//! not, and the last task follows.

use std::fs;
use std::path::{Path, PathBuf};

use flow::prelude::*;

/// What a weather station reports.
#[derive(Deserialize)]
struct Reading {
    celsius: f64,
}

/// What remains of it.
#[derive(Serialize, Deserialize)]
struct Temperature {
    readings: usize,
    mean: f64,
    max: f64,
}

/// One file, read and reduced.
#[derive(Task)]
#[task(target = Json<Temperature>)]
struct Station {
    #[param(file)] // its content counts, and not only its name
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
            // The input is an instance of `Station`, and knows its file.
            let name = input.task().file.file_stem().unwrap_or_default();
            rows.push(Row { station: name.display().to_string(), readings, mean, max });
        }
        rows.sort_by(|a, b| b.mean.total_cmp(&a.mean));
        Ok(rows)
    }
}

/// The files of a folder, by name. It is looked at each time the flow is asked something.
fn csv_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("no folder {folder:?}"))?;
    let mut files: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "csv"));
    files.sort();
    Ok(files)
}

fn main() -> Result<()> {
    let flow = flow()?;
    println!("{}\n", flow.preview::<Ranking>()?);
    println!("{}\n", flow.run::<Ranking>()?);

    println!("{:<10} {:>8} {:>6} {:>6}", "station", "readings", "mean", "max");
    for Row { station, readings, mean, max } in flow.load::<Ranking>()?.iter() {
        println!("{station:<10} {readings:>8} {mean:>6.1} {max:>6.1}");
    }
    Ok(())
}

/// A flow in the folder after `--data`, or in `data/folder`. What else is given, as `--folder DIR`, is the
/// value of the parameter of that name.
fn flow() -> Result<Flow> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (mut data, mut values) = ("data/folder", Vec::new());
    for pair in args.chunks(2) {
        match pair {
            [flag, folder] if flag == "--data" => data = folder,
            [flag, value] if flag.starts_with("--") => values.push((&flag[2..], value)),
            _ => bail!("usage: folder [--data DIR] [--folder DIR]"),
        }
    }
    let flow = Flow::open(data)?;
    Ok(values.into_iter().fold(flow, |flow, (name, value)| flow.with_named(name, value)))
}

//! A task with several outputs: two tables, a JSON file of counts, and a plot that the task draws
//! itself.
//!
//! Each output has a file in a suitable format, and downstream tasks load only the outputs that
//! they need.
//!
//! ```text
//! cargo run --example multi_output -- run Accuracy Split
//! cargo run --example multi_output -- show Split                        # all outputs
//! cargo run --example multi_output -- load Split --part counts          # one of them
//! cargo run --example multi_output -- load Split --part plot --to plot.svg
//! cargo run --example multi_output -- path Split                        # for other programs
//! ```
//!
//! With two roots, missing files of `Split` are restored. With the root `Accuracy` alone, they may be missing as long as
//! no task that reads them has to run.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use flow::File;
use flow::prelude::*;

/// One flower: its features in cm, and the class to predict.
#[derive(Clone, Serialize, Deserialize)]
struct Flower {
    petal_length: f64,
    petal_width: f64,
    class: u32,
}

/// The outputs of `Split`. `run` returns the whole struct, so that no output can be forgotten.
#[derive(Outputs)]
struct Prepared {
    #[output(Parquet)]
    train: Vec<Flower>,
    #[output(Parquet(compression = Zstd(9)))]
    test: Vec<Flower>,
    /// The number of flowers of each class.
    #[output(Json)]
    counts: BTreeMap<u32, usize>,
    /// A picture. For a `File`, the task writes the file and returns its path.
    #[output(File(extension = "svg"))]
    plot: PathBuf,
}

/// The flowers, split into training and testing data.
#[derive(Task)]
#[task(outputs = Prepared)]
struct Split {
    #[param(file, default = "examples/data/iris.csv")]
    source: PathBuf,
    /// One in this many flowers is for testing.
    #[param(default = 5, range = 2..)]
    test_every: usize,
}

#[tracked]
impl Run for Split {
    fn run(&self, cx: &Cx<Self>) -> Result<Prepared> {
        let flowers = read(&self.source)?;
        let mut counts = BTreeMap::new();
        let mut svg = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 30">"#.to_owned();
        for flower in &flowers {
            *counts.entry(flower.class).or_default() += 1;
            let (x, y) = (flower.petal_length * 10.0, 30.0 - flower.petal_width * 10.0);
            let color = ["teal", "orange", "purple"][flower.class as usize];
            write!(svg, r#"<circle cx="{x:.1}" cy="{y:.1}" r="0.5" fill="{color}"/>"#)?;
        }
        let plot = cx.out_path_of(Prepared::PLOT)?;
        std::fs::write(&plot, svg + "</svg>\n")?;

        let (mut train, mut test) = (Vec::new(), Vec::new());
        for (place, flower) in flowers.into_iter().enumerate() {
            if place % self.test_every == 0 { test.push(flower) } else { train.push(flower) }
        }
        Ok(Prepared { train, test, counts, plot })
    }
}

/// The mean petal length and width of each class: a model that predicts the nearest class.
#[derive(Task)]
#[task(requires = Split, target = Json<BTreeMap<u32, (f64, f64)>>)]
struct Nearest;

#[tracked]
impl Run for Nearest {
    fn run(&self, cx: &Cx<Self>) -> Result<BTreeMap<u32, (f64, f64)>> {
        let train = cx.input().load_one(Prepared::TRAIN)?; // reads no other file
        let mut sums = BTreeMap::new();
        for flower in train.iter() {
            let (length, width, count) = sums.entry(flower.class).or_insert((0.0, 0.0, 0.0));
            *length += flower.petal_length;
            *width += flower.petal_width;
            *count += 1.0;
        }
        Ok(sums.into_iter().map(|(class, (l, w, n))| (class, (l / n, w / n))).collect())
    }
}

/// The share of the testing flowers whose class the model predicts correctly.
#[derive(Task)]
#[task(requires(data = Split, model = Nearest), target = Json<f64>)]
struct Accuracy;

#[tracked]
impl Run for Accuracy {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        let test = cx.input().data.load_one(Prepared::TEST)?;
        let model = cx.input().model.load()?;
        let right = test.iter().filter(|flower| {
            let distance = |&(length, width): &(f64, f64)| {
                (flower.petal_length - length).powi(2) + (flower.petal_width - width).powi(2)
            };
            let nearest = model.iter().min_by(|a, b| distance(a.1).total_cmp(&distance(b.1)));
            nearest.is_some_and(|(class, _)| *class == flower.class)
        });
        Ok(right.count() as f64 / test.len() as f64)
    }
}

fn main() -> ExitCode {
    flow::main!()
}

/// Reads the file in the format of scikit-learn: a line `rows,features,class names`, then the rows.
fn read(path: &Path) -> Result<Vec<Flower>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path)?;
    let rows = reader.deserialize::<(f64, f64, f64, f64, u32)>();
    let flower = |row| {
        let (_, _, petal_length, petal_width, class) = row?;
        Ok(Flower { petal_length, petal_width, class })
    };
    rows.map(flower).collect()
}

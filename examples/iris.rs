//! The iris pipeline: read, standardize, train.
//!
//! The program is a command line. Its verbs run the tasks, with their parameters as options:
//!
//! ```text
//! cargo run --example iris -- plan Train                          # what would run, and why
//! cargo run --example iris -- run Train
//! cargo run --example iris -- meta Train                          # the accuracy
//! cargo run --example iris -- show Preprocess                     # the first rows
//! cargo run --example iris -- why Train --do_preprocess=false     # the root causes, not only what is pending
//! cargo run --example iris -- run Train --do_preprocess=false     # GetData is complete already
//! cargo run --example iris -- sweep Train --model Logistic,Tree   # a table of both models
//! ```
//!
//! If a verb is typed a second time, all outputs are complete, and nothing runs. The chapter "A session with the iris
//! example" of the guide shows what the verbs print.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, UInt32Array};
use arrow::compute;
use arrow::datatypes::{Float64Type, UInt32Type};
use flow::prelude::*;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::logistic_regression::{LogisticRegression, LogisticRegressionParameters};
use smartcore::tree::decision_tree_classifier::DecisionTreeClassifier;

/// The published iris measurements.
#[derive(Task)]
#[task(target = Parquet<RecordBatch>)]
struct GetData {
    #[param(file, default = "examples/data/iris.csv")]
    source: PathBuf,
}

#[tracked]
impl Run for GetData {
    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        read_csv(&self.source)
    }
}

/// The measurements, prepared for training.
#[derive(Task)]
#[task(requires = GetData, target = Parquet<RecordBatch>)]
struct Preprocess {
    /// Scale every feature to mean 0 and variance 1.
    #[param(default = true)]
    do_preprocess: bool,
}

#[tracked]
impl Run for Preprocess {
    fn run(&self, cx: &Cx<Self>) -> Result<RecordBatch> {
        let data = cx.input().load()?;
        if self.do_preprocess { standardise(&data) } else { Ok(data.into_owned()) }
    }
}

/// The kind of model to train.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum ModelKind {
    Logistic,
    Tree,
}

/// The trained classifier, and its accuracy on the training data.
#[derive(Task)]
#[task(requires = Preprocess, target = Pickle<Classifier>)]
struct Train {
    #[param(default = ModelKind::Logistic)]
    model: ModelKind,
}

#[tracked]
impl Run for Train {
    fn run(&self, cx: &Cx<Self>) -> Result<Classifier> {
        let data = cx.input().load()?;
        let model = Classifier::fit(self.model, &data)?;
        cx.meta("accuracy", model.accuracy(&data)?)?;
        Ok(model)
    }
}

fn main() -> ExitCode {
    flow::main!()
}

/// Reads the file in the format of scikit-learn: a line `rows,features,class names`, then the rows.
fn read_csv(path: &Path) -> Result<RecordBatch> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(File::open(path)?);
    let mut features = vec![Vec::new(); 4];
    let mut classes = Vec::new();
    for row in reader.records() {
        let row = row?;
        anyhow::ensure!(row.len() == 5, "a row has {} columns, and not 5", row.len());
        for (feature, text) in features.iter_mut().zip(&row) {
            feature.push(text.parse::<f64>()?);
        }
        classes.push(row[4].parse::<u32>()?);
    }
    let names = ["sepal_length", "sepal_width", "petal_length", "petal_width"];
    let features = features.into_iter().map(|f| Arc::new(Float64Array::from(f)) as ArrayRef);
    let mut columns: Vec<_> = names.into_iter().zip(features).collect();
    columns.push(("class", Arc::new(UInt32Array::from(classes))));
    Ok(RecordBatch::try_from_iter(columns)?)
}

/// Scales every feature to mean 0 and variance 1, like scikit-learn's `StandardScaler`.
fn standardise(data: &RecordBatch) -> Result<RecordBatch> {
    let columns = data.columns().iter().map(|column| -> Result<ArrayRef> {
        let Some(feature) = column.as_primitive_opt::<Float64Type>() else {
            return Ok(column.clone());
        };
        let rows = feature.len() as f64;
        let mean = compute::sum(feature).unwrap_or_default() / rows;
        let variance = feature.values().iter().map(|x| (x - mean).powi(2)).sum::<f64>() / rows;
        Ok(Arc::new(feature.unary::<_, Float64Type>(|x| (x - mean) / variance.sqrt())))
    });
    Ok(RecordBatch::try_new(data.schema(), columns.collect::<Result<_>>()?)?)
}

/// A model that predicts the class from the features.
#[derive(Serialize, Deserialize)]
enum Classifier {
    Logistic(LogisticRegression<f64, u32, DenseMatrix<f64>, Vec<u32>>),
    Tree(DecisionTreeClassifier<f64, u32, DenseMatrix<f64>, Vec<u32>>),
}

impl Classifier {
    fn fit(kind: ModelKind, data: &RecordBatch) -> Result<Self> {
        let (x, y) = (features(data)?, classes(data));
        Ok(match kind {
            ModelKind::Logistic => {
                let parameters = LogisticRegressionParameters::default().with_alpha(1.0);
                Self::Logistic(LogisticRegression::fit(&x, &y, parameters)?)
            }
            ModelKind::Tree => Self::Tree(DecisionTreeClassifier::fit(&x, &y, Default::default())?),
        })
    }

    /// Returns the share of rows whose class the model predicts correctly, from 0 to 1.
    fn accuracy(&self, data: &RecordBatch) -> Result<f64> {
        let x = features(data)?;
        let predicted = match self {
            Self::Logistic(model) => model.predict(&x)?,
            Self::Tree(model) => model.predict(&x)?,
        };
        let classes = classes(data);
        let right = predicted.iter().zip(&classes).filter(|(p, c)| p == c).count();
        Ok(right as f64 / classes.len() as f64)
    }
}

fn features(data: &RecordBatch) -> Result<DenseMatrix<f64>> {
    let columns = data.columns().iter().filter_map(|c| c.as_primitive_opt::<Float64Type>());
    let columns: Vec<Vec<f64>> = columns.map(|column| column.values().to_vec()).collect();
    let (rows, features) = (data.num_rows(), columns.len());
    Ok(DenseMatrix::new(rows, features, columns.concat(), true)?)
}

fn classes(data: &RecordBatch) -> Vec<u32> {
    let classes = data.column_by_name("class").expect("GetData gives a class for each row");
    classes.as_primitive::<UInt32Type>().values().to_vec()
}

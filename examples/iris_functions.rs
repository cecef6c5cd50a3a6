//! The iris pipeline with functions as tasks: read, standardize, train, evaluate.
//!
//! The example `iris` is the same pipeline with structs as tasks.
//!
//! ```text
//! cargo run --example iris_functions -- run confusion
//! cargo run --example iris_functions -- show confusion
//! cargo run --example iris_functions -- run confusion --do_preprocess=false   # get_data is complete already
//! cargo run --example iris_functions -- run confusion --model Tree            # preprocess, too
//! ```
//!
//! A task is still a function: a test calls `confusion(&model, &data)`, which stores nothing.

use std::fs::File;
use std::path::Path;
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
#[task(target = Parquet<RecordBatch>)]
fn get_data(
    #[param(file, default = "examples/data/iris.csv")] source: &Path,
) -> Result<RecordBatch> {
    read_csv(source)
}

/// The measurements, prepared for training.
#[task(requires = get_data, target = Parquet<RecordBatch>)]
fn preprocess(
    data: RecordBatch,
    /// Scale every feature to mean 0 and variance 1.
    #[param(default = true)]
    do_preprocess: bool,
) -> Result<RecordBatch> {
    if do_preprocess { standardise(&data) } else { Ok(data) }
}

/// The kind of model to train.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum ModelKind {
    Logistic,
    Tree,
}

/// The trained classifier, and its accuracy on the training data.
#[task(requires = preprocess, target = Pickle<Classifier>)]
fn train(
    data: &RecordBatch,
    #[param(default = ModelKind::Logistic)] model: ModelKind,
    cx: &Cx<train>,
) -> Result<Classifier> {
    let model = Classifier::fit(model, data)?;
    cx.meta("accuracy", model.accuracy(data)?)?;
    Ok(model)
}

/// The confusion matrix: a row for each actual class, and a column for each predicted class.
#[task(requires(train, preprocess), target = Json<Vec<Vec<usize>>>)]
fn confusion(model: &Classifier, data: &RecordBatch) -> Result<Vec<Vec<usize>>> {
    let (predicted, classes) = (model.predict(data)?, classes(data));
    let count = classes.iter().max().map_or(0, |&last| last as usize + 1);
    let mut table = vec![vec![0; count]; count];
    for (&class, &taken_for) in classes.iter().zip(&predicted) {
        table[class as usize][taken_for as usize] += 1;
    }
    Ok(table)
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
        let (predicted, classes) = (self.predict(data)?, classes(data));
        let right = predicted.iter().zip(&classes).filter(|(p, c)| p == c).count();
        Ok(right as f64 / classes.len() as f64)
    }

    fn predict(&self, data: &RecordBatch) -> Result<Vec<u32>> {
        let x = features(data)?;
        Ok(match self {
            Self::Logistic(model) => model.predict(&x)?,
            Self::Tree(model) => model.predict(&x)?,
        })
    }
}

fn features(data: &RecordBatch) -> Result<DenseMatrix<f64>> {
    let columns = data.columns().iter().filter_map(|c| c.as_primitive_opt::<Float64Type>());
    let columns: Vec<Vec<f64>> = columns.map(|column| column.values().to_vec()).collect();
    let (rows, features) = (data.num_rows(), columns.len());
    Ok(DenseMatrix::new(rows, features, columns.concat(), true)?)
}

fn classes(data: &RecordBatch) -> Vec<u32> {
    let classes = data.column_by_name("class").expect("get_data gives a class for each row");
    classes.as_primitive::<UInt32Type>().values().to_vec()
}

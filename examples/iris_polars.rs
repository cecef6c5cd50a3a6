//! The iris pipeline with lazy frames of polars: in half the lines of the example `iris_functions`.
//!
//! ```text
//! cargo run --example iris_polars --features polars -- run fit
//! cargo run --example iris_polars --features polars -- meta fit        # the accuracy, and the columns that it reads
//! cargo run --example iris_polars --features polars -- run fit --do_scale=false
//! ```

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use flow::polars::prelude::{
    DataFrame, DataType, Field, LazyCsvReader, LazyFileListReader, LazyFrame, PlRefPath, Schema,
    col,
};
use flow::prelude::*;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::logistic_regression::{LogisticRegression, LogisticRegressionParameters};

const FEATURES: [&str; 4] = ["sepal_length", "sepal_width", "petal_length", "petal_width"];

/// The published iris measurements. The file is in the format of scikit-learn: its first line is not a header.
#[task(target = Parquet<LazyFrame>)]
fn flowers(#[param(file, default = "examples/data/iris.csv")] source: &Path) -> Result<LazyFrame> {
    let fields = FEATURES.map(|name| Field::new(name.into(), DataType::Float64));
    let schema = fields.into_iter().chain([Field::new("class".into(), DataType::UInt32)]);
    let reader = LazyCsvReader::new(PlRefPath::try_from_path(source)?).with_has_header(false);
    Ok(reader.with_skip_rows(1).with_schema(Some(Arc::new(Schema::from_iter(schema)))).finish()?)
}

/// The measurements, prepared for training.
#[task(requires = flowers, target = Parquet<LazyFrame>)]
fn scaled(
    flowers: LazyFrame,
    /// Scale every feature to mean 0 and variance 1.
    #[param(default = true)]
    do_scale: bool,
) -> LazyFrame {
    let scale = |name| (col(name) - col(name).mean()) / col(name).std(0);
    if do_scale { flowers.with_columns(FEATURES.map(scale)) } else { flowers }
}

/// The trained classifier; its accuracy on the training data is in the metadata.
#[task(requires = scaled, target = Pickle<Classifier>)]
fn fit(flowers: &LazyFrame, cx: &Cx<fit>) -> Result<Classifier> {
    let flowers = cx.collect(flowers.clone())?;
    let x = features(&flowers)?;
    let y: Vec<u32> = flowers.column("class")?.u32()?.into_no_null_iter().collect();
    let parameters = LogisticRegressionParameters::default().with_alpha(1.0);
    let model = Classifier::fit(&x, &y, parameters)?;
    let right = model.predict(&x)?.iter().zip(&y).filter(|(predicted, y)| predicted == y).count();
    cx.meta("accuracy", right as f64 / y.len() as f64)?;
    Ok(model)
}

type Classifier = LogisticRegression<f64, u32, DenseMatrix<f64>, Vec<u32>>;

fn features(flowers: &DataFrame) -> Result<DenseMatrix<f64>> {
    let mut values = Vec::with_capacity(flowers.height() * FEATURES.len());
    for name in FEATURES {
        values.extend(flowers.column(name)?.f64()?.into_no_null_iter());
    }
    Ok(DenseMatrix::new(flowers.height(), FEATURES.len(), values, true)?)
}

fn main() -> ExitCode {
    flow::main!()
}

//! Two models on the same data, which share their upstream tasks.
//!
//! First, a task requires both models and compares their recorded metadata. Then the models are
//! named variants, of which one prepares the data in another way, and a table compares them.
//! A variant can be any flow, which the verb `sweep` of a command line cannot express.
//!
//! ```text
//! cargo run --example compare
//! ```
//!
//! The store is the folder `data`, unless `FLOW_DATA` or `flow.toml` names another one.

use std::path::PathBuf;

use flow::prelude::*;
use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::linear_regression::LinearRegression;
use smartcore::linear::ridge_regression::{RidgeRegression, RidgeRegressionParameters};
use smartcore::metrics::r2;

type Matrix = DenseMatrix<f64>;

/// The features of flowers, and the value to predict: the width of the petals.
#[derive(Clone, Serialize, Deserialize)]
struct Flowers {
    known: Vec<Vec<f64>>,
    petal_width: Vec<f64>,
}

/// The flowers for training or for testing.
#[derive(Task)]
#[task(target = Pickle<Flowers>)]
struct SplitFlowers {
    #[param(file, default = "examples/data/iris.csv")]
    source: PathBuf,
    /// Select the testing data, one in four flowers, instead of the training data.
    testing: bool,
}

#[tracked]
impl Run for SplitFlowers {
    fn run(&self, _cx: &Cx<Self>) -> Result<Flowers> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(&self.source)?;
        let mut flowers = Flowers { known: Vec::new(), petal_width: Vec::new() };
        for (place, row) in reader.deserialize().enumerate() {
            let (sepal_length, sepal_width, petal_length, petal_width, _): (_, _, _, _, u32) = row?;
            if (place % 4 == 0) == self.testing {
                flowers.known.push(vec![sepal_length, sepal_width, petal_length]);
                flowers.petal_width.push(petal_width);
            }
        }
        Ok(flowers)
    }
}

/// The flowers, prepared for a model.
#[derive(Task)]
#[task(requires = SplitFlowers, target = Pickle<Flowers>)]
struct Transform {
    testing: bool,
    /// Take the logarithms of the features.
    #[param(default = false)]
    logarithms: bool,
}

#[tracked]
impl Run for Transform {
    fn run(&self, cx: &Cx<Self>) -> Result<Flowers> {
        let mut flowers = cx.input().load()?.into_owned();
        if self.logarithms {
            flowers.known.iter_mut().flatten().for_each(|value| *value = value.ln());
        }
        Ok(flowers)
    }
}

/// The kind of model to train.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Method {
    Ols,
    Ridge { alpha: f64 },
}

/// A trained model.
#[derive(Serialize, Deserialize)]
enum Model {
    Ols(LinearRegression<f64, f64, Matrix, Vec<f64>>),
    Ridge(RidgeRegression<f64, f64, Matrix, Vec<f64>>),
}

/// One model, trained and tested.
#[derive(Task)]
#[task(
    requires(train = Transform { testing: false }, test = Transform { testing: true }),
    target = Pickle<Model>,
)]
struct TrainModel {
    method: Method,
}

#[tracked]
impl Run for TrainModel {
    fn run(&self, cx: &Cx<Self>) -> Result<Model> {
        let (train, test) = (cx.input().train.load()?, cx.input().test.load()?);
        let (x, y) = (Matrix::from_2d_vec(&train.known)?, &train.petal_width);
        let model = match self.method {
            Method::Ols => Model::Ols(LinearRegression::fit(&x, y, Default::default())?),
            Method::Ridge { alpha } => {
                let parameters = RidgeRegressionParameters::default().with_alpha(alpha);
                Model::Ridge(RidgeRegression::fit(&x, y, parameters)?)
            }
        };
        let x = Matrix::from_2d_vec(&test.known)?;
        let predicted = match &model {
            Model::Ols(model) => model.predict(&x)?,
            Model::Ridge(model) => model.predict(&x)?,
        };
        cx.meta("r2", r2(&test.petal_width, &predicted))?;
        cx.meta("flowers", train.petal_width.len())?;
        Ok(model)
    }
}

/// A report of which model is better on flowers that it has not seen.
#[derive(Task)]
#[task(
    requires(
        ols = TrainModel { method: Method::Ols },
        ridge = TrainModel { method: Method::Ridge { alpha: self.alpha } },
    ),
    target = Text,
)]
struct CompareModels {
    #[param(default = 1.0)]
    alpha: f64,
}

#[tracked]
impl Run for CompareModels {
    fn run(&self, cx: &Cx<Self>) -> Result<String> {
        // The inputs have the names from `requires`.
        let ols = cx.input().ols.meta::<f64>("r2")?;
        let ridge = cx.input().ridge.meta::<f64>("r2")?;
        let flowers: usize = cx.input().ols.meta("flowers")?;
        let better = if ridge > ols { "ridge" } else { "OLS" };
        Ok(format!(
            "trained on {flowers} flowers\n\
             R² of OLS:   {ols:.4}\n\
             R² of ridge: {ridge:.4} (alpha {})\n\
             {better} does better\n",
            self.alpha,
        ))
    }
}

fn main() -> Result<()> {
    let flow = flow::open_configured()?;
    println!("{}\n", flow.preview::<CompareModels>()?);
    println!("{}\n", flow.run::<CompareModels>()?);
    println!("{}", flow.load::<CompareModels>()?);

    // Another alpha changes only the ridge regression; the OLS model is reused.
    let strict = flow.with(CompareModels::ALPHA, 50.0);
    println!("{}\n", strict.run::<CompareModels>()?);
    println!("{}", strict.load::<CompareModels>()?);

    // Two named variants, and the parameters in which they differ.
    let models = flow
        .sweep::<TrainModel>()
        .variant("ols", |train| train.with(TrainModel::METHOD, Method::Ols))
        .variant("ridge", |train| {
            let ridge = train.with(TrainModel::METHOD, Method::Ridge { alpha: 1.0 });
            ridge.with(Transform::LOGARITHMS, true)
        });
    println!("{}\n", models.preview()?);
    println!("{}\n", models.run()?);
    println!("{}\n", models.table()?);
    println!("{}", models.max_by("r2")?);
    for (name, model) in models.load::<TrainModel>()? {
        let coefficients = match &*model {
            Model::Ols(model) => model.coefficients(),
            Model::Ridge(model) => model.coefficients(),
        };
        println!("{name} has {} coefficients", coefficients.shape().0);
    }
    // A variant is an ordinary flow.
    println!("{}", models["ridge"].why::<TrainModel>()?);
    Ok(())
}

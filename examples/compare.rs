//! Two models on the same data, which share their upstream tasks.
//!
//! First, a task requires both models and compares their recorded metadata. Then the models are
//! named variants, of which one prepares the data in another way, and a table compares them.
//!
//! ```text
//! cargo run --example compare -- [--data DIR]
//! ```

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
struct GetFlowers {
    #[param(file, default = "examples/data/iris.csv")]
    source: PathBuf,
    /// Select the testing data, one in four flowers, instead of the training data.
    testing: bool,
}

#[tracked]
impl Run for GetFlowers {
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
#[task(requires = GetFlowers, target = Pickle<Flowers>)]
struct Prepare {
    testing: bool,
    /// Take the logarithms of the features.
    #[param(default = false)]
    logarithms: bool,
}

#[tracked]
impl Run for Prepare {
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
    requires(train = Prepare { testing: false }, test = Prepare { testing: true }),
    target = Pickle<Model>,
)]
struct Train {
    method: Method,
}

#[tracked]
impl Run for Train {
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
        ols = Train { method: Method::Ols },
        ridge = Train { method: Method::Ridge { alpha: self.alpha } },
    ),
    target = Text,
)]
struct Report {
    #[param(default = 1.0)]
    alpha: f64,
}

#[tracked]
impl Run for Report {
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
    let flow = Flow::open(data_folder()?)?;
    println!("{}\n", flow.preview::<Report>()?);
    println!("{}\n", flow.run::<Report>()?);
    println!("{}", flow.load::<Report>()?);

    // Another alpha changes only the ridge regression; the OLS model is reused.
    let strict = flow.with(Report::ALPHA, 50.0);
    println!("{}\n", strict.run::<Report>()?);
    println!("{}", strict.load::<Report>()?);

    // Two named variants, and the parameters in which they differ.
    let models = flow
        .sweep::<Train>()
        .variant("ols", |train| train.with(Train::METHOD, Method::Ols))
        .variant("ridge", |train| {
            let ridge = train.with(Train::METHOD, Method::Ridge { alpha: 1.0 });
            ridge.with(Prepare::LOGARITHMS, true)
        });
    println!("{}\n", models.preview()?);
    println!("{}\n", models.run()?);
    println!("{}\n", models.table()?);
    println!("{}", models.max_by("r2")?);
    for (name, model) in models.load::<Train>()? {
        let coefficients = match &*model {
            Model::Ols(model) => model.coefficients(),
            Model::Ridge(model) => model.coefficients(),
        };
        println!("{name} has {} coefficients", coefficients.shape().0);
    }
    // A variant is an ordinary flow.
    println!("{}", models["ridge"].why::<Train>()?);
    Ok(())
}

/// Returns the folder after `--data`, or `data/compare`.
fn data_folder() -> Result<PathBuf> {
    match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => Ok("data/compare".into()),
        [flag, folder] if flag == "--data" => Ok(folder.into()),
        _ => bail!("usage: compare [--data DIR]"),
    }
}

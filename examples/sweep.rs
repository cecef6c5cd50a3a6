//! A sweep over 2 × 3 × 4 settings, whose shared upstream tasks run once.
//!
//! It prints a table of the results, uses the best variant as a flow, and continues with a random
//! search beyond the grid.
//!
//! ```text
//! cargo run --example sweep
//! ```
//!
//! The store is the folder `data`, unless `FLOW_DATA` or `flow.toml` names another one.

use std::path::PathBuf;

use flow::prelude::*;
use flow::sweep::Sweep;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::ridge_regression::{RidgeRegression, RidgeRegressionParameters};
use smartcore::metrics::r2;

type Matrix = DenseMatrix<f64>;
type Model = RidgeRegression<f64, f64, Matrix, Vec<f64>>;

/// The features of flowers, and the value to predict: the width of the petals.
#[derive(Default, Serialize, Deserialize)]
struct Flowers {
    known: Vec<Vec<f64>>,
    petal_width: Vec<f64>,
}

/// All flowers.
#[derive(Task)]
#[task(target = Pickle<Flowers>)]
struct GetFlowers {
    #[param(file, default = "examples/data/iris.csv")]
    source: PathBuf,
}

#[tracked]
impl Run for GetFlowers {
    fn run(&self, cx: &Cx<Self>) -> Result<Flowers> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(&self.source)?;
        let mut flowers = Flowers::default();
        for row in reader.deserialize() {
            let (sepal_length, sepal_width, petal_length, petal_width, _): (_, _, _, _, u32) = row?;
            flowers.known.push(vec![sepal_length, sepal_width, petal_length]);
            flowers.petal_width.push(petal_width);
        }
        cx.meta("flowers", flowers.known.len())?;
        Ok(flowers)
    }
}

/// The flowers for training, and those for testing.
#[derive(Serialize, Deserialize)]
struct Prepared {
    train: Flowers,
    test: Flowers,
}

/// The flowers, split so that one in four is for testing.
#[derive(Task)]
#[task(requires = GetFlowers, target = Pickle<Prepared>)]
struct Prepare {
    /// Scale the features to mean 0 and variance 1, computed from the training flowers.
    scale: bool,
}

#[tracked]
impl Run for Prepare {
    fn run(&self, cx: &Cx<Self>) -> Result<Prepared> {
        let flowers = cx.input().load()?;
        let mut prepared = Prepared { train: Flowers::default(), test: Flowers::default() };
        for (place, (known, width)) in flowers.known.iter().zip(&flowers.petal_width).enumerate() {
            let part = if place % 4 == 0 { &mut prepared.test } else { &mut prepared.train };
            part.known.push(known.clone());
            part.petal_width.push(*width);
        }
        if self.scale {
            for column in 0..3 {
                let values = prepared.train.known.iter().map(|row| row[column]);
                let (mean, deviation) = moments(values.collect());
                let rows = prepared.train.known.iter_mut().chain(&mut prepared.test.known);
                rows.for_each(|row| row[column] = (row[column] - mean) / deviation);
            }
        }
        Ok(prepared)
    }
}

fn moments(values: Vec<f64>) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

/// A ridge regression on powers of the features.
#[derive(Task)]
#[task(requires = Prepare, target = Pickle<Model>)]
struct Fit {
    #[param(range = 1..=5)]
    degree: i32,
    alpha: f64,
}

#[tracked]
impl Run for Fit {
    fn run(&self, cx: &Cx<Self>) -> Result<Model> {
        let train = &cx.input().load()?.train;
        let x = powers(&train.known, self.degree)?;
        let parameters =
            RidgeRegressionParameters::default().with_alpha(self.alpha).with_normalize(false);
        let model = RidgeRegression::fit(&x, &train.petal_width, parameters)?;
        cx.meta("r2", r2(&train.petal_width, &model.predict(&x)?))?;
        Ok(model)
    }
}

fn powers(known: &[Vec<f64>], degree: i32) -> Result<Matrix> {
    let row = |row: &Vec<f64>| -> Vec<f64> {
        let powers = row.iter().flat_map(|x| (1..=degree).map(|n| x.powi(n)));
        std::iter::once(1.0).chain(powers).collect()
    };
    Ok(Matrix::from_2d_vec(&known.iter().map(row).collect())?)
}

/// The score of the regression on flowers that it has not seen.
#[derive(Task)]
#[task(requires(model = Fit, data = Prepare), target = Json<f64>)]
struct Score;

#[tracked]
impl Run for Score {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        let (model, test) = (cx.input().model.load()?, &cx.input().data.load()?.test);
        let degree = cx.input().model.task().degree;
        let score = r2(&test.petal_width, &model.predict(&powers(&test.known, degree)?)?);
        cx.meta("r2", score)?;
        Ok(score)
    }
}

/// Returns the sweep over all combinations of preparation and fit.
fn grid(flow: &Flow) -> Sweep<Score> {
    flow.sweep()
        .over(Prepare::SCALE, [false, true])
        .over(Fit::DEGREE, 1..=3)
        .over(Fit::ALPHA, [0.01, 0.1, 1.0, 10.0])
}

fn main() -> Result<()> {
    let flow = flow::open_configured()?;
    let sweep = grid(&flow);
    println!("{}\n", sweep.preview()?);
    println!("{}\n", sweep.run()?);

    let table = sweep.table()?;
    println!("{table}\n");
    let batch = table.to_record_batch()?;
    println!("as a batch: {} columns, {} rows", batch.num_columns(), batch.num_rows());
    println!("as CSV: {}\n", table.to_csv()?.lines().next().unwrap_or_default());

    // The best variant is an ordinary flow.
    let best = sweep.max_by("r2")?;
    println!("{best}");
    println!("its R²: {:.4}", best.flow.load::<Score>()?);
    let another = &sweep["scale=true,degree=2,alpha=1.0"];
    println!("R² of another: {:.4}", another.load::<Score>()?);

    // A random search: settings that were tried before do not run again.
    let search = flow.sweep::<Score>().over(Prepare::SCALE, [true]).over(Fit::DEGREE, 1..=5);
    let search = search.log_uniform(Fit::ALPHA, 1e-4..1e2).sample(12, 7);
    search.run()?;
    println!("at random: R² {:.4}", search.max_by("r2")?.value);
    Ok(())
}

//! A search that decides while it runs which models to train next.
//!
//! It first trains a coarse grid in parallel, and then ever finer ones around the best model, until
//! the score does not improve any more.
//!
//! ```text
//! cargo run --example tune -- run Tune
//! cargo run --example tune -- plan Tune                  # shows what the run has required
//! cargo run --example tune -- show Tune                  # the best alpha
//! cargo run --example tune -- run Tune --enough 1e-7     # a longer search, which reuses the same scores
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use flow::prelude::*;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::ridge_regression::{RidgeRegression, RidgeRegressionParameters};
use smartcore::metrics::r2;

type Matrix = DenseMatrix<f64>;

/// The features of flowers, and the value to predict: the width of the petals.
#[derive(Serialize, Deserialize)]
struct Flowers {
    known: Vec<Vec<f64>>,
    petal_width: Vec<f64>,
}

/// The flowers for training or for testing.
#[derive(Task)]
#[task(target = Pickle<Flowers>)]
struct TuningFlowers {
    #[param(file, default = "examples/data/iris.csv")]
    source: PathBuf,
    /// Select the testing data, one in four flowers, instead of the training data.
    testing: bool,
}

#[tracked]
impl Run for TuningFlowers {
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

/// The score (R²) of a ridge regression on flowers that it has not seen.
#[derive(Task)]
#[task(
    requires(train = TuningFlowers { testing: false }, test = TuningFlowers { testing: true }),
    target = Json<f64>,
)]
struct Trial {
    alpha: f64,
}

#[tracked]
impl Run for Trial {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        let (train, test) = (cx.input().train.load()?, cx.input().test.load()?);
        let parameters = RidgeRegressionParameters::default().with_alpha(self.alpha);
        let x = Matrix::from_2d_vec(&train.known)?;
        let model = RidgeRegression::fit(&x, &train.petal_width, parameters)?;
        let predicted = model.predict(&Matrix::from_2d_vec(&test.known)?)?;
        Ok(r2(&test.petal_width, &predicted))
    }
}

/// The result of the search.
#[derive(Debug, Serialize, Deserialize)]
struct Best {
    alpha: f64,
    score: f64,
    tried: usize,
}

/// The best alpha.
#[derive(Task)]
#[task(target = Json<Best>)]
struct Tune {
    /// The search ends when a step improves the score by less.
    #[param(default = 1e-4)]
    enough: f64,
}

#[tracked]
impl Run for Tune {
    fn run(&self, cx: &Cx<Self>) -> Result<Best> {
        let grid = [0.1, 1.0, 10.0, 100.0, 1000.0];
        let mut best = Best { alpha: grid[0], score: f64::NEG_INFINITY, tried: 0 };
        better(cx, &mut best, &grid)?;
        let mut factor: f64 = 10.0;
        loop {
            factor = factor.sqrt();
            let before = best.score;
            let around = [best.alpha / factor, best.alpha * factor];
            better(cx, &mut best, &around)?;
            cx.status(format_args!("alpha {:.3} has {:.5}", best.alpha, best.score));
            if factor < 1.5 && best.score - before < self.enough {
                return Ok(best);
            }
        }
    }
}

/// Requires the scores of more alphas, in parallel, and keeps the best one.
fn better(cx: &Cx<Tune>, best: &mut Best, alphas: &[f64]) -> Result<()> {
    for score in cx.over(Trial::ALPHA, alphas.iter().copied()).require::<Trial>()? {
        best.tried += 1;
        let (alpha, score) = (score.task().alpha, *score.load()?);
        if score > best.score {
            (best.alpha, best.score) = (alpha, score);
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    flow::main!()
}

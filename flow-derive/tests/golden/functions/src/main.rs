//! Functions that are tasks, in all that can be said of them.

use flow::prelude::*;

mod steps;

use steps::{clean, data as source};

/// Inputs, parameters, and what it sees, in turn.
#[task(requires(clean, source), target = Json<Score>)]
#[inline]
pub fn score<const N: usize>(
    #[param(default = limit())] lowest: f64,
    rows: &[f64],
    /// How it is weighted.
    #[param(default)]
    weight: Weight,
    source: Loaded<Vec<f64>>,
    cx: &Cx<score<N>>,
) -> Result<Score> {
    let clean = rows.len();
    cx.require::<mean>()?;
    Ok(Score { value: weight.of(clean) + source.len() as f64 + lowest })
}

/// Calls a task, and names it.
#[task(requires = [clean { n } for n in 0..3], target = Json<f64>)]
fn mean(all: Vec<&[f64]>) -> f64 {
    all.iter().map(|rows| score_of(rows)).sum::<f64>() + f64::from(total(&[1.0], 2))
}

/// The function of a type of another name.
#[task(name = Total, requires(rows = clean), target = Json<u8>, version = 2)]
fn total(rows: &[f64], n: u8) -> u8 {
    rows.iter().map(clean_one).fold(n, |a, _| a + 1)
}

/// Its body alone.
#[task(target = Text, tracked(body))]
fn text() -> String {
    steps::helper()
}

/// With a variable that is called as a task.
#[task(requires = mean, target = Json<f64>, tracked(lock))]
fn shadowed(mean: f64) -> f64 {
    let source = mean + 1.0;
    source * mean
}

/// Everything.
#[task(target = Json<u8>, tracked(crate))]
fn everything() -> u8 {
    1
}

/// How good it is.
struct Score {
    value: f64,
}

#[derive(Default)]
enum Weight {
    #[default]
    Even,
}

impl Weight {
    fn of(&self, n: usize) -> f64 {
        n as f64
    }
}

fn score_of(rows: &[f64]) -> f64 {
    rows.iter().copied().map(steps::scaled).sum()
}

fn clean_one(x: &f64) -> u8 {
    *x as u8
}

fn limit() -> f64 {
    1.0
}

fn main() {}

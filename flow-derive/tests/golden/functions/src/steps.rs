//! Tasks of another module.

use flow::prelude::*;

/// The data.
#[task(target = Json<Vec<f64>>)]
pub fn data() -> Vec<f64> {
    raw()
}

fn raw() -> Vec<f64> {
    vec![1.0]
}

/// What is clean of it.
#[task(requires = data, target = Json<Vec<f64>>)]
pub fn clean(data: &[f64], n: usize) -> Vec<f64> {
    data.iter().copied().skip(n).map(scaled).collect()
}

pub fn scaled(x: f64) -> f64 {
    x * FACTOR
}

const FACTOR: f64 = 2.0;

pub fn helper() -> String {
    String::new()
}

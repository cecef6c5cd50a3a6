//! A workflow whose outputs violate expectations: one warns, and one fails on request.

use std::process::ExitCode;

use flow::expect::{self, Expectations};
use flow::prelude::*;

/// A reading of a meter.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Reading {
    meter: u32,
    kwh: Option<f64>,
}

/// Readings of meters, of which every second one is missing.
#[derive(Task)]
#[task(target = Parquet<Vec<Reading>>, check = are_readings)]
struct Readings {
    /// The number of meters.
    #[param(default = 4)]
    meters: u32,
}

#[tracked]
impl Run for Readings {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<Reading>> {
        let reading = |meter: u32| Reading {
            meter,
            kwh: meter.is_multiple_of(2).then(|| f64::from(meter) * 1.5),
        };
        Ok((0..self.meters).map(reading).collect())
    }
}

fn are_readings(readings: &[Reading]) -> Expectations {
    expect::table(readings).rows(1..).in_range("kwh", ..100.0).not_null("kwh").warn()
}

fn main() -> ExitCode {
    flow::main!()
}

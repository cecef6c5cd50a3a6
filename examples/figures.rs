//! Figures and notes: a task plots what it has computed with the crate plotters, and says what it shows.
//!
//! ```text
//! cargo run --example figures -- run CoolingFit
//! cargo run --example figures -- show CoolingFit --figures      # the path of the plot, and the note
//! cargo run --example figures -- meta CoolingFit                # beside the metadata
//! cargo run --example figures -- export CoolingFit --to handed  # with the folder `figures`
//! ```

use std::process::ExitCode;

use flow::prelude::*;
use plotters::prelude::{
    BLUE, ChartBuilder, Circle, Color, IntoDrawingArea, LineSeries, RED, SVGBackend, WHITE,
};

/// The temperature of the room, in degrees Celsius.
const ROOM: f64 = 20.0;

/// A reading of the thermometer in a cup of coffee.
#[derive(Clone, Serialize, Deserialize)]
struct Reading {
    minute: f64,
    celsius: f64,
}

/// Readings of a cup that cools down, one each two minutes.
#[derive(Task)]
#[task(target = Csv<Vec<Reading>>)]
struct Readings {
    /// The temperature of the first reading.
    #[param(default = 90.0)]
    start: f64,
}

#[tracked]
impl Run for Readings {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<Reading>> {
        let reading = |step: u32| {
            let minute = f64::from(2 * step);
            // The thermometer is right to about a degree.
            let error = (minute * 7.3).sin();
            Reading { minute, celsius: ROOM + (self.start - ROOM) * (-minute / 25.0).exp() + error }
        };
        Ok((0..=30).map(reading).collect())
    }
}

/// A curve through the readings: the temperature falls by a fixed fraction of what it is above the room.
#[derive(Serialize, Deserialize)]
struct Curve {
    start: f64,
    per_minute: f64,
}

impl Curve {
    /// Fits the logarithm of the difference to the room by least squares.
    fn through(readings: &[Reading]) -> Self {
        let points = readings.iter().map(|one| (one.minute, (one.celsius - ROOM).max(0.1).ln()));
        let points: Vec<(f64, f64)> = points.collect();
        let n = points.len() as f64;
        let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / n;
        let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / n;
        let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        let slope = covariance / variance;
        Self { start: ROOM + (mean_y - slope * mean_x).exp(), per_minute: -slope }
    }

    fn at(&self, minute: f64) -> f64 {
        ROOM + (self.start - ROOM) * (-self.per_minute * minute).exp()
    }
}

/// The curve through the readings, with a plot of both.
#[derive(Task)]
#[task(requires = Readings, target = Json<Curve>)]
struct CoolingFit;

#[tracked]
impl Run for CoolingFit {
    fn run(&self, cx: &Cx<Self>) -> Result<Curve> {
        let readings = cx.input().load()?;
        let curve = Curve::through(&readings);
        cx.figure("fit", plot(&readings, &curve)?)?;
        let half = std::f64::consts::LN_2 / curve.per_minute;
        cx.note(format!("The coffee is **half as hot** above the room after {half:.0} minutes."))?;
        cx.meta("per_minute", curve.per_minute)?;
        Ok(curve)
    }
}

/// Returns the plot of the readings and the curve, as the text of an SVG.
fn plot(readings: &[Reading], curve: &Curve) -> Result<String> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (640, 400)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(44)
        .build_cartesian_2d(0.0..60.0, 0.0..100.0)?;
    chart.configure_mesh().x_desc("minutes").y_desc("degrees Celsius").draw()?;
    let circle = |one: &Reading| Circle::new((one.minute, one.celsius), 3, BLUE.filled());
    chart.draw_series(readings.iter().map(circle))?;
    let points = (0..=60).map(f64::from).map(|minute| (minute, curve.at(minute)));
    chart.draw_series(LineSeries::new(points, &RED))?;
    area.present()?;
    drop(chart);
    drop(area);
    Ok(svg)
}

fn main() -> ExitCode {
    flow::main!()
}

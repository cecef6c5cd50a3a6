//! Early cutoff: an equal output stops a change from running tasks further downstream.

use crate::fixture::{Fixture, Printed};

/// Six tasks. All others require the first one, directly or indirectly.
const PIPELINE: &str = r#"
use flow::prelude::*;

#[derive(Task)]
#[task(target = Json<Vec<f64>>)]
struct Load {
    #[param(default = 6)]
    days: u32,
}

fn price(day: u32) -> f64 {
    10.0 + f64::from(day % 3)
}

#[tracked]
impl Run for Load {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<f64>> {
        Ok((0..self.days).map(price).collect())
    }
}

#[derive(Task)]
#[task(requires = Load, target = Json<Vec<f64>>)]
struct Changes;

#[tracked]
impl Run for Changes {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<f64>> {
        Ok(cx.input().load()?.windows(2).map(|pair| pair[1] - pair[0]).collect())
    }
}

#[derive(Task)]
#[task(requires = Changes, target = Json<f64>)]
struct Trend;

#[tracked]
impl Run for Trend {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        Ok(cx.input().load()?.iter().sum())
    }
}

#[derive(Task)]
#[task(requires = Changes, target = Json<f64>)]
struct Swing;

#[tracked]
impl Run for Swing {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        Ok(cx.input().load()?.iter().fold(0.0, |a, b| a.max(b.abs())))
    }
}

#[derive(Task)]
#[task(requires(Load, Trend), target = Json<f64>)]
struct Forecast;

#[tracked]
impl Run for Forecast {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        let (prices, trend) = cx.input();
        Ok(prices.load()?.last().copied().unwrap_or_default() + *trend.load()?)
    }
}

#[derive(Task)]
#[task(requires(Forecast, Swing), target = Json<Vec<f64>>)]
struct Report;

#[tracked]
impl Run for Report {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<f64>> {
        let (forecast, swing) = cx.input();
        let (forecast, swing) = (*forecast.load()?, *swing.load()?);
        Ok(vec![forecast - swing, forecast + swing])
    }
}

fn main() -> Result<()> {
    let flow = Flow::open("store")?.quiet().workers(1);
    println!("{}", flow.preview::<Report>()?);
    let summary = flow.run::<Report>()?;
    let names = |entries: Vec<flow::Entry>| {
        entries.iter().map(|entry| entry.task().to_owned()).collect::<Vec<_>>().join(" ")
    };
    println!("already complete: {}", names(summary.already_complete()));
    println!("ran: {}", names(summary.ran()));
    println!("reused: {}", names(summary.reused()));
    println!("unchanged: {}", names(summary.unchanged()));
    println!("value: {:?}", flow.load::<Report>()?);
    Ok(())
}
"#;

const ALL: [&str; 6] = ["Changes", "Forecast", "Load", "Report", "Swing", "Trend"];

/// Returns the tasks that these lines of the output name, sorted.
fn tasks<'a>(printed: &'a Printed, lines: &[&str]) -> Vec<&'a str> {
    let mut tasks: Vec<&str> =
        lines.iter().flat_map(|line| printed.line(line).split_whitespace()).collect();
    tasks.sort_unstable();
    tasks
}

#[test]
fn an_equal_output_leaves_five_downstream_tasks_unchanged() {
    let fixture = Fixture::new("cut-off", PIPELINE);
    assert_eq!(tasks(&fixture.run(), &["ran:"]), ALL);

    // Other code in a helper of the first task, with the same output.
    fixture.edit("10.0 + f64::from(day % 3)", "f64::from(day % 3) + 10.0");
    let same = fixture.run();
    same.has("Load {days: 6} PENDING code: price (src/main.rs) changed");
    assert_eq!(tasks(&same, &["ran:"]), ["Load"]);
    assert_eq!(tasks(&same, &["unchanged:"]), ["Changes", "Forecast", "Report", "Swing", "Trend"]);
    assert_eq!(same.line("value:"), "[12.0, 16.0]");

    // Another output of `Load`, from which `Changes` computes equal values: only tasks whose inputs
    // differ run.
    fixture.edit("+ 10.0", "+ 20.0");
    let shifted = fixture.run();
    assert_eq!(tasks(&shifted, &["ran:"]), ["Changes", "Forecast", "Load", "Report"]);
    assert_eq!(tasks(&shifted, &["unchanged:"]), ["Swing", "Trend"]);
    assert_eq!(shifted.line("value:"), "[22.0, 26.0]");

    // Back to the first code: all outputs are reused.
    fixture.edit("+ 20.0", "+ 10.0");
    let back = fixture.run();
    assert_eq!(tasks(&back, &["ran:"]), [""; 0]);
    assert_eq!(back.line("value:"), "[12.0, 16.0]");
}

#[test]
fn a_new_parameter_with_a_default_reruns_only_its_task() {
    let fixture = Fixture::new("new-parameter", PIPELINE);
    assert_eq!(tasks(&fixture.run(), &["ran:"]), ALL);

    fixture.edit("days: u32,\n}", "days: u32,\n    #[param(default = 1.0)]\n    factor: f64,\n}");
    fixture.edit("map(price).collect()", "map(|day| price(day) * self.factor).collect()");
    let same = fixture.run();
    assert_eq!(tasks(&same, &["ran:"]), ["Load"]);
    let others = tasks(&same, &["reused:", "unchanged:", "already complete:"]);
    assert_eq!(others, ["Changes", "Forecast", "Report", "Swing", "Trend"]);
    assert_eq!(same.line("value:"), "[12.0, 16.0]");

    // Another default changes the data.
    fixture.edit("default = 1.0", "default = 2.0");
    let other = fixture.run();
    assert_eq!(tasks(&other, &["ran:"]), ALL);
    assert_eq!(other.line("value:"), "[24.0, 32.0]");
}

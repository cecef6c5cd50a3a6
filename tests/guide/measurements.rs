//! The pipeline of the chapter on testing, exactly as it stands there, so that its test runs.
#![allow(dead_code, reason = "`main` is that of a program")]

use std::path::PathBuf;

use flow::prelude::*;

/// A row of `measurements.csv`. An empty cell is `None`.
#[derive(Serialize, Deserialize)]
struct Measurement {
    station: String,
    celsius: Option<f64>,
}

/// A file that another program writes. When its content changes, tasks that require it run again.
#[derive(Task)]
#[task(external, path = &self.path, target = Csv<Vec<Measurement>>)]
struct Measurements {
    #[param(default = "measurements.csv")]
    path: PathBuf,
}

/// The mean temperature at a station.
#[task(requires = Measurements, target = Json<f64>)]
fn mean(rows: &[Measurement], station: &str, #[param(default = 2)] at_least: usize) -> Result<f64> {
    let rows = rows.iter().filter(|row| row.station == station);
    let values: Vec<f64> = rows.filter_map(|row| row.celsius).collect();
    let found = values.len();
    ensure!(found >= at_least, "{station} has {found} of {at_least} measurements");
    Ok(values.iter().sum::<f64>() / found as f64)
}

fn main() -> Result<()> {
    let flow = Flow::open("data")?.with(mean::STATION, "Oslo");
    println!("{}", *flow.get::<mean>()?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use flow::testing::{self, assert_because};

    use super::*;

    #[test]
    fn a_mean_needs_enough_measurements() -> Result<()> {
        let row = |celsius| Measurement { station: "Oslo".to_owned(), celsius };
        let flow = testing::flow().with(mean::STATION, "Oslo");

        let two = flow.with_input::<Measurements>(vec![row(Some(1.0)), row(None), row(Some(2.0))]);
        assert_eq!(*two.get::<mean>()?, 1.5);

        let one = flow.with_input::<Measurements>(vec![row(Some(1.0)), row(None)]);
        assert_because(&one.run::<mean>(), "mean", "Oslo has 1 of 2 measurements");
        Ok(())
    }
}

#[test]
fn the_guide_has_this_example() {
    let (_, example) =
        include_str!("measurements.rs").split_once("\n\n").expect("what is below the head");
    let (example, _) = example.split_once("\n#[test]\nfn the_guide").expect("what is above this");
    let block = format!("```rust,no_run\n{example}```");
    assert!(include_str!("../../docs/guide/src/testing.md").contains(&block), "{example}");
}

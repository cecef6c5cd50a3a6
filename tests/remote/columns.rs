//! Outputs that are up to date by the columns that their tasks have read: a remote has them under another fingerprint.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use flow::arrow::array::{ArrayRef, AsArray, Float64Array, UInt64Array};
use flow::arrow::datatypes::Float64Type;
use flow::prelude::*;
use flow::remote::{Remote, RemoteFolder, RemoteGc};

use crate::texts::Team;

/// A table whose prices and volumes follow from the two numbers in a file.
#[derive(Task)]
#[task(target = Parquet<RecordBatch>)]
struct Trades {
    #[param(file)]
    numbers: PathBuf,
}

#[tracked]
impl Run for Trades {
    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        let text = fs::read_to_string(&self.numbers)?;
        let (price, volume) = text.trim().split_once(' ').context("two numbers")?;
        let (price, volume) = (price.parse::<f64>()?, volume.parse::<u64>()?);
        let prices = Float64Array::from_iter_values((0..10).map(|row| price * f64::from(row)));
        let volumes = UInt64Array::from(vec![volume; 10]);
        let columns: [(&str, ArrayRef); 2] =
            [("price", Arc::new(prices)), ("volume", Arc::new(volumes))];
        Ok(RecordBatch::try_from_iter(columns)?)
    }
}

/// Reads one column.
#[derive(Task)]
#[task(requires = Trades, target = Json<f64>)]
struct Scaled {
    factor: u64,
}

#[tracked]
impl Run for Scaled {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        let prices = cx.input().load_columns(&["price"])?;
        let prices = prices.column(0).as_primitive::<Float64Type>();
        Ok(prices.values().iter().sum::<f64>() * self.factor as f64)
    }
}

#[derive(Task)]
#[task(requires = [Scaled { factor } for factor in 0..self.count], target = Json<f64>)]
struct Total {
    #[param(local, default = 4)]
    count: u64,
}

#[tracked]
impl Run for Total {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        let mut total = 0.0;
        for scaled in cx.input() {
            total += *scaled.load()?;
        }
        Ok(total)
    }
}

fn ran(summary: &flow::Summary) -> Vec<String> {
    summary.ran().iter().map(|entry| entry.task().to_owned()).collect()
}

/// Returns a flow of the team with this many instances of `Scaled`.
fn flow(team: &Team, name: &str, count: u64) -> Result<Flow> {
    let numbers = team.folder.path().join("numbers");
    Ok(team.flow(name)?.with(Trades::NUMBERS, numbers.as_path()).with(Total::COUNT, count))
}

fn write(team: &Team, numbers: &str) -> Result<()> {
    Ok(fs::write(team.folder.path().join("numbers"), numbers)?)
}

/// Pushes outputs whose tasks have read the prices of an earlier table.
fn push_standing(team: &Team, count: u64, remote: &dyn Remote) -> Result<()> {
    write(team, "1.5 1")?;
    let made = flow(team, "made", count)?;
    made.run::<Total>()?;
    write(team, "1.5 2")?;
    assert_eq!(ran(&made.run::<Total>()?), ["Trades"]);
    made.push::<Total>(remote)?;
    Ok(())
}

fn pull_standing(team: &Team, remote: &dyn Remote) -> Result<()> {
    push_standing(team, 4, remote)?;
    let mine = flow(team, "mine", 4)?;
    assert_eq!(mine.pull_dry_run::<Total>(remote)?.instances().len(), 6);
    let pulled = mine.pull::<Total>(remote)?;
    assert_eq!((pulled.instances().len(), pulled.skipped().len()), (6, 0), "{pulled}");
    assert!(mine.run::<Total>()?.ran().is_empty());
    assert!((*mine.load::<Total>()? - 1.5 * 45.0 * 6.0).abs() < 1e-9);
    assert!(mine.pull::<Total>(remote)?.instances().is_empty());
    Ok(())
}

#[test]
fn a_pull_finds_outputs_by_the_columns_that_were_read() -> Result<()> {
    let team = Team::new()?;
    pull_standing(&team, &team.remote())
}

#[test]
fn a_pull_from_a_folder_finds_outputs_by_the_columns_that_were_read() -> Result<()> {
    let team = Team::new()?;
    pull_standing(&team, &RemoteFolder::new(team.folder.path().join("shared")))
}

#[test]
fn an_output_of_other_columns_is_not_pulled() -> Result<()> {
    let team = Team::new()?;
    push_standing(&team, 4, &team.remote())?;
    write(&team, "2.5 2")?;
    let made = flow(&team, "made", 4)?;
    made.run::<Trades>()?;
    made.push::<Trades>(&team.remote())?;
    let mine = flow(&team, "mine", 4)?;
    assert_eq!(mine.pull::<Total>(&team.remote())?.instances().len(), 1);
    assert!(mine.is_complete::<Trades>()? && !mine.is_complete::<Total>()?);
    let shared = mine.reuse_from(team.remote());
    assert_eq!(ran(&shared.run::<Total>()?).len(), 5);
    assert!((*shared.load::<Total>()? - 2.5 * 45.0 * 6.0).abs() < 1e-9);
    Ok(())
}

#[test]
fn a_shared_remote_answers_by_the_columns_that_were_read() -> Result<()> {
    let team = Team::new()?;
    push_standing(&team, 4, &team.remote())?;
    let mine = flow(&team, "mine", 4)?.reuse_from(team.remote());
    assert!(mine.is_complete::<Total>()?);
    let summary = mine.run::<Total>()?;
    assert!(summary.ran().is_empty(), "{summary}");
    assert!((*mine.load::<Total>()? - 1.5 * 45.0 * 6.0).abs() < 1e-9);
    // The table is new, and its prices are as before.
    write(&team, "1.5 3")?;
    assert_eq!(ran(&mine.run::<Total>()?), ["Trades"]);
    Ok(())
}

/// Returns how many requests a plan sends that finds this many outputs by columns.
fn requests(count: u64) -> Result<u64> {
    let team = Team::new()?;
    push_standing(&team, count, &team.remote())?;
    let mine = flow(&team, "mine", count)?.reuse_from(team.remote());
    team.faults().reset();
    assert!(mine.is_complete::<Total>()?);
    Ok(team.faults().requests())
}

#[test]
fn a_plan_sends_no_request_for_each_instance() -> Result<()> {
    let (few, many) = (requests(4)?, requests(64)?);
    assert!(many < few + 10, "{few} requests for 4 instances, {many} for 64");
    Ok(())
}

#[test]
fn a_collection_keeps_what_a_pull_finds_by_columns() -> Result<()> {
    let team = Team::new()?;
    push_standing(&team, 4, &team.remote())?;
    // Here, the outputs were computed from the table as it is now. The remote does not have those.
    let mine = flow(&team, "mine", 4)?;
    mine.run::<Total>()?;
    let remote = team.remote();
    let gc = RemoteGc::new(&remote).keep::<Total>(&mine)?.older_than(Duration::ZERO);
    let garbage = gc.find()?;
    assert_eq!(garbage.outputs(), 0, "{garbage}");
    let there = flow(&team, "there", 4)?;
    assert_eq!(there.pull::<Total>(&remote)?.instances().len(), 6);
    Ok(())
}

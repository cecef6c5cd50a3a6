//! A process is killed at any point: the store is consistent, and the next run continues.
//!
//! The process is this test program, which the test starts again with an environment variable.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use flow::prelude::*;

use crate::random_graph::{Every, oracle};
use crate::support::assert_consistent;
use crate::wheat::{Bread, assert_bread, bread, mill, sow};

const FOLDER: &str = "FLOW_TEST_KILL";
const LEN: u64 = 30;

fn open(folder: &Path) -> Result<Flow> {
    Ok(mill(&Flow::open(folder.join("data"))?.quiet().workers(3), folder).with(Every::LEN, LEN))
}

/// Runs rounds of work until the process is killed.
#[test]
fn child() -> Result<()> {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return Ok(()) };
    let first: u64 = std::env::var("FLOW_TEST_FIRST")?.parse()?;
    for round in first.. {
        sow(&folder.join("new.txt"), &[round % 3, 5]);
        std::fs::rename(folder.join("new.txt"), folder.join("grains.txt"))?;
        open(&folder)?.run::<Bread>()?;
        open(&folder)?.with(Every::GRAPH, round).run::<Every>()?;
        // Garbage is collected, too, so that the process may be killed while it removes files.
        let gc = open(&folder)?
            .limits(flow::Limits::default().versions(1))
            .store()
            .gc()
            .older_than(Duration::ZERO);
        gc.keep::<Bread>(&open(&folder)?)?
            .keep::<Every>(&open(&folder)?.with(Every::GRAPH, round))?
            .find()?
            .remove()?;
        eprintln!("round {round}");
    }
    Ok(())
}

fn start(folder: &Path, first: u64) -> Result<Child> {
    Ok(Command::new(std::env::current_exe()?)
        .args(["kill::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env("FLOW_TEST_FIRST", first.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?)
}

#[test]
fn a_killed_process_leaves_a_consistent_store() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let mut next = 0;
    for kill in 0..8 {
        let mut child = start(folder, next)?;
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        // The child works from its first line on, and is killed in one of the next rounds.
        let first = lines.next().expect("a line")?;
        assert!(first.starts_with("round "), "{first}");
        std::thread::sleep(Duration::from_micros(2_500 + kill * 7_919));
        child.kill()?;
        child.wait()?;
        let last = lines.map_while(Result::ok).last().unwrap_or(first);
        let last: u64 = last.trim_start_matches("round ").parse()?;

        assert_consistent(&folder.join("data"));
        let flow = open(folder)?;
        // Outputs that count as complete are correct before anything runs.
        let words = std::fs::read_to_string(folder.join("grains.txt"))?;
        let grains: Vec<u64> = words.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        if flow.is_complete::<Bread>()? {
            assert_eq!(*flow.load::<Bread>()?, bread(&grains, 10));
        }
        for graph in [last, last + 1] {
            let flow = flow.with(Every::GRAPH, graph);
            if flow.is_complete::<Every>()? {
                assert_eq!(*flow.load::<Every>()?, oracle(graph, LEN));
            }
            let there =
                flow.preview::<Every>()?.instances().filter(|one| one.is_complete()).count();
            let summary = flow.run::<Every>()?;
            // Inputs of cut-off tasks may be missing, because the child was killed while it removed them.
            let (ran, unchanged) = (summary.ran().len(), summary.unchanged().len());
            assert_eq!(there + ran + unchanged, LEN as usize + 1, "{there} were there: {summary}");
            assert_eq!(*flow.load::<Every>()?, oracle(graph, LEN));
        }
        flow.run::<Bread>()?;
        assert_bread(&flow, &grains, 10);
        assert_consistent(&folder.join("data"));
        next = last + 2;
    }
    Ok(())
}

//! The process is killed while a task runs and waits for dynamic requirements: the next run
//! continues with the committed outputs.
//!
//! The process is this test program, started again with a variable in its environment.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use flow::prelude::*;

use crate::support::{assert_consistent, files_below};

const FOLDER: &str = "FLOW_TEST_REQUIRED_KILL";
const FIRST: &str = "FLOW_TEST_REQUIRED_FIRST";

/// The number of pieces. The pieces of the second half each require another one.
const PIECES: u64 = 12;

#[derive(Task)]
#[task(target = Json<u64>)]
struct Piece {
    round: u64,
    n: u64,
}

runs!(Piece: u64 = |self, cx| {
    // Pieces of the second half require one of the first half while they run.
    let before = match self.n {
        n if n * 2 > PIECES => *cx.with(Piece::N, n / 2).require::<Piece>()?.load()?,
        _ => 0,
    };
    Ok(self.round * 100 + self.n + before)
});

#[derive(Task)]
#[task(target = Json<u64>)]
struct Puzzle {
    round: u64,
}

runs!(Puzzle: u64 = |self, cx| {
    let mut sum = 0;
    // Requires the first pieces at once, and the last ones one after the other.
    for piece in cx.over(Piece::N, 1..PIECES - 3).require::<Piece>()? {
        sum += *piece.load()?;
    }
    for n in PIECES - 3..=PIECES {
        sum += *cx.with(Piece::N, n).require::<Piece>()?.load()?;
    }
    Ok(sum)
});

/// Computes the output of [`Puzzle`] without a flow.
fn oracle(round: u64) -> u64 {
    let before = |n: u64| if n * 2 > PIECES { round * 100 + n / 2 } else { 0 };
    (1..=PIECES).map(|n| round * 100 + n + before(n)).sum()
}

fn open(folder: &Path, round: u64) -> Result<Flow> {
    let workers = 1 + round as usize % 3;
    Ok(Flow::open(folder.join("data"))?.quiet().workers(workers).with(Puzzle::ROUND, round))
}

/// Runs one round after the other until it is killed.
#[test]
fn child() -> Result<()> {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return Ok(()) };
    let first: u64 = std::env::var(FIRST)?.parse()?;
    for round in first.. {
        open(&folder, round)?.run::<Puzzle>()?;
        eprintln!("round {round}");
    }
    Ok(())
}

/// Returns the number of outputs of that round that are committed.
fn committed(folder: &Path, round: u64) -> usize {
    let records = files_below(&folder.join("data")).into_iter();
    let of_round = records.filter(|path| path.ends_with("record.json")).filter(|path| {
        let record = std::fs::read(path).expect("a record");
        let record: serde_json::Value = serde_json::from_slice(&record).expect("a whole record");
        record["parameters"]["round"] == round
    });
    of_round.count()
}

#[test]
fn committed_outputs_survive_a_kill() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let (mut next, mut cut) = (0, 0);
    for kill in 0..8 {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["dynamic_kill::child", "--exact", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder)
            .env(FIRST, next.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let first = lines.next().expect("a line")?;
        assert!(first.starts_with("round "), "{first}");
        // Kills at a different fraction of a round each time, relative to the measured duration of
        // one round.
        let begun = Instant::now();
        let first = lines.next().expect("a line")?;
        std::thread::sleep(begun.elapsed() * (2 * kill + 1) / 16);
        child.kill()?;
        child.wait()?;
        let last = lines.map_while(Result::ok).last().unwrap_or(first);
        let last: u64 = last.trim_start_matches("round ").parse()?;

        assert_consistent(&folder.join("data"));
        for round in [last, last + 1] {
            let flow = open(folder, round)?;
            let there = committed(folder, round);
            cut += usize::from(there > 0 && there <= PIECES as usize);
            let was_complete = flow.is_complete::<Puzzle>()?;
            assert_eq!(was_complete, there > PIECES as usize);
            let summary = flow.run::<Puzzle>()?;
            assert_eq!(summary.ran().len() + there, PIECES as usize + 1, "{summary}");
            assert_eq!(*flow.load::<Puzzle>()?, oracle(round));
            assert!(flow.run::<Puzzle>()?.ran().is_empty());
        }
        assert_consistent(&folder.join("data"));
        next = last + 2;
    }
    assert!(cut > 0, "it was never killed in the middle");
    Ok(())
}

//! The process is killed at any point while a task runs and waits for what it requires: the next run goes
//! on, with what was committed.
//!
//! The process is this test program, started anew with a variable in its environment.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use flow::prelude::*;

use crate::support::{assert_consistent, files_below};

const FOLDER: &str = "FLOW_TEST_REQUIRED_KILL";
const FIRST: &str = "FLOW_TEST_REQUIRED_FIRST";

/// How many pieces there are, of which one is in the middle of a chain.
const PIECES: u64 = 12;

#[derive(Task)]
#[task(target = Json<u64>)]
struct Piece {
    round: u64,
    n: u64,
}

runs!(Piece: u64 = |self, cx| {
    // The last ones require one before them while they run.
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
    // Some at once, and then the others, one after the other.
    for piece in cx.over(Piece::N, 1..PIECES - 3).require::<Piece>()? {
        sum += *piece.load()?;
    }
    for n in PIECES - 3..=PIECES {
        sum += *cx.with(Piece::N, n).require::<Piece>()?.load()?;
    }
    Ok(sum)
});

/// What [`Puzzle`] is.
fn oracle(round: u64) -> u64 {
    let before = |n: u64| if n * 2 > PIECES { round * 100 + n / 2 } else { 0 };
    (1..=PIECES).map(|n| round * 100 + n + before(n)).sum()
}

fn open(folder: &Path, round: u64) -> Result<Flow> {
    let workers = 1 + round as usize % 3;
    Ok(Flow::open(folder.join("data"))?.quiet().workers(workers).with(Puzzle::ROUND, round))
}

/// Works until it is killed.
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

/// How many outputs of that round are committed.
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
fn what_was_committed_is_not_made_again() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let (mut next, mut cut) = (0, 0);
    for kill in 0..8 {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["required_kill::child", "--exact", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder)
            .env(FIRST, next.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let first = lines.next().expect("a line")?;
        assert!(first.starts_with("round "), "{first}");
        // Each kill is at another part of a round, however long one takes here.
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

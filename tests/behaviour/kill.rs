//! The process is killed at any moment: the store is consistent, nothing that was reported is lost, and the next run
//! continues.
//!
//! The process is this test program, which the test starts again with an environment variable. 100 processes are killed
//! in CI, and 2,000 with `FLOW_TEST_ALL`. `FLOW_TEST_SEED` chooses other moments.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use flow::prelude::*;

use crate::crash_points::pipeline::Given;
use crate::crash_points::world::World;
use crate::faulty::power_loss::Dice;
use crate::random_graph::{Every, oracle};
use crate::support::in_full;

const FOLDER: &str = "FLOW_TEST_KILL";
const FIRST: &str = "FLOW_TEST_FIRST";

/// The number of instances of [`Every`] besides those of the pipeline.
const LEN: u64 = 30;

/// The texts that the pipeline reads, one after the other.
const TEXTS: [&str; 3] = ["one two one", "three four five four", "six"];

/// Returns what the pipeline is given in a round.
fn given(round: u64) -> Given {
    let given = Given::new(TEXTS[(round % 3) as usize]);
    Given { upto: 1 + round % 2, n: 31 + round % 5, ..given }
}

/// Returns the flow of the graph of a round.
fn every(flow: &Flow, round: u64) -> Flow {
    flow.with(Every::GRAPH, round % 7).with(Every::LEN, LEN)
}

/// Opens the store on the disk of this machine, with syncs.
fn open(folder: &Path, round: u64) -> Result<Flow> {
    let flow = Flow::open(folder.join("data"))?.quiet().workers(1 + round as usize % 3);
    Ok(given(round).on(&flow, folder))
}

/// Writes a line at once, so that a process that is killed leaves no part of one.
fn say(what: &str, round: u64) -> Result<()> {
    Ok(std::io::stderr().write_all(format!("{what} {round}\n").as_bytes())?)
}

/// Runs rounds of work until the process is killed. A line says what was done.
#[test]
fn child() -> Result<()> {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return Ok(()) };
    let first: u64 = std::env::var(FIRST)?.parse()?;
    for round in first.. {
        say("begun", round)?;
        given(round).write(&folder)?;
        given(round).run(&open(&folder, round)?)?;
        let graph = every(&open(&folder, round)?, round);
        graph.run::<Every>()?;
        say("ran", round)?;
        // Garbage is collected, and outputs are reset, so that the process may be killed while it removes files.
        let few = open(&folder, round)?.limits(flow::Limits::default().versions(1));
        let gc = few.store().gc().older_than(Duration::ZERO);
        given(round).keep(gc, &few)?.keep::<Every>(&graph)?.find()?.remove()?;
        if round % 4 == 3 {
            say("removes", round)?;
            few.graph::<crate::crash_points::pipeline::Report>().reset_all()?;
        }
    }
    Ok(())
}

fn start(folder: &Path, first: u64) -> Result<Child> {
    Ok(Command::new(std::env::current_exe()?)
        .args(["kill::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(FIRST, first.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?)
}

/// Kills processes that work in one folder, one after the other.
struct Killer {
    folder: tempfile::TempDir,
    /// The round that the next process begins with.
    next: u64,
    /// How long the processes have worked on average.
    round: Duration,
    /// How often something was complete, and how often something was not.
    complete: (u64, u64),
}

impl Killer {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        Ok(Self { folder, next: 0, round: Duration::from_millis(50), complete: (0, 0) })
    }

    /// Starts a process, kills it, and checks what it leaves.
    fn kill(&mut self, dice: &mut Dice) -> Result<()> {
        let folder = self.folder.path().to_owned();
        let mut child = start(&folder, self.next)?;
        let begun = Instant::now();
        let mut lines = BufReader::new(child.stderr.take().context("a pipe")?).lines();
        let first = lines.next().context("a line")??;
        ensure!(first.starts_with("begun "), "{first}");
        let begin = begun.elapsed();
        // Up to three rounds: the process is killed in any step of one of them.
        let micros = self.round.as_micros() as usize * 3;
        std::thread::sleep(Duration::from_micros(dice.below(micros.max(1)) as u64));
        let worked = begun.elapsed() - begin;
        child.kill()?;
        child.wait()?;
        let last = lines.map_while(Result::ok).last().unwrap_or(first);
        let (what, round) = last.split_once(' ').context("two words")?;
        let round: u64 = round.parse()?;
        let rounds = round - self.next + 1;
        self.round = (self.round * 3 + worked / u32::try_from(rounds)?) / 4;
        self.next = round + 1;
        self.check(&folder, what, round).with_context(|| format!("killed after {last:?}"))
    }

    fn check(&mut self, folder: &Path, what: &str, round: u64) -> Result<()> {
        // The process may have been killed before it wrote the text of this round.
        let words = fs::read_to_string(folder.join("words.txt")).unwrap_or_default();
        let mut world = World::new(folder.to_owned(), Given { words, ..given(round) });
        if world.given.words.is_empty() {
            world.give(given(round))?;
        }
        world.give(world.given.clone())?;
        let complete = world.check()?;
        let graph = every(&world.flow()?, round);
        let before = graph.preview::<Every>()?;
        let there = before.instances().filter(|one| one.is_complete()).count();
        if graph.is_complete::<Every>()? {
            ensure!(
                *graph.load::<Every>()? == oracle(round % 7, LEN),
                "the graph has another value"
            );
        }
        let is_complete = world.given.is_complete(&world.flow()?)?;
        if what == "ran" {
            ensure!(is_complete && there == LEN as usize + 1, "what was reported as done is lost");
        }
        match is_complete {
            true => self.complete.0 += 1,
            false => self.complete.1 += 1,
        }
        let summary = graph.run::<Every>()?;
        let (ran, unchanged) = (summary.ran().len(), summary.unchanged().len());
        ensure!(there + ran + unchanged == LEN as usize + 1, "{there} were there: {summary}");
        ensure!(*graph.load::<Every>()? == oracle(round % 7, LEN), "the graph has another value");
        world.recover(&complete)
    }
}

#[test]
fn a_killed_process_leaves_a_whole_store() {
    let kills = if std::env::var_os("FLOW_TEST_ALL").is_some() { 2_000 } else { 100 };
    let seed =
        std::env::var("FLOW_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(14);
    let begun = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(4);
    let (failures, complete) = (Mutex::new(Vec::new()), Mutex::new((0, 0)));
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (failures, complete) = (&failures, &complete);
            scope.spawn(move || {
                let mut dice = Dice(seed + thread as u64);
                let mut killer = Killer::new().expect("a folder");
                for kill in (thread..kills).step_by(threads) {
                    if let Err(error) = killer.kill(&mut dice) {
                        let failure =
                            format!("kill {kill}, FLOW_TEST_SEED={seed}: {}", in_full(error));
                        failures.lock().expect("no panic").push(failure);
                        return;
                    }
                }
                let mut complete = complete.lock().expect("no panic");
                complete.0 += killer.complete.0;
                complete.1 += killer.complete.1;
            });
        }
    });
    let failures = failures.into_inner().expect("no panic");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let (complete, incomplete) = complete.into_inner().expect("no panic");
    eprintln!(
        "RESULT kills kills={kills} complete={complete} incomplete={incomplete} seed={seed} seconds={:.1}",
        begun.elapsed().as_secs_f64()
    );
    assert!(complete > 0 && incomplete > 0, "the moments are too much alike");
}

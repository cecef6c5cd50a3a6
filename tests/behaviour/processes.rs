//! Two to eight processes run one graph on one store, and some are killed: every output is right, and no instance is
//! computed by two of them at once.
//!
//! A process is this test program, started again with a variable in its environment. Each task notes in a file, the
//! journal, when it begins and when it ends.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use flow::prelude::*;

use crate::random_graph::scramble;
use crate::support::assert_consistent;

const FOLDER: &str = "FLOW_TEST_PROCESSES";
const SEED: &str = "FLOW_TEST_PROCESSES_SEED";

/// The number of instances of `Work`.
const LEN: u64 = 24;

/// The file to which each task of each process appends a line when it begins and when it ends.
struct Journal(PathBuf);

impl Journal {
    fn note(&self, what: &str, instance: &str) -> Result<()> {
        let line = format!("{what} {instance} {}\n", std::process::id());
        Ok(File::options().append(true).create(true).open(&self.0)?.write_all(line.as_bytes())?)
    }
}

/// Returns the smaller numbers whose `Work` is required.
fn before(seed: u64, n: u64) -> Vec<u64> {
    let random = scramble(seed * 1_000 + n);
    (0..n.min(random % 3)).map(|i| scramble(random.wrapping_add(i)) % n).collect()
}

/// Returns the number whose `Extra` is required while the task runs.
fn extra(n: u64) -> Option<u64> {
    (n % 4 == 3).then_some(n / 8)
}

#[derive(Task)]
#[task(uses(Journal), target = Json<u64>)]
struct Extra {
    seed: u64,
    n: u64,
}

runs!(Extra: u64 = |self, cx| {
    let journal = cx.provided::<Journal>();
    journal.note("begin", &format!("extra{}", self.n))?;
    std::thread::sleep(Duration::from_micros(scramble(self.n) % 3_000));
    journal.note("end", &format!("extra{}", self.n))?;
    Ok(self.seed + 100 * self.n)
});

#[derive(Task)]
#[task(
    requires = [Work { seed: self.seed, n } for n in before(self.seed, self.n)],
    uses(Journal),
    target = Json<u64>,
)]
struct Work {
    seed: u64,
    n: u64,
}

runs!(Work: u64 = |self, cx| {
    let journal = cx.provided::<Journal>();
    journal.note("begin", &self.n.to_string())?;
    let mut sum = self.n;
    for input in cx.input() {
        sum += *input.load()?;
    }
    std::thread::sleep(Duration::from_micros(scramble(self.n) % 3_000));
    if let Some(n) = extra(self.n) {
        sum += *cx.with(Extra::SEED, self.seed).with(Extra::N, n).require::<Extra>()?.load()?;
    }
    journal.note("end", &self.n.to_string())?;
    Ok(sum)
});

#[derive(Task)]
#[task(requires = [Work { seed: self.seed, n } for n in 0..LEN], target = Json<Vec<u64>>)]
struct AllWork {
    seed: u64,
}

runs!(AllWork: Vec<u64> = |self, cx| cx.input().iter().map(|one| Ok(*one.load()?)).collect());

/// Computes the output of [`AllWork`] without a flow.
fn oracle(seed: u64) -> Vec<u64> {
    let mut values: Vec<u64> = Vec::new();
    for n in 0..LEN {
        let inputs: u64 = before(seed, n).iter().map(|&n| values[n as usize]).sum();
        values.push(n + inputs + extra(n).map_or(0, |n| seed + 100 * n));
    }
    values
}

fn open(folder: &Path, seed: u64) -> Result<Flow> {
    let flow = Flow::open(folder.join("data"))?.quiet().workers(1 + seed as usize % 3);
    Ok(flow.with(AllWork::SEED, seed).provide(Journal(folder.join("journal"))))
}

#[test]
fn child() -> Result<()> {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return Ok(()) };
    let seed = std::env::var(SEED)?.parse()?;
    let flow = open(&folder, seed)?;
    flow.run::<AllWork>()?;
    ensure!(*flow.load::<AllWork>()? == oracle(seed), "a wrong output");
    Ok(())
}

fn start(folder: &Path, seed: u64) -> Result<Child> {
    Ok(Command::new(std::env::current_exe()?)
        .args(["processes::child", "--exact", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?)
}

/// Asserts that no instance was computed by two processes at once. Returns the processes that began each.
fn check_journal(journal: &str, killed: &HashSet<u32>) -> Result<HashMap<String, Vec<u32>>> {
    let (mut running, mut begun) = (HashMap::new(), HashMap::<_, Vec<u32>>::new());
    for line in journal.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [what, instance, pid] = words[..] else { bail!("a line of three words: {line}") };
        let pid: u32 = pid.parse()?;
        match what {
            "begin" => {
                // The claim of a killed process passes on.
                let other = running.insert(instance.to_owned(), pid);
                let is_dead = other.is_none_or(|other| killed.contains(&other));
                ensure!(is_dead, "{pid} and {other:?} computed {instance} at once:\n{journal}");
                begun.entry(instance.to_owned()).or_default().push(pid);
            }
            _ => ensure!(running.remove(instance) == Some(pid), "{line}, by another process"),
        }
    }
    Ok(begun)
}

/// Runs the graph in several processes, kills some of them, and checks every output.
fn run_together(seed: u64, processes: usize, kills: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let read = || std::fs::read_to_string(folder.join("journal")).unwrap_or_default();
    let children = (0..processes).map(|_| start(folder, seed));
    let mut children: Vec<Child> = children.collect::<Result<_>>()?;
    let mut killed = HashSet::new();
    for mut child in children.drain(..kills) {
        // At another place of the run each time, while tasks run or outputs are committed.
        let place = scramble(seed + killed.len() as u64);
        let lines = 1 + place as usize % (2 * LEN as usize);
        while read().lines().count() < lines && child.try_wait()?.is_none() {
            std::thread::sleep(Duration::from_micros(300));
        }
        std::thread::sleep(Duration::from_micros(place % 1_500));
        killed.insert(child.id());
        child.kill()?;
        child.wait()?;
    }
    for child in children {
        let output = child.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "seed {seed}: {text}");
    }
    let begun = check_journal(&read(), &killed)?;
    let extras: HashSet<u64> = (0..LEN).filter_map(extra).collect();
    assert_eq!(begun.len(), LEN as usize + extras.len(), "seed {seed}");
    // Only what a killed process had not committed is computed again.
    for (instance, processes) in &begun {
        let before = &processes[..processes.len() - 1];
        assert!(
            before.iter().all(|one| killed.contains(one)),
            "seed {seed}: {instance} {processes:?}"
        );
    }
    let flow = open(folder, seed)?;
    assert!(flow.run::<AllWork>()?.ran().is_empty(), "seed {seed}");
    assert_eq!(*flow.load::<AllWork>()?, oracle(seed));
    assert_consistent(&folder.join("data"));
    Ok(())
}

#[test]
fn each_instance_is_computed_by_one_process() -> Result<()> {
    for (seed, processes) in [(1, 2), (2, 8), (3, 4)] {
        run_together(seed, processes, 0)?;
    }
    Ok(())
}

#[test]
fn claims_of_killed_processes_pass_on() -> Result<()> {
    for (seed, processes, kills) in [(11, 2, 1), (12, 4, 2), (13, 8, 5)] {
        run_together(seed, processes, kills)?;
    }
    if std::env::var_os("FLOW_TEST_ALL").is_some() {
        for seed in 100..200 {
            let processes = 2 + scramble(seed) as usize % 7;
            run_together(seed, processes, scramble(seed + 1) as usize % processes)?;
        }
    }
    Ok(())
}

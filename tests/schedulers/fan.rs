//! A fan of tasks that wait for files and take memory: `slurm.py` runs it with a real Slurm, and `hyperqueue.py` with a real HyperQueue.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use flow::prelude::*;

/// How long a task waits for its file.
const PATIENCE: Duration = Duration::from_secs(600);

/// Returns its number, and takes no time.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Quick {
    n: u64,
}

#[tracked]
impl Run for Quick {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.n)
    }
}

/// Many of them.
#[derive(Task)]
#[task(requires = [Quick { n } for n in 0..self.count], target = Json<u64>)]
struct Quicks {
    #[param(default = 2000)]
    count: u64,
}

#[tracked]
impl Run for Quicks {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let mut sum = 0;
        for quick in cx.input().iter() {
            sum += *quick.load()?;
        }
        Ok(sum)
    }
}

/// Writes that it begins, takes memory, and waits until a file with its number is there.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Gated {
    n: u64,
    folder: PathBuf,
    /// The megabytes that the instance with the number 0 takes.
    #[param(default = 0)]
    megabytes: usize,
}

#[tracked]
impl Run for Gated {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let begun = self.folder.join(format!("begun-{}", self.n));
        let mut file = OpenOptions::new().append(true).create(true).open(begun)?;
        writeln!(file, "{}", std::process::id())?;
        cx.log(format_args!("instance {} begins", self.n));
        let megabytes = if self.n == 0 { self.megabytes } else { 0 };
        // Memory that is not written is not taken.
        let taken: Vec<_> = (0..megabytes).map(|_| vec![1_u8; 1 << 20]).collect();
        let begun = Instant::now();
        while !fs::exists(self.folder.join(format!("open-{}", self.n)))? {
            cx.checkpoint()?;
            ensure!(begun.elapsed() < PATIENCE, "the file does not come");
            thread::sleep(Duration::from_millis(50));
        }
        Ok(taken.iter().map(|megabyte| megabyte.len() as u64).sum())
    }
}

/// Several of them.
#[derive(Task)]
#[task(requires = [Gated { n } for n in 0..self.count], target = Json<u64>)]
struct All {
    #[param(default = 3)]
    count: u64,
}

#[tracked]
impl Run for All {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let mut sum = 0;
        for gated in cx.input().iter() {
            sum += *gated.load()?;
        }
        Ok(sum)
    }
}

fn main() -> ExitCode {
    flow::main!()
}

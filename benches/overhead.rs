//! Measures the overhead of the library per task.
//!
//! It runs tasks that store a small number as JSON each, in a new store, as three graphs:
//!
//! - `fan`: tasks without inputs, and one that adds them up;
//! - `chain`: each task requires the one before;
//! - `layers`: 100 layers, where each task requires two of the layer below.
//!
//! The floor is a plain loop that writes the files of the same run: the same folders, names and number of bytes, each
//! record renamed into place, and one sync for each group of 512 outputs. The loop of a fan also reads each output
//! once, as the task that adds them up does. The other two loops have the inputs in memory.
//!
//! `RESULT overhead fan_10000_2w ratio=... us_per_task=... floor_us_per_task=... peak_rss_mb=...`: 10,000 tasks and
//! two workers. The ratio is that of the median times. The last figure is the median of the peak memory of the process.
//! The cases whose names end in `_nosync` leave out the syncs, in the library and in the floor.
//!
//! `-- --large` adds the cases of 100,000 tasks, and `-- fan_1000` measures the cases whose names contain that. All
//! folders stay until the end, because deletions slow down a disk for minutes: the cases of 100,000 tasks of all shapes
//! need 20 million files and folders.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use flow::prelude::*;
use kit::args::Args;
use kit::disk::{BenchDisk, settle};
use kit::files::StoredFiles;
use kit::{child, median, memory};
use tempfile::TempDir;

/// The number of layers of the graph `layers`.
const LAYERS: u64 = 100;

/// The numbers of workers, which take turns.
const WORKERS: [u64; 2] = [1, 2];

#[derive(Task)]
#[task(target = Json<u64>)]
struct Leaf {
    n: u64,
}

#[tracked]
impl Run for Leaf {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.n)
    }
}

#[derive(Task)]
#[task(requires = [Leaf { n } for n in 0..self.n], target = Json<u64>)]
struct Fan {
    #[param(local)]
    n: u64,
}

#[tracked]
impl Run for Fan {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let mut sum = 0;
        for leaf in cx.input() {
            sum += *leaf.load()?;
        }
        Ok(sum)
    }
}

#[derive(Task)]
#[task(requires = Link { n: self.n - 1 } if self.n > 0, target = Json<u64>)]
struct Link {
    n: u64,
}

#[tracked]
impl Run for Link {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(match cx.input() {
            Some(before) => *before.load()? + self.n,
            None => 0,
        })
    }
}

#[derive(Task)]
#[task(
    requires = [Cell { layer: self.layer - 1, n, width: self.width } for n in self.below()],
    target = Json<u64>,
)]
struct Cell {
    layer: u64,
    n: u64,
    width: u64,
}

impl Cell {
    /// The numbers of the two cells below.
    fn below(&self) -> Vec<u64> {
        if self.layer == 0 { Vec::new() } else { vec![self.n, (self.n + 1) % self.width] }
    }
}

#[tracked]
impl Run for Cell {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let mut sum = 0;
        for cell in cx.input() {
            sum += *cell.load()?;
        }
        Ok(if self.layer == 0 { self.n } else { sum / 2 })
    }
}

#[derive(Task)]
#[task(
    requires = [Cell { layer: LAYERS - 1, n, width: self.width } for n in 0..self.width],
    target = Json<u64>,
)]
struct Grid {
    #[param(local)]
    width: u64,
}

#[tracked]
impl Run for Grid {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let mut sum = 0;
        for cell in cx.input() {
            sum += *cell.load()?;
        }
        Ok(sum)
    }
}

/// A graph of tasks.
#[derive(Clone, Copy)]
enum Shape {
    Fan,
    Chain,
    Layers,
}

impl Shape {
    const ALL: [Self; 3] = [Self::Fan, Self::Chain, Self::Layers];

    fn name(self) -> &'static str {
        match self {
            Self::Fan => "fan",
            Self::Chain => "chain",
            Self::Layers => "layers",
        }
    }

    /// Returns the value of the root.
    fn expected(self, tasks: u64) -> u64 {
        match self {
            Self::Fan | Self::Chain => tasks * (tasks - 1) / 2,
            Self::Layers => {
                let mut layer: Vec<u64> = (0..tasks / LAYERS).collect();
                for _ in 1..LAYERS {
                    let next = layer.iter().cycle().skip(1);
                    layer = layer.iter().zip(next).map(|(one, next)| (one + next) / 2).collect();
                }
                layer.iter().sum()
            }
        }
    }
}

/// A graph of some size, on a disk with or without syncs.
struct Case {
    shape: Shape,
    tasks: u64,
    is_synced: bool,
}

impl Case {
    fn name(&self, workers: u64) -> String {
        let end = if self.is_synced { "" } else { "_nosync" };
        format!("{}_{}_{workers}w{end}", self.shape.name(), self.tasks)
    }

    /// Returns how often everything is measured.
    fn rounds(&self) -> usize {
        match self.tasks {
            0..10_000 => 9,
            10_000..100_000 => 5,
            _ => 3,
        }
    }

    /// Runs everything in a process of its own, and returns the time in seconds and the peak memory in bytes.
    fn run(&self, workers: u64, folder: &Path) -> Result<[f64; 2]> {
        let (tasks, workers) = (self.tasks.to_string(), workers.to_string());
        let sync = if self.is_synced { "sync" } else { "nosync" };
        settle();
        let figures = child::measure(&[self.shape.name(), &tasks, &workers, sync], folder)?;
        <[f64; 2]>::try_from(figures).map_err(|figures| anyhow!("not two figures: {figures:?}"))
    }
}

fn main() -> Result<()> {
    if let Some(words) = child::words() {
        return measured(&words);
    }
    let args = Args::read();
    // Deletions slow down the disk for minutes, so all folders are deleted at the end.
    let root = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    for tasks in args.sizes(&[1_000, 10_000], &[100_000]) {
        for shape in Shape::ALL {
            for is_synced in [true, false] {
                let case = Case { shape, tasks, is_synced };
                let workers = WORKERS.into_iter().filter(|&n| args.selects(&case.name(n)));
                compare(&case, &workers.collect::<Vec<_>>(), root.path())?;
            }
        }
    }
    Ok(())
}

/// Measures a case with each of these numbers of workers, and its floor, in turns.
fn compare(case: &Case, workers: &[u64], root: &Path) -> Result<()> {
    let Some(&first) = workers.first() else { return Ok(()) };
    let mut folders = 0;
    let mut fresh = || -> Result<PathBuf> {
        folders += 1;
        let folder = root.join(format!("{}_{folders}", case.name(first)));
        std::fs::create_dir(&folder)?;
        Ok(folder)
    };
    let written = fresh()?;
    Case { is_synced: false, ..*case }.run(first, &written)?;
    let files = StoredFiles::of(&written)?;

    let mut floors = Vec::new();
    let mut runs = vec![(Vec::new(), Vec::new()); workers.len()];
    for _ in 0..case.rounds() {
        let folder = fresh()?;
        settle();
        floors.push(files.write_again(
            &folder,
            case.is_synced,
            matches!(case.shape, Shape::Fan),
        )?);
        for ((times, peaks), &workers) in runs.iter_mut().zip(workers) {
            let [time, peak] = case.run(workers, &fresh()?)?;
            times.push(time);
            peaks.push(peak);
        }
    }
    let floor = median(&floors);
    for ((times, peaks), &workers) in runs.iter().zip(workers) {
        let time = median(times);
        println!(
            "RESULT overhead {} ratio={:.2} us_per_task={:.1} floor_us_per_task={:.1} peak_rss_mb={:.1}",
            case.name(workers),
            time / floor,
            time / case.tasks as f64 * 1e6,
            floor / case.tasks as f64 * 1e6,
            median(peaks) / 1e6
        );
    }
    Ok(())
}

/// Runs everything in a new store, and prints the time and the peak memory.
fn measured(words: &[String]) -> Result<()> {
    let [shape, tasks, workers, sync, folder] = words else { bail!("unexpected: {words:?}") };
    let flow = match sync.as_str() {
        "sync" => Flow::open(folder)?,
        _ => Flow::open_on(folder, Arc::new(BenchDisk::unsynced()))?,
    };
    let (flow, tasks) = (flow.quiet().workers(workers.parse()?), tasks.parse::<u64>()?);
    let shape = Shape::ALL.into_iter().find(|known| known.name() == shape).context("a shape")?;
    let value = match shape {
        Shape::Fan => run::<Fan>(&flow.with(Fan::N, tasks))?,
        Shape::Chain => run::<Link>(&flow.with(Link::N, tasks - 1))?,
        Shape::Layers => run::<Grid>(&flow.with(Grid::WIDTH, tasks / LAYERS))?,
    };
    ensure!(value == shape.expected(tasks), "{value} is another result");
    Ok(())
}

/// Runs a task and what it requires, prints the time and the peak memory, and returns the output.
fn run<R: Task<Target = Json<u64>>>(flow: &Flow) -> Result<u64> {
    let begun = Instant::now();
    flow.run::<R>()?;
    println!("{} {}", begun.elapsed().as_secs_f64(), memory::peak());
    Ok(flow.load::<R>()?.into_owned())
}

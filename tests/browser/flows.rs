//! The flows with which the page is tested in a browser: a large graph, a flow that fails, runs to watch, texts that would run as
//! scripts if the page did not escape them, and a task to sweep.
//!
//! It is a command line like that of any other program; `run.py` starts its verbs. Sizes and delays are parameters.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use flow::File;
use flow::prelude::*;

fn main() -> ExitCode {
    flow::main!()
}

/// The number of cells of a block.
const BLOCK: u64 = 1_000;

/// One of many.
#[derive(Task)]
#[task(target = Json<u64>, group = "cells")]
struct Cell {
    n: u64,
}

#[tracked]
impl Run for Cell {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.n)
    }
}

/// The sum of a thousand cells.
#[derive(Task)]
#[task(
    requires = [Cell { n } for n in self.k * BLOCK..(self.k + 1) * BLOCK],
    target = Json<u64>,
    group = "blocks",
)]
struct Block {
    k: u64,
}

#[tracked]
impl Run for Block {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.input().iter().map(|cell| Ok(*cell.load()?)).sum()
    }
}

/// A large graph: the sum of all blocks.
#[derive(Task)]
#[task(requires = [Block { k } for k in 0..self.cells / BLOCK], target = Json<u64>)]
struct Large {
    /// The number of cells.
    #[param(local, default = 100_000)]
    cells: u64,
}

#[tracked]
impl Run for Large {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.input().iter().map(|block| Ok(*block.load()?)).sum()
    }
}

/// Works.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Sound;

#[tracked]
impl Run for Sound {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(1)
    }
}

/// Fails with an error that has a cause.
#[derive(Task)]
#[task(requires = Sound, target = Json<u64>)]
struct Broken;

#[tracked]
impl Run for Broken {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.log("reading the prices of Monday");
        Err(anyhow!("the file ends in line 7")).context("cannot read the prices")
    }
}

/// Panics.
#[derive(Task)]
#[task(requires = Sound, target = Json<u64>)]
struct Panicking;

#[tracked]
impl Run for Panicking {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let count = *cx.input().load()?;
        Ok(count.checked_sub(2).expect("a count of two or more"))
    }
}

/// Never runs, because what it requires fails.
#[derive(Task)]
#[task(requires(Broken, Panicking), target = Json<u64>)]
struct Failing;

#[tracked]
impl Run for Failing {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().0.load()? + *cx.input().1.load()?)
    }
}

/// Reports its progress, its status and a line of its log at each tick.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Ticking {
    id: u64,
    /// The number of ticks.
    #[param(default = 20)]
    ticks: u64,
    /// The time from one tick to the next.
    #[param(default = 50)]
    milliseconds: u64,
}

#[tracked]
impl Run for Ticking {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        for tick in 1..=self.ticks {
            cx.checkpoint()?;
            std::thread::sleep(Duration::from_millis(self.milliseconds));
            cx.progress(tick, self.ticks);
            cx.status(format!("at tick {tick}"));
            cx.log(format!("clock {} says tick {tick}", self.id));
        }
        Ok(self.ticks)
    }
}

/// A run to watch: the ticks of some clocks.
#[derive(Task)]
#[task(requires = [Ticking { id } for id in 0..self.clocks], target = Json<u64>)]
struct Watched {
    /// The number of clocks.
    #[param(default = 6)]
    clocks: u64,
}

#[tracked]
impl Run for Watched {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.input().iter().map(|clock| Ok(*clock.load()?)).sum()
    }
}

/// Ends elements and an attribute, and then has what would run. `run.py` searches for the word `alert`.
const SCRIPT: &str = "\"'></pre></td></title><script>alert(1)</script><img src=x onerror=alert(2)>";

/// A row with a hostile name of a column.
#[derive(Serialize, Deserialize)]
struct HostileRow {
    x: f64,
    #[serde(rename = "<img src=x onerror=alert(3)>")]
    label: String,
}

/// A table with hostile names and cells, hostile metadata, lines of the log, notes and figures.
#[derive(Task)]
#[task(target = Csv<Vec<HostileRow>>)]
struct HostileTable {
    /// A hostile parameter: <script>alert(4)</script>
    #[param(default = SCRIPT)]
    label: String,
}

#[tracked]
impl Run for HostileTable {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<HostileRow>> {
        cx.log(SCRIPT);
        cx.status(SCRIPT);
        cx.meta("<img src=x onerror=alert(5)>", SCRIPT)?;
        cx.note(format!("[a link](javascript:alert(6)) {SCRIPT}"))?;
        let svg = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9' onload='alert(7)'>\
                   <script>alert(8)</script><rect width='9' height='9'/></svg>";
        cx.figure("drawing", svg)?;
        Ok((0..3).map(|n| HostileRow { x: f64::from(n), label: self.label.clone() }).collect())
    }
}

/// HTML of a task, which is shown in a frame in which nothing runs.
#[derive(Task)]
#[task(target = File(extension = "html"))]
struct HostileHtml;

#[tracked]
impl Run for HostileHtml {
    fn run(&self, cx: &Cx<Self>) -> Result<PathBuf> {
        let path = cx.out_path()?;
        let html = "<!doctype html><title>t</title><p>The text of the frame</p>\
                    <script>alert(9); top.location = 'about:blank'</script><img src=x onerror=alert(10)>";
        fs::write(&path, html)?;
        Ok(path)
    }
}

/// A folder whose files have hostile names.
#[derive(Task)]
#[task(target = File)]
struct HostileFolder;

#[tracked]
impl Run for HostileFolder {
    fn run(&self, cx: &Cx<Self>) -> Result<PathBuf> {
        let path = cx.out_path()?;
        fs::create_dir(&path)?;
        for name in ["plain.txt", "<img src=x onerror=alert(11)>.txt", "\" onclick=\"alert(12)"] {
            fs::write(path.join(name), SCRIPT)?;
        }
        Ok(path)
    }
}

/// Fails with a hostile message.
#[derive(Task)]
#[task(requires(HostileTable, HostileHtml, HostileFolder), target = Json<u64>)]
struct Hostile;

#[tracked]
impl Run for Hostile {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        bail!("cannot go on: {SCRIPT}")
    }
}

/// A task to sweep, whose metric is best for a degree of 3 and an alpha of 1.
#[derive(Task)]
#[task(target = Json<f64>)]
struct Fit {
    /// The degree of the polynomial.
    #[param(default = 3, range = 1..=10)]
    degree: u32,
    /// The penalty.
    #[param(default = 1.0)]
    alpha: f64,
}

#[tracked]
impl Run for Fit {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        let distance = f64::from(self.degree) - 3.0;
        let r2 = 1.0 / (1.0 + 0.1 * distance * distance + 0.1 * self.alpha.ln().abs());
        cx.meta("r2", r2)?;
        Ok(r2)
    }
}

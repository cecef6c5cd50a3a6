//! The program that the tests run in a terminal: `shown <folder> <mode>`.
//!
//! The task `Train` waits until the file `go` exists in the folder, so that a test sees the screen while it runs.
//! At the end the program prints `END` to the standard output.

use std::path::{Path, PathBuf};
use std::time::Duration;

use flow::prelude::*;

/// The name of a model with characters that take two columns each, and one that would color the terminal.
const MODEL: &str =
    "数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据数据\u{1b}[31m";

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

/// The folder of the file `go`.
struct Folder(PathBuf);

#[derive(Task)]
#[task(target = Json<u64>, uses(Folder))]
struct Train {
    model: String,
}

#[tracked]
impl Run for Train {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.progress(40, 200);
        cx.status("epoch 3\r\u{1b}[2J");
        while !cx.provided::<Folder>().0.join("go").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(1)
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Broken;

#[tracked]
impl Run for Broken {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        bail!("there are no prices\nfor \u{1b}[31mMonday")
    }
}

/// What works.
#[derive(Task)]
#[task(
    requires(quick = [Quick { n } for n in 0..3u64], train = Train { model: MODEL }),
    target = Json<u64>
)]
struct Good;

#[tracked]
impl Run for Good {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().train.load()?)
    }
}

/// What works, and what fails.
#[derive(Task)]
#[task(requires(broken = Broken, good = Good), target = Json<u64>)]
struct All;

#[tracked]
impl Run for All {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().good.load()?)
    }
}

fn run(folder: &Path, mode: &str) -> Result<()> {
    let flow = Flow::open(folder.join("data"))?.provide(Folder(folder.to_owned())).allow_failures();
    match mode {
        "all" => drop(flow.workers(2).run::<All>()?),
        "good" => drop(flow.workers(1).run::<Good>()?),
        "again" => drop(flow.workers(1).force_all().run::<Good>()?),
        "quiet" => drop(flow.quiet().run::<All>()?),
        "two" => {
            let train = |name: &str| {
                let flow = flow.namespace(name).with(Train::MODEL, name);
                std::thread::spawn(move || flow.run::<Train>().map(drop))
            };
            for run in [train("first"), train("second")] {
                run.join().expect("no panic")?;
            }
        }
        mode => bail!("there is no mode {mode}"),
    }
    Ok(())
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().context("a folder")?);
    run(&folder, &arguments.next().context("a mode")?)?;
    println!("END");
    Ok(())
}

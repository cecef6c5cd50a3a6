//! The program that the tests run in a terminal: `shown <folder> <mode>`.
//!
//! The task `Train` waits until the file `go` exists in the folder, so that a test sees the screen while it runs.
//! At the end the program prints `END` to the standard output.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flow::Event;
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
        std::fs::write(cx.provided::<Folder>().0.join("begun"), "")?;
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

/// Names with characters that break lines, control the terminal, reverse text, are wide, or join.
const HOSTILE: [&str; 4] = [
    "a\nb\r\u{1b}[2J\u{1b}]0;title\u{7}\tc",
    "\u{9b}31m\u{202e}reversed\u{2028}d\u{0}e\u{7f}",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{1f44b}\u{1f3fd}\u{2764}\u{fe0f} e\u{301} 数据",
    "\u{1b}[1;1H\u{1b}[?25l\u{1b}[?1049h",
];

/// Tasks with hostile names.
#[derive(Task)]
#[task(requires = [Train { model } for model in HOSTILE], target = Json<u64>)]
struct Hostile;

#[tracked]
impl Run for Hostile {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.input().iter().map(|train| Ok(*train.load()?)).sum()
    }
}

/// The number of instances of [`Short`].
const MANY: u64 = 10_000;

/// One in twenty fails.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Short {
    n: u64,
}

#[tracked]
impl Run for Short {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.progress(1, 2);
        ensure!(!self.n.is_multiple_of(20), "{} is a multiple of 20", self.n);
        Ok(self.n)
    }
}

#[derive(Task)]
#[task(requires = [Short { n } for n in 1..MANY], target = Json<u64>)]
struct AllShort;

#[tracked]
impl Run for AllShort {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(0)
    }
}

/// Returns the seconds of CPU time that the thread of the display has used; `None` if there is no such thread.
fn display_seconds() -> Option<f64> {
    for entry in std::fs::read_dir("/proc/self/task").ok()? {
        let thread = entry.ok()?.path();
        let name = std::fs::read_to_string(thread.join("comm")).unwrap_or_default();
        if name.trim_end() == "flow-display" {
            let times = std::fs::read_to_string(thread.join("schedstat")).ok()?;
            return Some(times.split_whitespace().next()?.parse::<f64>().ok()? / 1e9);
        }
    }
    None
}

/// Runs many instances, and prints the seconds of the run and those of CPU time of its display.
fn run_many(flow: &Flow) -> Result<()> {
    let used = Arc::new(Mutex::new(0.0_f64));
    let seen = Arc::clone(&used);
    // The thread ends with the run, so that its time is read while it runs.
    let flow = flow.observe(move |event| {
        if let Event::Finished { settled, .. } = event
            && settled.is_multiple_of(100)
            && let Some(seconds) = display_seconds()
        {
            *seen.lock().expect("no panic") = seconds;
        }
    });
    let summary = flow.workers(2).run::<AllShort>()?;
    println!("MANY {} {}", summary.seconds(), used.lock().expect("no panic"));
    Ok(())
}

fn run(folder: &Path, mode: &str) -> Result<()> {
    let flow = Flow::open(folder.join("data"))?.provide(Folder(folder.to_owned())).allow_failures();
    match mode {
        "all" => drop(flow.workers(2).run::<All>()?),
        "good" => drop(flow.workers(1).run::<Good>()?),
        "again" => drop(flow.workers(1).force_all().run::<Good>()?),
        "interrupts" | "quiet interrupts" => {
            let _interrupts = flow::interrupts::install()?;
            let flow = if mode == "interrupts" { flow } else { flow.quiet() };
            drop(flow.with(Train::MODEL, "one").workers(2).run::<Train>()?);
        }
        "hostile" => drop(flow.workers(4).run::<Hostile>()?),
        "many" => run_many(&flow)?,
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

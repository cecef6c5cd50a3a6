//! The tasks that the tests interrupt.
//!
//! A task with a parameter `folder` creates a file of its name there when it begins, and ends when a file `release`
//! exists.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use flow::prelude::*;
use flow_core::process::running_time;

/// Opens the flow of a test, whose store is in a folder `data`.
pub fn open(folder: &Path) -> Result<Flow> {
    let flow = Flow::open(folder.join("data"))?.workers(2);
    let flow = flow.with(Patient::FOLDER, folder).with(Busy::FOLDER, folder);
    Ok(flow.with(Stubborn::FOLDER, folder).with(Timed::FOLDER, folder))
}

/// Creates a file that tells the test what has begun.
pub fn note(folder: &Path, name: &str, text: &str) -> Result<()> {
    // A reader sees all of the text or no file.
    std::fs::write(folder.join(format!("{name}.part")), text)?;
    Ok(std::fs::rename(folder.join(format!("{name}.part")), folder.join(name))?)
}

/// Waits until the file `release` exists, and calls `each` in between.
fn wait(folder: &Path, each: impl Fn() -> Result<()>) -> Result<()> {
    while !folder.join("release").exists() {
        each()?;
        sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// Ends at once.
#[derive(Task)]
#[task(target = Json<u64>)]
pub struct First;

#[tracked]
impl Run for First {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(1)
    }
}

/// Ends at a checkpoint when the run is stopped.
#[derive(Task)]
#[task(requires = First, target = Json<u64>)]
pub struct Patient {
    /// The folder of the test.
    pub folder: PathBuf,
}

#[tracked]
impl Run for Patient {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        note(&self.folder, "patient", "")?;
        wait(&self.folder, || cx.checkpoint())?;
        Ok(*cx.input().load()? + 1)
    }
}

/// Requires [`Patient`].
#[derive(Task)]
#[task(requires = Patient, target = Json<u64>)]
pub struct AfterPatient;

#[tracked]
impl Run for AfterPatient {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()? + 1)
    }
}

/// Has no checkpoint.
#[derive(Task)]
#[task(requires = First, target = Json<u64>)]
pub struct Busy {
    /// The folder of the test.
    pub folder: PathBuf,
}

#[tracked]
impl Run for Busy {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        note(&self.folder, "busy", "")?;
        wait(&self.folder, || Ok(()))?;
        Ok(*cx.input().load()? + 1)
    }
}

/// Requires [`Busy`].
#[derive(Task)]
#[task(requires = Busy, target = Json<u64>)]
pub struct AfterBusy;

#[tracked]
impl Run for AfterBusy {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()? + 1)
    }
}

/// Runs a program that ignores `SIGTERM`, as does the process that it starts.
#[derive(Task)]
#[task(requires = First, target = Json<u64>)]
pub struct Stubborn {
    /// The folder of the test.
    pub folder: PathBuf,
}

#[tracked]
impl Run for Stubborn {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        // Ten hours, unless it is killed.
        let script = "trap '' TERM; sleep 36101 & echo $$ $! > part; mv part programs; wait";
        cx.command("sh").args(["-c", script]).current_dir(&self.folder).run()?;
        Ok(1)
    }
}

/// Requires [`Busy`] and [`Stubborn`].
#[derive(Task)]
#[task(requires(Busy, Stubborn), target = Json<u64>)]
pub struct AfterBoth;

#[tracked]
impl Run for AfterBoth {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().0.load()? + *cx.input().1.load()?)
    }
}

/// Runs a program and measures how long that takes: by the system's clock, and without suspensions.
#[derive(Task)]
#[task(target = Json<(f64, f64)>)]
pub struct Timed {
    /// The folder of the test.
    pub folder: PathBuf,
}

#[tracked]
impl Run for Timed {
    fn run(&self, cx: &Cx<Self>) -> Result<(f64, f64)> {
        let (begun, running) = (Instant::now(), running_time());
        // A shell that waits for the start of a program cannot be suspended, so the loop starts none.
        let script = "echo $$ > part; mv part programs; until test -e release; do :; done";
        cx.command("sh").args(["-c", script]).current_dir(&self.folder).run()?;
        Ok((begun.elapsed().as_secs_f64(), (running_time() - running).as_secs_f64()))
    }
}

/// Fails.
#[derive(Task)]
#[task(target = Json<u64>)]
pub struct Wrong;

#[tracked]
impl Run for Wrong {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        bail!("it is wrong")
    }
}

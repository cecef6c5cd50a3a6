//! A program with `flow::main!`. Its arguments are a folder, and what it does.

use std::path::PathBuf;
use std::time::Duration;

use flow::prelude::*;
use tasks::{AfterBoth, AfterBusy, AfterPatient, Timed, Wrong, note, open};

fn run() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().context("a folder")?);
    let flow = open(&folder)?;
    match args.next().as_deref() {
        Some("patient") => drop(flow.run::<AfterPatient>()?),
        Some("busy") => drop(flow.run::<AfterBusy>()?),
        Some("both") => drop(flow.run::<AfterBoth>()?),
        Some("timed") => drop(flow.run::<Timed>()?),
        Some("wrong") => drop(flow.run::<Wrong>()?),
        Some("wrong with context") => drop(flow.run::<Wrong>().context("no report")?),
        Some("quiet wrong") => drop(flow.quiet().run::<Wrong>()?),
        // No run is in progress.
        Some("idle") => {
            note(&folder, "idle", "")?;
            std::thread::sleep(Duration::from_secs(60));
        }
        _ => bail!("the arguments are a folder, and what to do"),
    }
    Ok(())
}

flow::main!(run);

//! A program with a `main` of its own. Its arguments are a folder, and what it does.

use std::path::PathBuf;

use flow::interrupts::{self, Signal};
use flow::prelude::*;
use tasks::{AfterPatient, note, open};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().context("a folder")?);
    let flow = open(&folder)?;
    match args.next().as_deref() {
        Some("nothing installed") => drop(flow.run::<AfterPatient>()?),
        Some("removed") => {
            let (one, other) = (interrupts::install()?, interrupts::install()?);
            drop((one, other));
            flow.run::<AfterPatient>()?;
        }
        // A program that goes on after a signal.
        Some("again") => {
            let interrupts = interrupts::install()?;
            let Err(flow::Error::Failed(stopped)) = flow.run::<AfterPatient>() else {
                bail!("the run was not stopped")
            };
            ensure!(stopped.interrupted() == Some(Signal::Interrupt), "{stopped}");
            ensure!(interrupts.received() == Some(Signal::Interrupt), "no signal");
            // Flows stay stopped until `clear`.
            ensure!(flow.run::<AfterPatient>().is_err(), "the run was not stopped");
            interrupts.clear();
            note(&folder, "release", "")?;
            flow.run::<AfterPatient>()?;
        }
        _ => bail!("the arguments are a folder, and what to do"),
    }
    Ok(())
}

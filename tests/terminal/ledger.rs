//! A workflow with a command line: a table with many columns, a task that waits, and a task that fails.
//!
//! The tests run it in a folder with the file `ledger.csv`. The task `Total` waits until the file `go` exists there, so that
//! a test sees the screen while it runs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use flow::prelude::*;

/// A row of the ledger. The file has more columns.
#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    column0: String,
}

/// The ledger that another program writes.
#[derive(Task)]
#[task(external, path = &self.path, target = Csv<Vec<Entry>>)]
struct Ledger {
    /// The file of the ledger.
    #[param(default = "ledger.csv")]
    path: PathBuf,
}

/// The sum of the ledger.
#[derive(Task)]
#[task(requires = Ledger, target = Json<u64>)]
struct Total {
    /// The name of the books.
    #[param(default = "books")]
    name: String,
}

#[tracked]
impl Run for Total {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.progress(1, 3);
        while !Path::new("go").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        cx.meta("length", self.name.len())?;
        Ok(1)
    }
}

/// Whether the books balance, which they do not.
#[derive(Task)]
#[task(requires = Total, target = Json<bool>)]
struct Audit;

#[tracked]
impl Run for Audit {
    fn run(&self, cx: &Cx<Self>) -> Result<bool> {
        let total = *cx.input().load()?;
        bail!("the books do not balance\nby \u{1b}[2J{total}")
    }
}

fn main() -> ExitCode {
    flow::main!()
}

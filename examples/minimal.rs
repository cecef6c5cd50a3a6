//! Two tasks, and what runs again when a parameter changes.
//!
//! ```text
//! cargo run --example minimal -- run Sum
//! cargo run --example minimal -- load Sum          # 55
//! cargo run --example minimal -- why Sum --n 10    # another value: other instances, which have never run
//! cargo run --example minimal -- run Sum --n 10
//! cargo run --example minimal -- load Sum --n 10   # 385
//! ```
//!
//! If `run Sum` is typed a second time, nothing runs.

use std::process::ExitCode;

use flow::prelude::*;

#[derive(Task)]
#[task(target = Json<Vec<u64>>)]
struct Squares {
    #[param(default = 5)]
    n: u64,
}

#[tracked]
impl Run for Squares {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<u64>> {
        Ok((1..=self.n).map(|i| i * i).collect())
    }
}

#[derive(Task)]
#[task(requires = Squares, target = Json<u64>)]
struct Sum;

#[tracked]
impl Run for Sum {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(cx.input().load()?.iter().sum())
    }
}

fn main() -> ExitCode {
    flow::main!()
}

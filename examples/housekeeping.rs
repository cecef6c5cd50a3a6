//! Maintaining a store: earlier versions, damaged files, refactorings, and garbage collection.
//!
//! ```text
//! cargo run --example housekeeping
//! ```
//!
//! The store is the folder `data`, unless `FLOW_DATA` or `flow.toml` names another one.

use std::fs;
use std::time::Duration;

use flow::Code;
use flow::prelude::*;

/// The temperatures of a year, with a measurement for each day.
fn temperatures() -> Vec<f64> {
    (0..365).map(|day| 10.0 - 12.0 * (f64::from(day) / 58.1).cos()).collect()
}

/// The mean of each week, as the first release computes it.
mod first {
    use super::*;

    #[derive(Task)]
    #[task(target = Json<Vec<f64>>)]
    pub(super) struct Weeks {
        #[param(default = 7)]
        days: usize,
    }

    impl Run for Weeks {
        // Usually, `#[tracked]` detects changes of the code. Here, all releases are in one program.
        const CODE: Code = Code::version(1);

        fn run(&self, _cx: &Cx<Self>) -> Result<Vec<f64>> {
            let mut means = Vec::new();
            for week in temperatures().chunks(self.days) {
                means.push(week.iter().sum::<f64>() / week.len() as f64);
            }
            Ok(means)
        }
    }
}

/// The same computation, rewritten: the output should not change.
mod second {
    use super::*;

    #[derive(Task)]
    #[task(target = Json<Vec<f64>>)]
    pub(super) struct Weeks {
        #[param(default = 7)]
        days: usize,
    }

    impl Run for Weeks {
        const CODE: Code = Code::version(2);

        fn run(&self, _cx: &Cx<Self>) -> Result<Vec<f64>> {
            let mean = |week: &[f64]| week.iter().sum::<f64>() / week.len() as f64;
            Ok(temperatures().chunks(self.days).map(mean).collect())
        }
    }
}

/// The same computation with a bug: the last days of the year, which are no full week, are missing.
mod third {
    use super::*;

    #[derive(Task)]
    #[task(target = Json<Vec<f64>>)]
    pub(super) struct Weeks {
        #[param(default = 7)]
        days: usize,
    }

    impl Run for Weeks {
        const CODE: Code = Code::version(3);

        fn run(&self, _cx: &Cx<Self>) -> Result<Vec<f64>> {
            let mean = |week: &[f64]| week.iter().sum::<f64>() / week.len() as f64;
            Ok(temperatures().chunks_exact(self.days).map(mean).collect())
        }
    }
}

fn main() -> Result<()> {
    let open = || {
        let flow = flow::open_configured()?;
        anyhow::Ok(flow.limits(flow::Limits::default().versions(2)))
    };
    let first = open()?;
    println!("{}\n", first.run::<first::Weeks>()?);

    // A refactoring: `bless` runs the new code aside and compares the outputs. If they are equal,
    // nothing has to run.
    let second = open()?;
    println!("{}", second.store().bless::<second::Weeks>().run()?);
    println!("{}\n", second.run::<second::Weeks>()?);

    // A change of the output: `bless` refuses it, and reports the difference.
    let third = open()?;
    match third.store().bless::<third::Weeks>().run() {
        Err(error) => println!("{error}\n"),
        Ok(blessed) => bail!("it is not the same: {blessed}"),
    }
    println!("{}\n", third.run::<third::Weeks>()?);

    // Back at the second release, its output is still there: two earlier versions are kept.
    println!("{}\n", second.run::<second::Weeks>()?);

    // The disk flips a bit. The file's size and time do not show it, but its digest does.
    let path = second.output::<second::Weeks>()?.path()?;
    let time = fs::metadata(&path)?.modified()?;
    let mut bytes = fs::read(&path)?;
    bytes[1] ^= 1;
    fs::write(&path, bytes)?;
    fs::File::options().append(true).open(&path)?.set_modified(time)?;
    println!("complete: {}", second.is_complete::<second::Weeks>()?);
    let verified = second.graph::<second::Weeks>().verify()?;
    println!("{verified}");
    println!("{}", verified.reset()?);
    println!("{}\n", second.run::<second::Weeks>()?);

    // An experiment that is not needed any more. `gc` first shows what it would remove.
    let month = second.with(second::Weeks::DAYS, 30);
    month.run::<second::Weeks>()?;
    let garbage =
        second.store().gc().keep::<second::Weeks>(&second)?.older_than(Duration::ZERO).find()?;
    println!("{garbage}");
    garbage.remove()?;
    println!("month: {}", month.is_complete::<second::Weeks>()?);
    println!("week: {}", second.is_complete::<second::Weeks>()?);
    Ok(())
}

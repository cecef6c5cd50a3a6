//! Isolated tasks: a crash, an exit, too much memory and a hang each fail one task, and the other tasks run.
//!
//! ```text
//! cargo run --example isolate -- [--data DIR]
//! ```
//!
//! Each task of this program runs in a child process, which is the same program. The child runs `main` up to
//! `Flow::open`, which takes over there. So this program opens its flow first.

use std::path::PathBuf;
use std::time::Duration;

use flow::prelude::*;

/// What a model does when it is trained.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Model {
    Fits,
    Aborts,
    Exits,
    TakesTooMuchMemory,
    Hangs,
    Panics,
}

/// Trains a model, which is code of a library that may do anything.
#[derive(Task)]
#[task(target = Json<f64>, isolate, timeout = 3, resources(memory = "200MB"))]
struct Train {
    model: Model,
}

#[tracked]
impl Run for Train {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        cx.log("training");
        match self.model {
            Model::Fits => {}
            Model::Aborts => {
                eprintln!("assertion failed in a foreign library");
                std::process::abort()
            }
            Model::Exits => std::process::exit(7),
            Model::TakesTooMuchMemory => {
                let huge = vec![1.0; 1 << 28];
                return Ok(huge.iter().sum());
            }
            Model::Hangs => loop {
                std::thread::sleep(Duration::from_secs(1));
            },
            Model::Panics => panic!("the matrix is singular"),
        }
        Ok(0.9)
    }
}

/// All models.
#[derive(Task)]
#[task(aggregate, requires = [
    Train { model } for model in [
        Model::Fits,
        Model::Aborts,
        Model::Exits,
        Model::TakesTooMuchMemory,
        Model::Hangs,
        Model::Panics,
    ]
])]
struct TrainAll;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let data = match (args.next().as_deref(), args.next()) {
        (Some("--data"), Some(folder)) => PathBuf::from(folder),
        _ => PathBuf::from("data"),
    };
    // Nothing but reading the arguments comes before this call: each child does it again.
    let flow = Flow::open(data)?.quiet().workers(2).allow_failures();
    let summary = flow.run::<TrainAll>()?;
    println!("{} of {} models", summary.ran().len(), summary.ran().len() + summary.failed().len());
    for failed in summary.failed() {
        let error = failed.error.unwrap_or_default();
        println!("{}: {}", failed.instance, error.lines().next().unwrap_or_default());
    }
    let log = flow.with(Train::MODEL, Model::Aborts).log::<Train>()?.context("a log")?;
    print!("\nthe log of the model that aborts:\n{log}");
    Ok(())
}

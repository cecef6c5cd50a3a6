//! Isolated tasks: a crash, an exit, too much memory and a hang each fail one task, and the others run.
//!
//! ```text
//! cargo run --example isolate -- run TrainAll --allow-failures
//! cargo run --example isolate -- log TrainForeign --model Aborts     # what the model wrote before it crashed
//! cargo run --example isolate -- debug TrainForeign --model Panics --no-run
//! ```
//!
//! Each task of this program runs in a child process, which is the same program with the same arguments. The child
//! runs `main` up to the call that opens the flow, which takes over there. Before it, `flow::main!()` only reads
//! arguments and settings. A program with a `main` of its own should open its flow first, too.

use std::process::ExitCode;
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
struct TrainForeign {
    model: Model,
}

#[tracked]
impl Run for TrainForeign {
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
    TrainForeign { model } for model in [
        Model::Fits,
        Model::Aborts,
        Model::Exits,
        Model::TakesTooMuchMemory,
        Model::Hangs,
        Model::Panics,
    ]
])]
struct TrainAll;

fn main() -> ExitCode {
    flow::main!()
}

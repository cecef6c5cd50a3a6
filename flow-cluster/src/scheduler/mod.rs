//! Executors that start their workers by a scheduler: [`Slurm`] and [`HyperQueue`].
//!
//! A scheduler is not a second queue: it starts workers. The queue is that of [`pull`](crate::pull), with its bundles, leases,
//! heartbeats, messages and draft records, but there is a *pool* for each set of options that jobs need: memory, threads, time,
//! partition. A pool is a folder of the same form as the queue of pull workers, with some files more:
//!
//! | path below `.flow/queues/` | content |
//! | --- | --- |
//! | `<pool>/open`, `taken`, ... | the queue of the pool, as in the documentation of the crate |
//! | `<pool>/arrays/<run>.<array>` | an array of workers that this run has submitted, or adopted: written before it is submitted |
//! | `<pool>/output/<array>-<task>.txt` | what a worker, or the scheduler about it, has printed |
//! | `<pool>/runs/<run>.workers` | how many workers of the run wait in the queue of the scheduler, and for what |
//! | `runs/<run>`, `runs/<run>.beat` | a run in progress with such an executor, which has locked the file, and its heartbeat |
//! | `requests/<run>.jsonl` | a line for each request to the run, to cancel jobs: all its pools read them |
//! | `<executor>.log` | the calls of the scheduler's commands |
//!
//! # How data passes through
//!
//! ```text
//!  the engine ── submit ──► pools ──► options          which pool a job needs
//!                             │ ▲
//!                             ▼ │ one queue for each pool
//!                         pull::queue ◄── demand, ends of workers ──┐
//!                                                                   │
//!   sbatch, squeue, scancel ◄── command ◄── slurm, hq ◄── Scheduler ◄── launcher ──► decision   how many workers are missing
//!                                                                       │  ▲
//!                                                                       ▼  │
//!                                                                      arrays      names of arrays, in files
//! ```
//!
//! # What is true
//!
//! In this order: the committed record or durable draft record in the store; what the worker has written; what the scheduler says,
//! which is asked for all workers of the run in one call, at an interval that grows. A worker says in its first line which job of
//! the scheduler it is. So when the scheduler says that a job is over, its lease ends at once, after all that the worker has written
//! was read, and a message gives the reason ([`words`]).
//!
//! # Invariants
//!
//! - **No worker is forgotten.** The name of an array is in a file before the scheduler is called. The next run with this executor
//!   finds the names of runs that are gone, asks for all in one call, adopts those of its build, and cancels the others in one
//!   call. A worker also ends by itself when it has been idle for a while.
//! - **A failure of the scheduler is not one of a task.** As long as its commands fail, or do not answer, they are tried again with
//!   growing pauses. A submission of which it is not known whether it was accepted is looked for by its name.
//! - **A submission that is refused fails the tasks**, with the words of the scheduler: it would be refused again. So does a
//!   scheduler that cannot be reached from the beginning. One task has the whole error, and the others name that one.
//! - **No option is read by a shell**: all are arguments. The script of a job has no content of its own.
//! - **Nothing that is submitted is read from the store**: the options follow from the settings of the run, and the script is in a
//!   folder to which only the user can write.
//! - **Each pool with work may have a worker**, although there are as many as there may be: those that run may wait for it.

mod arrays;
mod command;
mod decision;
mod hq;
mod launcher;
mod options;
mod pools;
mod slurm;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;

use self::command::CallError;
pub use self::decision::{PoolView, submissions};
pub use self::hq::HyperQueue;
pub use self::launcher::{LARGEST_ARRAY, Pace, settle};
use self::options::Ask;
pub use self::options::JobOptions;
pub use self::slurm::Slurm;
use self::words::End;
use crate::names::ArrayName;

/// A program that starts jobs on the machines of a cluster.
trait Scheduler: Send + Sync {
    /// Returns the name of the executor, which begins the names of its pools.
    fn name(&self) -> &'static str;

    /// Returns its name for people.
    fn title(&self) -> &'static str;

    /// Submits an array of workers. Returns its number.
    fn submit(&self, array: &Submission<'_>) -> Result<String, CallError>;

    /// Returns what is known of all workers of these arrays, in one call. Arrays that it does not know are left out.
    fn states(&self, arrays: &[(&ArrayName, Option<&str>)]) -> Result<Vec<Report>, CallError>;

    /// Returns how workers have ended that are not among those that [`states`](Self::states) returns any more, as far as that can
    /// be found. `jobs` are numbers such as `123_4`.
    fn ended(&self, jobs: &[String]) -> Vec<Report>;

    /// Ends the workers of arrays, which are given by their names and numbers, together.
    fn cancel(&self, arrays: &[(&ArrayName, &str)]) -> Result<(), CallError>;
}

/// An array of workers to submit.
struct Submission<'a> {
    name: &'a ArrayName,
    /// The number of workers.
    workers: usize,
    ask: &'a Ask,
    /// The file that each worker's output is written to: the part before and after the number of the worker.
    output: (PathBuf, &'static str),
    /// The program of a worker, and its arguments.
    command: Vec<OsString>,
}

/// What a scheduler says of one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Report {
    /// The name of the array; empty if it was asked for by its number.
    array: String,
    /// The number of the array.
    id: String,
    /// The number of the worker in the array, beginning with 1.
    task: u32,
    state: State,
    /// The machine that it runs on, or has run on.
    node: String,
}

impl Report {
    /// Returns the name of the worker's job, such as `123_4`.
    fn job(&self) -> String {
        format!("{}_{}", self.id, self.task)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// It waits, for a reason in the words of the scheduler.
    Queued(String),
    Running,
    Over(End),
}

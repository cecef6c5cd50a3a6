//! Runs isolated tasks in child processes of the same program.
//!
//! # A child
//!
//! A child is this program once more, with a socket as its standard input and a variable that says so ([`child`],
//! [`arguments`]). It runs `main` up to the first `Flow::open`, which takes over and never returns ([`inside`]). It then
//! runs one task after the other: the parent sends a [job](message::JobMessage), serves what the task asks for
//! ([`serve`], [`parent`]), and receives what it has produced.
//!
//! A child that has ended a task without a panic waits for the next one in [`Children`]. After a panic the process may be
//! in a strange state, and after a time-out or a crash there is none. A child is used again only in the same environment
//! and the same current folder. All children end with the run.
//!
//! # What passes between the processes
//!
//! - *The job* ([`describe`]): the resolved parameters of the task, and for each input its parameters and the place of
//!   its output. The child builds an [`Origin`](crate::task::input::Origin) from it, so that handles work as in a thread.
//!   It has no plan.
//! - *What the task asks for*: its [`Host`](crate::task::cx::Host) in the child sends `require`, progress and lines of
//!   the log to the parent. The parent plans and runs required instances, and answers with the places of their outputs.
//! - *The output*: the child writes the files of the output under their final names, and the log is written by the
//!   parent. The reads of the task come with the result. The parent checks them, and commits the output like any other.
//!
//! A type of a task is identified by its `TypeId`, which is the same in all processes of one build. So a child must be of
//! the same build, which the digest of the executable file shows.
//!
//! Values of parameters, secrets included, pass through the socket only.
//!
//! # Jobs elsewhere
//!
//! A flow with an [executor](crate::plan::executor) runs its tasks in child processes of processes on other machines. The
//! run describes a job in the same way, and serves the task by the same messages, which the executor carries
//! ([`submitted`]). The process on the other machine passes them on between the executor and its child ([`relay`]). If that
//! machine does not reach the folder of the store, the executor carries the files of inputs and outputs, too ([`moving`]).
//!
//! # How a child ends
//!
//! - The parent closes the socket: the child exits. If it does not within [`child::GRACE`], it is killed.
//! - The job is abandoned, because the task takes too long: the process group of the child receives SIGTERM, and SIGKILL
//!   after [`child::GRACE`].
//! - The parent dies: on Linux the kernel kills the child. On other systems the child reads the end of the socket and
//!   kills its process group.
//! - The child crashes, exits or is killed: the parent reads the end of the socket, and the task fails ([`crash`]).

mod arguments;
mod child;
mod crash;
mod describe;
mod frame;
mod inside;
mod message;
mod moving;
mod output;
mod parent;
mod relay;
mod serve;
mod signed;
mod spawner;
mod submitted;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use self::child::Child;
use self::describe::Way;
pub use self::inside::take_over;
use self::parent::Parent;
pub use self::relay::{JobInbox, JobRunner};
pub(crate) use self::submitted::Submitted;
use super::{Executor, TaskJob};
use crate::base::stop::Stopped;
use crate::task::execute::Executed;

/// The child processes of a run.
pub(crate) struct Children {
    idle: Mutex<Idle>,
    /// The number of jobs so far.
    jobs: AtomicU64,
}

/// The children that wait for a task.
struct Idle {
    children: Vec<Child>,
    /// The number of children that may wait. 0 when the run has ended.
    most: usize,
}

impl Children {
    /// Creates the children of a run with this many workers. A child is started when a task needs one.
    pub(crate) fn new(workers: usize) -> Self {
        let idle = Idle { children: Vec::new(), most: workers };
        Self { idle: Mutex::new(idle), jobs: AtomicU64::new(0) }
    }

    /// Ends all children that wait, and those that would.
    pub(crate) fn end(&self) {
        let children = {
            let mut idle = self.idle.lock().expect("lock poisoned");
            idle.most = 0;
            std::mem::take(&mut idle.children)
        };
        // All of them end at the same time.
        children.iter().for_each(Child::close);
        drop(children);
    }

    /// Returns a child that waits, or starts one.
    fn take(&self, opened_by: Option<&str>) -> anyhow::Result<Child> {
        let surroundings = arguments::surroundings();
        loop {
            let idle = self.idle.lock().expect("lock poisoned").children.pop();
            let Some(mut child) = idle else { return Child::start(opened_by, surroundings) };
            if child.is_usable(surroundings) {
                return Ok(child);
            }
        }
    }

    fn give_back(&self, child: Child) {
        let mut idle = self.idle.lock().expect("lock poisoned");
        if idle.children.len() < idle.most {
            idle.children.push(child);
        }
    }
}

impl Executor for Children {
    fn execute(&self, task: &TaskJob<'_>) -> anyhow::Result<Executed> {
        (task.begins)();
        let running = task.running;
        // The files of the log belong to this attempt from now on.
        let attempt = running.begin(task.folder);
        let number = self.jobs.fetch_add(1, Ordering::Relaxed) + 1;
        let job = describe::job(task, number, Way::Socket)?;
        if running.control.stopper.is_stopped() {
            return Err(Stopped.into());
        }
        let opened_by = running.execution.plan.policies.opened_by.as_deref();
        let mut child = self.take(opened_by)?;
        let _wakes = running.control.stopper.on_stop(child.waker());
        let draft = job.draft.as_ref().map(|draft| draft.path.to_path()).unwrap_or_default();
        let mut parent = Parent::new(running, attempt, draft, serve::reply(&child), Way::Socket);
        let ended = serve::serve(&mut child, &mut parent, job);
        // Lines of the child that arrive from now on are not those of the task.
        let _ = attempt.log().close();
        if ended.is_usable {
            self.give_back(child);
        }
        ended.result
    }
}

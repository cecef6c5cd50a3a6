//! Executors past one machine: workers on machines that share only a folder, or only a bucket, started by hand or by a scheduler.
//!
//! A run with the executor [`PullWorkers`] writes the jobs of its tasks into a queue in the folder of its store. A
//! [`Worker`], which is the same program on any machine that has the folder, takes them, and runs each in a child process as
//! an [isolated](flow_core::Flow::isolate) task. The crate `typed-flow` re-exports this crate as `flow::cluster`, with the
//! cargo feature `cluster`.
//!
//! # Who does what
//!
//! - The *run* plans, judges, claims, retries and commits, as always. It alone writes records. The engine knows the
//!   executor as a [`JobExecutor`](flow_core::executor::JobExecutor).
//! - A *worker* never plans. A job has its key, task, parameters and inputs. The worker compares the digest of its
//!   executable file with that in the name of a bundle before it touches anything of it.
//! - There is no server. The folder decides, by the renames that it does one after the other.
//!
//! # The queue
//!
//! It is the folder `.flow/queue` of the store, or of the namespace in it. All files are JSON of format 1.
//!
//! | path | content | written by |
//! | --- | --- | --- |
//! | `open/<bundle>/` | a bundle that no worker has taken | the run |
//! | `taken/<bundle>.<worker>/` | a *lease*: a bundle that this worker has taken, by renaming its folder | |
//! | `.../bundle.json` | the build, the duration of a lease, and the jobs with what a worker needs to run them | the run, once |
//! | `.../messages.jsonl` | a line for each message: hello, begun, message, waits, ended, beat, runs (for how long), left, refused, over | the worker appends |
//! | `.../orders.jsonl` | a line for each order: a message to a job, a job to skip, which later run has adopted the bundle | the run appends |
//! | `.../draft-<n>.json` | the draft record of the job with this place, until it is moved to `.flow/drafts` | the worker |
//! | `workers/<worker>.json` | a worker process: machine, program, build, and a number that grows every two seconds | the worker |
//! | `runs/<run>` | a run in progress, which has locked the file | the run |
//! | `runs/<run>.beat` | its heartbeat: its machine, and a number that grows every two and a half seconds | the run |
//! | `requests/<run>.jsonl` | a line for each request to the run, to cancel jobs | any process appends |
//! | `lock` | nothing: it is locked while a run begins | a run |
//! | `making/`, `ended/` | bundles that are being written, and removed | |
//!
//! The name of a bundle is `<digest of the program>-<run>-<number>`, so that a listing shows what is for whom. Names of
//! other forms are ignored. A file that is torn, damaged, or of another format ends the lease it belongs to, with a message.
//!
//! # The life of a bundle
//!
//! ```text
//!            the run writes it             a worker renames it
//!  making/ ─────────────────────► open/ ───────────────────────► taken/  ◄─┐ the worker appends: the lease is
//!                                   │                               │  └───┘ renewed
//!                                   │ a job was cancelled           │
//!                                   ▼                               ├─ all jobs have ended
//!                                 ended/ ◄──────────────────────────┼─ the worker gives it back
//!                                   │     the run renames it        ├─ the worker is not heard of for the time of a lease
//!                                   ▼                               └─ a job that runs was cancelled
//!                                 removed
//! ```
//!
//! A task may require others while it runs, which are jobs, too. So a job that waits gives its slot away: the worker takes
//! another bundle meanwhile, and the run bundles the jobs that come after it in its bundle anew.
//!
//! A worker that does not sign as the run requires *refuses* a bundle before it begins a job of it, and takes none of this
//! run from then on. Its jobs are bundled anew for other workers, and the run says which worker has refused them, and why.
//! Workers that a run starts by a scheduler have one set of settings: if one refuses, the jobs of its pool fail.
//!
//! Jobs that had not begun when a bundle ends are bundled anew. A job that had begun is *lost*: the engine submits it again,
//! up to three times without counting that as a retry.
//!
//! # Invariants
//!
//! - **At most one worker holds a bundle.** A folder is renamed once. A rename that reports that there is no such folder may
//!   have succeeded, on a network file system that has lost a reply, so its target is opened.
//! - **What a worker does after its lease was taken away is never committed.** The run takes a lease away by a rename,
//!   and removes its files, before it says that a job is lost. From then on the worker can neither append a message, nor move its
//!   draft record, which was in that folder, to where a later run would find it. The files that it has written are named by no
//!   record, and `gc` removes them.
//! - **Clocks are not compared.** A lease ends after its file of messages has not grown for the time of a lease, by the
//!   clock of the run.
//! - **Nothing waits for the time or the size of a file**, which network file systems report late. Files are opened, and
//!   folders listed. All files of a bundle exist before it is visible.
//! - **A run that was killed leaves nothing behind for good.** Its bundles that no worker has taken are withdrawn by the next run on
//!   the store that has this executor. Jobs that run go on. The next run that needs one of them adopts it with all its messages,
//!   by key and fingerprint, and leaves the others to their end. It writes so into the orders of the lease: from then on, jobs that
//!   another process lists or cancels are those of this run. What they have computed is also in draft records, which
//!   any run commits before it plans. Several runs may adopt jobs of one lease, so it stays for a moment after its jobs have ended.
//! - **What could not be read or written counts as unknown, and not as absent.** A worker runs a job after it has written that the
//!   job begins and has read its orders. A run that has asked it to leave out a job gives the job to another worker only after it
//!   has read all messages.
//! - **A bundle that is lost is posted again.** One that is found neither among those that were posted nor among those that
//!   were taken, for four times the time of a lease, was removed from outside, such as by a person.
//! - **One poll costs as many operations as there are leases**, and not jobs, and nothing if nothing is in the queue. Of the
//!   files of workers, some are read each second. A run has posted at most two bundles for each slot, and at least 256, so that a
//!   list of the queue is short: a worker process lists it once in the time between two looks, and takes several from the list.
//!
//! Workers that a scheduler starts are of a *pool*, whose queue has the same form in the folder `.flow/queues/<pool>`: the executors
//! [`Slurm`] and [`HyperQueue`]. The requests to a run are in `.flow/queues/requests`, where all its pools read them. The module
//! `scheduler` has the other files and the invariants.
//!
//! The guarantees hold on a local file system, and on network file systems where a rename is atomic and a file that is opened
//! has what was written before (NFS since version 3, SMB, Lustre, BeeGFS). If such a system shows something late, work is
//! done twice and none is lost. NFS remembers the names in a folder for up to a minute, unless it is mounted with a shorter
//! `actimeo`. Whether a run is in progress is known from the lock of its mark. If its machine is another one, or the file system has
//! no locks, a mark that is not seen to be locked does not decide: its heartbeat is watched then, for ten seconds at most.
//!
//! Who can write to the folder of the store can have tasks of this program run on the machines of the workers, with any
//! parameters: it is for users who trust each other.
//!
//! # How data passes through
//!
//! ```text
//!           scheduler ──► pull::queue                     a queue for each pool, whose workers it starts
//!  run:     engine ──► pull::queue ──► bundling           how many jobs a bundle has
//!                        ▲    └──────► transport ─► folder, or bucket
//!                      pull::watch ───►  │
//!  worker:  worker ──────────────────────┘
//!             └──► worker::lease       heartbeats, messages, orders
//!             └──► JobRunner           the child processes, in flow-core
//!  others:  jobs ────────────────────────┘                lists jobs, and cancels them by a request to their run
//! ```
//!
//! `transport` is an interface: another way of bundles and messages takes the place of the folder and leaves the rest as it is.
//!
//! # A bucket
//!
//! Machines that have no folder in common exchange bundles, messages and files through a [`Remote`](flow_core::Remote), such as an
//! object store. The module `transport::bucket` has the objects, and says what takes the place of renames. Each of these
//! invariants holds there as well, with this difference: a worker that has looked for its lease just before it was taken away may
//! still write objects, which nothing reads. There are no draft records. Workers that a scheduler starts need the folder. Files are
//! carried by their content (`blobs`):
//!
//! ```text
//!  run:     pull::carried ──► blobs ──► the bucket        inputs, before their job is posted
//!  worker:  JobLink::bring ◄── blobs ◄── the bucket       inputs that the store of the worker lacks
//!           JobLink::deliver ──► blobs ──► the bucket     outputs, before the message that names them
//!  run:     SubmittedJob::fetch ◄── blobs ◄── the bucket  outputs, before the engine commits them
//! ```
//!
//! Outputs are named by their content, and not by the lease that has put them. So the output of one task is there as the input of
//! the next, and what a lost worker has put is the same as what another one puts, or is named by nothing.

mod bundling;
mod error;
mod format;
mod jobs;
mod names;
mod pull;
mod request;
mod scheduler;
mod tail;
mod transport;
mod worker;

/// The decisions that the simulation in `benches/scale.rs` shares with the executors: not public API, and without any promise.
#[doc(hidden)]
pub mod __decisions {
    pub use crate::bundling::{Limits, bundles, most_posted, slots_to_fill};
    pub use crate::scheduler::{LARGEST_ARRAY, Pace, PoolView, settle, submissions};
}

pub use self::error::ClusterError;
pub use self::jobs::{
    CancelSummary, JobCounts, JobQueues, JobState, QueueStatus, QueuedJob, QueuedRun, QueuedWorker,
    TaskJobs, UnreadableFile,
};
pub use self::pull::PullWorkers;
pub use self::request::JobSelection;
pub use self::scheduler::{HyperQueue, JobOptions, Slurm};
pub use self::worker::{Worker, WorkerSummary};

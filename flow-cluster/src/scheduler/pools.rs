//! [`Pools`]: the jobs of one run in the pools of its workers.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use anyhow::Context;
use flow_core::executor::{Job, JobEvents, JobQueue, RunOfJobs, SubmittedJob, unique};

use super::Scheduler;
use super::arrays::{Arrays, Noted, names};
use super::launcher::{self, Left};
use super::options::{Ask, Needs, Setup};
use crate::error::ClusterError;
use crate::names::PoolName;
use crate::pull::{Names, WatchedQueue, says_wait};
use crate::transport::{Folder, RunMark, Transport};

/// The jobs of one run.
pub(super) struct Pools {
    shared: Arc<Shared>,
    /// The thread that starts workers, and the mark of the run, until the run ends.
    ends: Mutex<Option<(JoinHandle<()>, RunMark)>>,
}

/// What the run and the thread that starts its workers have in common.
pub(super) struct Shared {
    pub(super) run: RunOfJobs,
    /// The name of the run.
    pub(super) name: String,
    pub(super) build: String,
    pub(super) setup: Setup,
    pub(super) scheduler: Box<dyn Scheduler>,
    /// The folder of the pools.
    pub(super) folder: PathBuf,
    /// The marks of the runs that have pools.
    runs: Folder,
    /// The file of the program of a worker.
    program: PathBuf,
    state: Mutex<State>,
    /// Wakes the thread that starts workers.
    changed: Condvar,
    /// What could not be done at the end of the run.
    warnings: Mutex<Vec<String>>,
}

#[derive(Default)]
struct State {
    pools: Vec<Arc<Pool>>,
    by_name: HashMap<PoolName, usize>,
    is_ended: bool,
}

/// Workers with the same options, and their queue.
pub(super) struct Pool {
    pub(super) name: PoolName,
    /// What its workers ask for. An earlier run may have used other options: then it is what this run would ask for the first job
    /// that it adopts, and `None` before.
    ask: Mutex<Option<Ask>>,
    pub(super) watched: WatchedQueue,
    pub(super) arrays: Arc<Arrays>,
}

impl Pool {
    /// Returns what its workers ask for; `None` as long as this run has submitted no job to it.
    pub(super) fn ask(&self) -> Option<Ask> {
        self.ask.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes note of what this run asks for a job of the pool. The options that the pool is named by take precedence.
    fn ask_for(&self, ask: &Ask) {
        let mut own = self.ask.lock().unwrap_or_else(PoisonError::into_inner);
        if own.is_none() || ask.pool(self.name.executor()) == self.name {
            *own = Some(ask.clone());
        }
    }
}

impl Pools {
    /// Begins a run: finds what earlier runs have left, and starts the thread that starts workers.
    ///
    /// # Errors
    ///
    /// The folder of the pools cannot be used, or the operating system refuses a thread.
    pub(super) fn begin(
        run: &RunOfJobs,
        setup: Setup,
        scheduler: Box<dyn Scheduler>,
    ) -> anyhow::Result<Self> {
        let folder = Folder::pools(&run.folder);
        let program = match &setup.program {
            Some(program) => std::path::absolute(program)?,
            None => std::env::current_exe().context("the file of this program cannot be found")?,
        };
        let mut runs = Folder::of_runs(&run.folder, Arc::clone(&run.fs));
        runs.on_wait(says_wait(run));
        runs.prepare_runs()?;
        let name = unique();
        let mark = runs.begin_run(&name)?;
        let build = run.build.to_string();
        let shared = Shared {
            run: run.clone(),
            name,
            build,
            setup,
            scheduler,
            folder,
            runs,
            program,
            state: Mutex::default(),
            changed: Condvar::new(),
            warnings: Mutex::default(),
        };
        let left = shared.find_left()?;
        let shared = Arc::new(shared);
        let launched = Arc::clone(&shared);
        let thread = Builder::new().name("flow-launcher".to_owned());
        let thread = thread.spawn(move || launcher::launch(&launched, left))?;
        Ok(Self { shared, ends: Mutex::new(Some((thread, mark))) })
    }
}

impl JobQueue for Pools {
    fn submit(&self, job: Job, events: JobEvents) -> anyhow::Result<Arc<dyn SubmittedJob>> {
        let ask = Ask::of(&self.shared.setup, &Needs::of(&job))?;
        let pool = match self.shared.pool_with(&job) {
            Some(pool) => pool,
            None => self.shared.pool(&ask)?,
        };
        pool.ask_for(&ask);
        pool.watched.submit(job, events)
    }

    fn end(&self) {
        let ends = self.ends.lock().expect("lock poisoned").take();
        let Some((thread, mark)) = ends else { return };
        let pools = self.shared.pools();
        // The last messages are read before the workers are ended, and no other run takes them for left meanwhile.
        pools.iter().for_each(|pool| pool.watched.queue.end());
        self.shared.state().is_ended = true;
        self.shared.changed.notify_all();
        // A panic of the thread was reported by the jobs that wait.
        let _ = thread.join();
        pools.iter().for_each(|pool| pool.watched.end());
        drop(mark);
    }

    fn warnings(&self) -> Vec<String> {
        self.shared.warnings().clone()
    }
}

/// Returns whether a run that is gone has left jobs in a pool.
///
/// The pools of a run in progress are not opened for its jobs: it ends the workers of a pool that no other run has open.
fn has_left(pool: &Folder, runs: &Folder) -> Result<bool, ClusterError> {
    let posted = pool.posted()?;
    // Afterwards: one that is taken meanwhile is found here.
    let taken = pool.leases()?.into_iter().map(|lease| lease.bundle);
    let owners = posted.into_iter().chain(taken).map(|bundle| bundle.run().to_owned());
    let owners: BTreeSet<String> = owners.collect();
    Ok(owners.iter().any(|run| !runs.is_running(run)))
}

impl Drop for Pools {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn warnings(&self) -> MutexGuard<'_, Vec<String>> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what could not be done at the end of the run.
    pub(super) fn warn(&self, text: String) {
        self.warnings().push(text);
    }

    /// Returns the pools that this run has used so far.
    pub(super) fn pools(&self) -> Vec<Arc<Pool>> {
        self.state().pools.clone()
    }

    /// Waits for some time, or until something has changed. Returns whether the run goes on.
    pub(super) fn wait(&self, time: Duration) -> bool {
        let state = self.state();
        if state.is_ended {
            return false;
        }
        let waited = self.changed.wait_timeout(state, time);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !state.is_ended
    }

    /// Returns the command of a worker of a pool.
    pub(super) fn command(&self, pool: &Pool, ask: &Ask) -> Vec<OsString> {
        let mut command = vec![self.program.clone().into_os_string()];
        command.extend(self.setup.arguments.iter().map(OsString::from));
        let folder =
            std::path::absolute(&self.run.folder).unwrap_or_else(|_| self.run.folder.clone());
        let mut add =
            |option: &str, value: OsString| command.extend([OsString::from(option), value]);
        add("--data", folder.into_os_string());
        add("--pool", pool.name.to_string().into());
        add("--exit-when-idle", self.setup.idle.as_secs().to_string().into());
        if let Some(minutes) = ask.minutes {
            add("--time-limit", (60 * minutes).to_string().into());
        }
        command
    }

    /// Adopts the arrays of runs that are gone, and opens the pools in which their jobs run.
    fn find_left(&self) -> anyhow::Result<Vec<(Arc<Arrays>, PoolName, Left)>> {
        let runs = &self.runs;
        let mut left = Vec::new();
        for name in names(&*self.run.fs, &self.folder)? {
            let Some(name) = PoolName::parse(&name) else { continue };
            if name.executor() != self.scheduler.name() {
                continue;
            }
            let arrays = Arc::new(self.arrays(&name));
            for noted in arrays.list()? {
                if !runs.is_running(&noted.owner) && arrays.adopt(&noted, &self.name) {
                    let is_useless = noted.build != self.build;
                    let noted = Noted { owner: self.name.clone(), ..noted };
                    left.push((Arc::clone(&arrays), name.clone(), Left { noted, is_useless }));
                }
            }
            if has_left(&self.transport(&name), runs)? {
                // A job may have been submitted with other options than this run would submit it with. It is adopted if a worker
                // has taken it, and no worker takes it any more otherwise.
                self.open(name)?;
            }
        }
        runs.forget_runs(&[self.name.as_str()]);
        Ok(left)
    }

    /// Returns the pool in which an earlier run has left a job that does the same.
    fn pool_with(&self, job: &Job) -> Option<Arc<Pool>> {
        self.pools().into_iter().find(|pool| pool.watched.queue.has_left(job))
    }

    /// Returns the pool of workers that ask for this.
    fn pool(&self, ask: &Ask) -> anyhow::Result<Arc<Pool>> {
        let name = ask.pool(self.scheduler.name());
        let state = self.state();
        let known = state.by_name.get(&name).map(|&place| Arc::clone(&state.pools[place]));
        drop(state);
        match known {
            Some(pool) => Ok(pool),
            None => self.open(name),
        }
    }

    /// Returns the queue of a pool.
    pub(super) fn transport(&self, name: &PoolName) -> Folder {
        self.runs.pool(name)
    }

    fn arrays(&self, name: &PoolName) -> Arrays {
        Arrays::new(&self.folder.join(name.to_string()), Arc::clone(&self.run.fs))
    }

    /// Opens the queue of a pool.
    fn open(&self, name: PoolName) -> anyhow::Result<Arc<Pool>> {
        // Two threads may submit the first job of a pool: one opens it.
        let mut state = self.state();
        if let Some(&place) = state.by_name.get(&name) {
            return Ok(Arc::clone(&state.pools[place]));
        }
        let (build, program) = (self.build.clone(), self.run.program.clone());
        let names = Names { build, program, run: self.name.clone() };
        let transport = Box::new(self.transport(&name));
        let mut settings = self.setup.queue;
        settings.most_workers = self.setup.most_workers;
        let watched = WatchedQueue::begin(transport, settings, names, None)?;
        let arrays = Arc::new(self.arrays(&name));
        arrays.prepare()?;
        arrays.tidy();
        let ask = Mutex::default();
        let pool = Arc::new(Pool { name: name.clone(), ask, watched, arrays });
        let place = state.pools.len();
        state.pools.push(Arc::clone(&pool));
        state.by_name.insert(name, place);
        Ok(pool)
    }
}

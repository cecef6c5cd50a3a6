//! Maintenance of a store: list, clear and claim, and the history of runs. `verify`, `gc` and `bless` have modules of
//! their own.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::bytes::Bytes;
use crate::base::error::StoreError;
use crate::base::fs::Fs;
use crate::base::key::Key;
use crate::base::parallel;
use crate::base::seconds::Seconds;
use crate::files::is_absent;
use crate::flow::error::Error;
use crate::flow::label::{Described, Parameters, labels};
use crate::flow::{Flow, Removed};
use crate::plan::claim::{claim, task_folder};
use crate::plan::error::PlanError;
use crate::store::history::Runs;
use crate::store::log_text::TaskLog;
use crate::store::output::OutputFile;
use crate::store::record::Record;
use crate::store::recorded::RecordedOutput;
use crate::store::{Folder, RECORD, Store};
use crate::task::{Kind, Task, TaskType};
use crate::value::escaped_text;

/// Maintenance operations on the store of a flow. Created by [`Flow::store`].
///
/// They cover all outputs in the store, of any task and with any parameters, except where a method names a task.
///
/// ```
/// use flow::prelude::*;
///
/// #[derive(Task)]
/// #[task(target = Json<u64>)]
/// struct Square {
///     n: u64,
/// }
///
/// #[tracked]
/// impl Run for Square {
///     fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
///         Ok(self.n * self.n)
///     }
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// flow.with(Square::N, 3).run::<Square>()?;
/// flow.with(Square::N, 4).run::<Square>()?;
///
/// let stored = flow.store().list()?;
/// assert_eq!(stored.len(), 2);
/// assert_eq!((stored[0].task.as_str(), stored[0].bytes), ("Square", 1)); // `9`
/// for output in &stored {
///     println!("{output}"); // Square {n: 3}: 1 B, stored, ran 2026-01-31 12:00 UTC in 0.2 ms
/// }
/// assert!(flow.store().verify()?.is_whole());
/// assert_eq!(flow.store().clear()?.instances.len(), 2);
/// # Ok(())
/// # }
/// ```
pub struct FlowStore<'a> {
    pub(super) flow: &'a Flow,
}

/// An output in a store, as [`FlowStore::list`] returns it. It can be printed, on one line.
///
/// ```
/// # use flow::prelude::*;
/// # #[task(target = Json<u64>)]
/// # fn square(#[param(default = 3)] n: u64) -> u64 {
/// #     n * n
/// # }
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// # let flow = Flow::open(folder.path())?.quiet();
/// flow.run::<square>()?;
/// let stored = flow.store().list()?;
/// assert!(stored[0].to_string().contains("{n: 3}: 1 B, stored, ran 2"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StoredOutput {
    /// The name of the task.
    pub task: String,
    /// The instance, such as `Train {model: Logistic, Preprocess.scale: false}`.
    ///
    /// As in the name of its folder, it has the task's own parameters, and those of upstream tasks that differ from
    /// their defaults. If the outputs of two instances would have equal labels, their other parameters follow or, if
    /// these are equal, the first digits of the keys.
    pub instance: String,
    /// The key of the instance.
    pub key: Key,
    /// The folder of the instance.
    pub folder: PathBuf,
    /// The size of its files in bytes, as recorded.
    pub bytes: u64,
    /// The number of its files, and 0 if the value was kept in memory.
    pub files: usize,
    /// The number of its files that no longer exist.
    pub missing: usize,
    /// The start of the run that produced it, in seconds since 1970 (UTC).
    pub started: i64,
    /// The duration of that run in seconds.
    pub seconds: f64,
    place: Place,
}

/// The place of an output, from which its log is read.
#[derive(Clone)]
struct Place {
    store: Arc<Store>,
    folder: Folder,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.folder.fmt(f)
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.folder == other.folder
    }
}

impl StoredOutput {
    /// Returns the log of the last run of the instance, also if that run failed; `None` if it logged nothing.
    ///
    /// # Errors
    ///
    /// The store or the log cannot be read.
    pub fn log(&self) -> Result<Option<TaskLog>, StoreError> {
        self.place.store.last_log(&self.place.folder, self.key)
    }

    /// Returns what its record says: files, parameters, inputs, metadata. `None` if the output was removed, or the
    /// record cannot be used or is not signed as the flow [requires](Flow::require_signatures).
    ///
    /// ```
    /// # use flow::prelude::*;
    /// # #[task(target = Json<u64>)]
    /// # fn square(cx: &Cx<square>, #[param(default = 3)] n: u64) -> Result<u64> {
    /// #     cx.meta("digits", 1)?;
    /// #     Ok(n * n)
    /// # }
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let flow = Flow::open(folder.path())?.quiet();
    /// flow.run::<square>()?;
    /// let recorded = flow.store().list()?[0].recorded()?.context("it is there")?;
    /// assert_eq!(std::fs::read_to_string(&recorded.files[0].path)?, "9");
    /// assert_eq!((&recorded.parameters["n"], &recorded.metadata["digits"]), (&3.into(), &1.into()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The store cannot be read. A file has other content than its record says, if the flow
    /// [requires signatures](Flow::require_signatures).
    pub fn recorded(&self) -> Result<Option<RecordedOutput>, StoreError> {
        let Place { store, folder } = &self.place;
        let record = store.read_record(&store.path(folder, RECORD))?;
        let record = record.and_then(Result::ok).filter(|record| record.key == self.key);
        let record = record.filter(|record| store.verify_signature(record).is_ok());
        if let Some(record) = &record {
            store.check_recorded(folder, &record.output)?;
        }
        Ok(record.map(|record| RecordedOutput::new(&record, store, folder)))
    }
}

impl Flow {
    /// Returns the store of the flow for maintenance: list, verify, collect garbage, clear.
    pub fn store(&self) -> FlowStore<'_> {
        FlowStore { flow: self }
    }
}

impl fmt::Display for StoredOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", escaped_text(self.instance.chars()), Bytes(self.bytes))?;
        match (self.files, self.missing) {
            (0, _) => f.write_str(", in memory only, ran")?,
            (_, 0) => f.write_str(", stored, ran")?,
            (files, missing) => write!(f, ", {missing} of {files} files missing, ran")?,
        }
        if let Ok(started) = jiff::Timestamp::from_second(self.started) {
            write!(f, " {}", started.strftime("%Y-%m-%d %H:%M UTC"))?;
        }
        write!(f, " in {}", Seconds(self.seconds))
    }
}

/// Returns the output in the folder of an instance, without its label, and its parameters. `None` if there is no record, or
/// if it is damaged.
fn find(
    store: &Arc<Store>,
    fs: &dyn Fs,
    folder: &Folder,
) -> Result<Option<(StoredOutput, Parameters)>, StoreError> {
    let Some(Ok(record)) = store.read_record(&store.path(folder, RECORD))? else {
        return Ok(None);
    };
    let Record { task, key, parameters, output, started, seconds, .. } = *record;
    let place = Place { store: Arc::clone(store), folder: folder.clone() };
    let folder = store.root().join(folder);
    let (mut files, mut bytes, mut missing) = (0, 0, 0);
    for content in output.files.iter().flat_map(OutputFile::contents) {
        files += 1;
        bytes += content.bytes;
        let found = fs.stat(&folder.join(&content.path));
        missing += usize::from(found.is_err_and(|error| is_absent(&error)));
    }
    let stored = StoredOutput {
        task,
        instance: String::new(),
        key,
        folder,
        bytes,
        // A folder without files is an output with a file.
        files: output.files.len().max(files),
        missing,
        started: started.as_second(),
        seconds,
        place,
    };
    Ok(Some((stored, parameters)))
}

impl FlowStore<'_> {
    /// Returns the current output of each instance in the store, ordered by folder.
    ///
    /// Damaged records are left out; [`verify`](Self::verify) reports them.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn list(&self) -> Result<Vec<StoredOutput>, Error> {
        let (store, fs) = (&self.flow.store, &*self.flow.fs);
        let folders: Vec<_> = store.instance_folders()?.into_iter().collect();
        let (mut stored, mut parameters) = (Vec::new(), Vec::new());
        for found in parallel::map(&folders, |folder| find(store, fs, folder)) {
            if let Some((output, of_output)) = found? {
                stored.push(output);
                parameters.push(of_output);
            }
        }
        let described = stored.iter().zip(&parameters).map(|(stored, parameters)| Described {
            task: &stored.task,
            key: stored.key,
            parameters,
            folder: &stored.folder,
        });
        let labels = labels(&described.collect::<Vec<_>>());
        for (stored, label) in stored.iter_mut().zip(labels) {
            stored.instance = label;
        }
        Ok(stored)
    }

    /// Returns the history: the runs that did something in this store, the latest first.
    ///
    /// Each run of any program that uses the store appends to a file in `.flow/runs` what it does with each instance,
    /// and why. [`Runs::load`] loads that, and [`RunHistory::compare`](crate::RunHistory::compare) compares two runs.
    /// A run in which everything was complete leaves no trace. By default the last 1,000 runs of at most 90 days are
    /// kept, see [`Limits::runs`](crate::Limits::runs) and [`Limits::run_age`](crate::Limits::run_age). Pushes and
    /// exports do not copy the history, and [`clear`](Self::clear) does not remove it.
    ///
    /// The files are for other programs, too. They are JSON Lines: an object on each line, with a `kind`. The first
    /// line (`run`) describes the run, each further one (`instance`) an instance with the fields of
    /// [`InstanceRun`](crate::InstanceRun), and the last one (`end`) says how the run ended. In Python:
    ///
    /// ```text
    /// runs = pandas.read_json(path, lines=True, dtype=False)
    /// instances = runs[runs["kind"] == "instance"]
    /// instances.groupby("task")["seconds"].sum()
    /// ```
    ///
    /// A process that is killed leaves the file without an end, and possibly with an incomplete last line. The file is
    /// written about ten times a second and never synced, so that a power loss may take more.
    ///
    /// # Errors
    ///
    /// The folder of the history cannot be read. A file that cannot be read is listed in [`Runs::unreadable`].
    ///
    /// ```
    /// use flow::prelude::*;
    /// use flow::store::{InstanceOutcome, RunOutcome};
    ///
    /// #[task(target = Json<u64>)]
    /// fn square(cx: &Cx<square>, n: u64) -> Result<u64> {
    ///     ensure!(n < 100, "{n} is too large");
    ///     cx.meta("digits", (n * n).to_string().len())?;
    ///     Ok(n * n)
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet().allow_failures();
    /// flow.with(square::N, 12).run::<square>()?;
    /// flow.with(square::N, 200).run::<square>()?;
    /// flow.with(square::N, 12).run::<square>()?; // there is nothing to do
    ///
    /// let runs = flow.store().runs()?;
    /// let outcomes: Vec<_> = runs.iter().map(|run| run.outcome).collect();
    /// assert_eq!(outcomes, [RunOutcome::Failed, RunOutcome::Success]);
    /// println!("{runs}"); // a line for each run
    ///
    /// let failed = &runs.load(&runs[0].id)?.instances[0];
    /// assert_eq!(failed.outcome, InstanceOutcome::Failed);
    /// assert_eq!(failed.error.as_deref(), Some("200 is too large"));
    /// let ran = &runs.load(&runs[1].id)?.instances[0];
    /// assert_eq!((ran.instance.as_str(), &ran.reasons[..]), ("square {n: 12}", &["never run".to_owned()][..]));
    /// assert_eq!(ran.metadata["digits"], 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn runs(&self) -> Result<Runs, Error> {
        Ok(self.flow.store.runs()?)
    }

    /// Removes all outputs of `A`, with any parameters.
    ///
    /// It removes nothing if `A` is external or an aggregate.
    ///
    /// # Errors
    ///
    /// Another task has the name of `A` in this store, or a file cannot be removed.
    pub fn clear_task<A: Task>(&self) -> Result<Removed, Error> {
        let decl = A::__decl();
        let task = task_folder(&self.flow.store, TaskType::of::<A>(), &decl)
            .map_err(|kind| Box::new(PlanError::new(kind, Vec::new())))?;
        let mut removed = Removed::default();
        if TaskType::of::<A>().kind != Kind::Made {
            return Ok(removed);
        }
        for (folder, files) in self.flow.store.reset_task(&task, &[&decl.name, decl.identity()])? {
            removed.instances.push(folder.display().to_string());
            removed.files.extend(files);
        }
        Ok(removed)
    }

    /// Removes all outputs in the store. The [history](Self::runs) of runs stays.
    ///
    /// Files that the store did not create are not touched.
    ///
    /// # Errors
    ///
    /// A file cannot be removed.
    pub fn clear(&self) -> Result<Removed, Error> {
        let mut removed = Removed::default();
        for (folder, files) in self.flow.store.reset_all()? {
            removed.instances.push(folder.display().to_string());
            removed.files.extend(files);
        }
        Ok(removed)
    }

    /// Assigns the name of `A` in this store to this program's task.
    ///
    /// A store records which task has a name. If another crate uses the store with a task of the same name but
    /// other parameters or another target, planning fails: two programs that share a folder by accident
    /// would replace each other's outputs. A task that was moved to another crate and changed at the same
    /// time looks the same. Call this method once after such a move. It removes no outputs, and does not change
    /// which outputs are complete.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    pub fn claim<A: Task>(&self) -> Result<(), Error> {
        let task = TaskType::of::<A>();
        let decl = (task.decl)();
        if let Some(claim) = claim(task, &decl) {
            self.flow.store.claim_anew(&decl, &claim)?;
        }
        Ok(())
    }
}

//! Garbage collection: finding files that are no longer needed, and removing them.
//!
//! Finding and removing are separate steps, so that users can check the list before anything is removed. Instances are
//! garbage only if the user names roots to [keep](Gc::keep). Files that an execution in progress may have written, or
//! may be reading, are never removed.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::bytes::Bytes;
use crate::base::key::{Digest, Key};
use crate::flow::error::Error;
use crate::flow::plan::roots_of;
use crate::flow::{Flow, FlowStore, Removed, Roots};
use crate::plan::variant::Root;
use crate::store::Store;
use crate::store::gc::{Found, Item, Keep, What};

/// The default minimal age of garbage.
const OLDER_THAN: Duration = Duration::from_secs(60 * 60);

/// The maximal number of unusable files that are printed.
const LISTED: usize = 5;

impl FlowStore<'_> {
    /// Returns a search for garbage: files in the store that are no longer needed.
    ///
    /// Garbage is: outputs that no record names, files that a process left when it died, records of
    /// failures that were fixed since, lists of code digests that no record names, and versions and runs of the history
    /// [beyond the limits](Flow::limits) of this flow. If [roots](Gc::keep) are given, instances that none of
    /// them needs are garbage as well.
    ///
    /// Nothing is removed before [`Garbage::remove`] is called. Files that the store did not create,
    /// other namespaces and external files are never touched.
    ///
    /// ```
    /// use std::time::Duration;
    ///
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
    /// let (three, four) = (flow.with(Square::N, 3), flow.with(Square::N, 4));
    /// three.run::<Square>()?;
    /// four.run::<Square>()?;
    /// assert!(flow.store().gc().find()?.is_empty());
    ///
    /// // Keep the instance for 4, and no other.
    /// let garbage = flow.store().gc().keep::<Square>(&four)?.find()?;
    /// assert!(garbage.to_string().contains("Square: 1 instance that no kept root needs"));
    /// garbage.remove()?;
    /// assert!(!three.is_complete::<Square>()?);
    /// assert!(four.is_complete::<Square>()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn gc(&self) -> Gc {
        let (wanted, reused, earlier_formats) = (None, HashSet::new(), false);
        Gc { flow: self.flow.clone(), wanted, reused, earlier_formats, older_than: OLDER_THAN }
    }
}

/// A search for files and instances in a store that are no longer needed. Created by [`FlowStore::gc`].
#[must_use = "nothing is looked for before `find` is called"]
pub struct Gc {
    flow: Flow,
    wanted: Option<HashSet<Key>>,
    /// The fingerprints of outputs of other instances that wanted instances would reuse.
    reused: HashSet<Digest>,
    earlier_formats: bool,
    older_than: Duration,
}

impl Gc {
    /// Keeps these roots with the parameters of `flow` and all instances upstream of them.
    ///
    /// Once this is called, all other instances are garbage: call it for each flow and root to keep. It
    /// also keeps the instances that a kept task required while it ran, and outputs of other instances that a
    /// kept instance would reuse.
    ///
    /// These other instances are garbage at any age: [`older_than`](Self::older_than) does not protect an output that
    /// has just been computed. While a run is in progress, none of them is removed.
    ///
    /// # Errors
    ///
    /// Planning fails.
    pub fn keep<R: Roots>(self, flow: &Flow) -> Result<Self, Error> {
        self.keep_roots(&roots_of::<R>(), flow)
    }

    pub(crate) fn keep_roots(mut self, roots: &[Root<'_>], flow: &Flow) -> Result<Self, Error> {
        let flow = Flow { store: Arc::clone(&self.flow.store), ..flow.clone() };
        let plan = flow.as_is(roots)?;
        let wanted = self.wanted.get_or_insert_default();
        wanted.extend(plan.graph.nodes().map(|node| plan.graph.node(node).key));
        for (_, kept) in plan.verdicts.all_kept().filter(|(_, kept)| kept.from.is_none()) {
            wanted.insert(kept.record.key);
            self.reused.insert(kept.record.fingerprint);
        }
        Ok(self)
    }

    /// Includes outputs that an earlier release stored in an earlier format of the store.
    ///
    /// By default, `gc` keeps such an output until a run has reused it. An instance may have had another key in
    /// that release, so that `gc` cannot determine from the keys of the roots which of these outputs a run would
    /// reuse.
    pub fn earlier_formats(self) -> Self {
        Self { earlier_formats: true, ..self }
    }

    /// Sets the minimal age of files that no record names; the default is one hour.
    ///
    /// Instances that no root [keeps](Self::keep) are garbage at any age, for example variants of a sweep that has just
    /// ended: print what [`find`](Self::find) returns before you remove it.
    ///
    /// An execution in progress has written files that no record names yet. It holds a lock, so that its files
    /// are kept at any age. On a file system without locks, an execution whose process died counts as in
    /// progress until a week after its last commit. To collect its files earlier, remove its file in
    /// `.flow/running`.
    ///
    /// Symbolic links in the store are never followed. [`find`](Self::find) fails on a link below `.flow`, or in
    /// place of the folder of a task or an instance, and names it.
    pub fn older_than(self, age: Duration) -> Self {
        Self { older_than: age, ..self }
    }

    /// Finds the garbage without changing anything.
    ///
    /// # Errors
    ///
    /// The store cannot be read, or has a symbolic link in place of one of its folders.
    pub fn find(self) -> Result<Garbage, Error> {
        let Self { flow, wanted, reused, earlier_formats, older_than } = self;
        let keep = Keep { wanted, reused, earlier_formats, limits: flow.limits, older_than };
        let found = flow.store.find_garbage(&keep)?;
        Ok(Garbage { store: flow.store, older_than, found })
    }
}

/// The garbage in a store, as [`Gc::find`] returns it. It can be printed and [removed](Self::remove).
#[must_use = "nothing is removed before `remove` is called"]
pub struct Garbage {
    store: Arc<Store>,
    older_than: Duration,
    found: Found,
}

impl Garbage {
    /// Returns whether there is no garbage.
    pub fn is_empty(&self) -> bool {
        self.found.items.is_empty()
    }

    /// Returns the number of files that would be removed.
    pub fn files(&self) -> usize {
        self.found.items.iter().map(|item| item.files).sum()
    }

    /// Returns the size of these files in bytes.
    ///
    /// Removing a file that has another hard link, in this store or another one, frees no space.
    pub fn bytes(&self) -> u64 {
        self.found.items.iter().map(|item| item.bytes).sum()
    }

    /// Returns the files and folders that would be removed.
    pub fn paths(&self) -> Vec<PathBuf> {
        let whole = self.found.items.iter().filter(|item| !matches!(item.what, What::Lines(_)));
        whole.map(|item| item.path.clone()).collect()
    }

    /// Returns the records that cannot be read, with the reasons. They are kept.
    ///
    /// They are damaged, or were written by a newer version of this library.
    pub fn unusable(&self) -> &[(PathBuf, String)] {
        &self.found.unusable
    }

    /// Removes the garbage, except for files that came into use after the search.
    ///
    /// # Errors
    ///
    /// A file cannot be removed. Other files may have been removed before; the outputs that are kept stay intact.
    pub fn remove(self) -> Result<Removed, Error> {
        let (folders, files) = self.store.remove_garbage(&self.found.items)?;
        self.store.refresh();
        let instances = folders.iter().map(|folder| folder.display().to_string()).collect();
        Ok(Removed { instances, files })
    }
}

impl fmt::Debug for Garbage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Garbage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            f.write_str("no garbage")?;
        } else {
            let files = Count(self.files(), "file");
            write!(f, "{files} can be removed, {}:", Bytes(self.bytes()))?;
        }
        let mut kinds: BTreeMap<(&str, u8), Vec<&Item>> = BTreeMap::new();
        for item in &self.found.items {
            kinds.entry((&item.of, kind(&item.what))).or_default().push(item);
        }
        for ((of, _), items) in kinds {
            let bytes = items.iter().map(|item| item.bytes).sum();
            write!(f, "\n  {of}: {}, {}", describe(&items), Bytes(bytes))?;
        }
        if self.found.young > 0 {
            let what = match self.found.young {
                1 => "1 file or folder that no record names".to_owned(),
                several => format!("{several} files or folders that no record names"),
            };
            if self.found.is_underway {
                write!(
                    f,
                    "\nkept: {what} or no kept root needs; a run is in progress that may use them"
                )?;
            } else {
                let minutes = self.older_than.as_secs() / 60;
                write!(
                    f,
                    "\nkept: {what}, younger than {minutes} min, because a program may be writing them"
                )?;
            }
        }
        if self.found.earlier > 0 {
            let what = Count(self.found.earlier, "instance");
            write!(
                f,
                "\nkept: {what} of an earlier release, which a run may reuse: run the wanted roots first, \
                 or remove them with `earlier_formats()` in a program"
            )?;
        }
        for (path, why) in self.found.unusable.iter().take(LISTED) {
            write!(f, "\nkept: {}: {why}", path.display())?;
        }
        match self.found.unusable.len().checked_sub(LISTED) {
            Some(more @ 1..) => write!(f, "\nkept: {more} more of these"),
            _ => Ok(()),
        }
    }
}

/// Returns the rank of a kind of garbage. Items of one kind are printed together.
fn kind(what: &What) -> u8 {
    match what {
        What::Unwanted { .. } => 0,
        What::Version { .. } => 1,
        What::Unnamed { .. } => 2,
        What::Note { .. } => 3,
        What::Empty { .. } => 4,
        What::Code => 5,
        What::Lines(_) => 6,
        What::Left => 7,
        What::Run => 8,
    }
}

/// Describes items of one kind, which must not be empty.
fn describe(items: &[&Item]) -> String {
    let n = items.len();
    match items[0].what {
        What::Unwanted { .. } => {
            format!("{} that no kept root needs, of any age", Count(n, "instance"))
        }
        What::Version { .. } => Count(n, "earlier version").to_string(),
        What::Unnamed { .. } => format!("{} that no record names", Count(n, "output")),
        What::Note { .. } => Count(n, "outdated log or error").to_string(),
        What::Empty { .. } => Count(n, "empty folder").to_string(),
        What::Code => format!("{} of code that no record names", Count(n, "table")),
        What::Lines(_) => {
            format!("{} with entries of outputs that no longer exist", Count(n, "index file"))
        }
        What::Left => format!("{} of processes that have ended", Count(n, "leftover")),
        What::Run => format!("{} of the history beyond the limits", Count(n, "run")),
    }
}

/// Displays a number with its noun: `1 file`, `2 files`.
struct Count(usize, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self(1, thing) => write!(f, "1 {thing}"),
            Self(n, "outdated log or error") => write!(f, "{n} outdated logs or errors"),
            Self(n, thing) => write!(f, "{n} {thing}s"),
        }
    }
}

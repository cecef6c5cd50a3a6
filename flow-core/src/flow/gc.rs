//! Collecting garbage: finding what nobody needs, and removing it.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::key::{Digest, Key};
use crate::flow::error::Error;
use crate::flow::plan::roots_of;
use crate::flow::{Flow, FlowStore, Removed, Roots};
use crate::plan::variant::Root;
use crate::store::Store;
use crate::store::gc::{Found, Item, Keep, What};

/// How old something must be before it is taken for left behind, unless the user says so.
const OLDER_THAN: Duration = Duration::from_secs(60 * 60);

/// How many files are printed one by one.
const LISTED: usize = 5;

impl FlowStore<'_> {
    /// Looks for what nobody needs in the store: outputs that no record and no kept version names,
    /// what a process left that died, notes of failures that are over, code that no record names,
    /// versions [beyond the limits](Flow::limits) of this flow. With [roots](Gc::keep),
    /// instances that none of them needs, too.
    ///
    /// Nothing is removed before [`Garbage::remove`] is called on what was found. Files that are not
    /// of the store's own making are never touched, nor are those of other environments, nor what is
    /// made elsewhere.
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
    /// // Of all instances, only that of 4 is wanted from now on.
    /// let garbage = flow.store().gc().keep::<Square>(&four)?.find()?;
    /// assert!(garbage.to_string().contains("Square: 1 instance that no root needs"));
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

/// A search for files and instances in a store that are no longer needed. Made by [`FlowStore::gc`].
#[must_use = "nothing is looked for before `find` is called"]
pub struct Gc {
    flow: Flow,
    wanted: Option<HashSet<Key>>,
    /// The fingerprints of the outputs that wanted instances reuse from another place.
    reused: HashSet<Digest>,
    earlier_formats: bool,
    older_than: Duration,
}

impl Gc {
    /// Wants these roots with the parameters of that flow, and all that they require. Once this is
    /// said, all other instances are garbage: say it for each flow and root that is wanted.
    ///
    /// What a wanted task has required while it ran is wanted as well, and so is an output of another
    /// instance that a wanted one would reuse.
    ///
    /// # Errors
    ///
    /// The flow is wrong.
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

    /// Treats outputs of an earlier release like all others: an instance that no root needs is garbage.
    ///
    /// Without this, `gc` keeps what an earlier release has stored in an earlier format until a run has
    /// reused it. An instance may have another key in this release than it had, so that the keys of
    /// the roots do not tell which of those outputs a run would reuse.
    pub fn earlier_formats(self) -> Self {
        Self { earlier_formats: true, ..self }
    }

    /// Takes nothing for left behind that is younger than this; without it, than an hour.
    ///
    /// What a process at work has written is named by no record yet. Executions under way are known
    /// by locks, so that their files are left alone however old they are. On a file system without
    /// locks, everything is left alone until a week after an execution last committed that has not
    /// come to its end: remove its file in `.flow/running` if it has died.
    ///
    /// A link in the folder of the store is never followed. One below `.flow`, or in the place of the
    /// folder of a task or an instance, is an error that names it.
    pub fn older_than(self, age: Duration) -> Self {
        Self { older_than: age, ..self }
    }

    /// Finds what nobody needs. Nothing is changed.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn find(self) -> Result<Garbage, Error> {
        let Self { flow, wanted, reused, earlier_formats, older_than } = self;
        let keep = Keep { wanted, reused, earlier_formats, limits: flow.limits, older_than };
        let found = flow.store.find_garbage(&keep)?;
        Ok(Garbage { store: flow.store, older_than, found })
    }
}

/// What nobody needs in a store: found by [`Gc::find`], printed, and removed when it is said.
#[must_use = "nothing is removed before `remove` is called"]
pub struct Garbage {
    store: Arc<Store>,
    older_than: Duration,
    found: Found,
}

impl Garbage {
    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.items.is_empty()
    }

    /// How many files would be removed.
    pub fn files(&self) -> usize {
        self.found.items.iter().map(|item| item.files).sum()
    }

    /// How large they are, in bytes. A file of which a link lies elsewhere takes no less room when it
    /// is gone here.
    pub fn bytes(&self) -> u64 {
        self.found.items.iter().map(|item| item.bytes).sum()
    }

    /// The files and folders that would be removed.
    pub fn paths(&self) -> Vec<PathBuf> {
        let whole = self.found.items.iter().filter(|item| !matches!(item.what, What::Lines(_)));
        whole.map(|item| item.path.clone()).collect()
    }

    /// The files that are left alone for they cannot be used, and why: records that are damaged, or
    /// that a newer version of this library wrote.
    pub fn unusable(&self) -> &[(PathBuf, String)] {
        &self.found.unusable
    }

    /// Removes what was found, but for what somebody has begun to use since.
    ///
    /// # Errors
    ///
    /// A file cannot be removed; what was removed before that is gone, and nothing else is harmed.
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
            write!(f, "\n  {of}: {}, {}", said(&items), Bytes(bytes))?;
        }
        if self.found.young > 0 {
            let what = Count(self.found.young, "other");
            if self.found.is_underway {
                write!(f, "\nleft alone: {what}, for an execution is under way")?;
            } else {
                let minutes = self.older_than.as_secs() / 60;
                write!(f, "\nleft alone: {what}, younger than {minutes} min")?;
            }
        }
        if self.found.earlier > 0 {
            let what = Count(self.found.earlier, "instance");
            write!(
                f,
                "\nleft alone: {what} of an earlier release, which a run may reuse: run what is wanted \
                 first, or collect with `earlier_formats()`"
            )?;
        }
        for (path, why) in self.found.unusable.iter().take(LISTED) {
            write!(f, "\nleft alone: {}: {why}", path.display())?;
        }
        match self.found.unusable.len().checked_sub(LISTED) {
            Some(more @ 1..) => write!(f, "\nleft alone: {more} more of these"),
            _ => Ok(()),
        }
    }
}

/// What is printed together.
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
    }
}

/// Items of one kind in words.
fn said(items: &[&Item]) -> String {
    let n = items.len();
    match items[0].what {
        What::Unwanted { .. } => format!("{} that no root needs", Count(n, "instance")),
        What::Version { .. } => Count(n, "earlier version").to_string(),
        What::Unnamed { .. } => format!("{} that no record names", Count(n, "output")),
        What::Note { .. } => format!("{} that nobody reads", Count(n, "note")),
        What::Empty { .. } => Count(n, "empty folder").to_string(),
        What::Code => format!("{} of code that no record names", Count(n, "table")),
        What::Lines(_) => format!("{} with lines that lead nowhere", Count(n, "index")),
        What::Left => format!("{} of processes that have ended", Count(n, "leftover")),
    }
}

/// A number of things.
struct Count(usize, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self(1, thing) => write!(f, "1 {thing}"),
            Self(n, "index") => write!(f, "{n} indices"),
            Self(n, thing) => write!(f, "{n} {thing}s"),
        }
    }
}

/// A size as people say it.
pub(super) struct Bytes(pub(super) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as f64;
        match self.0 {
            0..1_000 => write!(f, "{} B", self.0),
            1_000..1_000_000 => write!(f, "{:.1} kB", bytes / 1e3),
            1_000_000..1_000_000_000 => write!(f, "{:.1} MB", bytes / 1e6),
            _ => write!(f, "{:.1} GB", bytes / 1e9),
        }
    }
}

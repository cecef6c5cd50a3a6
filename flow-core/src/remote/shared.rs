//! A remote whose outputs a flow reuses, as a cache of a team.
//!
//! The planner searches it after the stores of the flow. The files of an output are fetched when they are needed: by a task
//! that runs, by a load, or because the output is a root of a run. A manifest that is damaged, that cannot be fetched, or that
//! a newer version of this library has written, counts as missing.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::base::error::StoreError;
use crate::base::key::{Digest, Key};
use crate::plan::dynamic::Finder;
use crate::remote::checked_io::read_whole;
use crate::remote::instances::Instances;
use crate::remote::listing::Listing;
use crate::remote::pull::fetch;
use crate::remote::{OUTPUTS, Remote, RemoteContext, manifest, table};
use crate::store::crates::Crates;
use crate::store::kept::{Bring, Carried, Kept};
use crate::store::record::Record;
use crate::store::{Store, json};

/// The time after which a plan looks for outputs that others have pushed since.
const FRESH: Duration = Duration::from_secs(60);

/// A remote whose outputs are reused.
pub(crate) struct SharedRemote {
    files: Arc<RemoteFiles>,
    refreshed: Mutex<Option<Instant>>,
    instances: Instances,
}

struct RemoteFiles(Arc<dyn Remote>);

impl SharedRemote {
    pub(crate) fn new(remote: Arc<dyn Remote>) -> Self {
        let files = Arc::new(RemoteFiles(remote));
        Self { files, refreshed: Mutex::default(), instances: Instances::default() }
    }

    /// Looks at the remote anew, if it is time to.
    ///
    /// A remote that cannot be reached is an error of the first plan. Later it is known already, and an outage makes no task
    /// of a long run fail.
    fn refresh(&self) -> Result<(), StoreError> {
        let mut refreshed = self.refreshed.lock().expect("lock poisoned");
        if refreshed.is_none_or(|at| at.elapsed() > FRESH) {
            let listed = self.files.0.refresh().of_remote("list", OUTPUTS);
            if refreshed.is_none() {
                listed?;
            }
            self.instances.clear();
            *refreshed = Some(Instant::now());
        }
        Ok(())
    }

    /// Returns the first output with files for which `holds` is true.
    fn to_bring(
        &self,
        records: &[(Carried, Record)],
        holds: &mut dyn FnMut(&Record) -> bool,
    ) -> Option<Kept> {
        let mut whole = records.iter().filter(|(carried, _)| *carried == Carried::Whole);
        let (_, record) = whole.find(|(_, record)| holds(record))?;
        let bring = Arc::clone(&self.files) as Arc<dyn Bring>;
        Some(Kept::to_bring(record.clone(), bring))
    }
}

impl Finder for SharedRemote {
    fn kept(
        &self,
        task: &str,
        fingerprint: Digest,
        holds: &mut dyn FnMut(&Record) -> bool,
    ) -> Result<Option<Kept>, StoreError> {
        self.refresh()?;
        let listing = Listing::new(&*self.files.0);
        let manifests = match manifest::all(&listing, task, fingerprint) {
            Ok(manifests) => manifests,
            // It is only a cache: the task runs. A colleague may have a newer version of this library.
            Err(
                StoreError::Damaged { .. } | StoreError::Newer { .. } | StoreError::Remote { .. },
            ) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(self.to_bring(&manifests, holds))
    }

    fn of_instance(
        &self,
        task: &str,
        key: Key,
        holds: &mut dyn FnMut(&Record) -> bool,
    ) -> Result<Option<Kept>, StoreError> {
        self.refresh()?;
        match self.instances.records(&*self.files.0, task, key) {
            Ok(records) => Ok(self.to_bring(&records, holds)),
            Err(StoreError::Remote { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Bring for RemoteFiles {
    fn bring(&self, store: &Store, content: (Digest, u64), to: &Path) -> Result<i64, StoreError> {
        fetch((store, &*self.0), content, to)
    }

    fn crates(&self, digest: Digest) -> Option<Crates> {
        json::parse(&read_whole(&*self.0, &table(digest)).ok()?).ok()
    }
}

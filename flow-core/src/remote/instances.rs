//! The manifests of a remote by instance: outputs that may be up to date by the columns that they were computed from.
//!
//! A manifest is found by the fingerprint of its output, which has the whole content of each input. If a task has read
//! single columns, its output may be up to date under another fingerprint ([`columns`](crate::plan::columns)). The name of
//! such a manifest begins with the key of its instance, so that one listing of a task answers for all its instances. If the
//! remote packs its manifests, those of a task are also read with few requests, once one of them is needed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::base::error::StoreError;
use crate::base::key::Key;
use crate::remote::{Remote, RemoteContext, manifest};
use crate::store::bounds;
use crate::store::kept::Carried;
use crate::store::record::Record;

/// How many manifests of a task are read together, at most. Otherwise those of each instance are read by themselves.
const TOGETHER: usize = 1000;

/// How many manifests of an instance are read, at most.
const OF_INSTANCE: usize = 64;

/// The manifests of some tasks by instance, as they were when they were first listed.
#[derive(Default)]
pub(crate) struct Instances(Mutex<HashMap<String, Arc<Mutex<OfTask>>>>);

/// The manifests of a task whose names have a key.
#[derive(Default)]
struct OfTask {
    /// Their names, once they were listed.
    names: Option<HashMap<Key, Vec<String>>>,
    /// The records of the instances whose manifests were read.
    records: HashMap<Key, Records>,
}

/// The records of the outputs of an instance: those with files first, and the latest first.
pub(crate) type Records = Arc<[(Carried, Record)]>;

impl Instances {
    /// Forgets everything, so that what others have pushed since is found.
    pub(crate) fn clear(&self) {
        self.tasks().clear();
    }

    fn tasks(&self) -> MutexGuard<'_, HashMap<String, Arc<Mutex<OfTask>>>> {
        self.0.lock().expect("lock poisoned")
    }

    /// Returns the records of the outputs of an instance that name the columns they were computed from.
    ///
    /// Damaged manifests, and those of a newer version of this library, are left out.
    ///
    /// # Errors
    ///
    /// The remote cannot be read.
    pub(crate) fn records(
        &self,
        remote: &dyn Remote,
        task: &str,
        key: Key,
    ) -> Result<Records, StoreError> {
        let of_task = Arc::clone(self.tasks().entry(task.to_owned()).or_default());
        // Other threads of the run wait for the same listing.
        let mut of_task = of_task.lock().expect("lock poisoned");
        let OfTask { names, records } = &mut *of_task;
        if names.is_none() {
            *names = Some(listed(remote, task)?);
        }
        let names = names.as_ref().expect("it was listed above");
        if let Some(known) = records.get(&key) {
            return Ok(Arc::clone(known));
        }
        let Some(own) = names.get(&key) else { return Ok(Records::from([])) };
        let all = names.values().map(Vec::len).sum::<usize>();
        if remote.packs_up_to() > 0 && all <= TOGETHER {
            *records = read(remote, names.values().flatten())?;
        } else {
            records.extend(read(remote, own.iter().take(OF_INSTANCE))?);
        }
        // All of its manifests may be damaged.
        Ok(Arc::clone(records.entry(key).or_insert_with(|| Records::from([]))))
    }
}

/// Returns the names of the manifests of a task that have a key.
fn listed(remote: &dyn Remote, task: &str) -> Result<HashMap<Key, Vec<String>>, StoreError> {
    let folder = manifest::folder_of_task(task);
    let mut names: HashMap<Key, Vec<String>> = HashMap::new();
    for name in remote.list(&folder).of_remote("list", &folder)? {
        if let Some(key) = manifest::key(&name) {
            names.entry(key).or_default().push(name);
        }
    }
    Ok(names)
}

/// Reads manifests, and returns their records by instance.
fn read<'n>(
    remote: &dyn Remote,
    names: impl Iterator<Item = &'n String>,
) -> Result<HashMap<Key, Records>, StoreError> {
    let names: Vec<String> = names.cloned().collect();
    let Some(first) = names.first() else { return Ok(HashMap::new()) };
    let contents = remote.get_many(&names, bounds::RECORD + 1).of_remote("get", first)?;
    let mut read: HashMap<Key, Vec<(Carried, Record)>> = HashMap::new();
    for (name, bytes) in names.iter().zip(contents) {
        // It may have been deleted since it was listed.
        let Some(bytes) = bytes else { continue };
        let Ok(record) = manifest::parse_named(name, &bytes) else { continue };
        if manifest::key(name) == Some(record.key) {
            read.entry(record.key).or_default().push((manifest::carried(name), record));
        }
    }
    let sorted = read.into_iter().map(|(key, mut records)| {
        manifest::sort(&mut records);
        (key, Records::from(records))
    });
    Ok(sorted.collect())
}

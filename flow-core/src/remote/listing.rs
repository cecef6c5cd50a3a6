//! The names of manifests in a remote, with few requests.
//!
//! An object store answers one request in the time that a disk takes for hundreds. A push or pull of many outputs of a
//! task lists all manifests of the task once, if the remote [prefers](Remote::prefers_few_lists) that; otherwise it lists
//! the manifests of each fingerprint.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::base::error::StoreError;
use crate::base::key::Digest;
use crate::remote::push::sizes;
use crate::remote::{Remote, RemoteContext, manifest};

/// How many fingerprints of a task are listed one by one.
const SINGLE: usize = 64;

/// How many manifests are read with one request.
const BATCH: usize = 1000;

/// The size of the manifests that are read with one request, in bytes.
const BATCH_BYTES: u64 = 32 << 20;

/// How many manifests of a task are read in advance for each instance of the task, at most.
const PER_INSTANCE: usize = 4;

/// The names of manifests in a remote, as they were when they were first listed.
pub(crate) struct Listing<'a> {
    remote: &'a dyn Remote,
    tasks: Mutex<HashMap<String, Arc<Mutex<OfTask>>>>,
    /// The contents of manifests that were read in advance, until they are needed.
    prefetched: Mutex<HashMap<String, Vec<u8>>>,
}

/// The names of the manifests of a task.
#[derive(Default)]
struct OfTask {
    /// How many fingerprints were listed one by one.
    single: usize,
    /// All names, by fingerprint, once they were listed.
    all: Option<HashMap<Digest, Vec<String>>>,
}

impl<'a> Listing<'a> {
    pub(crate) fn new(remote: &'a dyn Remote) -> Self {
        Self { remote, tasks: Mutex::default(), prefetched: Mutex::default() }
    }

    /// Reads the manifests of some tasks in advance, with few requests, if the remote packs them.
    ///
    /// `tasks` has the number of instances of each task for which manifests are needed. If the remote has many times as
    /// many manifests of a task, they are read one by one when they are needed.
    pub(crate) fn prefetch(&self, tasks: &HashMap<String, usize>) -> Result<(), StoreError> {
        if self.remote.packs_up_to() == 0 {
            return Ok(());
        }
        let mut wanted = Vec::new();
        for (task, instances) in tasks {
            let folder = manifest::folder_of_task(task);
            let names = self.remote.list(&folder).of_remote("list", &folder)?;
            if names.len() <= SINGLE + PER_INSTANCE * instances {
                wanted.extend(names);
            }
        }
        let sizes = sizes(self.remote, &wanted)?;
        let mut batch = Vec::new();
        let mut bytes = 0;
        for (name, size) in wanted.into_iter().zip(sizes) {
            let Some(size) = size.filter(|size| *size <= BATCH_BYTES) else { continue };
            if batch.len() == BATCH || bytes + size > BATCH_BYTES {
                self.read_in_advance(&std::mem::take(&mut batch))?;
                bytes = 0;
            }
            bytes += size;
            batch.push(name);
        }
        self.read_in_advance(&batch)
    }

    fn read_in_advance(&self, names: &[String]) -> Result<(), StoreError> {
        let Some(first) = names.first() else { return Ok(()) };
        let contents = self.remote.get_many(names, BATCH_BYTES + 1).of_remote("get", first)?;
        let read = names.iter().zip(contents);
        let read = read.filter_map(|(name, bytes)| Some((name.clone(), bytes?)));
        self.prefetched.lock().expect("lock poisoned").extend(read);
        Ok(())
    }

    /// Returns the content of a manifest, if it was read in advance, and forgets it.
    pub(crate) fn prefetched(&self, name: &str) -> Option<Vec<u8>> {
        self.prefetched.lock().expect("lock poisoned").remove(name)
    }

    pub(crate) fn remote(&self) -> &'a dyn Remote {
        self.remote
    }

    /// Adds a manifest that was put since.
    pub(crate) fn add(&self, task: &str, fingerprint: Digest, name: String) {
        let of_task = self.of_task(task);
        let mut of_task = of_task.lock().expect("lock poisoned");
        if let Some(all) = &mut of_task.all {
            all.entry(fingerprint).or_default().push(name);
        }
    }

    fn of_task(&self, task: &str) -> Arc<Mutex<OfTask>> {
        let mut tasks = self.tasks.lock().expect("lock poisoned");
        Arc::clone(tasks.entry(task.to_owned()).or_default())
    }

    /// Returns the names of the manifests of a task with this fingerprint.
    pub(crate) fn manifests(
        &self,
        task: &str,
        fingerprint: Digest,
    ) -> Result<Vec<String>, StoreError> {
        let of_task = self.of_task(task);
        let mut of_task = of_task.lock().expect("lock poisoned");
        let has_single = of_task.single < SINGLE || !self.remote.prefers_few_lists();
        if of_task.all.is_none() && has_single {
            of_task.single += 1;
            drop(of_task);
            let folder = manifest::folder(task, fingerprint);
            return self.remote.list(&folder).of_remote("list", &folder);
        }
        if of_task.all.is_none() {
            let folder = manifest::folder_of_task(task);
            let mut all: HashMap<Digest, Vec<String>> = HashMap::new();
            for name in self.remote.list(&folder).of_remote("list", &folder)? {
                let below = name.strip_prefix(&folder).and_then(|below| below.strip_prefix('/'));
                let fingerprint = below.and_then(|below| below.split_once('/')?.0.parse().ok());
                if let Some(fingerprint) = fingerprint {
                    all.entry(fingerprint).or_default().push(name);
                }
            }
            of_task.all = Some(all);
        }
        let all = of_task.all.as_ref().expect("it was listed above");
        Ok(all.get(&fingerprint).cloned().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use super::*;

    /// A remote that counts its lists.
    struct Counting {
        names: Vec<String>,
        prefers_few_lists: bool,
        lists: Mutex<Vec<String>>,
    }

    impl Remote for Counting {
        fn list(&self, folder: &str) -> io::Result<Vec<String>> {
            self.lists.lock().expect("lock poisoned").push(folder.to_owned());
            let is_in = |name: &&String| name.starts_with(&format!("{folder}/"));
            Ok(self.names.iter().filter(is_in).cloned().collect())
        }

        fn size(&self, _: &str) -> io::Result<Option<u64>> {
            unreachable!("only names are listed")
        }

        fn get(&self, _: &str) -> io::Result<Box<dyn Read + Send>> {
            unreachable!("only names are listed")
        }

        fn put(&self, _: &str, _: &mut dyn Read, _: u64) -> io::Result<()> {
            unreachable!("only names are listed")
        }

        fn prefers_few_lists(&self) -> bool {
            self.prefers_few_lists
        }
    }

    #[test]
    fn many_fingerprints_of_a_task_take_one_request() {
        let fingerprint = |n: u128| Digest(n);
        let mut names = Vec::new();
        for task in ["Fit", "Fitted"] {
            for n in (0..100).step_by(2) {
                names.push(format!("{}/a-b-{n}.json", manifest::folder(task, fingerprint(n))));
            }
        }
        let mut remote = Counting { names, lists: Mutex::default(), prefers_few_lists: true };
        let listing = Listing::new(&remote);
        for n in 0..100 {
            for task in ["Fit", "Fitted"] {
                let found = listing.manifests(task, fingerprint(n)).expect("it lists");
                let folder = manifest::folder(task, fingerprint(n));
                let expected: Vec<_> =
                    (n % 2 == 0).then(|| format!("{folder}/a-b-{n}.json")).into_iter().collect();
                assert_eq!(found, expected, "{task} {n}");
            }
        }
        let added = "outputs/Fit/1/a-b-1.json".to_owned();
        listing.add("Fit", fingerprint(1), added.clone());
        assert_eq!(listing.manifests("Fit", fingerprint(1)).expect("it lists"), [added]);
        assert_eq!(remote.lists.lock().expect("lock poisoned").len(), 2 * (SINGLE + 1));

        // A folder with many names is slow to list.
        remote.prefers_few_lists = false;
        remote.lists.lock().expect("lock poisoned").clear();
        let listing = Listing::new(&remote);
        (0..100).for_each(|n| drop(listing.manifests("Fit", fingerprint(n)).expect("it lists")));
        assert_eq!(remote.lists.into_inner().expect("lock poisoned").len(), 100);
    }
}

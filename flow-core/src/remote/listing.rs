//! The names of manifests in a remote, with few requests.
//!
//! An object store answers one request in the time that a disk takes for hundreds. A push or pull of few outputs of a
//! task lists the manifests of each fingerprint; with more, it lists all manifests of the task once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::base::error::StoreError;
use crate::base::key::Digest;
use crate::remote::{Remote, RemoteContext, manifest};

/// How many fingerprints of a task are listed one by one.
const SINGLE: usize = 8;

/// The names of manifests in a remote, as they were when they were first listed.
pub(crate) struct Listing<'a> {
    remote: &'a dyn Remote,
    tasks: Mutex<HashMap<String, Arc<Mutex<OfTask>>>>,
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
        Self { remote, tasks: Mutex::default() }
    }

    pub(crate) fn remote(&self) -> &'a dyn Remote {
        self.remote
    }

    /// Returns the names of the manifests of a task with this fingerprint.
    pub(crate) fn manifests(
        &self,
        task: &str,
        fingerprint: Digest,
    ) -> Result<Vec<String>, StoreError> {
        let of_task = {
            let mut tasks = self.tasks.lock().expect("lock poisoned");
            Arc::clone(tasks.entry(task.to_owned()).or_default())
        };
        let mut of_task = of_task.lock().expect("lock poisoned");
        if of_task.all.is_none() && of_task.single < SINGLE {
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
        let remote = Counting { names, lists: Mutex::default() };
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
        let lists = remote.lists.into_inner().expect("lock poisoned");
        assert_eq!(lists.len(), 2 * (SINGLE + 1), "{lists:?}");
    }
}

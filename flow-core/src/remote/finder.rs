//! The search of a remote for outputs with a fingerprint, or of an instance, during planning.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::base::error::StoreError;
use crate::base::key::{Digest, Key};
use crate::plan::Graph;
use crate::plan::dynamic::Finder;
use crate::remote::instances::Instances;
use crate::remote::listing::Listing;
use crate::remote::{Remote, manifest};
use crate::store::kept::{Carried, Kept};
use crate::store::record::Record;
use crate::task::Kind;

/// Finds outputs in a remote. It reads the manifests of each fingerprint once.
pub(crate) struct RemoteFinder<'a> {
    listing: Listing<'a>,
    /// The manifests that were read, by task and fingerprint.
    cache: RefCell<HashMap<(String, Digest), Manifests>>,
    instances: Instances,
}

type Manifests = Rc<[(Carried, Record)]>;

impl<'a> RemoteFinder<'a> {
    pub(crate) fn new(remote: &'a dyn Remote) -> Self {
        let (cache, instances) = (RefCell::default(), Instances::default());
        Self { listing: Listing::new(remote), cache, instances }
    }

    /// Reads the manifests that the instances of a graph may need in advance, with few requests.
    pub(crate) fn prefetch(&self, graph: &Graph) -> Result<(), StoreError> {
        let mut tasks: HashMap<String, usize> = HashMap::new();
        for node in graph.nodes().filter(|&node| graph.kind(node) == Kind::Made) {
            *tasks.entry(graph.task(node).decl.identity().to_owned()).or_default() += 1;
        }
        self.listing.prefetch(&tasks)
    }

    fn manifests(&self, task: &str, fingerprint: Digest) -> Result<Manifests, StoreError> {
        let key = (task.to_owned(), fingerprint);
        if let Some(known) = self.cache.borrow().get(&key) {
            return Ok(Rc::clone(known));
        }
        let found: Manifests = manifest::all(&self.listing, task, fingerprint)?.into();
        self.cache.borrow_mut().insert(key, Rc::clone(&found));
        Ok(found)
    }
}

impl Finder for RemoteFinder<'_> {
    fn kept(
        &self,
        task: &str,
        fingerprint: Digest,
        holds: &mut dyn FnMut(&Record) -> bool,
    ) -> Result<Option<Kept>, StoreError> {
        let manifests = self.manifests(task, fingerprint)?;
        let found = manifests.iter().find(|(_, record)| holds(record));
        Ok(found.map(|(carried, record)| Kept::carried(record.clone(), *carried)))
    }

    fn of_instance(
        &self,
        task: &str,
        key: Key,
        holds: &mut dyn FnMut(&Record) -> bool,
    ) -> Result<Option<Kept>, StoreError> {
        let records = self.instances.records(self.listing.remote(), task, key)?;
        let found = records.iter().find(|(_, record)| holds(record));
        Ok(found.map(|(carried, record)| Kept::carried(record.clone(), *carried)))
    }
}

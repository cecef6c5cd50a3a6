//! The search for outputs by their fingerprints in a remote, while a plan is made.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::base::error::StoreError;
use crate::base::key::Digest;
use crate::plan::dynamic::Finder;
use crate::remote::{Remote, manifest};
use crate::store::kept::{Carried, Kept};
use crate::store::record::Record;

/// Finds outputs in a remote, which is asked once for each fingerprint.
pub(crate) struct RemoteFinder<'a> {
    remote: &'a dyn Remote,
    asked: RefCell<HashMap<(String, Digest), Manifests>>,
}

type Manifests = Rc<[(Carried, Record)]>;

impl<'a> RemoteFinder<'a> {
    pub(crate) fn new(remote: &'a dyn Remote) -> Self {
        Self { remote, asked: RefCell::default() }
    }

    fn manifests(&self, task: &str, fingerprint: Digest) -> Result<Manifests, StoreError> {
        let asked = (task.to_owned(), fingerprint);
        if let Some(known) = self.asked.borrow().get(&asked) {
            return Ok(Rc::clone(known));
        }
        let found: Manifests = manifest::all(self.remote, task, fingerprint)?.into();
        self.asked.borrow_mut().insert(asked, Rc::clone(&found));
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
}

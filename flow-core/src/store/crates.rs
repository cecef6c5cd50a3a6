//! The versions of the crates that an output was computed with, whose source is not tracked.
//!
//! They are reported and do not count unless the task says `lock`: otherwise a patch release of a
//! logger would run everything again. The versions are kept in a table named by its digest, because
//! thousands of records have the same versions. Comparing a record with the present versions is one
//! comparison of digests. The table is read only if they differ.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::code::{Codes, Versioning};
use crate::base::key::Digest;
use crate::store::{Store, bounds, json};

/// The versions of crates by name. A crate has several versions if the packages of a task's code
/// depend on different ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Crates(BTreeMap<String, Vec<String>>);

/// A crate whose versions changed. Without versions, the code did not depend on the crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CrateChange {
    pub(crate) name: String,
    pub(crate) was: Vec<String>,
    pub(crate) now: Vec<String>,
}

impl Crates {
    pub(crate) fn of(codes: &Codes, which: Versioning) -> Self {
        let mut crates: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, version) in codes.crates(which) {
            crates.entry(name.to_owned()).or_default().push(version.to_owned());
        }
        Self(crates)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the changes from these versions to `now`, by name.
    pub(crate) fn changes<'a>(
        &'a self,
        now: &'a Self,
    ) -> impl Iterator<Item = CrateChange> + use<'a> {
        let names: std::collections::BTreeSet<&String> =
            self.0.keys().chain(now.0.keys()).collect();
        names.into_iter().filter_map(|name| {
            let versions = |of: &Self| of.0.get(name).cloned().unwrap_or_default();
            let (was, now) = (versions(self), versions(now));
            (was != now).then(|| CrateChange { name: name.clone(), was, now })
        })
    }
}

impl CrateChange {
    /// Returns the name, the recorded versions and the present versions.
    pub(crate) fn into_words(self) -> (String, String, String) {
        (self.name, self.was.join(" and "), self.now.join(" and "))
    }
}

impl fmt::Display for CrateChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, was, now } = self;
        match (was.join(" and "), now.join(" and ")) {
            (was, now) if was.is_empty() => write!(f, "{name} {now} is new"),
            (was, now) if now.is_empty() => write!(f, "{name} {was} is gone"),
            (was, now) => write!(f, "{name} {was} is {now} now"),
        }
    }
}

impl Store {
    /// Returns the versions with this digest, if they were kept.
    pub(crate) fn crates(&self, digest: Digest) -> Option<Crates> {
        let path = self.internal("code").join(format!("{digest}.json"));
        json::parse(&self.fs.read(&path, bounds::NOTE).ok()?).ok()
    }

    /// Keeps the versions with this digest, once an output is committed. Errors are ignored: reasons
    /// say less then.
    pub(crate) fn keep_crates(&self, digest: Digest, crates: impl FnOnce() -> Option<Crates>) {
        let path = self.internal("code").join(format!("{digest}.json"));
        self.note_with_commit(&path, crates);
    }
}

//! Draft records: the records of outputs that another process has computed for this one, until they are committed.
//!
//! A child process that runs tasks does not commit. After it has written an output, it writes the record as it is
//! to be committed into `.flow/drafts/<key>-<number>.json`, and tells its parent. The parent commits the output and removes
//! the draft. If the parent dies in between, the next run [commits](crate::engine::recover) what the drafts describe, so
//! that the work is not lost.
//!
//! A draft is not synced: it serves after the death of a process. After a loss of power it may be missing or damaged, and
//! so may the files that it names, whose digests are compared before they are committed.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::error::{IoContext, StoreError};
use crate::base::key::{Digest, Key, Short};
use crate::base::names::unique;
use crate::files::is_absent;
use crate::store::record::{FORMAT, Record};
use crate::store::{Store, bounds, json};

/// The folder of the drafts, in the store's internal folder.
pub(super) const DRAFTS: &str = "drafts";

/// A record that is to be committed.
#[derive(Serialize, Deserialize)]
pub(crate) struct DraftRecord {
    /// The folder of the instance, relative to the store, with `/`.
    pub(crate) folder: String,
    /// The module that declares the task.
    pub(crate) module: String,
    pub(crate) record: Record,
}

impl Store {
    /// Returns a new path for the draft of an instance.
    pub(crate) fn new_draft_record(&self, key: Key) -> PathBuf {
        self.internal(DRAFTS).join(format!("{}-{}.json", key.short(), unique()))
    }

    /// Returns the path of the draft of a job, which is the same for each run that submits or adopts it: a run that has
    /// adopted a job removes the draft that an earlier run has named.
    pub(crate) fn draft_record_of_job(&self, key: Key, fingerprint: Digest) -> PathBuf {
        self.internal(DRAFTS).join(format!("{}-{fingerprint}.json", key.short()))
    }

    /// Returns the path of the draft with this file name.
    pub(crate) fn draft_record_named(&self, name: &OsStr) -> PathBuf {
        self.internal(DRAFTS).join(name)
    }

    /// Writes a draft.
    ///
    /// # Errors
    ///
    /// The file cannot be written. What was written of it is removed.
    pub(crate) fn write_draft_record(
        &self,
        path: &Path,
        draft: &DraftRecord,
    ) -> Result<(), StoreError> {
        let bytes =
            serde_json::to_vec(draft).map_err(std::io::Error::from).during("write", path)?;
        let created = self.fs.create(path).or_else(|error| match error.kind() {
            ErrorKind::NotFound => {
                self.fs.create_folder(&self.internal(DRAFTS))?;
                self.fs.create(path)
            }
            _ => Err(error),
        });
        let mut file = created.during("create", path)?;
        let written = file.write_all(&bytes).and_then(|()| file.flush());
        written.during("write", path).inspect_err(|_| self.discard_path(path))
    }

    /// Returns the paths of all drafts, each with the digits of its instance's key. In most cases there are none, and
    /// the folder does not exist.
    pub(crate) fn draft_records(&self) -> Vec<(PathBuf, Short)> {
        let folder = self.internal(DRAFTS);
        // A folder that cannot be read has no drafts for this user.
        let names = self.names(&folder).unwrap_or_default().into_iter();
        let mut drafts: Vec<_> = names
            .filter_map(|name| {
                let (key, rest) = name.split_once('-')?;
                let key = u64::from_str_radix(key, 16).ok().filter(|_| key.len() == 16)?;
                rest.ends_with(".json").then(|| (folder.join(&name), Short(key)))
            })
            .collect();
        drafts.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        drafts
    }

    /// Reads a draft. Returns `None` if it is gone, and `Some(None)` if it is damaged.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a newer version of this library wrote it.
    pub(crate) fn read_draft_record(
        &self,
        path: &Path,
    ) -> Result<Option<Option<DraftRecord>>, StoreError> {
        let bytes = match self.fs.read(path, bounds::RECORD) {
            Err(error) if is_absent(&error) => return Ok(None),
            bytes => bytes.during("read", path)?,
        };
        let draft = json::parse::<DraftRecord>(&bytes).ok();
        let draft = draft.filter(|draft| draft.record.output.outside().is_none());
        match draft {
            Some(draft) if draft.record.format > FORMAT => {
                Err(StoreError::newer(path, &format!("it has format {}", draft.record.format)))
            }
            draft => Ok(Some(draft)),
        }
    }

    /// Returns the paths of the files that drafts name, which are to be committed.
    pub(super) fn drafted_files(&self) -> HashSet<PathBuf> {
        let mut files = HashSet::new();
        for (path, _) in self.draft_records() {
            let Ok(Some(Some(draft))) = self.read_draft_record(&path) else { continue };
            let folder = self.root.join(&draft.folder);
            files.extend(draft.record.output.all_files().map(|file| folder.join(&file.file)));
        }
        files
    }
}

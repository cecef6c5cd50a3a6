//! Verification: compares the content of outputs with their records.
//!
//! A plan trusts a file that has the recorded size and time. Verification hashes each file of the
//! recorded size, whatever its time.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{Fs, Stat};
use crate::base::key::Digest;
use crate::base::signature::SignatureError;
use crate::files::{digest_file, is_absent};
use crate::store::output::OutputFile;
use crate::store::record::{Record, Unreadable};
use crate::store::removal::Removal;
use crate::store::{Folder, RECORD, Store, bounds, index};

/// The damage of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Harm {
    /// The file does not exist.
    Gone,
    /// The content of the file differs from what was recorded.
    Modified,
    /// The file is in a folder that is an output, and was not written by the task.
    Extra,
    /// The file cannot be read, with the reason.
    Unreadable(String),
    /// The file is a record and cannot be parsed, with the reason.
    Record(String),
}

/// A record to verify: the current one of an instance, or a version.
pub(crate) struct Place {
    pub(crate) folder: Folder,
    /// The path of the record.
    pub(crate) path: PathBuf,
}

/// The result of verifying one record.
#[derive(Default)]
pub(crate) struct Looked {
    /// The record, if it could be read.
    pub(crate) record: Option<Box<Record>>,
    pub(crate) files: usize,
    pub(crate) bytes: u64,
    pub(crate) harms: Vec<(PathBuf, Harm)>,
    /// Which known key has signed the record, or why it is not accepted; `None` if the store requires no signatures.
    pub(crate) signature: Option<Result<String, SignatureError>>,
    /// Who has signed the record, or why its signature is wrong, if the store requires no signatures; `None` if that is not known.
    pub(crate) checked: Option<Result<String, SignatureError>>,
    /// The reason why the record was not verified, if a newer version of this library wrote it.
    pub(crate) newer: Option<String>,
}

impl Store {
    /// Returns the records of all instances, and all versions.
    pub(crate) fn all_places(&self) -> Result<Vec<Place>, StoreError> {
        let folders = self.instance_folders()?;
        let mut places = Vec::new();
        for (versions, key) in self.version_folders()? {
            let of_key = |folder: &&Folder| super::limit::folder_key(folder) == Some(key);
            for path in self.versions_in(&versions)? {
                // The key may have several folders. The files of the version show which one it
                // belongs to.
                let record = self.fs.read(&path, bounds::RECORD).ok();
                let record = record.and_then(|bytes| Record::parse(&bytes).ok());
                let files = record.map(|record| record.output.files).unwrap_or_default();
                let here = |folder: &&Folder| {
                    let there = |file: &OutputFile| self.fs.stat(&self.path(folder, &file.file));
                    files.iter().any(|file| there(file).is_ok())
                };
                let folder = folders.iter().filter(of_key).find(here);
                let folder = folder.or_else(|| folders.iter().find(of_key));
                places.push(Place { folder: folder.cloned().unwrap_or_default(), path });
            }
        }
        places.extend(folders.into_iter().map(|folder| {
            let path = self.path(&folder, RECORD);
            Place { folder, path }
        }));
        Ok(places)
    }

    /// Hashes the files that a record names. Returns no harm if there is no record.
    pub(crate) fn verify(&self, place: &Place) -> Result<Looked, StoreError> {
        let mut looked = Looked::default();
        let bytes = match self.fs.read(&place.path, bounds::RECORD) {
            Ok(bytes) => bytes,
            Err(error) if is_absent(&error) => return Ok(looked),
            Err(error) => {
                let harm = Harm::Unreadable(error.to_string());
                looked.harms.push((place.path.clone(), harm));
                return Ok(looked);
            }
        };
        match Record::parse(&bytes) {
            Ok(record) => {
                let at = self.root.join(&place.folder);
                for file in record.output.all_files() {
                    verify_file(&*self.fs, &at, file, &mut looked);
                }
                looked.signature = self.verify_signature(&record).transpose();
                looked.checked = self.check_signature(&record);
                looked.record = Some(Box::new(record));
            }
            Err(newer @ Unreadable::Newer(_)) => looked.newer = Some(newer.to_string()),
            Err(error) => looked.harms.push((place.path.clone(), Harm::Record(error.to_string()))),
        }
        Ok(looked)
    }

    /// Removes a damaged output, unless its record was replaced since. Returns whether it was
    /// removed.
    ///
    /// The fingerprint is revoked in all indices, because a reused output may be a link to the same
    /// damaged file.
    pub(crate) fn reset_damaged(
        &self,
        place: &Place,
        fingerprint: Option<Digest>,
        removal: &mut Removal<'_>,
    ) -> Result<bool, StoreError> {
        let Some(record) = self.read_record(&place.path)? else { return Ok(false) };
        if record.ok().map(|record| record.fingerprint) != fingerprint {
            return Ok(false);
        }
        if let Some(fingerprint) = fingerprint {
            for path in self.indices()? {
                let entries = index::live(&self.read_index(&path)?);
                if entries.iter().any(|(known, _)| *known == fingerprint) {
                    let line = index::forget(fingerprint);
                    self.fs.append(&path, line.as_bytes()).during("write", &path)?;
                    removal.add_index(&path);
                }
            }
        }
        Ok(removal.record(&place.path, &place.folder, None)?.is_some())
    }
}

fn verify_file(fs: &dyn Fs, at: &Path, file: &OutputFile, looked: &mut Looked) {
    let path = at.join(&file.file);
    let Some(within) = &file.folder else {
        return verify_content(fs, path, (file.digest, file.bytes), looked);
    };
    let mut known: HashSet<PathBuf> = HashSet::from([path.clone()]);
    for item in within {
        let path = path.join(&item.path);
        match item.digest {
            Some(digest) => verify_content(fs, path.clone(), (digest, item.bytes), looked),
            None if fs.stat(&path).is_ok_and(|stat| stat.folder) => {}
            None => looked.harms.push((path.clone(), Harm::Gone)),
        }
        known.insert(path);
    }
    let folders = within.iter().filter(|item| item.digest.is_none());
    let folders = folders.map(|item| path.join(&item.path));
    for folder in std::iter::once(path.clone()).chain(folders) {
        let names = match fs.list(&folder) {
            Ok(names) => names,
            Err(error) => {
                // A folder that does not exist lacks all its files too.
                let harm = Some(Harm::Unreadable(error.to_string())).filter(|_| !is_absent(&error));
                let harm = harm.unwrap_or(Harm::Gone);
                if !looked.harms.iter().any(|(known, _)| *known == folder) {
                    looked.harms.push((folder, harm));
                }
                continue;
            }
        };
        let extra = names.into_iter().map(|name| folder.join(name));
        let extra = extra.filter(|path| !known.contains(path));
        looked.harms.extend(extra.map(|path| (path, Harm::Extra)));
    }
}

fn verify_content(fs: &dyn Fs, path: PathBuf, (digest, bytes): (Digest, u64), looked: &mut Looked) {
    // A file of another size is not hashed: it may be a huge sparse file.
    let is_other = |stat: &Stat| !stat.folder && !stat.special && stat.bytes != bytes;
    if fs.stat(&path).is_ok_and(|stat| is_other(&stat)) {
        looked.files += 1;
        looked.harms.push((path, Harm::Modified));
        return;
    }
    let harm = match digest_file(fs, &path) {
        Ok(found) => {
            looked.files += 1;
            looked.bytes += fs.stat(&path).map_or(0, |stat| stat.bytes);
            if found == digest {
                return;
            }
            Harm::Modified
        }
        Err(error) if is_absent(&error) => Harm::Gone,
        Err(error) => Harm::Unreadable(error.to_string()),
    };
    looked.harms.push((path, harm));
}

//! Drafts of outputs that are folders, which a target writes file by file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{Draft, DraftError};
use crate::base::error::{IoContext, StoreError};
use crate::base::fs::Stat;
use crate::base::key::{Digest, Hasher};
use crate::store::output::{OutputFile, Within};
use crate::store::unwritable::is_refusal;
use crate::store::{Folder, RECORD, Store};
use crate::target::sink_folder::WrittenFile;
use crate::target::{ColumnDigests, SinkFolder};

/// Returns the digest of a folder with these files and folders.
pub(in crate::store) fn folder_digest(within: &[Within]) -> Digest {
    let mut hasher = Hasher::new("folder output");
    for item in within {
        hasher.text(&item.path).number(u64::from(item.digest.is_some()));
        hasher.part(item.digest.unwrap_or(Digest(0)));
    }
    hasher.digest()
}

impl Draft<'_> {
    /// Creates the folder of a part, whose files `save` writes. Returns the size of all files in bytes.
    ///
    /// Files with the bytes of the same file of the output before are links to it.
    pub(crate) fn write_folder(
        &mut self,
        part: &str,
        extension: &str,
        save: impl FnOnce(&mut SinkFolder) -> anyhow::Result<()>,
    ) -> Result<u64, DraftError> {
        let store = self.store;
        let (file, path) = store.new_output(self.folder, self.fingerprint, part, extension)?;
        store.fs().create_folder(&path).during("create the folder", &path)?;
        // From here on the folder is removed if anything fails.
        self.files.push(OutputFile {
            part: part.to_owned(),
            file,
            digest: Digest(0),
            bytes: 0,
            modified: 0,
            executable: false,
            folder: Some(Vec::new()),
            columns: ColumnDigests::default(),
        });
        let earlier = store.earlier_folder(self.folder, part);
        let mut folder = SinkFolder::within(store.fs(), path.clone(), earlier);
        if let Err(source) = save(&mut folder) {
            return Err(match folder.take_error() {
                Some(error) if is_refusal(error.kind()) => {
                    StoreError::Io { action: "write", path, source: error }.into()
                }
                _ => DraftError::Target { path, source },
            });
        }
        let files = folder.into_files().during("write", &path)?;
        let within = store.describe_written(&path, files)?;
        let written = self.files.last_mut().expect("pushed above");
        written.digest = folder_digest(&within);
        let files = within.iter().filter(|item| item.digest.is_some());
        written.bytes = files.map(|item| item.bytes).sum();
        written.folder = Some(within);
        Ok(written.bytes)
    }
}

impl Store {
    /// Returns the folder of a part of the output that an instance has now, if there is one.
    fn earlier_folder(&self, folder: &Folder, part: &str) -> Option<PathBuf> {
        // Without the earlier output, all files are written.
        let record = self.read_record(&self.path(folder, RECORD)).ok()??.ok()?;
        let file = record.output.file(part).filter(|file| file.folder.is_some())?;
        Some(self.path(folder, &file.file))
    }

    /// Describes the files that were written to a folder, and the folders that contain them.
    fn describe_written(
        &self,
        at: &Path,
        files: BTreeMap<String, WrittenFile>,
    ) -> Result<Vec<Within>, StoreError> {
        // A folder comes before what is in it, in the order of the names.
        let mut items: BTreeMap<Vec<&str>, Option<&WrittenFile>> = BTreeMap::new();
        let mut inside: BTreeMap<Vec<&str>, BTreeSet<&str>> = BTreeMap::new();
        for (path, file) in &files {
            let names: Vec<&str> = path.split('/').collect();
            for depth in 1..names.len() {
                let folder = names[..depth].to_vec();
                inside.entry(folder.clone()).or_default().insert(names[depth]);
                items.insert(folder, None);
            }
            items.insert(names, Some(file));
        }
        let describe = |(names, file): (&Vec<&str>, &Option<&WrittenFile>)| {
            let path = names.join("/");
            let Some(file) = file else {
                let bytes = inside.get(names).map_or(0, BTreeSet::len) as u64;
                return Ok(Within { path, bytes, modified: 0, executable: false, digest: None });
            };
            let written = at.join(&path);
            let Stat { modified, executable, .. } =
                self.fs().stat(&written).during("inspect", &written)?;
            let (bytes, digest) = (file.bytes, Some(file.digest));
            Ok(Within { path, bytes, modified, executable, digest })
        };
        items.iter().map(describe).collect()
    }
}

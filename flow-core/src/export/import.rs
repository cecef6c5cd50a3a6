//! Taking an export into a store: its outputs are known by their fingerprints from then on.
//!
//! Nobody needs the code that has made them for that. Where an instance has no output yet, the one of
//! the export becomes it; where it has another, that stays, and this one goes among its earlier
//! versions, to be adopted when it is what would be made.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::export::manifest::{Exported, ExportedFile};
use crate::key::Digest;
use crate::plan::trust::Trust;
use crate::remote::passing::{Checked, is_damage};
use crate::store::error::{IoContext, StoreError};
use crate::store::folder::key_of;
use crate::store::output::{Look, Output, OutputFile};
use crate::store::record::FORMAT;
use crate::store::{Folder, Found, Store};

/// What became of an output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Imported {
    New,
    Present,
}

impl Store {
    /// Takes over one output of an export that lies in `root`.
    pub(crate) fn import(&self, root: &Path, exported: &Exported) -> Result<Imported, StoreError> {
        let folder = check(exported).map_err(|reason| {
            StoreError::damaged(root.join(super::manifest::MANIFEST).display(), reason)
        })?;
        let record = &exported.record;
        let parent = folder.parent().and_then(Path::to_str).unwrap_or_default();
        let task = self.without_type(parent, &exported.stored);
        let mut is_current = false;
        match self.record(&folder, record.key)? {
            Found::Record(found) if found.fingerprint == record.fingerprint => {
                let look = self.look_at(&folder, &found.output, Trust::Stamps)?.look;
                if look == Look::Whole || record.output.is_in_memory() {
                    return Ok(Imported::Present);
                }
            }
            Found::Record(_) => is_current = true,
            // One that cannot be used makes way, as it does for a run.
            Found::Nothing | Found::Damaged(_) => {}
        }
        for version in self.versions_with(&task, record.key.short(), record.fingerprint)? {
            if let Some(Ok(found)) = self.read_record(&version)?
                && self.look_at(&folder, &found.output, Trust::Stamps)?.look == Look::Whole
            {
                return Ok(Imported::Present);
            }
        }
        let output = self.stage_imported(root, exported, &folder)?;
        let record = crate::store::record::Record { output, ..record.clone() };
        let mut staged = self.stage_record(&folder, &record, true).inspect_err(|_| {
            self.discard(&folder, &record.output);
        })?;
        let task = std::sync::Arc::new(task);
        let output = staged.output.take();
        let committed = match is_current {
            true => self.commit_as_version(&task, staged),
            false => {
                let mut results = self.commit(vec![(task, staged)]);
                results.pop().map_or(Ok(()), |(_, _, result)| result)
            }
        };
        committed
            .inspect_err(|_| output.iter().for_each(|output| self.discard(&folder, output)))?;
        Ok(Imported::New)
    }

    /// Copies the files of an export under new names. If that fails, nothing of it is left.
    fn stage_imported(
        &self,
        root: &Path,
        exported: &Exported,
        folder: &Folder,
    ) -> Result<Output, StoreError> {
        let record = &exported.record;
        let mut staged = Output { digest: record.output.digest, files: Vec::new() };
        for (file, from) in record.output.files.iter().zip(&exported.files) {
            let (name, path) =
                self.new_output(folder, record.fingerprint, &file.part, file.extension())?;
            staged.files.push(OutputFile { file: name, ..file.clone() });
            let last = staged.files.last_mut().expect("it was pushed");
            if let Err(error) = self.import_part(&root.join(&from.path), last, &path) {
                self.discard(folder, &staged);
                return Err(error);
            }
        }
        Ok(staged)
    }

    fn import_part(&self, from: &Path, file: &mut OutputFile, to: &Path) -> Result<(), StoreError> {
        let Some(within) = &mut file.folder else {
            file.modified = self.import_file(from, to, (file.digest, file.bytes))?;
            return Ok(());
        };
        self.fs().create_folder(to).during("create the folder", to)?;
        for item in within {
            let (from, to) = (from.join(&item.path), to.join(&item.path));
            match item.digest {
                None => self.fs().create_folder(&to).during("create the folder", &to)?,
                Some(digest) => {
                    item.modified = self.import_file(&from, &to, (digest, item.bytes))?;
                }
            }
        }
        Ok(())
    }

    /// Copies one file, which must hold this, and says when it was written.
    fn import_file(
        &self,
        from: &Path,
        to: &Path,
        (digest, bytes): (Digest, u64),
    ) -> Result<i64, StoreError> {
        let content = self.fs().open(from).during("read", from)?;
        let mut content = Checked::new(content, digest, bytes);
        let mut file = self.fs().create(to).during("create", to)?;
        let mut chunk = vec![0; 1 << 18];
        loop {
            match content.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => file.write_all(&chunk[..read]).during("write", to)?,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if is_damage(&error) => {
                    return Err(StoreError::damaged(from.display(), error));
                }
                Err(error) => return Err(error).during("read", from),
            }
        }
        file.flush().during("write", to)?;
        drop(file);
        Ok(self.fs().stat(to).during("look at", to)?.modified)
    }
}

/// Where an output goes, if the manifest is right about it.
fn check(exported: &Exported) -> Result<Folder, String> {
    let record = &exported.record;
    let wrong = |what: &str| Err(format!("{}: {what}", exported.instance));
    if record.format > FORMAT {
        return wrong("its record is of a newer version of this library");
    }
    if let Some(outside) = record.output.outside() {
        return wrong(&format!("it names the file {outside:?}, which is outside its folder"));
    }
    if record.made_from.fingerprint(&exported.stored) != record.fingerprint {
        return wrong("it is made from something else than its fingerprint says");
    }
    let is_of_files =
        record.output.is_in_memory() || Output::of(record.output.files.clone()) == record.output;
    let part = |file: &ExportedFile| (file.part.clone(), file.digest);
    let exported_parts: Vec<_> = exported.files.iter().map(part).collect();
    let parts = record.output.files.iter().map(|file| (file.part.clone(), file.digest));
    if !is_of_files || parts.collect::<Vec<_>>() != exported_parts {
        return wrong("it has other files than its record says");
    }
    let inside = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':', '\0'])
    };
    let last = exported.folder.rsplit('/').next().and_then(key_of);
    let is_folder = exported.folder.contains('/') && exported.folder.split('/').all(inside);
    if !is_folder || last != Some(record.key.short()) || record.key != exported.key {
        return wrong("it is not the folder of its instance that it names");
    }
    Ok(PathBuf::from(&exported.folder))
}

//! Pulls one output: fetches its files under new names and stages its record for a commit.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::{Digest, Key};
use crate::plan::Plan;
use crate::plan::dynamic::{Again, Replay};
use crate::plan::judge::{Judge, Judged, Verdict};
use crate::remote::checked_io::{is_damage, keep, read_whole};
use crate::remote::{Remote, damaged, object, table};
use crate::store::kept::{Carried, Kept};
use crate::store::output::Output;
use crate::store::record::MadeFrom;
use crate::store::stage::Staged;
use crate::store::{Folder, Found, Store, json};

/// The files of the store that have some digest, so that nothing is fetched that is there.
///
/// Files with equal content are linked, so that they have the same permissions: an executable file and one that is not
/// are different files.
///
/// It knows the files that this pull has fetched, and those of the outputs that it replaces.
#[derive(Default)]
pub(crate) struct LocalFiles(Mutex<HashMap<(Digest, bool), PathBuf>>);

impl LocalFiles {
    fn add(&self, content: (Digest, bool), path: PathBuf) {
        self.0.lock().expect("lock poisoned").insert(content, path);
    }

    fn get(&self, content: (Digest, bool)) -> Option<PathBuf> {
        self.0.lock().expect("lock poisoned").get(&content).cloned()
    }

    /// Adds the files of the output that an instance has now.
    fn add_output(&self, store: &Store, folder: &Folder, key: Key) {
        // A record that cannot be read has no files to take over.
        let Ok(Found::Record(record)) = store.record(folder, key) else { return };
        for file in record.output.contents() {
            self.add((file.digest, file.executable), store.root().join(folder).join(file.path));
        }
    }

    /// Links or copies a file with this content to `to`, and returns the modification time of the new file.
    ///
    /// The content is verified. If there is no such file, or it has changed, nothing is left at `to`.
    fn link(&self, store: &Store, content: (Digest, bool), to: &Path) -> Option<i64> {
        let from = self.get(content)?;
        let linked = store.link_verified(&from, to, content.0);
        if linked.is_err() {
            store.discard_path(to);
        }
        linked.ok()
    }
}

/// An output that the remote has and the store lacks.
pub(crate) struct ToPull {
    pub(crate) plan: Arc<Plan>,
    pub(crate) node: NodeIndex,
    folder: Folder,
    kept: Kept,
    made_from: MadeFrom,
}

impl ToPull {
    /// Returns the output to pull for an instance, or its verdict if there is nothing to pull.
    ///
    /// # Errors
    ///
    /// The store or the remote cannot be read.
    pub(crate) fn new(
        plan: &Arc<Plan>,
        node: NodeIndex,
        judged: Judged,
        replay: &Replay<'_>,
    ) -> Result<Result<Self, Verdict>, StoreError> {
        let Judged { folder, verdict, .. } = judged;
        let (kept, made_from) = match verdict {
            Verdict::Adopt(kept, made_from) if kept.remote.is_some() => (kept, made_from),
            Verdict::Evicted(record, made_from) => {
                // The store has the record without the files, and the remote may have the files.
                let judge = Judge::new(plan, &plan.verdicts, replay as &dyn Again);
                match judge.kept(node, &made_from, record.fingerprint)? {
                    Some(kept) if kept.remote == Some(Carried::Whole) => (kept, made_from),
                    _ => return Ok(Err(Verdict::Evicted(record, made_from))),
                }
            }
            other => return Ok(Err(other)),
        };
        Ok(Ok(Self { plan: Arc::clone(plan), node, folder, kept, made_from }))
    }

    /// Returns whether the remote has the record alone, without files.
    pub(crate) fn is_metadata_only(&self) -> bool {
        self.kept.remote == Some(Carried::MetadataOnly)
    }

    /// Returns the number of files to fetch, and their size in bytes.
    pub(crate) fn files(&self) -> (usize, u64) {
        if self.is_metadata_only() {
            return (0, 0);
        }
        let files = self.kept.record.output.contents();
        files.fold((0, 0), |(files, bytes), file| (files + 1, bytes + file.bytes))
    }

    /// Fetches the files and stages the record for a commit. On an error, all files are removed.
    pub(crate) fn stage(
        &self,
        remote: &dyn Remote,
        local: &LocalFiles,
    ) -> Result<Staged, StoreError> {
        let Self { plan, node, folder, kept, made_from } = self;
        let (store, entry) = (&plan.store, plan.graph.task(*node));
        let recorded = &kept.record;
        store.keep_code_table(&entry.codes, entry.code_digest);
        if let Some(digest) = recorded.crates {
            // An error is ignored: the table of crate versions is for information only.
            let fetched = || json::parse(&read_whole(remote, &table(digest)).ok()?).ok();
            store.keep_crates(digest, fetched);
        }
        let (output, fingerprint) = (&recorded.output, recorded.fingerprint);
        let output = match self.is_metadata_only() {
            true => {
                let named = store.name_files(output, folder, fingerprint)?;
                // Figures that were not brought are not the output's.
                Output { figures: Vec::new(), ..named }
            }
            false => {
                local.add_output(store, folder, plan.graph.node(*node).key);
                store.stage_files(output, folder, fingerprint, |piece, to| {
                    let content = (piece.digest, piece.executable);
                    if let Some(modified) = local.link(store, content, to) {
                        return Ok(modified);
                    }
                    let modified = fetch((store, remote), (piece.digest, piece.bytes), to)?;
                    local.add(content, to.to_owned());
                    Ok(modified)
                })?
            }
        };
        let todays = made_from.fingerprint(entry.decl.identity());
        let instance = plan.graph.recorded(*node, made_from.clone(), todays);
        let mut record = recorded.reused(instance, output);
        let signed = store.sign_reused(&mut record);
        let staged = signed.and_then(|()| store.stage_record(folder, &record, true));
        let mut staged = staged.inspect_err(|_| store.discard(folder, &record.output))?;
        if self.is_metadata_only() {
            staged.without_files();
        }
        Ok(staged)
    }
}

/// Fetches the content with this digest and size, and returns the modification time of the new file.
pub(crate) fn fetch(
    (store, remote): (&Store, &dyn Remote),
    content: (Digest, u64),
    to: &Path,
) -> Result<i64, StoreError> {
    let name = &object(content.0);
    let unreadable = |source| StoreError::Remote { action: "get", name: name.clone(), source };
    let found = remote.get(name).map_err(unreadable)?;
    keep(found, content, (&**store.fs(), to), |error| match is_damage(&error) {
        true => damaged(name, error),
        false => unreadable(error),
    })
}

//! Compares what a task has read besides its inputs' outputs with what it would read now.

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::Digest;
use crate::files::{Contents, Pattern};
use crate::plan::judge::Judge;
use crate::plan::reason::{LISTED, Reason};
use crate::store::Found;
use crate::store::Store;
use crate::store::external_reads::{digest_env, found};
use crate::store::record::{Meta, Read, Record, digest_meta};
use crate::task::Kind;
use std::path::Path;

impl Read {
    /// Returns the number of the dynamic dependency that was read, from 1; 0 if it was none.
    pub(super) fn of_required(&self) -> usize {
        match self {
            Self::Task { required, .. } | Self::Meta { required, .. } => *required as usize,
            Self::File { .. }
            | Self::Files { .. }
            | Self::Env { .. }
            | Self::Seed { .. }
            | Self::Answer { .. } => 0,
        }
    }
}

impl Judge<'_> {
    /// Returns the recorded reads that differ now; if there are many, the first few.
    pub(super) fn changed_reads(
        &self,
        node: NodeIndex,
        record: &Record,
    ) -> Result<Vec<Reason>, StoreError> {
        let mut changed = Vec::new();
        for read in record.reads.iter().filter(|read| read.of_required() == 0) {
            if matches!(read, Read::Seed { .. }) && self.is_seed_of_format_1(node, record) {
                continue;
            }
            let reason = self.changed_read(node, read)?;
            changed.extend(reason.filter(|reason| !changed.contains(reason)));
            if changed.len() == LISTED {
                break;
            }
        }
        Ok(changed)
    }

    /// Returns the reason that a recorded read differs now, if it does.
    pub(super) fn changed_read(
        &self,
        node: NodeIndex,
        read: &Read,
    ) -> Result<Option<Reason>, StoreError> {
        let graph = self.graph;
        let input = |place: &[usize]| {
            let step = |node, place: &usize| graph.inputs(node).get(*place).copied();
            place.iter().try_fold(node, step)
        };
        Ok(match read {
            Read::File { .. } | Read::Files { .. } | Read::Env { .. } => {
                changed_outside(read, self.contents, self.store)?
            }
            Read::Task { input: place, digest, .. } => {
                let now = input(place).map(|input| graph.parameters_digest(input, self.store));
                (now != Some(*digest)).then(|| {
                    let name = input(place).map(|input| graph.task(input).decl.name.to_string());
                    let name = name.unwrap_or_default();
                    Reason::Read { what: format!("parameters of {name} changed") }
                })
            }
            Read::Answer { of, question, digest } => self.changed_answer(of, question, *digest),
            // Only an output of another instance, which might be reused, has another seed.
            Read::Seed { seed } => (graph.node(node).key.seed() != *seed)
                .then(|| Reason::Read { what: "seed: it is that of another instance".to_owned() }),
            Read::Meta { input: place, name, digest, .. } => {
                let Some(input) = input(place) else { return Ok(Some(Reason::Parameters)) };
                let meta = match self.upstream.meta(input) {
                    Some(meta) => Some(meta),
                    // An external or aggregate task records no metadata.
                    None if graph.kind(input) != Kind::Made => Some(Meta::new()),
                    None => self.record(input)?.map(|record| record.meta),
                };
                let now = meta.map(|meta| digest_meta(meta.get(name)));
                (now != Some(*digest)).then(|| {
                    let task = &graph.task(input).decl.name;
                    Reason::Read { what: format!("meta {name} of {task} changed") }
                })
            }
        })
    }

    /// Returns the record in the folder of an instance, if there is a valid one.
    pub(super) fn record(&self, node: NodeIndex) -> Result<Option<Record>, StoreError> {
        let folder = self.graph.folder(node, self.store)?;
        Ok(match self.store.record(&folder, self.graph.node(node).key)? {
            Found::Record(record) => Some(*record),
            Found::Nothing | Found::Damaged(_) => None,
        })
    }
}

/// Returns how a recorded file, pattern or environment variable differs now, if it does.
///
/// It returns `None` for reads of inputs, which are not external.
pub(crate) fn changed_outside(
    read: &Read,
    contents: &Contents,
    store: &Store,
) -> Result<Option<Reason>, StoreError> {
    Ok(match read {
        Read::File { path, project, digest } => {
            let now = found((path, project), *digest, store, |path| contents.digest(path))?;
            let what = if now.is_some() { "changed" } else { "is missing" };
            (now != *digest).then(|| Reason::File { path: path.clone(), what })
        }
        Read::Files { path, project, digest } => {
            let now = found((path, project), *digest, store, |path| contents.meant(path))?;
            (now != *digest).then(|| file_changed(path, now))
        }
        Read::Env { name, digest } => {
            let now = digest_env(name, store)?;
            let what = match now {
                None => "is not set any more",
                Some(_) if digest.is_none() => "is set now",
                Some(_) => "changed",
            };
            (now != *digest).then(|| Reason::Env { name: name.clone(), what })
        }
        Read::Task { .. } | Read::Meta { .. } | Read::Seed { .. } | Read::Answer { .. } => None,
    })
}

/// Returns the reason that a file, or the files that match a pattern, changed.
///
/// `path` is as the user wrote it.
pub(crate) fn file_changed(path: &str, now: Option<Digest>) -> Reason {
    let what = match now {
        Some(_) => "changed",
        None if Pattern::parse(Path::new(path)).is_some() => "matches no file",
        None => "is missing",
    };
    Reason::File { path: path.to_owned(), what }
}

//! What a task has read besides its inputs' outputs, and whether it is the same now.

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::{Digest, Hasher};
use crate::plan::judge::Judge;
use crate::plan::outside;
use crate::plan::reason::{LISTED, Reason};
use crate::store::Found;
use crate::store::record::{Meta, Read, Record};
use crate::task::decl::Kind;

impl Read {
    /// Which of the instances that were required while the task ran it was read of, from 1; 0 if of
    /// none.
    pub(super) fn of_required(&self) -> usize {
        match self {
            Self::Task { required, .. } | Self::Meta { required, .. } => *required as usize,
            Self::File { .. } | Self::Files { .. } | Self::Env { .. } | Self::Seed { .. } => 0,
        }
    }
}

impl Judge<'_> {
    /// What was read while the output was made and is different now; of many, the first few.
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
                outside::changed(read, self.contents, self.store)?
            }
            Read::Task { input: place, digest, .. } => {
                let now = input(place).map(|input| graph.parameters_digest(input, self.store));
                (now != Some(*digest)).then(|| {
                    let name = input(place).map(|input| graph.task(input).decl.name.to_string());
                    let name = name.unwrap_or_default();
                    Reason::Read { what: format!("parameters of {name} changed") }
                })
            }
            // Only an output of another instance, which might be adopted, has another seed.
            Read::Seed { seed } => (graph.node(node).key.seed() != *seed)
                .then(|| Reason::Read { what: "seed: it is that of another instance".to_owned() }),
            Read::Meta { input: place, name, digest, .. } => {
                let Some(input) = input(place) else { return Ok(Some(Reason::Parameters)) };
                let meta = match self.upstream.meta(input) {
                    Some(meta) => Some(meta),
                    // Nobody notes anything about what is not made here.
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

    pub(super) fn record(&self, node: NodeIndex) -> Result<Option<Record>, StoreError> {
        let folder = self.graph.folder(node, self.store)?;
        Ok(match self.store.record(&folder, self.graph.node(node).key)? {
            Found::Record(record) => Some(*record),
            Found::Nothing | Found::Damaged(_) => None,
        })
    }
}

/// The digest of a metadata entry, which may be missing.
pub(crate) fn digest_meta(meta: Option<&serde_json::Value>) -> Digest {
    let mut hasher = Hasher::new("meta");
    hasher.text(&meta.map(ToString::to_string).unwrap_or_default());
    hasher.digest()
}

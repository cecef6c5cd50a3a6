//! Compares the partitions that a task has read of its inputs with those that the inputs have now.
//!
//! A dataset is a folder of files, and a record has the digest of each. So the digest of some partitions needs no file to be
//! read. What was read of an input is a [`PartitionRead`], which the record of the consumer has in place of the name of a
//! [column](super::columns): the digest of the files of some partitions, or of the list of the partitions. All else is as
//! for columns.

use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::plan::judge::Judge;
use crate::plan::reason::Columns;
use crate::store::read_columns::ReadColumns;
use crate::target::ColumnDigests;
use crate::target::partition::PartitionRead;
use crate::target::partition_index::PartitionIndex;
use crate::task::Kind;

impl Judge<'_> {
    /// Returns the digests that partitions of an instance's output have now. `None` if the output has no partitions.
    pub(super) fn partitions_now(
        &self,
        input: NodeIndex,
        read: &ReadColumns,
    ) -> Result<Option<ColumnDigests>, StoreError> {
        let Some(index) = self.partition_index(input, &read.part)? else { return Ok(None) };
        let digest = |key: &str| Some((key.to_owned(), index.digest(&PartitionRead::parse(key)?)));
        Ok(Some(read.names().into_iter().filter_map(digest).collect()))
    }

    fn partition_index(
        &self,
        input: NodeIndex,
        part: &str,
    ) -> Result<Option<Arc<PartitionIndex>>, StoreError> {
        let Some(digest) = self.upstream.digest(input) else { return Ok(None) };
        match self.graph.kind(input) {
            Kind::Aggregate => Ok(None),
            Kind::External => {
                let path = self.graph.external(input);
                // If the files cannot be read, the whole content counts.
                Ok(self.store.external_partitions(self.contents, path, digest).ok())
            }
            Kind::Made => {
                // So no record needs to be copied for each consumer.
                if let Some(known) = self.store.known_part(digest, part) {
                    return Ok(Some(known));
                }
                let output = self.output_now(input)?;
                Ok(output.and_then(|output| self.store.partitions_of_part(&output, part)))
            }
        }
    }
}

/// Returns whether partitions were read, and not columns.
pub(super) fn are_partitions(read: &ReadColumns) -> bool {
    read.names().first().is_some_and(|key| is_partitions(key))
}

/// Returns whether the key of a digest is a read of partitions, and not the name of a column.
pub(super) fn is_partitions(key: &str) -> bool {
    PartitionRead::parse(key).is_some()
}

/// Returns what the names in a comparison of columns say, as text for people: columns or partitions.
pub(super) fn described(changed: &[String]) -> String {
    let partitions: Option<Vec<_>> = changed.iter().map(|key| PartitionRead::parse(key)).collect();
    match partitions {
        Some(partitions) if !partitions.is_empty() => {
            partitions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
        }
        _ => Columns(changed).to_string(),
    }
}

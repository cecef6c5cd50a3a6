//! The columns that a task has read of its inputs.
//!
//! A record says for each input of which the task has read single columns which these were, with their digests. A later
//! plan compares them with the digests of today's output, in place of the digest of the whole content. An input that is
//! not listed was read as a whole, or not at all, and its whole content counts. A query that may have seen the names of
//! other columns, or only the number of rows, has also read the shape of the table.

use serde::{Deserialize, Serialize};

use crate::base::key::Digest;
use crate::target::ColumnDigests;

/// The columns that a task has read of one input, or of one part of it, and nothing else of that input's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadColumns {
    /// The position among the inputs of the task. It does not count if `required` is not 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) input: usize,
    /// The number of the instance among those that the task required while it ran, counted from 1; 0 for an input.
    #[serde(default, skip_serializing_if = "is_first")]
    pub(crate) required: u32,
    /// The name of the part. Empty if the output has only one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) part: String,
    /// The digests that the columns had.
    pub(crate) columns: ColumnDigests,
}

fn is_zero(input: &usize) -> bool {
    *input == 0
}

fn is_first(required: &u32) -> bool {
    *required == 0
}

impl ReadColumns {
    /// Returns whether the columns are those of the input with this position.
    pub(crate) fn is_of_input(&self, input: usize) -> bool {
        self.required == 0 && self.input == input
    }

    /// Returns whether the columns are those of the instance that was required as this number, counted from 1.
    pub(crate) fn is_of_required(&self, required: usize) -> bool {
        self.required as usize == required && required > 0
    }

    /// Returns the names of the columns.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|(name, _)| name).collect()
    }

    /// Returns whether the shape of the table was read, and has another digest in `now` or none.
    pub(crate) fn has_other_shape(&self, now: &ColumnDigests) -> bool {
        self.columns.shape().is_some_and(|shape| now.shape() != Some(shape))
    }

    /// Returns the columns whose digest differs from that in `now`.
    pub(crate) fn changed(&self, now: &ColumnDigests) -> Vec<String> {
        let differs = |(name, digest): &(&str, Digest)| now.get(name) != Some(*digest);
        self.columns.iter().filter(differs).map(|(name, _)| name.to_owned()).collect()
    }
}

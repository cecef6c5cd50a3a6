//! Seals: proof that the texts of a manifest were written by an export of this store.
//!
//! An export into a folder with earlier outputs generates a Python module, a README and a crate for all of them. For
//! the earlier outputs it takes Python expressions and Rust types from the manifest, and these become code. Anyone
//! may have written the folder. So each output has a seal: a hash of these texts with the secret key of the store that
//! exported it. An export uses the texts of outputs that have the seal of its own store. It removes those of all
//! other outputs, whose files stay and are loaded as paths.
//!
//! Names, column types and parameters have no seal: they are data, and are escaped wherever they are written
//! ([`text`](super::text)).

use crate::base::key::{Digest, Hasher};
use crate::export::manifest::Exported;
use crate::target::{Column, Description};
use crate::value::secret::SecretKey;

impl Exported {
    /// Computes the seal of this output with the key of a store.
    pub(crate) fn sealed_by(&self, key: &SecretKey) -> Digest {
        let mut hasher = Hasher::new("texts of an export");
        hasher.text(&self.stored).part(self.record.fingerprint).part(self.record.output.digest);
        hasher.text(&self.target).number(self.files.len() as u64);
        for file in &self.files {
            let description = serde_json::to_string(&file.description);
            hasher.text(&file.part).text(&description.expect("a description is JSON"));
        }
        let hash = key.hash(&hasher.digest().0.to_le_bytes());
        Hasher::new("seal").bytes(&hash).digest()
    }

    /// Removes the texts that become code; returns whether there were any.
    pub(crate) fn remove_code(&mut self) -> bool {
        let mut removed = false;
        self.seal = None;
        self.target.clear();
        for file in &mut self.files {
            let Description { mut columns, rust, typed, python, .. } =
                std::mem::take(&mut file.description);
            removed |= rust.is_some() || typed.is_some() || python.is_some();
            columns.iter_mut().for_each(remove_type);
            file.description.columns = columns;
        }
        removed
    }
}

fn remove_type(column: &mut Column) {
    column.rust = None;
    column.fields.iter_mut().for_each(remove_type);
}

//! Seals: which texts of a manifest an export of this store has written.
//!
//! An export into a folder that has outputs already writes a Python module, a README and a crate for
//! all of them. For that it takes the expressions and types that the targets gave of the earlier
//! ones from the manifest, and these become code. A folder may have been written by anybody, so that
//! each output has a seal: a hash of these texts by the secret key of the store that exported it. A
//! later export uses the texts of outputs that have the seal of its own store. From all others it
//! removes them: their files stay, and are loaded as paths.

use crate::base::key::{Digest, Hasher};
use crate::export::manifest::Exported;
use crate::target::{Column, Description};
use crate::value::secret::SecretKey;

impl Exported {
    /// The seal for this output by the key of a store.
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

    /// Removes the texts that become code, and says whether a file had some.
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

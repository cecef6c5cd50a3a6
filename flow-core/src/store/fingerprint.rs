//! Fingerprints: what an output is made from, as one digest.

use crate::base::key::{Digest, Hasher};
use crate::store::record::MadeFrom;

impl MadeFrom {
    /// The digest of all parts, for the task that is stored under the name `task`.
    ///
    /// What an input is called and which content it has counts; which instance gave the content
    /// does not, so that equal data makes equal outputs whoever made it.
    pub(crate) fn fingerprint(&self, task: &str) -> Digest {
        let mut hasher = Hasher::new("fingerprint");
        hasher.text(task).part(self.parameters).part(self.code);
        hasher.number(u64::from(self.version)).text(&self.target);
        hasher.number(self.files.len() as u64);
        for (name, file) in &self.files {
            hasher.text(name).number(u64::from(file.digest.is_some()));
            hasher.part(file.digest.unwrap_or(Digest(0)));
        }
        hasher.number(self.inputs.len() as u64);
        for input in &self.inputs {
            hash_role(&mut hasher, &input.role, input.key);
            hasher.part(input.digest);
        }
        hasher.number(self.targets.len() as u64);
        for (task, target) in &self.targets {
            hasher.text(task).part(*target);
        }
        // Nothing is said of it by the many tasks that have none.
        if let Some(moment) = &self.refresh {
            hasher.text("refresh").part(moment.digest);
        }
        hasher.digest()
    }
}

/// Hashes the role of an input: the entry and the digest of the key for an item of a map, else the
/// text.
pub(crate) fn hash_role(hasher: &mut Hasher, text: &str, key: Option<Digest>) {
    match key {
        // No text of a role ends in `[`, so that what follows can only be the digest of a key.
        Some(key) => {
            let entry = text.split('[').next().unwrap_or_default();
            hasher.text(&format!("{entry}[")).part(key);
        }
        None => {
            hasher.text(text);
        }
    }
}

//! Fingerprints: one digest of everything that an output is computed from.

use crate::base::key::{Digest, Hasher};
use crate::store::record::MadeFrom;

impl MadeFrom {
    /// Returns the digest of all parts, for the task that is stored under the name `task`.
    ///
    /// The role and the content of each input count. The instance that produced the content does
    /// not, so that equal data gives equal fingerprints whichever instance produced it.
    pub(crate) fn fingerprint(&self, task: &str) -> Digest {
        let inputs = self.inputs.iter().map(|input| (&input.role, input.key, input.digest));
        self.fingerprint_with(task, self.inputs.len(), inputs)
    }

    /// Returns the same with these inputs in place of its own, so that they need not be in memory.
    ///
    /// Each of the `count` inputs is the text of its role, the digest of a map's key, and that of the content.
    pub(crate) fn fingerprint_with<R: AsRef<str>>(
        &self,
        task: &str,
        count: usize,
        inputs: impl Iterator<Item = (R, Option<Digest>, Digest)>,
    ) -> Digest {
        let mut hasher = Hasher::new("fingerprint");
        hasher.text(task).part(self.parameters).part(self.code);
        hasher.number(u64::from(self.version)).text(&self.target);
        hasher.number(self.files.len() as u64);
        for (name, file) in &self.files {
            hasher.text(name).number(u64::from(file.digest.is_some()));
            hasher.part(file.digest.unwrap_or(Digest(0)));
        }
        hasher.number(count as u64);
        for (role, key, digest) in inputs {
            hash_role(&mut hasher, role.as_ref(), key);
            hasher.part(digest);
        }
        hasher.number(self.targets.len() as u64);
        for (task, target) in &self.targets {
            hasher.text(task).part(*target);
        }
        // Only hashed if present, so that tasks without `refresh` keep their fingerprints.
        if let Some(moment) = &self.refresh {
            hasher.text("refresh").part(moment.digest);
        }
        hasher.digest()
    }
}

/// Hashes the role of an input.
///
/// For an item of a map this is the name of the entry and the digest of the map's key, otherwise
/// the text of the role. The text of a key is for people and never identifies an input.
pub(crate) fn hash_role(hasher: &mut Hasher, text: &str, key: Option<Digest>) {
    match key {
        // No text of a role ends in `[`, so the digest of a key must follow.
        Some(key) => {
            let entry = text.split('[').next().unwrap_or_default();
            hasher.text(&format!("{entry}[")).part(key);
        }
        None => {
            hasher.text(text);
        }
    }
}

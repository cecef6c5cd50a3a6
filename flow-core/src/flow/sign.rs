//! Signatures of outputs: who signs them, and which are accepted.

use std::sync::Arc;

use crate::base::signature::{Signer, Verifier};
use crate::flow::Flow;
use crate::flow::error::Error;
use crate::plan::Plan;
use crate::plan::verdicts::Status;
use crate::plan::warning::Warning;
use crate::store::signature::Signatures;

impl Flow {
    /// Signs every output that this flow computes, so that others can [require](Self::require_signatures) that.
    ///
    /// The signature is part of the record of the output, and goes with it to remotes and exports. It covers what the record
    /// claims: instance, code, inputs, the digests and sizes of all files, metadata. Figures, notes and logs are not signed.
    /// An output that is reused keeps its signature; if it now belongs to another instance, this flow signs it only if it
    /// requires signatures, and so has verified one.
    ///
    /// A [worker](crate::executor) whose flow signs and requires signatures signs what its jobs compute. It takes only jobs of
    /// runs that sign. One that lacks either takes no jobs of runs that require signatures.
    ///
    /// ```
    /// # use flow::prelude::*;
    /// # use flow::signature::{SignatureError, Signer, Verifier};
    /// # struct Seal;
    /// # impl Signer for Seal {
    /// #     fn sign(&self, message: &[u8]) -> Result<String> {
    /// #         Ok(format!("seal:{}", message.len()))
    /// #     }
    /// # }
    /// # impl Verifier for Seal {
    /// #     fn verify(&self, message: &[u8], signature: &str) -> Result<String, SignatureError> {
    /// #         match signature == format!("seal:{}", message.len()) {
    /// #             true => Ok("seal".to_owned()),
    /// #             false => Err(SignatureError::Wrong),
    /// #         }
    /// #     }
    /// # }
    /// #[task(target = Json<u64>)]
    /// fn answer() -> u64 {
    ///     42
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// # let (my_key, keys_of_the_team) = (Seal, Seal);
    /// // It was computed by a flow that does not sign.
    /// let unsigned = Flow::open(folder)?.quiet();
    /// unsigned.run::<answer>()?;
    ///
    /// let flow = unsigned.sign(my_key).require_signatures(keys_of_the_team);
    /// assert_eq!(
    ///     flow.preview::<answer>()?.color(false).to_string(),
    ///     "answer PENDING its output is not signed",
    /// );
    /// assert_eq!(flow.run::<answer>()?.ran().len(), 1);
    /// assert!(flow.is_complete::<answer>()?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn sign(&self, signer: impl Signer + 'static) -> Self {
        self.with_signatures(self.signatures.signed_by(Arc::new(signer)))
    }

    /// Accepts only outputs that are signed by a known key, wherever they come from.
    ///
    /// Whatever is in the store, in a store or remote that outputs are [reused](Self::reuse_from) or [pulled](Self::pull) from,
    /// in an export, or comes from a [worker](crate::executor) counts only with a signature that `verifier` accepts. Without
    /// one, an instance is pending, and the reason says so. A pull or an import fails, and so does an instance that a worker has computed which
    /// does not sign. A worker that knows that it does not sign as required [refuses](crate::executor::JobRunner::refusal) the job
    /// before that. The outputs that the flow computes itself need a signature, too: [`sign`](Self::sign) sets the key.
    ///
    /// The signature is verified each time that a record is read, which takes tens of microseconds with ed25519. The content of a file is compared with
    /// the signed digest before it is loaded, linked or fetched. A file is read once more for that, once in a process as
    /// long as it is not changed. A plan compares sizes and times only: if a file was replaced by one of the same size and time, the
    /// load fails.
    ///
    /// Draft records of isolated tasks, which a killed run has left, are not signed, so that such tasks run again.
    #[must_use]
    pub fn require_signatures(&self, verifier: impl Verifier + 'static) -> Self {
        self.with_signatures(self.signatures.required_by(Arc::new(verifier)))
    }

    /// Lets [`FlowStore::verify`](crate::FlowStore::verify) compare the signatures that records have, although none are required.
    ///
    /// Nothing else changes: the flow takes outputs without a signature, or with a wrong one. A wrong signature shows that a record
    /// was changed after it was signed. If the flow [requires signatures](Self::require_signatures), that verifier decides alone.
    ///
    /// `flow::signature::AnyKey` compares signatures of ed25519, with the cargo feature `signatures`. The command line sets it.
    ///
    /// ```
    /// # use flow::prelude::*;
    /// # use flow::signature::{SignatureError, Signer, Verifier};
    /// # struct Seal;
    /// # impl Signer for Seal {
    /// #     fn sign(&self, message: &[u8]) -> Result<String> {
    /// #         Ok(format!("seal:{}", message.len()))
    /// #     }
    /// # }
    /// # impl Verifier for Seal {
    /// #     fn verify(&self, message: &[u8], signature: &str) -> Result<String, SignatureError> {
    /// #         match signature == format!("seal:{}", message.len()) {
    /// #             true => Ok("seal".to_owned()),
    /// #             false => Err(SignatureError::Wrong),
    /// #         }
    /// #     }
    /// # }
    /// #[task(target = Json<u64>)]
    /// fn answer() -> u64 {
    ///     42
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// # let (my_key, any_key) = (Seal, Seal);
    /// let flow = Flow::open(folder)?.quiet().sign(my_key).check_signatures(any_key);
    /// flow.run::<answer>()?;
    /// assert!(flow.store().verify()?.wrong_signatures().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn check_signatures(&self, verifier: impl Verifier + 'static) -> Self {
        self.with_signatures(self.signatures.checked_by(Arc::new(verifier)))
    }

    fn with_signatures(&self, signatures: Signatures) -> Self {
        let store = Arc::new(self.store.with_signatures(&signatures));
        let reading = self.reading.iter().map(|store| Arc::new(store.with_signatures(&signatures)));
        let reading = reading.collect();
        Self { store, reading, signatures, ..self.clone() }
    }

    /// Returns a warning if a run of this plan could not accept its own outputs.
    pub(super) fn signature_warning(&self, plan: &Plan) -> Option<Warning> {
        let stores = |node| matches!(plan.verdicts.status(node), Status::Pending | Status::Kept);
        if !plan.graph.nodes().any(stores) {
            return None;
        }
        self.signatures.obstacle().map(|why| Warning::CannotSign { why })
    }

    /// Returns an error if a run of this plan could not accept its own outputs.
    pub(super) fn check_signer(&self, plan: &Plan) -> Result<(), Error> {
        match self.signature_warning(plan) {
            Some(Warning::CannotSign { why }) => Err(Error::CannotSign { why }),
            _ => Ok(()),
        }
    }
}

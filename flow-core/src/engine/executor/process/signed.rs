//! Signed messages of a run to a process elsewhere.
//!
//! A worker signs the outputs that it computes. Otherwise, a user who can write jobs could let it sign
//! anything: a job says itself which instance it is of, and replies to a task say what the required outputs are. So a run that signs
//! signs its messages, and a worker that requires signatures takes no others. It signs only the outputs of such jobs.

use serde::{Deserialize, Serialize};

use crate::base::error::StoreError;
use crate::base::key::{Digest, Key};
use crate::base::signature::SignatureError;
use crate::store::Store;

/// The first line of what is signed for a job.
pub(super) const JOB: &str = "typed-flow job, version 1";

/// Returns the first line of what is signed for a message to the job of an instance.
pub(super) fn order(key: Key, fingerprint: Digest) -> String {
    format!("typed-flow order, version 1, {key}, {fingerprint}")
}

/// A message with its signature.
#[derive(Serialize, Deserialize)]
struct Signed {
    signature: String,
    message: String,
}

/// Returns a message with its signature, if the store signs.
///
/// # Errors
///
/// The key cannot be used.
pub(super) fn seal(store: &Store, purpose: &str, message: String) -> Result<String, StoreError> {
    let Some(signature) = store.sign_text(purpose, &message)? else { return Ok(message) };
    let signed = Signed { signature, message };
    Ok(serde_json::to_string(&signed).expect("serializable as JSON"))
}

/// A message as it was sealed.
pub(super) struct Opened {
    pub(super) message: String,
    /// Whether a known key has signed it. It is not verified if the store requires no signatures.
    pub(super) is_verified: bool,
}

/// Returns a message without its signature.
///
/// # Errors
///
/// Why it is not accepted, if the store requires signatures.
pub(super) fn open(store: &Store, purpose: &str, text: &str) -> Result<Opened, String> {
    let (message, signature) = match serde_json::from_str::<Signed>(text) {
        Ok(Signed { signature, message }) => (message, Some(signature)),
        Err(_) => (text.to_owned(), None),
    };
    match store.verify_text(purpose, &message, signature.as_deref()) {
        Ok(is_verified) => Ok(Opened { message, is_verified }),
        Err(error) => Err(match error {
            SignatureError::Missing => "it is not signed".to_owned(),
            SignatureError::UnknownKey { key } => {
                format!("it is not signed by a known key: `{}` signed it", key.escape_debug())
            }
            _ => "its signature is wrong".to_owned(),
        }),
    }
}

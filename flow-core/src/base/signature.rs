//! Signatures: the interface between a flow and who signs its outputs. This crate knows no cryptography.

/// Signs messages with a private key: [`Flow::sign`](crate::Flow::sign).
///
/// `typed-flow` has one for ed25519 with the cargo feature `signatures`: `flow::signature::SigningKey`. Another one may ask
/// an agent or a hardware module.
pub trait Signer: Send + Sync {
    /// Returns the signature of a message as one line of text, from which a [`Verifier`] can tell the key.
    ///
    /// It is called from several threads at once, for each output that is stored.
    ///
    /// # Errors
    ///
    /// The key cannot be used. The output is not stored then, so its task fails.
    fn sign(&self, message: &[u8]) -> anyhow::Result<String>;
}

/// Verifies signatures of messages: [`Flow::require_signatures`](crate::Flow::require_signatures).
///
/// ```
/// use flow::signature::{SignatureError, Signer, Verifier};
///
/// /// A check that shows how both halves fit together, and protects nothing: anyone can compute it.
/// struct Length;
///
/// impl Signer for Length {
///     fn sign(&self, message: &[u8]) -> flow::anyhow::Result<String> {
///         Ok(format!("length:{}", message.len()))
///     }
/// }
///
/// impl Verifier for Length {
///     fn verify(&self, message: &[u8], signature: &str) -> Result<String, SignatureError> {
///         match signature.strip_prefix("length:") {
///             Some(length) if length == message.len().to_string() => Ok("length".to_owned()),
///             Some(_) => Err(SignatureError::Wrong),
///             None => Err(SignatureError::unreadable("it does not begin with `length:`")),
///         }
///     }
/// }
///
/// let signature = Length.sign(b"four")?;
/// assert_eq!(Length.verify(b"four", &signature), Ok("length".to_owned()));
/// assert_eq!(Length.verify(b"three", &signature), Err(SignatureError::Wrong));
/// # Ok::<(), flow::anyhow::Error>(())
/// ```
pub trait Verifier: Send + Sync {
    /// Returns the name of the known key that has signed a message.
    ///
    /// It is called from several threads at once, each time that a record is read. A user who can write to a store or a remote
    /// can write any text as a signature.
    ///
    /// # Errors
    ///
    /// The signature is not that of a known key for this message.
    fn verify(&self, message: &[u8], signature: &str) -> Result<String, SignatureError>;

    /// Returns the names of all known keys, as [`verify`](Self::verify) returns them; `None` if they cannot be listed.
    ///
    /// A run that requires signatures tells them to its workers, so that one with another key refuses a job before it computes
    /// anything. The default is `None`: the output of such a worker is refused after the job.
    fn keys(&self) -> Option<Vec<String>> {
        None
    }
}

/// Why an output is not accepted where a flow [requires signatures](crate::Flow::require_signatures).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The record has no signature.
    #[error("its output is not signed")]
    Missing,
    /// The signature is valid, and its key is not known.
    #[error("its output is not signed by a known key: `{}` signed it", key.escape_debug())]
    #[non_exhaustive]
    UnknownKey {
        /// The key, as text.
        key: String,
    },
    /// The signature is not that of the record.
    #[error(
        "its signature is wrong: its record was changed, or the signature is that of another output"
    )]
    Wrong,
    /// The text is no signature.
    #[error("its signature cannot be read: {reason}")]
    #[non_exhaustive]
    Unreadable {
        /// Why it cannot be read.
        reason: String,
    },
}

impl SignatureError {
    /// Returns the error for a valid signature of a key that is not known.
    pub fn unknown_key(key: impl Into<String>) -> Self {
        Self::UnknownKey { key: key.into() }
    }

    /// Returns the error for a text that is no signature.
    pub fn unreadable(reason: impl Into<String>) -> Self {
        Self::Unreadable { reason: reason.into() }
    }
}

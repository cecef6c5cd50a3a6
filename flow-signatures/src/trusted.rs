//! [`TrustedKeys`]: the keys whose signatures are accepted, and [`AnyKey`].

use std::collections::BTreeSet;

use flow_core::signature::{SignatureError, Verifier};

use crate::key::{PublicKey, parse_signature};

/// The public keys whose signatures a flow accepts: [`Flow::require_signatures`](flow_core::Flow::require_signatures).
///
/// It is collected from keys. Without any, nothing is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedKeys(BTreeSet<PublicKey>);

impl TrustedKeys {
    /// Returns whether a key is trusted.
    pub fn contains(&self, key: &PublicKey) -> bool {
        self.0.contains(key)
    }
}

impl FromIterator<PublicKey> for TrustedKeys {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        Self(keys.into_iter().collect())
    }
}

impl Verifier for TrustedKeys {
    fn verify(&self, message: &[u8], signature: &str) -> Result<String, SignatureError> {
        // First: otherwise anyone could name any key as the one that has signed.
        let key = signer_of(message, signature)?;
        match self.contains(&key) {
            true => Ok(key.to_string()),
            false => Err(SignatureError::unknown_key(key.to_string())),
        }
    }

    fn keys(&self) -> Option<Vec<String>> {
        Some(self.0.iter().map(ToString::to_string).collect())
    }
}

/// Accepts the signature of any key, as long as it is right for its message: [`Flow::check_signatures`](flow_core::Flow::check_signatures).
///
/// It shows that a record has not changed since it was signed. It does not show who signed it: each program that can write a record
/// can sign it with a new key.
///
/// ```
/// use flow_core::signature::{SignatureError, Signer, Verifier};
/// use flow_signatures::{AnyKey, SigningKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = SigningKey::generate()?;
/// let signature = key.sign(b"a message")?;
/// assert_eq!(AnyKey.verify(b"a message", &signature), Ok(key.public_key().to_string()));
/// assert_eq!(AnyKey.verify(b"another one", &signature), Err(SignatureError::Wrong));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnyKey;

impl Verifier for AnyKey {
    fn verify(&self, message: &[u8], signature: &str) -> Result<String, SignatureError> {
        signer_of(message, signature).map(|key| key.to_string())
    }
}

/// Returns the key that has signed a message.
fn signer_of(message: &[u8], signature: &str) -> Result<PublicKey, SignatureError> {
    let (key, signature) = parse_signature(signature).map_err(SignatureError::unreadable)?;
    match key.has_signed(message, &signature) {
        true => Ok(key),
        false => Err(SignatureError::Wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;
    use flow_core::signature::Signer;

    #[test]
    fn only_known_keys_are_accepted_and_only_for_their_message() {
        let key = || SigningKey::generate().expect("a key");
        let (known, unknown) = (key(), key());
        let trusted = TrustedKeys::from_iter([known.public_key(), key().public_key()]);
        let sign = |key: &SigningKey| key.sign(b"message").expect("a signature");
        let name = known.public_key().to_string();
        let named = trusted.keys().expect("they can be listed");
        assert!(named.len() == 2 && named.contains(&name), "{named:?}");
        assert_eq!(trusted.verify(b"message", &sign(&known)), Ok(name));
        assert_eq!(trusted.verify(b"Message", &sign(&known)), Err(SignatureError::Wrong));
        let other = SignatureError::unknown_key(unknown.public_key().to_string());
        assert_eq!(trusted.verify(b"message", &sign(&unknown)), Err(other));
        // The signature of one key under the name of another.
        let of_unknown = sign(&unknown);
        let (_, digits) = of_unknown.rsplit_once(':').expect("two parts");
        let forged = format!("{}:{digits}", known.public_key());
        assert_eq!(trusted.verify(b"message", &forged), Err(SignatureError::Wrong));
        assert_eq!(
            TrustedKeys::default().verify(b"message", &sign(&known)),
            Err(SignatureError::unknown_key(known.public_key().to_string()))
        );
    }
}

//! Keys: [`SigningKey`], which is private, and [`PublicKey`].

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use flow_core::Secret;
use flow_core::signature::Signer;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::error::KeyError;
use crate::file;

/// The name of the algorithm, with which texts of keys and signatures begin.
const PREFIX: &str = "ed25519:";

/// The lengths of a public key and of a signature, in bytes.
const KEY: usize = 32;
const SIGNATURE: usize = 64;

/// A private key of ed25519, which signs outputs: [`Flow::sign`](flow_core::Flow::sign).
///
/// `Debug` shows the public key.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    /// The key in PKCS#8, as it is written to a file.
    document: Secret<Vec<u8>>,
}

impl SigningKey {
    /// Creates a new key.
    ///
    /// # Errors
    ///
    /// [`KeyError::Random`].
    pub fn generate() -> Result<Self, KeyError> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let document = document.map_err(|_| KeyError::Random)?.as_ref().to_vec();
        Self::of_document(document).map_err(|_| KeyError::Random)
    }

    /// Reads the key in a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, other users may use it ([`KeyError::NotPrivate`], on Unix), or it has no such key.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let path = path.as_ref();
        let not_a_key = |reason: String| KeyError::NotPrivateKey { path: path.to_owned(), reason };
        let document = file::read(path)?;
        Self::of_document(document).map_err(not_a_key)
    }

    /// Writes the key to a new file, which only its owner may use (on Unix).
    ///
    /// The file appears with all its content, or not at all. An existing file is never replaced.
    ///
    /// # Errors
    ///
    /// There is a file already, or it cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), KeyError> {
        file::write(path.as_ref(), &self.document)
    }

    /// Returns the public key, by which others verify the signatures.
    pub fn public_key(&self) -> PublicKey {
        let mut bytes = [0; KEY];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        PublicKey(bytes)
    }

    /// Returns the key in a PKCS#8 document, or what is wrong with it.
    fn of_document(document: Vec<u8>) -> Result<Self, String> {
        // OpenSSL leaves the public key out.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&document);
        let pair = pair.map_err(|error| format!("its content is not valid ({error})"))?;
        Ok(Self { pair, document: Secret::new(document) })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.public_key()).finish()
    }
}

impl Signer for SigningKey {
    fn sign(&self, message: &[u8]) -> anyhow::Result<String> {
        let signature = BASE64_STANDARD.encode(self.pair.sign(message));
        Ok(format!("{}:{signature}", self.public_key()))
    }
}

/// The public key of a [`SigningKey`]. Its text is one line: `ed25519:` and 32 bytes in base64.
///
/// ```
/// use flow_signatures::{PublicKey, SigningKey};
///
/// let key = SigningKey::generate()?.public_key();
/// assert_eq!(key.to_string().parse::<PublicKey>()?, key);
/// assert!("ssh-ed25519 AAAA".parse::<PublicKey>().is_err());
/// # Ok::<(), flow_signatures::KeyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; KEY]);

impl PublicKey {
    /// Returns whether a signature of these bytes is that of this key for a message.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8; SIGNATURE]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", BASE64_STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let wrong = |reason| KeyError::NotPublicKey { reason };
        let digits =
            text.trim().strip_prefix(PREFIX).ok_or(wrong("it does not begin with `ed25519:`"))?;
        bytes(digits).map(Self).ok_or(wrong("it does not have 32 bytes in base64"))
    }
}

/// Splits the text of a signature into the key that it names, and the signature itself.
///
/// # Errors
///
/// What is wrong with the text, without any part of it: anyone may have written it.
pub(crate) fn parse_signature(text: &str) -> Result<(PublicKey, [u8; SIGNATURE]), &'static str> {
    let rest = text.strip_prefix(PREFIX).ok_or("it does not begin with `ed25519:`")?;
    let (key, signature) = rest.split_once(':').ok_or("it has a key alone")?;
    let key = bytes(key).ok_or("its key does not have 32 bytes in base64")?;
    let signature = bytes(signature).ok_or("it does not have 64 bytes in base64")?;
    Ok((PublicKey(key), signature))
}

/// Returns as many bytes as this text has in base64.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    // Nothing long is decoded.
    if text.len() > 4 * N {
        return None;
    }
    BASE64_STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_is_not_shown() {
        let key = SigningKey::generate().expect("a key");
        let shown = format!("{key:?}");
        assert_eq!(shown, format!("SigningKey({})", key.public_key()));
        let document = BASE64_STANDARD.encode(key.document.expose());
        assert!(!shown.contains(&document[24..64]));
    }

    #[test]
    fn the_texts_of_signatures_that_are_none_are_refused_with_the_reason() {
        let key = SigningKey::generate().expect("a key");
        let signature = key.sign(b"message").expect("a signature");
        assert!(parse_signature(&signature).is_ok());
        let (named, digits) = signature.rsplit_once(':').expect("two parts");
        for (text, reason) in [
            (String::new(), "does not begin"),
            ("rsa:AAAA:AAAA".to_owned(), "does not begin"),
            (named.to_owned(), "a key alone"),
            (format!("ed25519::{digits}"), "32 bytes"),
            (format!("{named}:"), "64 bytes"),
            (signature[..signature.len() - 4].to_owned(), "64 bytes"),
            (format!("{signature}\n"), "64 bytes"),
            (format!("{named}:{}", "A".repeat(1 << 20)), "64 bytes"),
            (format!("{named}:{digits}\u{1b}[31m"), "64 bytes"),
        ] {
            let error = parse_signature(&text).expect_err("no signature");
            assert!(error.contains(reason), "{text:.100}: {error}");
        }
    }

    /// The first test vector of RFC 8032.
    #[test]
    fn a_signature_is_that_of_the_standard() {
        let hex = |text: &str| -> Vec<u8> {
            let digits = text.as_bytes().chunks(2);
            let byte = |digits: &[u8]| {
                let digits = std::str::from_utf8(digits).expect("ASCII");
                u8::from_str_radix(digits, 16).expect("hexadecimal digits")
            };
            digits.map(byte).collect()
        };
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
                         d25bf5f0595bbe24655141438e7a100b";
        let public = PublicKey(hex(public).try_into().expect("32 bytes"));
        let signature: [u8; SIGNATURE] = hex(signature).try_into().expect("64 bytes");
        assert!(public.has_signed(b"", &signature));
        assert!(!public.has_signed(b" ", &signature));
    }
}

//! Signatures of outputs by ed25519: keys, their files, and lists of trusted keys.
//!
//! `flow-core` knows no cryptography: a flow has a [`Signer`](flow_core::signature::Signer), which is a [`SigningKey`] here, and a
//! [`Verifier`](flow_core::signature::Verifier), which is a list of [`TrustedKeys`]. The module
//! `store/signature` of `flow-core` says what is signed, and where signatures are verified. The crate `typed-flow` re-exports
//! this crate in `flow::signature`, with the cargo feature `signatures`. It is a crate of its own because the command line
//! needs it, too, and neither clusters nor object stores need it.
//!
//! The algorithm is that of the crate `ring`, which also protects the connections of `flow-remote`.
//!
//! ```
//! use flow_core::signature::{SignatureError, Signer, Verifier};
//! use flow_signatures::{PublicKey, SigningKey, TrustedKeys};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("flow.key");
//! // On the machine that computes. Others get the line of the public key.
//! SigningKey::generate()?.write(&path)?;
//! let key = SigningKey::read(&path)?;
//! let line = key.public_key().to_string();
//! assert!(line.starts_with("ed25519:"));
//!
//! // On a machine that takes outputs of others.
//! let trusted: TrustedKeys = [line.parse::<PublicKey>()?].into_iter().collect();
//! let signature = key.sign(b"a message")?;
//! assert_eq!(trusted.verify(b"a message", &signature), Ok(line));
//! assert_eq!(trusted.verify(b"another one", &signature), Err(SignatureError::Wrong));
//! # Ok(())
//! # }
//! ```
//!
//! # Texts
//!
//! | | |
//! | --- | --- |
//! | public key | `ed25519:<32 bytes in base64>` |
//! | signature | `ed25519:<public key in base64>:<64 bytes in base64>` |
//! | file of a private key | PKCS#8 in PEM, without a passphrase, as `openssl genpkey -algorithm ed25519` writes it |
//!
//! A private key is in no text, log, error or record: `Debug` shows the public key alone.

mod error;
mod file;
mod key;
mod trusted;

pub use self::error::KeyError;
pub use self::key::{PublicKey, SigningKey};
pub use self::trusted::{AnyKey, TrustedKeys};

//! [`KeyError`]: what can go wrong with a key and its file.

use std::io;
use std::path::PathBuf;

/// A key cannot be created, read or written.
///
/// No message has any part of a private key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The operating system gives no random numbers.
    #[error("cannot create a key: the operating system gives no random numbers")]
    Random,
    /// The file of a private key cannot be read or written.
    #[error("cannot {action} the private key {}: {error}", path.display())]
    #[non_exhaustive]
    Io {
        /// The failed action, such as `read`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// There is a file already. It is never replaced, because outputs may be signed with its key.
    #[error("{} exists already, and is not replaced: give the key another name, or move the file", path.display())]
    #[non_exhaustive]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Other users of the machine may read or write the file of a private key.
    #[error(
        "other users may use the private key {} (its mode is {mode:03o}): run `chmod 600` on it, or create another key if \
         they may have read it",
        path.display()
    )]
    #[non_exhaustive]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file has no private key of ed25519.
    #[error("{} is not the private key of an ed25519 pair in PEM: {reason}", path.display())]
    #[non_exhaustive]
    NotPrivateKey {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A text is no public key.
    #[error(
        "it is not a public key, which is one line such as `ed25519:Gb9ECWmEzf6F...`: {reason}"
    )]
    #[non_exhaustive]
    NotPublicKey {
        /// What is wrong.
        reason: &'static str,
    },
}

//! The file of a private key: PKCS#8 in PEM, which only its owner may use.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use flow_core::Secret;
use flow_core::executor::unique;

use crate::error::KeyError;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// The largest file that may be a key, in bytes.
const LIMIT: u64 = 1 << 14;

/// The number of characters in a line of base64.
const LINE: usize = 64;

/// Reads the PKCS#8 document in a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, KeyError> {
    let failed = |error| KeyError::Io { action: "read", path: path.to_owned(), error };
    let not_a_key =
        |reason: &str| KeyError::NotPrivateKey { path: path.to_owned(), reason: reason.to_owned() };
    // To open a pipe would wait for its writer.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(not_a_key("it is not a file"));
    }
    let file = File::open(path).map_err(failed)?;
    check_private(path, &file).map_err(failed)??;
    let mut text = String::new();
    match file.take(LIMIT + 1).read_to_string(&mut text) {
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            return Err(not_a_key("it is not text"));
        }
        read => read.map_err(failed)?,
    };
    if text.len() as u64 > LIMIT {
        return Err(not_a_key("it is too large"));
    }
    decode(&text).map_err(not_a_key)
}

/// Returns an error if other users may use the file.
#[cfg(unix)]
fn check_private(path: &Path, file: &File) -> io::Result<Result<(), KeyError>> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    Ok(match mode & 0o077 {
        0 => Ok(()),
        _ => Err(KeyError::NotPrivate { path: path.to_owned(), mode }),
    })
}

/// Permissions of other systems are not checked.
#[cfg(not(unix))]
fn check_private(_: &Path, _: &File) -> io::Result<Result<(), KeyError>> {
    Ok(Ok(()))
}

/// Returns the document in a text in PEM, or what is wrong with the text.
fn decode(text: &str) -> Result<Vec<u8>, &'static str> {
    let Some((_, rest)) = text.split_once(BEGIN) else {
        return Err(match text {
            text if text.contains("BEGIN ENCRYPTED PRIVATE KEY") => {
                "it needs a passphrase: convert it with `openssl pkey -in KEY -out KEY.pem`"
            }
            text if text.contains("BEGIN OPENSSH PRIVATE KEY") => {
                "it is a key of OpenSSH: create one with `keys new`, or `openssl genpkey -algorithm ed25519`"
            }
            _ => "it has no line `-----BEGIN PRIVATE KEY-----`",
        });
    };
    let (digits, _) = rest.split_once(END).ok_or("it has no line `-----END PRIVATE KEY-----`")?;
    let digits: String = digits.split_whitespace().collect();
    BASE64_STANDARD.decode(digits).map_err(|_| "its content is not base64")
}

/// Writes a PKCS#8 document to a new file.
///
/// It is written under another name first, and synced. So a process that dies leaves no half of a key, and two processes
/// do not replace each other's.
pub(crate) fn write(path: &Path, document: &Secret<Vec<u8>>) -> Result<(), KeyError> {
    let failed = |error| KeyError::Io { action: "write", path: path.to_owned(), error };
    let exists = || KeyError::Exists { path: path.to_owned() };
    if fs::symlink_metadata(path).is_ok() {
        return Err(exists());
    }
    let name = path.file_name().ok_or_else(|| failed(ErrorKind::InvalidInput.into()))?;
    let draft = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), unique()));
    let written = write_draft(&draft, &encode(document));
    // A link fails if the name exists, and a rename would replace it.
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists && !path.exists() => {
            // The file system has no hard links.
            fs::rename(&draft, path)
        }
        linked => linked,
    });
    let _ = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(exists()),
        linked => linked.and_then(|()| sync_folder(path)).map_err(failed),
    }
}

/// Writes the text of a key to a new file that only its owner may use, and makes it durable.
fn write_draft(draft: &Path, text: &Secret<String>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(draft)?;
    file.write_all(text.expose().as_bytes())?;
    file.sync_all()
}

/// Makes the name of a file durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_owned);
    // Other systems cannot open a folder.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Returns a document as text in PEM.
fn encode(document: &Secret<Vec<u8>>) -> Secret<String> {
    let digits = BASE64_STANDARD.encode(document.expose());
    let lines = digits.as_bytes().chunks(LINE).map(String::from_utf8_lossy);
    let lines = lines.collect::<Vec<_>>().join("\n");
    Secret::new(format!("{BEGIN}\n{lines}\n{END}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    /// A key of `openssl genpkey -algorithm ed25519`: the example of RFC 8410.
    const OPENSSL: &str = "-----BEGIN PRIVATE KEY-----\n\
                           MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                           -----END PRIVATE KEY-----\n";

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let name = |entry: io::Result<fs::DirEntry>| {
            entry.expect("an entry").file_name().to_string_lossy().into_owned()
        };
        entries.map(name).collect()
    }

    /// Writes a file that only its owner may use.
    fn write_private(path: &Path, text: &str) {
        write_draft(path, &Secret::new(text.to_owned())).expect("a new file");
    }

    #[test]
    fn a_key_is_read_as_it_was_written_and_never_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("flow.key");
        let key = SigningKey::generate().expect("a key");
        key.write(&path).expect("a new file");
        let read = SigningKey::read(&path).expect("a key");
        assert_eq!(read.public_key(), key.public_key());
        let other = SigningKey::generate().expect("a key");
        let error = other.write(&path).expect_err("the file exists").to_string();
        assert!(error.contains("exists already"), "{error}");
        assert_eq!(SigningKey::read(&path).expect("a key").public_key(), key.public_key());
        assert_eq!(names(folder.path()), ["flow.key"], "no draft is left");
    }

    #[test]
    fn of_several_writers_of_one_file_one_wins() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("flow.key");
        let write = || {
            let key = SigningKey::generate().expect("a key");
            key.write(&path).is_ok().then(|| key.public_key())
        };
        let written: Vec<_> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8).map(|_| scope.spawn(write)).collect();
            writers.into_iter().filter_map(|writer| writer.join().expect("no panic")).collect()
        });
        let [winner] = written.as_slice() else { panic!("{written:?}") };
        assert_eq!(SigningKey::read(&path).expect("a key").public_key(), *winner);
        assert_eq!(names(folder.path()), ["flow.key"]);
    }

    #[test]
    fn a_key_that_cannot_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = SigningKey::generate().expect("a key");
        let error = key.write(folder.path().join("none/flow.key")).expect_err("no folder");
        assert!(error.to_string().starts_with("cannot write the private key"), "{error}");
        assert!(names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_may_use_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("flow.key");
        SigningKey::generate().expect("a key").write(&path).expect("a new file");
        let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        for wrong in [0o640, 0o604, 0o620, 0o601, 0o666] {
            fs::set_permissions(&path, fs::Permissions::from_mode(wrong)).expect("permissions");
            let error = SigningKey::read(&path).expect_err("not private").to_string();
            assert!(error.contains(&format!("its mode is {wrong:03o}")), "{error}");
            assert!(error.contains("chmod 600"), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("permissions");
        assert!(SigningKey::read(&path).is_ok());
    }

    #[test]
    fn a_key_of_openssl_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("flow.key");
        write_private(&path, OPENSSL);
        let key = SigningKey::read(&path).expect("a key").public_key().to_string();
        assert_eq!(key, "ed25519:Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=");
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_quoted() {
        let folder = tempfile::tempdir().expect("a folder");
        let cut = OPENSSL.replace("dVhC", "");
        for (place, (text, reason)) in [
            ("", "no line `-----BEGIN"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNza", "of OpenSSH"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGbMFcG", "a passphrase"),
            ("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw", "no line `-----END"),
            ("-----BEGIN PRIVATE KEY-----\nhunter2!\n-----END PRIVATE KEY-----\n", "not base64"),
            (cut.as_str(), "not valid"),
            ("x".repeat(1 << 15).as_str(), "too large"),
        ]
        .into_iter()
        .enumerate()
        {
            let path = folder.path().join(place.to_string());
            write_private(&path, text);
            let error = SigningKey::read(&path).expect_err("no key").to_string();
            assert!(error.contains(reason), "{error}");
            assert!(!error.contains("MC4C") && !error.contains("hunter2"), "{error}");
        }
        let error = SigningKey::read(folder.path()).expect_err("a folder").to_string();
        assert!(error.contains("it is not a file"), "{error}");
        let none = SigningKey::read(folder.path().join("none")).expect_err("no file").to_string();
        assert!(none.starts_with("cannot read the private key"), "{none}");
    }
}

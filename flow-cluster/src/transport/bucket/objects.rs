//! Small objects: what the queue consists of, apart from the contents of files.

use std::io::{self, Cursor, ErrorKind, Read};
use std::path::Path;

use flow_core::Remote;

use crate::error::{ClusterError, IoContext};

/// The most bytes of an object that is written once.
const MOST: u64 = 64 << 10;

/// Reads an object of at most this many bytes; `None` if it does not exist.
pub(super) fn get(
    remote: &dyn Remote,
    name: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, ClusterError> {
    let read = || {
        let mut bytes = Vec::new();
        remote.get(name)?.take(limit + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > limit {
            true => Err(io::Error::from(ErrorKind::FileTooLarge)),
            false => Ok(bytes),
        }
    };
    match read() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some).during("get", Path::new(name)),
    }
}

/// Writes an object, and replaces one of this name.
pub(super) fn put(remote: &dyn Remote, name: &str, bytes: &[u8]) -> Result<(), ClusterError> {
    let put = remote.put(name, &mut Cursor::new(bytes), bytes.len() as u64);
    put.during("put", Path::new(name))
}

/// Writes an object that no other process may write. Returns whether this process has written it.
///
/// A reply may be lost, so an object that exists is compared.
pub(super) fn put_once(
    remote: &dyn Remote,
    name: &str,
    bytes: &[u8],
) -> Result<bool, ClusterError> {
    let put = remote.put_new(name, &mut Cursor::new(bytes), bytes.len() as u64);
    match put {
        Ok(true) => Ok(true),
        Ok(false) => Ok(get(remote, name, MOST)?.as_deref() == Some(bytes)),
        Err(error) => match get(remote, name, MOST) {
            Ok(Some(is)) if is == bytes => Ok(true),
            _ => Err(error).during("put", Path::new(name)),
        },
    }
}

/// Removes objects. It is no error if one does not exist.
pub(super) fn delete(remote: &dyn Remote, names: &[String]) -> Result<(), ClusterError> {
    match names {
        [] => Ok(()),
        [name] => remote.delete(name).during("remove", Path::new(name)),
        names => remote.delete_many(names).during("remove", Path::new(&names[0])),
    }
}

/// Lists the objects in a folder.
pub(super) fn list(remote: &dyn Remote, folder: &str) -> Result<Vec<String>, ClusterError> {
    remote.list(folder).during("list", Path::new(folder))
}

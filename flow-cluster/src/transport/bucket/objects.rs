//! Small objects: what the queue consists of, apart from the contents of files.
//!
//! Each operation can be repeated without harm, so one that fails for a passing reason is tried again a few times. An object
//! store as a remote repeats its requests for longer.

use std::io::{self, Cursor, ErrorKind, Read};
use std::path::Path;
use std::thread;
use std::time::Duration;

use flow_core::Remote;

use crate::error::{ClusterError, IoContext, may_pass};

/// How often an operation is tried, and the pause after the first attempt, which doubles.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(20);

/// The most bytes of an object that is written once.
const MOST: u64 = 64 << 10;

/// Tries an operation until it succeeds, or fails for a reason that does not pass.
fn attempt<T>(mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut pause = PAUSE;
    for _ in 1..ATTEMPTS {
        match operation() {
            Err(error) if may_pass(&error) => thread::sleep(pause),
            ended => return ended,
        }
        pause *= 2;
    }
    operation()
}

/// Reads an object of at most this many bytes; `None` if it does not exist.
pub(super) fn get(
    remote: &dyn Remote,
    name: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, ClusterError> {
    let read = attempt(|| {
        let mut bytes = Vec::new();
        remote.get(name)?.take(limit + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > limit {
            true => Err(io::Error::from(ErrorKind::FileTooLarge)),
            false => Ok(bytes),
        }
    });
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some).during("get", Path::new(name)),
    }
}

/// Writes an object, and replaces one of this name.
pub(super) fn put(remote: &dyn Remote, name: &str, bytes: &[u8]) -> Result<(), ClusterError> {
    let put = attempt(|| remote.put(name, &mut Cursor::new(bytes), bytes.len() as u64));
    put.during("put", Path::new(name))
}

/// Writes an object that no other process may write. Returns whether this process has written it, now or before.
///
/// The reply to an earlier attempt may have been lost, so an object that exists is compared.
pub(super) fn put_once(
    remote: &dyn Remote,
    name: &str,
    bytes: &[u8],
) -> Result<bool, ClusterError> {
    let put = attempt(|| remote.put_new(name, &mut Cursor::new(bytes), bytes.len() as u64));
    match put.during("put", Path::new(name)) {
        Ok(true) => Ok(true),
        Ok(false) => Ok(get(remote, name, MOST)?.as_deref() == Some(bytes)),
        Err(error) => match get(remote, name, MOST) {
            Ok(Some(is)) if is == bytes => Ok(true),
            _ => Err(error),
        },
    }
}

/// Removes objects. It is no error if one does not exist.
pub(super) fn delete(remote: &dyn Remote, names: &[String]) -> Result<(), ClusterError> {
    let Some(first) = names.first() else { return Ok(()) };
    let removed = attempt(|| match names {
        [name] => remote.delete(name),
        names => remote.delete_many(names),
    });
    removed.during("remove", Path::new(first))
}

/// Lists the objects in a folder.
pub(super) fn list(remote: &dyn Remote, folder: &str) -> Result<Vec<String>, ClusterError> {
    attempt(|| remote.list(folder)).during("list", Path::new(folder))
}

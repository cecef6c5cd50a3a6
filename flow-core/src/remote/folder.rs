//! [`RemoteFolder`]: a folder as a remote.
//!
//! Content is written to a file in `.incoming` and renamed when it is complete and durable. The names that lead to
//! it are made durable before `put` returns, so that a manifest is never durable before the files that it names.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use crate::base::fs::{Confined, Disk, Durable, FileKind, Fs, Refused, ToSync};
use crate::base::names::unique;
use crate::files::is_absent;
use crate::remote::{OBJECTS, OUTPUTS, Remote, RemoteEntry};
use crate::store::folder::is_made;
use crate::store::run_lock::is_older;

/// The folder of files that are being written. They are renamed when they are complete.
const INCOMING: &str = ".incoming";

/// The age at which a file there counts as left by a process that died.
const LEFT: Duration = Duration::from_secs(24 * 60 * 60);

/// A folder as a [`Remote`], such as one on a network drive or a portable disk.
///
/// The folder is no store: do not open a flow in it. The first push creates it. A pull from a folder that nothing
/// was pushed to is an error.
///
/// A relative path is resolved once, when the value is created. The folder may be a symbolic link. Links below it
/// are never followed: an operation that meets one fails.
#[derive(Clone)]
pub struct RemoteFolder {
    root: PathBuf,
    /// All access to the folder goes through this file system.
    fs: Arc<Confined>,
    durable: Arc<Durable>,
    /// Set once files of processes that died were removed.
    swept: Arc<OnceLock<()>>,
}

impl RemoteFolder {
    /// Returns a remote in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self::on(folder, Arc::new(Disk))
    }

    /// Returns a remote in a folder of a custom file system, such as one that simulates failures.
    pub fn on(folder: impl Into<PathBuf>, fs: Arc<dyn Fs>) -> Self {
        let folder = folder.into();
        // A path that cannot be made absolute fails with the first operation.
        let root = std::path::absolute(&folder).unwrap_or(folder);
        let fs = Arc::new(Confined::new(fs, &root));
        Self { root, fs, durable: Arc::default(), swept: Arc::default() }
    }

    /// Returns the path of a name, or an error if the name could lead out of the folder.
    fn path(&self, name: &str) -> io::Result<PathBuf> {
        if name.split('/').all(is_made) {
            Ok(self.root.join(name))
        } else {
            Err(io::Error::new(ErrorKind::InvalidInput, "it is not a valid name in a remote"))
        }
    }

    /// Adds the names of all files below the folder `at`, whose own name is `name`.
    fn add(&self, at: &Path, name: &str, names: &mut Vec<String>) -> io::Result<()> {
        let found = match self.fs.list(at) {
            Ok(found) => found,
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        let found = found.into_iter().filter_map(|part| part.into_string().ok());
        // A push creates no other names, and `path` refuses them.
        for part in found.filter(|part| is_made(part)) {
            let (path, name) = (at.join(&part), format!("{name}/{part}"));
            match self.fs.kind(&path) {
                Ok(FileKind::Folder) => self.add(&path, &name, names)?,
                Ok(FileKind::File) => names.push(name),
                // A push creates no links, and links to folders may form cycles.
                Ok(FileKind::Link | FileKind::Other) => {}
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Removes files that were left by processes that died.
    ///
    /// Errors are ignored, except if the folder is a link.
    fn sweep(&self) -> io::Result<()> {
        let incoming = self.root.join(INCOMING);
        let names = match self.fs.list(&incoming) {
            Err(error) if Refused::of(&error).is_some() => return Err(error),
            names => names.unwrap_or_default(),
        };
        for path in names.into_iter().map(|name| incoming.join(name)) {
            if self.fs.stat(&path).is_ok_and(|stat| is_older(stat.modified, LEFT)) {
                let _ = self.fs.remove(&path);
            }
        }
        Ok(())
    }

    /// Writes content to a file of its own, and gives it its name with `publish`.
    fn put_by(
        &self,
        name: &str,
        content: &mut dyn Read,
        publish: impl Fn(&Path, &Path) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.swept.get().is_none() {
            self.sweep()?;
            let _ = self.swept.set(());
        }
        let path = self.path(name)?;
        let incoming = self.root.join(INCOMING).join(unique());
        let folder = path.parent().unwrap_or(&self.root);
        let put = self.write(&incoming, content).and_then(|()| {
            match publish(&incoming, &path) {
                Err(error) if is_absent(&error) => {
                    self.fs.create_folder(folder)?;
                    publish(&incoming, &path)?;
                }
                published => published?,
            }
            // A manifest must not survive a crash that loses a file which it names.
            let mut to_sync = ToSync::default();
            self.durable.add(&self.root, folder, &mut to_sync);
            self.fs.sync(&[], &to_sync.list())?;
            self.durable.synced(to_sync);
            Ok(())
        });
        if put.is_err() {
            // Nothing reads the file.
            let _ = self.fs.remove(&incoming);
        }
        put
    }

    fn write(&self, path: &Path, content: &mut dyn Read) -> io::Result<()> {
        let mut file = match self.fs.create(path) {
            Err(error) if is_absent(&error) => {
                self.fs.create_root()?;
                self.fs.create_folder(&self.root.join(INCOMING))?;
                self.fs.create(path)?
            }
            file => file?,
        };
        io::copy(content, &mut file)?;
        file.flush()?;
        drop(file);
        self.fs.sync(&[path.to_owned()], &[])
    }
}

impl Remote for RemoteFolder {
    fn check(&self) -> io::Result<()> {
        let folder = self.root.display();
        let is_folder = |path: &Path| match self.fs.stat(path) {
            Ok(stat) => Ok(Some(stat.folder)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
        };
        let why = match is_folder(&self.root)? {
            None => format!("there is no folder {folder}: check the path, or push to it first"),
            Some(false) => format!("{folder} is not a folder"),
            Some(true) => {
                // An interrupted push may have created only one of the other folders.
                for part in [OUTPUTS, OBJECTS, INCOMING] {
                    if is_folder(&self.root.join(part))? == Some(true) {
                        return Ok(());
                    }
                }
                format!(
                    "nothing was pushed to the folder {folder}, which has no folder `{OUTPUTS}`: check the \
                     path, or push to it first"
                )
            }
        };
        Err(io::Error::new(ErrorKind::NotFound, why))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        self.add(&self.path(folder)?, folder, &mut names)?;
        Ok(names)
    }

    fn size(&self, name: &str) -> io::Result<Option<u64>> {
        match self.fs.stat(&self.path(name)?) {
            Ok(stat) => Ok((!stat.folder).then_some(stat.bytes)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn get(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(self.fs.open(&self.path(name)?)?))
    }

    fn put(&self, name: &str, content: &mut dyn Read, _bytes: u64) -> io::Result<()> {
        self.put_by(name, content, |incoming, path| self.fs.rename(incoming, path))
    }

    /// Links the file to its name: of two at once, one has the name, and the other sees it.
    ///
    /// On a file system without hard links, the file is renamed, so that both may have put theirs. If the call fails
    /// after the name exists, because the folder cannot be synced, the next call returns `false`.
    fn put_new(&self, name: &str, content: &mut dyn Read, _bytes: u64) -> io::Result<bool> {
        if self.size(name)?.is_some() {
            return Ok(false);
        }
        let put = self.put_by(name, content, |incoming, path| {
            match self.fs.link(incoming, path) {
                // The other name is of no use, and is removed with what interrupted processes left.
                Ok(()) => drop(self.fs.remove(incoming)),
                Err(error) if is_absent(&error) || error.kind() == ErrorKind::AlreadyExists => {
                    return Err(error);
                }
                Err(_) => self.fs.rename(incoming, path)?,
            }
            Ok(())
        });
        match put {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            put => put.map(|()| true),
        }
    }

    fn get_range(&self, name: &str, range: Range<u64>) -> io::Result<Vec<u8>> {
        let mut file = self.fs.open(&self.path(name)?)?;
        file.seek(SeekFrom::Start(range.start))?;
        let mut bytes = Vec::new();
        file.take(range.end.saturating_sub(range.start)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn entries(&self, folder: &str) -> io::Result<Vec<RemoteEntry>> {
        let mut entries = Vec::new();
        for name in self.list(folder)? {
            let stat = match self.fs.stat(&self.path(&name)?) {
                Err(error) if is_absent(&error) => continue,
                stat => stat?,
            };
            let modified = u64::try_from(stat.modified).unwrap_or_default();
            let modified = SystemTime::UNIX_EPOCH + Duration::from_nanos(modified);
            entries.push(RemoteEntry::new(name, stat.bytes, Some(modified)));
        }
        Ok(entries)
    }

    fn prefers_few_lists(&self) -> bool {
        false
    }

    fn delete(&self, name: &str) -> io::Result<()> {
        let path = self.path(name)?;
        match self.fs.remove(&path) {
            Err(error) if is_absent(&error) => return Ok(()),
            removed => removed?,
        }
        self.fs.sync(&[], &[path.parent().unwrap_or(&self.root).to_owned()])
    }
}

impl std::fmt::Debug for RemoteFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RemoteFolder").field(&self.root).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_name_is_put_once_read_in_ranges_and_deleted() {
        let folder = tempfile::tempdir().expect("a folder");
        let remote = RemoteFolder::new(folder.path().join("remote"));
        let put_new = |text: &str| {
            let put = remote.put_new("leases/a", &mut Cursor::new(text), text.len() as u64);
            put.expect("a remote that can be written")
        };
        assert!(put_new("0123456789"));
        assert!(!put_new("other"));
        let range = |range| remote.get_range("leases/a", range).expect("a range");
        assert_eq!(range(2..5), b"234");
        assert_eq!(range(8..100), b"89");
        assert_eq!(range(100..200), b"");
        let names = ["leases/a".to_owned(), "leases/b".to_owned()];
        assert_eq!(remote.sizes(&names).expect("sizes"), [Some(10), None]);
        remote.delete("leases/a").expect("it is deleted");
        remote.delete("leases/a").expect("a missing name is no error");
        assert_eq!(remote.sizes(&names).expect("sizes"), [None, None]);
        assert!(put_new("again"));
    }

    #[test]
    fn of_many_that_put_a_name_at_once_one_has_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let remote = RemoteFolder::new(folder.path().join("remote"));
        let has_put = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16_u8)
                .map(|n| {
                    let remote = &remote;
                    scope.spawn(move || remote.put_new("leases/a", &mut Cursor::new([n]), 1))
                })
                .collect();
            let results = threads.into_iter().map(|thread| thread.join().expect("no panic"));
            results.map(|put| put.expect("a remote that can be written")).collect::<Vec<_>>()
        });
        let winner = has_put.iter().position(|has_put| *has_put).expect("one has it") as u8;
        assert_eq!(has_put.iter().filter(|has_put| **has_put).count(), 1);
        assert_eq!(remote.get_range("leases/a", 0..10).expect("it is there"), [winner]);
    }
}

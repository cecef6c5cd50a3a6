//! A folder as a place for outputs.

use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::content::is_absent;
use crate::fs::{Disk, FileKind, Fs, open_file};
use crate::remote::Remote;
use crate::store::stage::unique;

/// What is being written lies here, and is renamed when it is whole.
const INCOMING: &str = ".incoming";

/// How old what lies there must be before it is taken for left behind.
const LEFT: Duration = Duration::from_secs(24 * 60 * 60);

/// A folder that outputs are [pushed](crate::Flow::push) to and [pulled](crate::Flow::pull) from: on
/// a disk that several machines share, or one that is carried from here to there.
///
/// It is no store, and no flow is opened in it. It is made when something is pushed.
#[derive(Clone)]
pub struct RemoteFolder {
    root: PathBuf,
    fs: Arc<dyn Fs>,
    swept: Arc<Once>,
}

impl RemoteFolder {
    /// The place in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self::on(folder, Arc::new(Disk))
    }

    /// The place in a folder on another file system than the disk, such as one that fails on purpose.
    pub fn on(folder: impl Into<PathBuf>, fs: Arc<dyn Fs>) -> Self {
        Self { root: folder.into(), fs, swept: Arc::new(Once::new()) }
    }

    /// Where the content of a name lies, which must not lead out of the folder.
    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let inside = |part: &str| {
            !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':', '\0'])
        };
        if name.split('/').all(inside) {
            Ok(self.root.join(name))
        } else {
            Err(io::Error::new(ErrorKind::InvalidInput, "it is no name of a remote"))
        }
    }

    fn add(&self, at: &Path, name: &str, names: &mut Vec<String>) -> io::Result<()> {
        let found = match self.fs.list(at) {
            Ok(found) => found,
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        for part in found.into_iter().filter_map(|part| part.into_string().ok()) {
            let (path, name) = (at.join(&part), format!("{name}/{part}"));
            match self.fs.kind(&path) {
                Ok(FileKind::Folder) => self.add(&path, &name, names)?,
                Ok(FileKind::File) => names.push(name),
                // Nobody puts a link there, and those to folders may go in circles.
                Ok(FileKind::Link | FileKind::Other) => {}
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Removes what was left by those who died. It does no harm if this fails.
    fn sweep(&self) {
        let incoming = self.root.join(INCOMING);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        for left in self.fs.list(&incoming).into_iter().flatten() {
            let path = incoming.join(left);
            let age = |modified: i64| now.as_nanos() as i64 - modified;
            if self.fs.stat(&path).is_ok_and(|stat| age(stat.modified) > LEFT.as_nanos() as i64) {
                let _ = self.fs.remove(&path);
            }
        }
    }

    fn write(&self, path: &Path, content: &mut dyn Read) -> io::Result<()> {
        let mut file = match self.fs.create(path) {
            Err(error) if is_absent(&error) => {
                self.fs.create_folder(&self.root.join(INCOMING))?;
                self.fs.create(path)?
            }
            file => file?,
        };
        io::copy(content, &mut file)?;
        file.flush()?;
        drop(file);
        self.fs.sync(&[path.to_owned()])
    }
}

impl Remote for RemoteFolder {
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
        Ok(Box::new(open_file(&*self.fs, &self.path(name)?)?))
    }

    fn put(&self, name: &str, content: &mut dyn Read, _bytes: u64) -> io::Result<()> {
        self.swept.call_once(|| self.sweep());
        let path = self.path(name)?;
        let incoming = self.root.join(INCOMING).join(unique());
        let put = self.write(&incoming, content).and_then(|()| {
            let renamed = self.fs.rename(&incoming, &path);
            match (renamed, path.parent()) {
                (Err(error), Some(folder)) if is_absent(&error) => {
                    self.fs.create_folder(folder)?;
                    self.fs.rename(&incoming, &path)
                }
                (renamed, _) => renamed,
            }
        });
        if put.is_err() {
            // Nobody reads it there.
            let _ = self.fs.remove(&incoming);
        }
        put
    }
}

impl std::fmt::Debug for RemoteFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RemoteFolder").field(&self.root).finish()
    }
}

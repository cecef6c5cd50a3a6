//! The writer for targets whose outputs are folders.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::base::error::copy_error;
use crate::base::fs::{Disk, Fs};
use crate::base::key::{Digest, digest_of};

/// How many bytes of an earlier file are read at a time.
const BUFFER: usize = 64 * 1024;

/// The writer for targets whose outputs are [folders](super::Target::IS_FOLDER): a new folder, whose files are hashed while
/// they are written.
///
/// If the instance had an output before, each file is compared, while it is written, with the earlier file of the same name.
/// A file with equal bytes is not written again: it becomes a hard link. So an output of many files in which one has changed
/// writes one.
///
/// ```
/// use std::io::Write;
/// use flow_core::target::SinkFolder;
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("numbers");
/// let mut numbers = SinkFolder::new(&path)?;
/// let mut file = numbers.create("odd/part-0.txt")?;
/// file.write_all(b"1 3 5")?;
/// numbers.finish(file)?;
/// assert_eq!(std::fs::read_to_string(path.join("odd/part-0.txt"))?, "1 3 5");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct SinkFolder {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    /// The folder of the earlier output.
    earlier: Option<PathBuf>,
    /// The folders that exist, relative to the path.
    folders: BTreeSet<String>,
    names: BTreeSet<String>,
    files: BTreeMap<String, WrittenFile>,
    failed: Failed,
}

/// The first error of a write. A format may turn an error into a text of its own.
type Failed = Arc<Mutex<Option<io::Error>>>;

/// A file that was written in full.
pub(crate) struct WrittenFile {
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
}

impl SinkFolder {
    /// Creates a folder, to test a target without a store.
    ///
    /// # Errors
    ///
    /// The folder cannot be created.
    pub fn new(path: impl Into<PathBuf>) -> io::Result<Self> {
        let (fs, path): (Arc<dyn Fs>, _) = (Arc::new(Disk), path.into());
        fs.create_folder(&path)?;
        Ok(Self::within(&fs, path, None))
    }

    /// Returns the writer for a folder that exists. `earlier` is the folder of the output that it replaces.
    pub(crate) fn within(fs: &Arc<dyn Fs>, path: PathBuf, earlier: Option<PathBuf>) -> Self {
        let (fs, failed) = (Arc::clone(fs), Failed::default());
        let (folders, names, files) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        Self { fs, path, earlier, folders, names, files, failed }
    }

    /// Creates a file at a path below the folder, with `/`. Folders on the way are created.
    ///
    /// Several files may be open at the same time. A file belongs to the output after [`finish`](Self::finish): the task fails
    /// if one is not finished.
    ///
    /// # Errors
    ///
    /// The path leads out of the folder or was given before, or the file cannot be created.
    pub fn create(&mut self, path: &str) -> io::Result<FolderFile> {
        let is_name =
            |name: &str| !matches!(name, "" | "." | "..") && !name.contains(['\\', '\0', ':']);
        if !path.split('/').all(is_name) || !self.names.insert(path.to_owned()) {
            let what = format!("{path:?} is no path of a new file in the folder of an output");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        if let Some((folder, _)) = path.rsplit_once('/')
            && !self.folders.contains(folder)
        {
            self.note(self.fs.create_folder(&self.path.join(folder)))?;
            self.folders.insert(folder.to_owned());
        }
        let to = self.path.join(path);
        let earlier = self.earlier.as_ref().and_then(|earlier| {
            let path = earlier.join(path);
            let file = BufReader::with_capacity(BUFFER, self.fs.open(&path).ok()?);
            Some(Earlier { file, path })
        });
        let state = match earlier {
            Some(earlier) => State::Same(earlier),
            None => State::New(self.note(self.fs.create(&to))?),
        };
        let (fs, failed) = (Arc::clone(&self.fs), Arc::clone(&self.failed));
        let (name, hasher, bytes) = (path.to_owned(), blake3::Hasher::new(), 0);
        Ok(FolderFile { name, path: to, fs, state, hasher, bytes, failed })
    }

    /// Ends a file, which belongs to the output now.
    ///
    /// # Errors
    ///
    /// A write failed.
    pub fn finish(&mut self, file: FolderFile) -> io::Result<()> {
        let name = file.name.clone();
        let written = self.note(file.finish())?;
        self.files.insert(name, written);
        Ok(())
    }

    fn note<V>(&self, result: io::Result<V>) -> io::Result<V> {
        result.inspect_err(|error| note(&self.failed, error))
    }

    /// Takes the first error of a write, if one failed.
    pub(crate) fn take_error(&mut self) -> Option<io::Error> {
        self.failed.lock().expect("lock poisoned").take()
    }

    /// Returns the files that were written, by their paths.
    ///
    /// # Errors
    ///
    /// A write failed, whether or not the target returned the error, or a file was not finished: what is written of it is in
    /// the folder, so that the output would never count as whole.
    pub(crate) fn into_files(mut self) -> io::Result<BTreeMap<String, WrittenFile>> {
        if let Some(error) = self.take_error() {
            return Err(error);
        }
        match self.names.iter().find(|name| !self.files.contains_key(*name)) {
            Some(name) => {
                let what = format!("the target has not finished the file {name:?}: call `finish`");
                Err(io::Error::other(what))
            }
            None => Ok(self.files),
        }
    }
}

fn note(failed: &Failed, error: &io::Error) {
    let mut failed = failed.lock().expect("lock poisoned");
    if failed.is_none() && error.kind() != io::ErrorKind::Interrupted {
        *failed = Some(copy_error(error));
    }
}

/// A new file in a [`SinkFolder`]. Writes are not buffered.
pub struct FolderFile {
    name: String,
    path: PathBuf,
    fs: Arc<dyn Fs>,
    state: State,
    hasher: blake3::Hasher,
    bytes: u64,
    failed: Failed,
}

enum State {
    /// All bytes so far are those of the earlier file. The new file does not exist yet.
    Same(Earlier),
    New(Box<dyn Write + Send>),
}

/// The file of the same name in the earlier output, read up to the last byte that was compared.
struct Earlier {
    file: BufReader<File>,
    path: PathBuf,
}

impl Earlier {
    /// Returns whether the next bytes are these.
    fn continues_with(&mut self, mut bytes: &[u8]) -> io::Result<bool> {
        while !bytes.is_empty() {
            let buffered = match self.file.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                buffered => buffered?,
            };
            let length = buffered.len().min(bytes.len());
            if length == 0 || buffered[..length] != bytes[..length] {
                return Ok(false);
            }
            self.file.consume(length);
            bytes = &bytes[length..];
        }
        Ok(true)
    }

    fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.file.fill_buf()?.is_empty())
    }

    /// Returns whether it is as a new file would be. Users may have made it executable, or put a symbolic link in its place.
    fn is_plain(&self, fs: &dyn Fs) -> bool {
        fs.link_stat(&self.path).is_ok_and(|stat| !stat.special && !stat.executable)
    }

    /// Copies the first bytes to a new file.
    fn copy(&mut self, bytes: u64, fs: &dyn Fs, to: &Path) -> io::Result<Box<dyn Write + Send>> {
        let mut file = fs.create(to)?;
        self.file.rewind()?;
        let copied = io::copy(&mut Read::by_ref(&mut self.file).take(bytes), &mut file)?;
        if copied != bytes {
            return Err(io::Error::other("the file of the earlier output was written meanwhile"));
        }
        Ok(file)
    }
}

impl FolderFile {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let State::Same(earlier) = &mut self.state
            && !earlier.continues_with(bytes)?
        {
            self.state = State::New(earlier.copy(self.bytes, &*self.fs, &self.path)?);
        }
        if let State::New(file) = &mut self.state {
            file.write_all(bytes)?;
        }
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn finish(self) -> io::Result<WrittenFile> {
        let Self { path, fs, state, hasher, bytes, .. } = self;
        let mut file = match state {
            State::New(file) => Some(file),
            State::Same(mut earlier) => {
                // The earlier output may be removed meanwhile, and not every file system has links.
                let is_linked = earlier.is_at_end()?
                    && earlier.is_plain(&*fs)
                    && fs.link(&earlier.path, &path).is_ok();
                if is_linked { None } else { Some(earlier.copy(bytes, &*fs, &path)?) }
            }
        };
        file.as_mut().map_or(Ok(()), |file| file.flush())?;
        Ok(WrittenFile { digest: digest_of(&hasher), bytes })
    }
}

impl Write for FolderFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes).inspect_err(|error| note(&self.failed, error))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Same(_) => Ok(()),
            State::New(file) => file.flush().inspect_err(|error| note(&self.failed, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, earlier: Option<&Path>, bytes: &[&[u8]]) -> WrittenFile {
        let fs: Arc<dyn Fs> = Arc::new(Disk);
        fs.create_folder(folder).expect("a folder");
        let mut sink = SinkFolder::within(&fs, folder.to_owned(), earlier.map(Path::to_owned));
        let mut file = sink.create("a=1/part").expect("a file");
        bytes.iter().for_each(|bytes| file.write_all(bytes).expect("written"));
        sink.finish(file).expect("finished");
        sink.into_files().expect("no error").remove("a=1/part").expect("one file")
    }

    #[test]
    fn equal_bytes_are_linked_and_others_written() {
        let at = tempfile::tempdir().expect("a folder");
        let first = at.path().join("first");
        let before = write(&first, None, &[b"one ", b"two"]);
        let content = |folder: &Path| std::fs::read(folder.join("a=1/part")).expect("a file");
        let inode = |folder: &Path| Disk.stat(&folder.join("a=1/part")).expect("a file").inode;
        let others: [&[&[u8]]; 6] = [
            &[b"one two"],
            &[b"one ", b"too"],
            &[b"one ", b"two", b"!"],
            &[b"one"],
            &[],
            &[b"", b"o", b"ne two"],
        ];
        for (n, bytes) in others.iter().enumerate() {
            let folder = at.path().join(n.to_string());
            let written = write(&folder, Some(&first), bytes);
            let whole = bytes.concat();
            assert_eq!(content(&folder), whole);
            assert_eq!(written.bytes, whole.len() as u64);
            let is_same = whole == b"one two";
            assert_eq!(written.digest == before.digest, is_same);
            assert_eq!(inode(&folder) == inode(&first), is_same || cfg!(not(unix)));
        }
        assert_eq!(content(&first), b"one two");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_plain_file_is_written_again() {
        use std::os::unix::fs::PermissionsExt;

        let at = tempfile::tempdir().expect("a folder");
        let (first, moved) = (at.path().join("first"), at.path().join("moved"));
        write(&first, None, &[b"one"]);
        let file = first.join("a=1/part");
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&file, executable).expect("executable");
        let second = at.path().join("second");
        write(&second, Some(&first), &[b"one"]);
        let written = Disk.stat(&second.join("a=1/part")).expect("a file");
        assert!(!written.executable);

        std::fs::rename(second.join("a=1/part"), &moved).expect("moved");
        std::os::unix::fs::symlink(&moved, second.join("a=1/part")).expect("a link");
        let third = at.path().join("third");
        write(&third, Some(&second), &[b"one"]);
        let written = std::fs::symlink_metadata(third.join("a=1/part")).expect("a file");
        assert!(written.is_file());
    }

    #[test]
    fn a_file_that_was_not_finished_is_an_error() {
        let at = tempfile::tempdir().expect("a folder");
        let mut sink = SinkFolder::new(at.path().join("new")).expect("a folder");
        let finished = sink.create("a").expect("a file");
        sink.finish(finished).expect("finished");
        drop(sink.create("b").expect("a file"));
        let error = sink.into_files().map(|files| files.len()).expect_err("it is not finished");
        assert_eq!(error.to_string(), "the target has not finished the file \"b\": call `finish`");
    }

    #[test]
    fn a_path_that_leads_out_or_occurs_twice_is_refused() {
        let at = tempfile::tempdir().expect("a folder");
        let mut sink = SinkFolder::new(at.path().join("new")).expect("a folder");
        sink.create("a/b").expect("a file");
        for path in ["a/b", "../c", "", "a//b", "/a", "a/./b", "a\\b"] {
            assert!(sink.create(path).is_err(), "{path}");
        }
    }
}

//! The file system of a test: a temporary folder, removed with the last flow or handle that uses
//! it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flow_core::fs::{Disk, FileKind, Fs, Lock, Stat};
use tempfile::TempDir;

/// The file system of a test, which owns the temporary folder.
///
/// Flows and handles of outputs share it, so that the folder is removed when the last of them is
/// dropped.
pub(super) struct Scratch {
    _folder: TempDir,
}

impl Scratch {
    pub(super) fn new(folder: TempDir) -> Self {
        Self { _folder: folder }
    }
}

/// Forwards methods to the disk.
macro_rules! as_disk {
    ($($name:ident($($argument:ident: $ty:ty),*) -> $result:ty;)*) => {
        $(fn $name(&self, $($argument: $ty),*) -> $result {
            Disk.$name($($argument),*)
        })*
    };
}

impl Fs for Scratch {
    as_disk! {
        open(path: &Path) -> io::Result<File>;
        read(path: &Path, limit: u64) -> io::Result<Vec<u8>>;
        read_from(path: &Path, offset: u64, limit: u64) -> io::Result<Vec<u8>>;
        lock(path: &Path) -> io::Result<Lock>;
        try_lock_shared(path: &Path) -> io::Result<Lock>;
        create(path: &Path) -> io::Result<Box<dyn Write + Send>>;
        create_private(path: &Path, store: &Path) -> io::Result<Box<dyn Write + Send>>;
        append(path: &Path, bytes: &[u8]) -> io::Result<()>;
        stat(path: &Path) -> io::Result<Stat>;
        kind(path: &Path) -> io::Result<FileKind>;
        canonical(path: &Path) -> io::Result<PathBuf>;
        list(path: &Path) -> io::Result<Vec<OsString>>;
        list_kinds(path: &Path) -> io::Result<Vec<(OsString, Option<FileKind>)>>;
        create_folder(path: &Path) -> io::Result<()>;
        rename(from: &Path, to: &Path) -> io::Result<()>;
        link(from: &Path, to: &Path) -> io::Result<()>;
        copy(from: &Path, to: &Path) -> io::Result<()>;
        remove(path: &Path) -> io::Result<()>;
        remove_folder(path: &Path) -> io::Result<()>;
        set_executable(path: &Path) -> io::Result<()>;
    }

    /// A store that is removed with the test does not need to survive a power loss.
    fn sync(&self, _: &[PathBuf], _: &[PathBuf]) -> io::Result<()> {
        Ok(())
    }
}

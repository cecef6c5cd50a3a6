//! The one way to the file system.
//!
//! Everything that the store and the targets do to files goes through [`Fs`], so that a test can
//! make any one operation fail.

use std::fs::File;
use std::io;
use std::path::Path;

/// The operations on files that a store needs.
pub trait Fs: Send + Sync {
    /// Opens a file for reading.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    fn open(&self, path: &Path) -> io::Result<File>;

    /// The whole content of a file.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
}

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Fs for Disk {
    fn open(&self, path: &Path) -> io::Result<File> {
        File::open(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }
}

//! Writes a report to a file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::Report;
use crate::error::ReportError;

impl Report {
    /// Writes the report to a file, and replaces one that exists.
    ///
    /// The report is written beside its place and moved there, so that no reader sees a part of it.
    ///
    /// # Errors
    ///
    /// The file cannot be written. A file that was there is as it was.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), ReportError> {
        let path = path.as_ref();
        let write_error = |source| ReportError::Write { path: path.to_owned(), source };
        replace(path, self.html().as_bytes()).map_err(write_error)
    }
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not the name of a file"));
    };
    // A device or a pipe is written to: a file in its place would not be what its readers have open.
    if path.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return File::options().write(true).open(path)?.write_all(content);
    }
    let name = format!(".{}.{}.part", name.to_string_lossy(), std::process::id());
    let draft = path.with_file_name(name);
    let mut file = File::create_new(&draft)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    drop(file);
    let moved = written.and_then(|()| fs::rename(&draft, path));
    moved.inspect_err(|_| drop(fs::remove_file(&draft)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.html");
        for content in ["one", "another"] {
            replace(&path, content.as_bytes()).expect("it is written");
            assert_eq!(fs::read_to_string(&path).expect("a file"), content);
        }
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        let taken = folder.path().join("taken");
        fs::create_dir(&taken).expect("a folder");
        assert!(replace(&taken, b"x").is_err() && taken.is_dir());
        assert!(replace(&folder.path().join("none/report.html"), b"x").is_err());
        assert!(replace(Path::new("/"), b"x").is_err());
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
    }
}

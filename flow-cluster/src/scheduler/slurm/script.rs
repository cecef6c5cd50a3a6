//! [`Script`]: the script that Slurm starts.
//!
//! Its arguments are a program and the arguments of that: no text is part of a script. Slurm keeps a copy when it accepts an array, so
//! that the file need not be where all machines reach it, nor where others can write.

use std::fs::{self, DirBuilder};
use std::io;
use std::path::PathBuf;

use flow_core::executor::unique;

const SCRIPT: &str = "#!/bin/sh\nexec \"$@\"\n";
const FILE: &str = "worker.sh";

/// A script in a folder of its own, to which only this user can write, until it is dropped.
pub(super) struct Script {
    folder: PathBuf,
}

impl Script {
    /// Writes the script into the folder for temporary files.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(super) fn write() -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("flow-{}", unique()));
        #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no permissions to set"))]
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // A folder that another user has made before is an error.
        builder.create(&folder)?;
        let script = Self { folder };
        fs::write(script.path(), SCRIPT)?;
        Ok(script)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // What stays is a file without any content of its own.
        let _ = fs::remove_file(self.path());
        let _ = fs::remove_dir(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_script_starts_its_arguments_and_is_gone_afterwards() {
        use std::os::unix::fs::PermissionsExt;
        use std::process::Command;

        let script = Script::write().expect("a file");
        let folder = script.folder.clone();
        let mode = fs::metadata(&folder).expect("a folder").permissions().mode();
        assert_eq!(mode & 0o077, 0, "no other user can write there");
        let words = ["printf", "%s|", "a b; c", "$HOME"];
        let out = Command::new("/bin/sh").arg(script.path()).args(words).output().expect("it runs");
        assert_eq!(String::from_utf8_lossy(&out.stdout), "a b; c|$HOME|");
        drop(script);
        assert!(!folder.exists());
    }
}

//! Files and environment variables that a running task reads.

use std::env::VarError;
use std::path::{Path, PathBuf};

use super::Cx;
use crate::files::Named;
use crate::store::external_reads;
use crate::store::external_reads::in_project;
use crate::store::record::Read;
use crate::target::{self, Source, Target};
use crate::task::Task;

/// # Files and environment variables
impl<T: Task> Cx<T> {
    /// Records that the task reads this file or folder, and returns its path.
    ///
    /// A change of its content makes the task run again. If the path is known before the task runs, prefer a
    /// parameter with `#[param(file)]`. For patterns, see [`files`](Self::files). A
    /// relative path is always resolved against the current folder of the process.
    ///
    /// Prefer paths relative to the current folder: they are the same in each checkout of a project. An
    /// absolute path below the folder that contains the store is recorded together with the path relative to that
    /// folder. When the project has moved, or another checkout [pulls](crate::Flow::pull) the output, the file
    /// is looked up at both paths, and the output counts as complete if the file has the recorded content wherever
    /// it is found.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is a pipe or another special file, or its name is not Unicode. A file that does not
    /// exist is no error: creating it counts as a change.
    ///
    /// If the file is written while the task runs, the task fails when it ends, even if the content is the same
    /// then, because the task may have read a part of it. The next run runs the task again.
    pub fn file(&self, path: impl AsRef<Path>) -> anyhow::Result<PathBuf> {
        let path = path.as_ref();
        let text = path
            .to_str()
            .ok_or_else(|| anyhow::anyhow!("the name of the file {path:?} is not Unicode"))?;
        let contents = self.base.host.contents();
        self.base.reads.watch(contents, path, Named::Exactly)?;
        let digest = contents.digest(path)?;
        let project = in_project(path, self.base.host.store());
        self.base.reads.add(Read::File { path: text.to_owned(), project, digest });
        Ok(path.to_owned())
    }

    /// Reads a file with a target, and records that the task reads it, as [`file`](Self::file) does.
    ///
    /// The target may have options, as in `#[task(target = ...)]`.
    ///
    /// ```
    /// use std::path::PathBuf;
    ///
    /// use flow::prelude::*;
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Price {
    ///     day: String,
    ///     price: Option<f64>,
    /// }
    ///
    /// #[task(target = Json<usize>)]
    /// fn missing(cx: &Cx<missing>, file: PathBuf) -> Result<usize> {
    ///     let prices: Vec<Price> = cx.read(file, Csv::default())?;
    ///     Ok(prices.iter().filter(|row| row.price.is_none()).count())
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let file = folder.path().join("prices.csv");
    /// std::fs::write(&file, "day,price\nmon,1.5\ntue,\n")?;
    /// let flow = Flow::open(folder.path().join("data"))?.quiet().with(missing::FILE, &*file);
    /// assert_eq!(*flow.get::<missing>()?, 1);
    ///
    /// std::fs::write(&file, "day,price\nmon,\ntue,\n")?;
    /// assert_eq!(*flow.get::<missing>()?, 2); // its content has changed
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The same as [`file`](Self::file), or the target cannot read the file.
    pub fn read<F: Target>(&self, path: impl AsRef<Path>, target: F) -> anyhow::Result<F::Value> {
        let path = self.file(path)?;
        let fs = self.base.host.store().unconfined();
        target::read_from(&Source::new(fs, path, false), &target)
    }

    /// Returns the files of a path, sorted, and records that the task reads them.
    ///
    /// The path is a file; a folder, which stands for all files in it at any depth; or a pattern such as
    /// `data/*.csv` or `data/**/*.csv`. A change of their content makes the task run again, and so does a
    /// file that is added or removed. Files of the store are left out: otherwise a task could read its own output, and
    /// would never be complete.
    ///
    /// In a pattern `*` matches any part of a name, `?` one character, `[a-c]` one of these characters,
    /// and `**` any number of folders. Names that begin with a dot match only a pattern that begins with a dot.
    /// `[*]` matches a literal `*`.
    ///
    /// The content of a parameter with `#[param(file)]` is part of the fingerprint already, and is not recorded again:
    ///
    /// ```
    /// use std::path::PathBuf;
    ///
    /// use flow::prelude::*;
    ///
    /// /// How many lines the files have.
    /// #[derive(Task)]
    /// #[task(target = Json<usize>)]
    /// struct Lines {
    ///     #[param(file)]
    ///     source: PathBuf,
    /// }
    ///
    /// #[tracked]
    /// impl Run for Lines {
    ///     fn run(&self, cx: &Cx<Self>) -> Result<usize> {
    ///         let mut lines = 0;
    ///         for file in cx.files(&self.source)? {
    ///             lines += std::fs::read_to_string(file)?.lines().count();
    ///         }
    ///         Ok(lines)
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// std::fs::write(folder.join("a.csv"), "1\n2\n")?;
    /// let flow = Flow::open(folder.join("data"))?.quiet().with(Lines::SOURCE, folder.join("*.csv"));
    /// flow.run::<Lines>()?;
    /// assert_eq!(*flow.load::<Lines>()?, 2);
    ///
    /// std::fs::write(folder.join("notes.txt"), "does not match")?;
    /// assert!(flow.is_complete::<Lines>()?);
    /// std::fs::write(folder.join("b.csv"), "3\n")?;
    /// assert!(!flow.is_complete::<Lines>()?);
    /// flow.run::<Lines>()?;
    /// assert_eq!(*flow.load::<Lines>()?, 3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such file, one of them cannot be read, or the path is not Unicode.
    pub fn files(&self, path: impl AsRef<Path>) -> anyhow::Result<Vec<PathBuf>> {
        let path = path.as_ref();
        let text = path
            .to_str()
            .ok_or_else(|| anyhow::anyhow!("the name of the file {path:?} is not Unicode"))?;
        let contents = self.base.host.contents();
        self.base.reads.watch(contents, path, Named::AsPattern)?;
        // The plan has the digest of a file parameter, and the engine checks it again when the task has run.
        if !self.base.host.is_file_parameter(text) {
            let digest = contents.meant(path)?;
            let project = in_project(path, self.base.host.store());
            self.base.reads.add(Read::Files { path: text.to_owned(), project, digest });
        }
        let files = contents.files(path)?;
        let fs = self.base.host.store().unconfined();
        let is_empty_folder = || fs.stat(path).is_ok_and(|stat| stat.folder);
        anyhow::ensure!(!files.is_empty() || is_empty_folder(), external_reads::no_file(text));
        Ok(files)
    }

    /// Returns the value of an environment variable, if it is set, and records it.
    ///
    /// The task runs again when the variable is changed, set, or removed.
    ///
    /// The value may be a secret: the record holds a hash of it, keyed by the store. So an output that
    /// depends on it is not reused from another store.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[derive(Task)]
    /// #[task(target = Text)]
    /// struct Greeting;
    ///
    /// #[tracked]
    /// impl Run for Greeting {
    ///     fn run(&self, cx: &Cx<Self>) -> Result<String> {
    ///         let name = cx.env("GREETING_NAME")?.unwrap_or("you".to_owned());
    ///         let cargo = cx.env("CARGO_PKG_NAME")?.context("CARGO_PKG_NAME is not set")?;
    ///         Ok(format!("{name} and {cargo}"))
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet();
    /// flow.run::<Greeting>()?;
    /// assert_eq!(*flow.load::<Greeting>()?, "you and flow-core");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The value is not Unicode, or the key of the store cannot be read.
    pub fn env(&self, name: impl AsRef<str>) -> anyhow::Result<Option<String>> {
        let name = name.as_ref();
        let digest = external_reads::digest_env(name, self.base.host.store())?;
        self.base.reads.add(Read::Env { name: name.to_owned(), digest });
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => anyhow::bail!("the value of {name} is not Unicode"),
        }
    }
}

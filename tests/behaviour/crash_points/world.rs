//! A folder with a store, the files that the pipeline reads, and what they were at some time.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flow::prelude::*;
use flow::remote::RemoteFolder;

use super::pipeline::{Given, IN_MEMORY};
use crate::faulty::Faulty;
use crate::support::{assert_consistent, faulty_flow, files_below, in_full};

/// A folder in which the pipeline runs, and the file system through which it does so.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) folder: PathBuf,
    pub(crate) given: Given,
    pub(crate) fs: Faulty,
}

impl World {
    pub(crate) fn new(folder: PathBuf, given: Given) -> Self {
        Self { folder, given, fs: Faulty::new() }
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Opens the store anew, as another process does.
    pub(crate) fn flow(&self) -> Result<Flow, flow::Error> {
        Ok(self.given.on(&faulty_flow(&self.folder, &self.fs)?, &self.folder))
    }

    /// Opens another store in the folder.
    pub(crate) fn other(&self, name: &str) -> Result<Flow> {
        let flow = Flow::open_on(self.folder.join(name), Arc::new(self.fs.clone()))?.quiet();
        Ok(self.given.on(&flow, &self.folder))
    }

    pub(crate) fn remote(&self) -> RemoteFolder {
        RemoteFolder::on(self.folder.join("remote"), Arc::new(self.fs.clone()))
    }

    /// The folder of exports.
    pub(crate) fn exported(&self) -> PathBuf {
        self.folder.join("exported")
    }

    /// Gives the pipeline other files and parameters.
    pub(crate) fn give(&mut self, given: Given) -> Result<()> {
        self.given = given;
        self.given.write(&self.folder)
    }

    /// Runs the pipeline, as another process.
    pub(crate) fn run(&self) -> Result<()> {
        Ok(self.given.run(&self.flow()?).map(drop)?)
    }

    /// Asserts that nothing in the store is damaged, and that each output that counts as complete is right. Returns
    /// the keys of the complete instances.
    pub(crate) fn check(&self) -> Result<BTreeSet<String>> {
        assert_consistent(&self.store());
        let flow = self.flow()?;
        let verified = flow.store().verify()?;
        ensure!(verified.is_whole(), "{verified}");
        self.given.load(&flow)?;
        self.given.complete(&flow)
    }

    /// Asserts that a run succeeds and runs nothing that is complete; that garbage collection leaves only what records
    /// name; and that all outputs are complete and right then.
    pub(crate) fn recover(&self, complete: &BTreeSet<String>) -> Result<()> {
        let flow = self.flow()?;
        let summary = self.given.run(&flow).map_err(in_full);
        let summary = summary.map_err(|error| anyhow!("the next run failed: {error}"))?;
        for entry in summary.ran() {
            let is_needless = complete.contains(&entry.instance.key().to_string());
            ensure!(!is_needless, "{} ran, and was complete", entry.instance);
        }
        flow.store().gc().older_than(Duration::ZERO).find()?.remove()?;
        let stored = Stored::of(&self.store());
        let unnamed = stored.unnamed();
        ensure!(unnamed.is_empty(), "no record names {unnamed:?}");
        ensure!(stored.drafts.is_empty(), "drafts are left: {:?}", stored.drafts);
        self.check_complete()
    }

    /// Asserts that nothing is damaged, and that all outputs are complete and right.
    pub(crate) fn check_complete(&self) -> Result<()> {
        let flow = self.flow()?;
        let verified = flow.store().verify()?;
        ensure!(verified.is_whole(), "{verified}");
        self.given.check_everything(&flow)
    }

    /// Asserts that a second run runs nothing, and that a second garbage collection finds nothing.
    pub(crate) fn check_nothing_is_left(&self) -> Result<()> {
        let flow = self.flow()?;
        let left = flow.store().gc().older_than(Duration::ZERO).find()?;
        ensure!(left.is_empty(), "{left}: {:?}", left.paths());
        self.check_nothing_runs()
    }

    /// Asserts that a run only computes values in memory.
    pub(crate) fn check_nothing_runs(&self) -> Result<()> {
        let summary = self.given.run(&self.flow()?)?;
        let ran = summary.ran();
        let stored = ran.iter().find(|entry| !IN_MEMORY.contains(&entry.task()));
        ensure!(stored.is_none(), "{stored:?} ran");
        Ok(())
    }
}

/// What the files of a store say, whatever the library says.
pub(crate) struct Stored {
    pub(crate) records: Vec<Recorded>,
    /// The names of all outputs.
    outputs: BTreeSet<String>,
    /// The files that were being written.
    drafts: Vec<PathBuf>,
}

/// A record of an instance, or of an earlier version.
pub(crate) struct Recorded {
    pub(crate) key: String,
    pub(crate) fingerprint: String,
    pub(crate) is_current: bool,
    files: Vec<String>,
}

impl Stored {
    pub(crate) fn of(store: &Path) -> Self {
        let (mut records, mut outputs, mut drafts) = (Vec::new(), BTreeSet::new(), Vec::new());
        for path in files_below(store) {
            let below = path.strip_prefix(store).expect("it is below").to_owned();
            let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
            outputs.extend(
                parts.iter().find(|part| part.starts_with("data-")).map(|part| part.to_string()),
            );
            let name = parts.last().expect("a name");
            let number = name.rsplit(['.', '/']).next().unwrap_or_default();
            if number.len() == 16 && number.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                drafts.push(below.clone());
            }
            let is_current = path.ends_with("record.json");
            let is_version = below.starts_with(".flow/versions");
            if !is_current && !is_version {
                continue;
            }
            let Ok(record) = serde_json::from_slice(&fs::read(&path).expect("a file")) else {
                continue;
            };
            let record: serde_json::Value = record;
            let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
            let files = record["output"]["files"].as_array().into_iter().flatten();
            let files = files.filter_map(|file| Some(file["file"].as_str()?.to_owned())).collect();
            let (key, fingerprint) = (text("key"), text("fingerprint"));
            records.push(Recorded { key, fingerprint, is_current, files });
        }
        Self { records, outputs, drafts }
    }

    /// Returns the outputs that no record names.
    fn unnamed(&self) -> Vec<&String> {
        let named: BTreeSet<_> = self.records.iter().flat_map(|record| &record.files).collect();
        self.outputs.iter().filter(|output| !named.contains(output)).collect()
    }

    /// Returns the keys of the instances with a current record whose files are there.
    pub(crate) fn current(&self) -> BTreeSet<&str> {
        let current =
            self.records.iter().filter(|record| record.is_current && self.is_there(record));
        current.map(|record| &*record.key).collect()
    }

    /// Returns the key and fingerprint of each record with files that are there.
    pub(crate) fn kept(&self) -> BTreeSet<(&str, &str)> {
        let kept =
            self.records.iter().filter(|record| !record.files.is_empty() && self.is_there(record));
        kept.map(|record| (&*record.key, &*record.fingerprint)).collect()
    }

    fn is_there(&self, record: &Recorded) -> bool {
        record.files.iter().all(|file| self.outputs.contains(file))
    }
}

/// The files to which the library appends: the indices of tasks and the cache of digests.
fn is_appended(path: &Path) -> bool {
    path.ends_with("digests") || path.parent().is_some_and(|folder| folder.ends_with(".flow/index"))
}

/// Copies a folder with the times of its files and the hard links between them.
///
/// Files that are replaced as a whole, and not written, are linked, which is faster.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let from = entry?.path();
        let to = to.join(from.file_name().context("a name")?);
        if from.is_dir() {
            copy_folder(&from, &to)?;
        } else if is_appended(&from) {
            fs::copy(&from, &to)?;
            let modified = fs::metadata(&from)?.modified()?;
            fs::File::options().append(true).open(&to)?.set_modified(modified)?;
        } else {
            fs::hard_link(&from, &to)?;
        }
    }
    Ok(())
}

/// Gives all files below a folder another time.
pub(crate) fn touch(folder: &Path) -> Result<()> {
    for file in files_below(folder) {
        let file = fs::File::options().append(true).open(file)?;
        file.set_modified(std::time::SystemTime::UNIX_EPOCH)?;
    }
    Ok(())
}

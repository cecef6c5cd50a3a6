//! The records of a store, as the floor of finding that nothing has to run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use flow::prelude::*;

/// The record and the output of each instance.
#[derive(Debug, Default)]
pub struct Records {
    /// The paths of each record and of its output.
    pub files: Vec<(PathBuf, PathBuf)>,
}

impl Records {
    /// Lists those of a task whose outputs are JSON, in its folder.
    ///
    /// # Errors
    ///
    /// A folder cannot be read, or an instance has no output.
    pub fn of_task(task: &Path) -> Result<Self> {
        let mut files = Vec::new();
        for instance in fs::read_dir(task)? {
            let instance = instance?.path();
            let data = fs::read_dir(&instance)?
                .filter_map(|file| file.ok().map(|file| file.path()))
                .find(|path| {
                    path.extension().is_some_and(|extension| extension == "json")
                        && !path.ends_with("record.json")
                });
            files.push((instance.join("record.json"), data.context("an output")?));
        }
        Ok(Self { files })
    }

    /// Lists those of all tasks in a store.
    ///
    /// # Errors
    ///
    /// A folder cannot be read, or an instance has no output that is JSON.
    pub fn of_store(store: &Path) -> Result<Self> {
        let mut all = Self::default();
        for task in fs::read_dir(store)? {
            let task = task?;
            if !task.file_name().to_string_lossy().starts_with('.') {
                all.files.append(&mut Self::of_task(&task.path())?.files);
            }
        }
        Ok(all)
    }

    /// Reads each record and calls `stat` on each output, and returns the time in seconds.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub fn read(&self) -> Result<f64> {
        let begun = Instant::now();
        let mut bytes = 0;
        for (record, data) in &self.files {
            bytes += fs::read(record)?.len() as u64 + fs::metadata(data)?.len();
        }
        let took = begun.elapsed().as_secs_f64();
        ensure!(bytes > 0, "nothing was read");
        Ok(took)
    }
}

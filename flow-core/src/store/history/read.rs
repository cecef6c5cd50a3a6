//! Reads the history: lists the runs of a store, and loads one.
//!
//! A listing reads the first and the last bytes of each file only. Files may be damaged, hostile or torn: a file that
//! cannot be read is listed with the reason, and its last line may be missing or incomplete.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Index;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::line::{End, Header, Line, Version};
use super::{InstanceRun, RunInfo, SCHEMA};
use crate::base::error::{IoContext, StoreError};
use crate::files::is_absent;
use crate::store::{Store, bounds, json};
use crate::value::{escaped_text, first_line};

/// The longest first line that is read, in bytes.
const FIRST: u64 = 64 << 10;

/// The number of bytes at the end of a file in which the last line is searched.
const LAST: u64 = 4 << 10;

/// The longest line that is read, in bytes.
const LINE: u64 = 1 << 20;

/// The maximal number of instances that are printed.
const LISTED: usize = 100;

/// The runs in the history of a store, the latest first: [`FlowStore::runs`](crate::FlowStore::runs).
///
/// It can be printed, with a line for each run.
#[derive(Clone)]
pub struct Runs {
    store: Arc<Store>,
    runs: Vec<RunInfo>,
    unreadable: Vec<(String, String)>,
}

/// A run with what it did with each instance: [`Runs::load`].
///
/// It can be printed, with a line for each instance, and [compared](Self::compare) with another run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunHistory {
    /// When and where it ran, and how it ended.
    pub info: RunInfo,
    /// The instances that it settled, in that order, without those that were complete before.
    ///
    /// An instance occurs several times if it was settled several times.
    pub instances: Vec<InstanceRun>,
}

impl Store {
    /// Returns the history, the latest run first.
    ///
    /// # Errors
    ///
    /// The folder of the history cannot be listed. A file in it that cannot be read is no error.
    pub(crate) fn runs(self: &Arc<Self>) -> Result<Runs, StoreError> {
        let (mut runs, mut unreadable) = (Vec::new(), Vec::new());
        for id in self.run_ids()?.into_iter().rev() {
            match self.run_info(&id) {
                Ok(info) => runs.push(info),
                // The limits of another run may have removed it since the folder was listed.
                Err(StoreError::Io { source, .. }) if is_absent(&source) => {}
                Err(error) => unreadable.push((id, error.to_string())),
            }
        }
        Ok(Runs { store: Arc::clone(self), runs, unreadable })
    }

    /// Reads the first and the last line of a run.
    fn run_info(&self, id: &str) -> Result<RunInfo, StoreError> {
        let (header, end) = self.run_ends(id)?;
        if end.is_some() {
            return Ok(RunInfo::new(id, header, end, false));
        }
        if self.is_run_in_progress(id)? {
            return Ok(RunInfo::new(id, header, None, true));
        }
        // The run may have ended after its file was read and before its lock was tried.
        let (header, end) = self.run_ends(id)?;
        Ok(RunInfo::new(id, header, end, false))
    }

    fn run_ends(&self, id: &str) -> Result<(Header, Option<End>), StoreError> {
        let path = self.run_path(id);
        let file = self.fs.open(&path).during("read", &path)?;
        let (first, last) = read_ends(file).during("read", &path)?;
        let Some(line) = first.split_inclusive(|byte| *byte == b'\n').next() else {
            return Err(damaged(&path, "it is empty"));
        };
        let header = header(line, &path)?;
        Ok((header, last_line(&last).and_then(end)))
    }

    /// Reads the whole history of a run.
    ///
    /// # Errors
    ///
    /// There is no such run, or its file cannot be read, is damaged, or has a newer schema.
    fn load_run(&self, id: &str) -> Result<RunHistory, StoreError> {
        let path = self.run_path(id);
        let unknown = || StoreError::NoRun { id: id.to_owned(), folder: self.root.clone() };
        // An id is a file name, and must not lead to another folder.
        if id.is_empty() || id.contains(['/', '\\', '\0']) {
            return Err(unknown());
        }
        let mut info = match self.run_info(id) {
            Err(StoreError::Io { source, .. }) if is_absent(&source) => return Err(unknown()),
            info => info?,
        };
        let file = self.fs.open(&path).during("read", &path)?;
        let size = file.metadata().during("read", &path)?.len();
        if size > bounds::HISTORY {
            let limit = bounds::HISTORY;
            return Err(damaged(
                &path,
                &format!("it has {size} bytes, more than the limit of {limit}"),
            ));
        }
        let mut lines = BufReader::new(file.take(bounds::HISTORY));
        let mut instances = Vec::new();
        let mut line = Vec::new();
        for number in 1_usize.. {
            line.clear();
            (&mut lines).take(LINE).read_until(b'\n', &mut line).during("read", &path)?;
            match line.last() {
                Some(b'\n') if number == 1 => {}
                Some(b'\n') => match json::parse(&line) {
                    Ok(Line::Instance(instance)) => instances.push(*instance),
                    Ok(Line::Run(_) | Line::End(_) | Line::Unknown) => {}
                    Err(error) => return Err(damaged(&path, &format!("line {number}: {error}"))),
                },
                Some(_) if line.len() as u64 == LINE => {
                    return Err(damaged(
                        &path,
                        &format!("line {number} has more than {LINE} bytes"),
                    ));
                }
                // The process was killed, or the run is in progress.
                Some(_) | None => break,
            }
        }
        info.count(&instances);
        Ok(RunHistory { info, instances })
    }
}

/// Returns the first and the last bytes of a file. They overlap if the file is short.
fn read_ends(mut file: File) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let size = file.metadata()?.len();
    let (mut first, mut last) = (Vec::new(), Vec::new());
    (&mut file).take(FIRST).read_to_end(&mut first)?;
    file.seek(SeekFrom::Start(size.saturating_sub(LAST)))?;
    file.take(LAST).read_to_end(&mut last)?;
    Ok((first, last))
}

/// Parses the first line of a file.
fn header(line: &[u8], path: &Path) -> Result<Header, StoreError> {
    if !line.ends_with(b"\n") {
        let reason = match line.len() as u64 {
            FIRST => format!("its first line has more than {FIRST} bytes"),
            _ => "its first line is incomplete".to_owned(),
        };
        return Err(damaged(path, &reason));
    }
    let invalid = |error| damaged(path, &format!("its first line is not that of a run: {error}"));
    let Version { schema } = json::parse(line).map_err(invalid)?;
    if schema > SCHEMA {
        let reason = format!(
            "it has schema {schema}, and this version of the library supports schemas up to {SCHEMA}"
        );
        return Err(StoreError::newer(path, &reason));
    }
    match json::parse(line).map_err(invalid)? {
        Line::Run(header) => Ok(*header),
        Line::Instance(_) | Line::End(_) | Line::Unknown => {
            Err(damaged(path, "its first line is not that of a run"))
        }
    }
}

/// Returns the last complete line of these bytes.
fn last_line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().rposition(|byte| *byte == b'\n')?;
    let start = bytes[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    Some(&bytes[start..end])
}

/// Returns the end of a run, if the line is one.
fn end(line: &[u8]) -> Option<End> {
    match json::parse(line) {
        Ok(Line::End(end)) => Some(end),
        _ => None,
    }
}

fn damaged(path: &Path, reason: &str) -> StoreError {
    StoreError::damaged(path.display(), reason)
}

impl Runs {
    /// Returns the runs, the latest first.
    pub fn iter(&self) -> std::slice::Iter<'_, RunInfo> {
        self.runs.iter()
    }

    /// Returns the number of runs.
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Returns whether there are no runs.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Returns the run that started last.
    pub fn latest(&self) -> Option<&RunInfo> {
        self.runs.first()
    }

    /// Returns the runs whose files cannot be read, each with its id and the reason.
    ///
    /// They are damaged, or were written by a newer version of this library.
    pub fn unreadable(&self) -> &[(String, String)] {
        &self.unreadable
    }

    /// Loads what a run did with each instance. `id` is [`RunInfo::id`].
    ///
    /// If the process was killed, or is still at work, the last instances are missing.
    ///
    /// # Errors
    ///
    /// There is no such run. Or its file cannot be read: it is damaged, larger than 64 MiB, or was written by a newer
    /// version of this library.
    pub fn load(&self, id: &str) -> Result<RunHistory, StoreError> {
        self.store.load_run(id)
    }
}

impl Index<usize> for Runs {
    type Output = RunInfo;

    /// Returns the run at this position; the latest is at 0.
    fn index(&self, place: usize) -> &RunInfo {
        &self.runs[place]
    }
}

impl<'a> IntoIterator for &'a Runs {
    type Item = &'a RunInfo;
    type IntoIter = std::slice::Iter<'a, RunInfo>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.runs.iter().map(ToString::to_string);
        let unreadable = self.unreadable.iter().map(|(id, error)| {
            format!("{}: unreadable: {}", escaped_text(id.chars()), first_line(error))
        });
        match lines.chain(unreadable).collect::<Vec<_>>() {
            lines if lines.is_empty() => f.write_str("no runs"),
            lines => f.write_str(&lines.join("\n")),
        }
    }
}

impl fmt::Display for RunHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.info)?;
        for instance in self.instances.iter().take(LISTED) {
            write!(f, "\n  {instance}")?;
        }
        match self.instances.len().checked_sub(LISTED) {
            Some(more @ 1..) => write!(f, "\n  … and {more} more"),
            _ => Ok(()),
        }
    }
}

//! The files of a store, as the floor that writes them without the library.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use flow::prelude::*;

use crate::disk;

/// The most outputs that become durable by one sync, as in the library.
const GROUP: usize = 512;

/// The files of each instance of a store: an output, unless it is in memory, and a record that is renamed into place.
#[derive(Debug)]
pub struct StoredFiles {
    instances: Vec<Instance>,
    /// As many bytes as the largest record has.
    filler: Vec<u8>,
}

#[derive(Debug)]
struct Instance {
    /// Its folder, relative to that of the store.
    folder: PathBuf,
    /// The name and content of its output, if it has a file.
    output: Option<(PathBuf, Vec<u8>)>,
    /// The size of its record in bytes.
    record: usize,
}

impl StoredFiles {
    /// Lists the files of a store whose tasks have at most one output file each, and no `dir` or `group`.
    ///
    /// # Errors
    ///
    /// A folder cannot be read, or an instance has no record or several output files.
    pub fn of(store: &Path) -> Result<Self> {
        let mut instances = Vec::new();
        let is_task = |name: &String| !name.starts_with('.') && store.join(name).is_dir();
        for task in names(store)?.into_iter().filter(is_task) {
            for instance in names(&store.join(&task))? {
                let folder = Path::new(&task).join(instance);
                let at = store.join(&folder);
                let record = fs::metadata(at.join("record.json"))?.len();
                let mut outputs = names(&at)?;
                outputs.retain(|name| name != "record.json");
                let output = match &outputs[..] {
                    [] => None,
                    [output] => Some((PathBuf::from(output), fs::read(at.join(output))?)),
                    _ => bail!("several outputs in {}", at.display()),
                };
                instances.push(Instance { folder, output, record: usize::try_from(record)? });
            }
        }
        let longest = instances.iter().map(|instance| instance.record).max();
        Ok(Self { filler: vec![b' '; longest.context("an empty store")?], instances })
    }

    /// Writes the same files to a new folder in a plain loop, and returns the time in seconds.
    ///
    /// With `is_synced`, the files of each group become durable by one sync before their records are renamed, and the
    /// renames by the sync of the next group; the last group needs a sync of its own. With `is_read`, each output is
    /// read once after it was written.
    ///
    /// # Errors
    ///
    /// A file cannot be written or read.
    pub fn write_again(&self, folder: &Path, is_synced: bool, is_read: bool) -> io::Result<f64> {
        let begun = Instant::now();
        let mut bytes = 0;
        for group in self.instances.chunks(GROUP) {
            let mut drafts = Vec::new();
            for instance in group {
                let at = folder.join(&instance.folder);
                fs::create_dir_all(&at)?;
                let output = match &instance.output {
                    Some((name, content)) => {
                        let output = at.join(name);
                        File::create_new(&output)?.write_all(content)?;
                        Some(output)
                    }
                    None => None,
                };
                let draft = at.join("record.json.draft");
                File::create_new(&draft)?.write_all(&self.filler[..instance.record])?;
                drafts.push((output, draft, at.join("record.json")));
            }
            if is_synced {
                disk::sync(&drafts[0].1)?;
            }
            for (output, draft, record) in &drafts {
                fs::rename(draft, record)?;
                if let (true, Some(output)) = (is_read, output) {
                    bytes += fs::read(output)?.len();
                }
            }
        }
        if is_synced {
            disk::sync(folder)?;
        }
        std::hint::black_box(bytes);
        Ok(begun.elapsed().as_secs_f64())
    }
}

/// Returns the names in a folder, in alphabetical order.
fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().into_string();
        names.push(name.map_err(|name| anyhow!("{name:?} is not Unicode"))?);
    }
    names.sort_unstable();
    Ok(names)
}

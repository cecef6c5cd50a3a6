//! Stores, remotes and exports of which an attacker or a faulty program has replaced or changed a part:
//! every operation ends, touches no files outside, and returns an error or the correct value.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use flow::File;
use flow::prelude::*;
use flow::remote::RemoteFolder;
use serde_json::Value;

use crate::faulty::Faulty;
use crate::support::{alone, files_below, peak, step};

/// The time limit of all operations on one folder. They normally take some milliseconds.
const DEADLINE: Duration = Duration::from_secs(60);

/// The limit of memory, in bytes.
const MEMORY: u64 = 2 << 30;

#[derive(Task)]
#[task(target = Json<Vec<u64>>)]
struct Numbers {
    #[param(default = 3)]
    n: u64,
    #[param(default = "a")]
    label: String,
}

runs!(Numbers: Vec<u64> = |self, cx| {
    cx.meta("label", &self.label)?;
    Ok((0..self.n).collect())
});

#[derive(Task)]
#[task(requires = Numbers, target = File(extension = "d"))]
struct Shards;

runs!(Shards: PathBuf = |self, cx| {
    let path = cx.out_path()?;
    fs::create_dir_all(path.join("x"))?;
    fs::write(path.join("x/one"), cx.input().load()?.len().to_string())?;
    Ok(path)
});

#[derive(Task)]
#[task(requires = Shards, target = Json<u64>)]
struct Report;

runs!(Report: u64 = |self, cx| Ok(fs::read_to_string(cx.input().load()?.join("x/one"))?.parse()?));

/// A temporary folder with the stores, remotes and exports of a case.
struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let outside = folder.path().join("outside");
        fs::create_dir_all(outside.join("folder/inner"))?;
        for name in ["file", "folder/file", "folder/inner/file", "folder/record.json"] {
            fs::write(outside.join(name), "dear")?;
        }
        Ok(Self { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Opens a store without syncing files, which would take most of the time.
    fn flow(&self, store: &str) -> Result<Flow> {
        Ok(Flow::open_on(self.path(store), Arc::new(Faulty::new()))?.quiet())
    }

    fn remote(&self, name: &str) -> RemoteFolder {
        RemoteFolder::on(self.path(name), Arc::new(Faulty::new()))
    }

    /// Returns the files outside, which no operation may touch, with their contents.
    fn outside(&self) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let files = files_below(&self.path("outside")).into_iter();
        files.map(|file| Ok((file.clone(), fs::read(&file)?))).collect()
    }

    /// Runs all operations on a damaged folder. Errors are ignored; loaded values must be correct.
    fn use_all(&self, harmed: &str) -> Result<()> {
        let good = self.flow("good")?;
        match harmed {
            "store" => {
                let flow = self.flow("store")?;
                let _ = flow.preview::<Report>();
                let _ = flow.run::<Report>();
                self.check(&flow)?;
                let _ = flow.store().verify();
                if let Ok(runs) = flow.store().runs() {
                    assert!(runs.to_string().lines().count() >= 1);
                    runs.iter().for_each(|run| drop(runs.load(&run.id)));
                }
                let _ = flow.push::<Report>(&self.remote("new remote"));
                let _ = flow.graph::<Report>().export(self.path("new export"));
                let gc = flow.store().gc().older_than(Duration::ZERO).find();
                let _ = gc.map(|garbage| garbage.remove());
                let _ = flow.store().clear_task::<Numbers>();
                let _ = flow.graph::<Report>().reset_all();
                let _ = flow.reset::<Report>();
                let _ = flow.run::<Report>();
                self.check(&flow)
            }
            "remote" => {
                let (flow, remote) = (self.flow("new store")?, self.remote("remote"));
                let _ = flow.pull::<Report>(&remote);
                self.check(&flow)?;
                let _ = good.push::<Report>(&remote);
                let _ = good.push_verified::<Report>(&remote);
                let _ = flow.pull::<Report>(&remote);
                self.check(&flow)
            }
            _ => {
                let (flow, export) = (self.flow("new store")?, self.path("export"));
                let _ = flow.import(&export);
                self.check(&flow)?;
                let other = good.with(Numbers::N, 3);
                let _ = other.export::<Report>(&export);
                let _ = good.export_crate::<Shards>(&export);
                let _ = flow.import(&export);
                self.check(&flow)
            }
        }
    }

    /// Asserts that the report is correct, if it can be loaded.
    fn check(&self, flow: &Flow) -> Result<()> {
        if let Ok(value) = flow.load::<Report>() {
            assert_eq!(*value, 3);
        }
        Ok(())
    }
}

/// Returns a store, a remote and an export of the same outputs, with an earlier version of each output.
fn folders() -> Result<Case> {
    let case = Case::new()?;
    let flow = case.flow("good")?;
    for n in [4, 3] {
        let flow = flow.with(Numbers::N, n);
        flow.run::<Report>()?;
        flow.push::<Report>(&case.remote("remote"))?;
        flow.graph::<Report>().export(case.path("export"))?;
    }
    copy(&case.path("good"), &case.path("store"))?;
    Ok(case)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (path, to) = (entry.as_ref().expect("an entry").path(), to.join(entry?.file_name()));
        match path.is_dir() {
            true => copy(&path, &to)?,
            false => fs::copy(&path, &to).map(drop)?,
        }
    }
    Ok(())
}

/// Returns all files and folders below a folder, relative to it.
fn all_below(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for file in files_below(folder) {
        let file = file.strip_prefix(folder).expect("below").to_owned();
        all.extend(file.ancestors().filter(|part| *part != Path::new("")).map(Path::to_owned));
    }
    all.sort();
    all.dedup();
    all
}

/// The maximum number of texts, and of numbers, that are changed in a file.
const MOST: usize = 16;

/// A way to damage a file or folder.
#[derive(Clone, Copy, Debug)]
enum Harm {
    /// It is replaced by a link to a file or folder outside.
    Link,
    /// It is moved outside, and replaced by a link to it.
    Moved,
    Pipe,
    Folder,
    Sparse,
    Empty,
    Half,
    Flipped,
    /// The text at this position of a JSON file is replaced by a hostile one.
    Text(usize),
    /// The number at this position of a JSON file is replaced by a large one.
    Number(usize),
}

const TEXTS: [&str; 8] = [
    "../../outside/file",
    "/etc/passwd",
    "a\nb",
    "",
    ".",
    "env=prod/x",
    "\0",
    "\u{202e}\u{1b}[31m",
];

impl Harm {
    fn all(path: &Path) -> Vec<Self> {
        if path.is_dir() {
            return vec![Self::Link, Self::Moved];
        }
        let mut all = vec![
            Self::Link,
            Self::Pipe,
            Self::Folder,
            Self::Sparse,
            Self::Empty,
            Self::Half,
            Self::Flipped,
        ];
        let json = fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let Some(mut json) = json.filter(Value::is_object) else { return all };
        let (mut texts, mut numbers) = (0, 0);
        leaves(&mut json, &mut |leaf| match leaf {
            Value::String(_) => texts += 1,
            Value::Number(_) => numbers += 1,
            _ => {}
        });
        let some = |count: usize| (0..count).step_by(count.div_ceil(MOST).max(1));
        all.extend(some(texts).map(Self::Text));
        all.extend(some(numbers).map(Self::Number));
        all
    }

    fn harm(self, path: &Path, outside: &Path) -> Result<()> {
        let change = |change: &mut dyn FnMut(&mut Value)| -> Result<()> {
            let mut json = serde_json::from_slice(&fs::read(path)?)?;
            leaves(&mut json, change);
            Ok(fs::write(path, serde_json::to_vec(&json)?)?)
        };
        let mut at = 0;
        let mut is_at = |place: usize| {
            at += 1;
            at - 1 == place
        };
        match self {
            Self::Link if path.is_dir() => {
                fs::remove_dir_all(path)?;
                symlink(outside.join("folder"), path)?;
            }
            Self::Link => {
                fs::remove_file(path)?;
                symlink(outside.join("file"), path)?;
            }
            Self::Moved => {
                fs::rename(path, outside.join("moved"))?;
                symlink(outside.join("moved"), path)?;
            }
            Self::Pipe => {
                use rustix::fs::{CWD, FileType, Mode, mknodat};
                fs::remove_file(path)?;
                mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0)?;
            }
            Self::Folder => {
                fs::remove_file(path)?;
                fs::create_dir(path)?;
            }
            Self::Sparse => fs::File::create(path)?.set_len(3 << 30)?,
            Self::Empty => fs::write(path, "")?,
            Self::Half => {
                let bytes = fs::read(path)?;
                fs::write(path, &bytes[..bytes.len() / 2])?;
            }
            Self::Flipped => {
                let mut bytes = fs::read(path)?;
                let middle = bytes.len() / 2;
                bytes.get_mut(middle).into_iter().for_each(|byte| *byte ^= 1);
                fs::write(path, bytes)?;
            }
            Self::Text(place) => change(&mut |leaf| {
                if leaf.is_string() && is_at(place) {
                    *leaf = TEXTS[place % TEXTS.len()].into();
                }
            })?,
            Self::Number(place) => change(&mut |leaf| {
                if leaf.is_number() && is_at(place) {
                    *leaf = u64::MAX.into();
                }
            })?,
        }
        Ok(())
    }
}

/// Visits all values that are neither arrays nor objects.
fn leaves(value: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| leaves(item, visit)),
        Value::Object(fields) => fields.values_mut().for_each(|field| leaves(field, visit)),
        leaf => visit(leaf),
    }
}

/// Damages each part of a folder in each way, and runs all operations on the folder.
fn harm_all(harmed: &'static str, sample: usize) -> Result<()> {
    let original = Arc::new(folders()?);
    let root = original.path(harmed);
    let parts = all_below(&root).into_iter();
    let cases = parts.flat_map(|part| {
        let harms = Harm::all(&root.join(&part)).into_iter();
        harms.map(move |harm| (part.clone(), harm)).collect::<Vec<_>>()
    });
    for (part, harm) in cases.step_by(step(sample)) {
        let (done, is_done) = channel();
        let (original, of) = (Arc::clone(&original), part.clone());
        let work = std::thread::spawn(move || -> Result<()> {
            let case = Case::new()?;
            for name in ["good", harmed] {
                copy(&original.path(name), &case.path(name))?;
            }
            let path = case.path(harmed).join(&of);
            harm.harm(&path, &case.path("outside"))?;
            let before = case.outside()?;
            let used = case.use_all(harmed);
            assert_eq!(case.outside()?, before);
            let _ = done.send(());
            used
        });
        let ended = is_done.recv_timeout(DEADLINE);
        assert!(ended != Err(RecvTimeoutError::Timeout), "{part:?} {harm:?} hangs");
        match work.join() {
            Ok(result) => result?,
            Err(_) => panic!("{part:?} {harm:?}"),
        }
        assert!(peak() < MEMORY, "{part:?} {harm:?} takes too much memory");
    }
    Ok(())
}

#[test]
fn a_damaged_store_never_hangs_and_touches_nothing_outside() -> Result<()> {
    alone(|| harm_all("store", 37))
}

#[test]
fn a_damaged_remote_never_hangs_and_touches_nothing_outside() -> Result<()> {
    alone(|| harm_all("remote", 37))
}

#[test]
fn a_damaged_export_never_hangs_and_touches_nothing_outside() -> Result<()> {
    alone(|| harm_all("export", 37))
}

//! What a loss of power leaves: everything that was synced, and any part of the rest.
//!
//! The content of a file is durable up to its last sync. A name is durable once its folder was synced after the name
//! was created, replaced or removed. Names and contents are lost independently: a file may have its name without its
//! content, a rename may have happened in one folder and not in the other, and a removed file may be back.
//!
//! [`Unsynced`] records the operations of a file system on a real folder, and [`Unsynced::lose`] writes what is left to
//! another one.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flow::fs::{Disk, Fs};

/// The place of a file or folder in [`Unsynced::nodes`].
type Id = usize;

/// The values that a name has had since the last sync of its folder: first the durable one, last the present one.
/// `None` is no file.
type Values = Vec<Option<Id>>;

/// A folder, with what is durable of it.
pub(crate) struct Unsynced {
    root: PathBuf,
    nodes: Vec<Node>,
}

enum Node {
    Folder(BTreeMap<OsString, Values>),
    File(Content),
}

#[derive(Default)]
struct Content {
    /// The content at the last sync.
    synced: Option<Vec<u8>>,
    /// The content when the file last lost a name.
    last: Option<Vec<u8>>,
}

/// What a loss of power takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Loss {
    /// All names and contents that were not synced.
    Everything,
    /// All contents that were not synced. All names are left.
    Contents,
    /// Any of them, as this seed decides.
    Random(u64),
}

impl Unsynced {
    /// Returns the present state of a folder, all of which counts as durable.
    pub(crate) fn new(root: &Path) -> Self {
        let mut unsynced =
            Self { root: root.to_owned(), nodes: vec![Node::Folder(BTreeMap::new())] };
        let mut links = HashMap::new();
        unsynced.add_durable(0, root, &mut links);
        unsynced
    }

    /// Adds everything below a folder as durable. `links` has the files with their inodes.
    fn add_durable(&mut self, folder: Id, at: &Path, links: &mut HashMap<u64, Id>) {
        for (name, path) in entries(at) {
            let inode = Disk.stat(&path).ok().filter(|stat| !stat.folder).and_then(|it| it.inode);
            let id = match inode.and_then(|inode| links.get(&inode)) {
                Some(id) => *id,
                None => self.add_node(&path),
            };
            links.extend(inode.map(|inode| (inode, id)));
            if let Node::File(content) = &mut self.nodes[id] {
                content.synced = fs::read(&path).ok();
            }
            self.names(folder).insert(name, vec![Some(id)]);
            if path.is_dir() {
                self.add_durable(id, &path, links);
            }
        }
    }

    /// Adds a file or folder of the kind of that at `path`.
    fn add_node(&mut self, path: &Path) -> Id {
        self.nodes.push(match path.is_dir() {
            true => Node::Folder(BTreeMap::new()),
            false => Node::File(Content::default()),
        });
        self.nodes.len() - 1
    }

    fn names(&mut self, folder: Id) -> &mut BTreeMap<OsString, Values> {
        match &mut self.nodes[folder] {
            Node::Folder(names) => names,
            Node::File(_) => panic!("a file is used as a folder"),
        }
    }

    /// Returns the file or folder at a path.
    fn find(&self, path: &Path) -> Option<Id> {
        let below = path.strip_prefix(&self.root).ok()?;
        below.iter().try_fold(0, |folder, name| match &self.nodes[folder] {
            Node::Folder(names) => *names.get(name)?.last()?,
            Node::File(_) => None,
        })
    }

    /// Returns the folder of a path, and its name there. Unknown folders are added as not durable.
    fn place(&mut self, path: &Path) -> Option<(Id, OsString)> {
        let name = path.file_name()?.to_owned();
        let folder = path.parent()?;
        match self.find(folder) {
            Some(folder) => Some((folder, name)),
            None => Some((self.set_new(folder)?, name)),
        }
    }

    /// Adds a new file or folder, unless it is outside.
    fn set_new(&mut self, path: &Path) -> Option<Id> {
        path.strip_prefix(&self.root).ok()?;
        let id = self.add_node(path);
        self.set(path, Some(id));
        Some(id)
    }

    fn set(&mut self, path: &Path, value: Option<Id>) {
        if let Some((folder, name)) = self.place(path) {
            self.names(folder).entry(name).or_insert_with(|| vec![None]).push(value);
        }
    }

    pub(crate) fn created(&mut self, path: &Path) {
        self.set_new(path);
    }

    /// Records that a file or folder exists, which was there or was created.
    pub(crate) fn made(&mut self, path: &Path) {
        if self.find(path).is_none() {
            self.set_new(path);
        }
    }

    /// Keeps the content of a file that is about to lose a name.
    pub(crate) fn keep_content(&mut self, path: &Path) {
        if let Some(id) = self.find(path)
            && let Node::File(content) = &mut self.nodes[id]
        {
            content.last = fs::read(path).ok();
        }
    }

    pub(crate) fn removed(&mut self, path: &Path) {
        if self.find(path).is_some() {
            self.set(path, None);
        }
    }

    pub(crate) fn renamed(&mut self, from: &Path, to: &Path) {
        let found = self.find(from);
        // A rename between two names of one file leaves both.
        if found.is_some() && found == self.find(to) {
            return;
        }
        match found {
            Some(id) => {
                self.set(from, None);
                self.set(to, Some(id));
            }
            None => {
                self.set_new(to);
            }
        }
    }

    pub(crate) fn linked(&mut self, from: &Path, to: &Path) {
        match self.find(from) {
            Some(id) => self.set(to, Some(id)),
            None => {
                self.set_new(to);
            }
        }
    }

    pub(crate) fn synced(&mut self, files: &[PathBuf], folders: &[PathBuf]) {
        for path in files {
            let Some(id) = self.find(path).or_else(|| self.set_new(path)) else { continue };
            if let Node::File(content) = &mut self.nodes[id] {
                content.synced = fs::read(path).ok();
            }
        }
        for path in folders {
            let Some(folder) = self.find(path) else { continue };
            self.notice(folder, path);
            for values in self.names(folder).values_mut() {
                values.drain(..values.len() - 1);
            }
        }
    }

    /// Adds what was created and removed below a folder without this file system, as tasks do in folders that they
    /// write.
    fn notice(&mut self, folder: Id, at: &Path) {
        let found: BTreeMap<_, _> = entries(at).into_iter().collect();
        let is_gone = |(name, values): (&OsString, &mut Values)| {
            let is_gone = matches!(values.last(), Some(Some(_))) && !found.contains_key(name);
            if is_gone {
                values.push(None);
            }
        };
        self.names(folder).iter_mut().for_each(is_gone);
        for (name, path) in found {
            let id = match self.names(folder).get(&name).and_then(|values| *values.last()?) {
                Some(id) => id,
                None => {
                    let id = self.add_node(&path);
                    self.names(folder).entry(name).or_insert_with(|| vec![None]).push(Some(id));
                    id
                }
            };
            if path.is_dir() {
                self.notice(id, &path);
            }
        }
    }

    /// Writes what is left after a loss of power to a folder, which must not exist.
    pub(crate) fn lose(mut self, loss: Loss, to: &Path) -> io::Result<()> {
        let root = self.root.clone();
        self.notice(0, &root);
        let mut present = HashMap::new();
        self.add_present(0, &root, &mut present);
        let dice = Dice(if let Loss::Random(seed) = loss { seed } else { 0 });
        let mut left = Left { of: &self, loss, dice, present, written: HashMap::new() };
        left.write(0, to)
    }

    /// Adds the present path of each file.
    fn add_present(&self, folder: Id, at: &Path, present: &mut HashMap<Id, PathBuf>) {
        let Node::Folder(names) = &self.nodes[folder] else { return };
        for (name, values) in names {
            if let Some(Some(id)) = values.last() {
                present.insert(*id, at.join(name));
                self.add_present(*id, &at.join(name), present);
            }
        }
    }
}

/// Returns the names in a folder, with their paths.
fn entries(at: &Path) -> Vec<(OsString, PathBuf)> {
    let entries = fs::read_dir(at).into_iter().flatten().flatten();
    entries.map(|entry| (entry.file_name(), entry.path())).collect()
}

/// Writes what is left.
struct Left<'a> {
    of: &'a Unsynced,
    loss: Loss,
    dice: Dice,
    /// The present path of each file that has one.
    present: HashMap<Id, PathBuf>,
    /// The files that were written. Other names of them become hard links.
    written: HashMap<Id, PathBuf>,
}

impl Left<'_> {
    fn write(&mut self, id: Id, to: &Path) -> io::Result<()> {
        let of = self.of;
        let content = match &of.nodes[id] {
            Node::Folder(names) => {
                fs::create_dir(to)?;
                for (name, values) in names {
                    if let Some(child) = self.choose(values) {
                        self.write(child, &to.join(name))?;
                    }
                }
                return Ok(());
            }
            Node::File(content) => content,
        };
        if let Some(written) = self.written.get(&id) {
            return fs::hard_link(written, to);
        }
        let path = self.present.get(&id).cloned();
        let now = path.as_ref().and_then(|path| fs::read(path).ok()).or(content.last.clone());
        let bytes = self.content(now.unwrap_or_default(), content.synced.as_deref());
        fs::write(to, bytes)?;
        // The time of a file may be lost as well.
        let modified = path.and_then(|path| fs::metadata(path).ok()?.modified().ok());
        let modified = modified.filter(|_| match self.loss {
            Loss::Everything => false,
            Loss::Contents => true,
            Loss::Random(_) => self.dice.below(2) == 0,
        });
        let file = fs::File::options().append(true).open(to)?;
        file.set_modified(modified.unwrap_or_else(SystemTime::now))?;
        self.written.insert(id, to.to_owned());
        Ok(())
    }

    fn choose(&mut self, values: &Values) -> Option<Id> {
        match self.loss {
            Loss::Everything => values[0],
            Loss::Contents => values[values.len() - 1],
            Loss::Random(_) => {
                let mut different = values.clone();
                different.sort_unstable();
                different.dedup();
                different[self.dice.below(different.len())]
            }
        }
    }

    /// Returns what is left of a content, of which `synced` is durable.
    fn content(&mut self, now: Vec<u8>, synced: Option<&[u8]>) -> Vec<u8> {
        if synced == Some(&*now) {
            return now;
        }
        let durable = synced.unwrap_or_default().to_vec();
        let is_longer = now.starts_with(&durable);
        // A file system may record the size of a file before its content. The content is zero then.
        let mut zeros = durable.clone();
        zeros.resize(now.len().max(durable.len()), 0);
        match (self.loss, self.dice.below(4)) {
            (Loss::Everything, _) => durable,
            (Loss::Contents, 0 | 1) | (Loss::Random(_), 0) => zeros,
            (Loss::Contents, _) | (Loss::Random(_), 1) => durable,
            (Loss::Random(_), 2) if is_longer => {
                let length = durable.len() + self.dice.below(now.len() - durable.len() + 1);
                now[..length].to_vec()
            }
            (Loss::Random(_), _) => now,
        }
    }
}

/// Pseudorandom numbers.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// Returns a number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let n = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((n ^ (n >> 31)) % end as u64) as usize
    }
}

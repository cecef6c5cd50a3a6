//! Task folders: the part of a store that belongs to one task.
//!
//! A [`TaskFolder`] names the folder of a task's instances, its index and the owner of its name. The
//! store keeps one for each task that it has looked up, so that the plans of one store share the
//! parsed index and the listing of the instances.
//!
//! The folder of an instance is normally named by its parameters. An instance that is not there was
//! stored under another name: its fields were reordered, or the task was renamed. Then the folders
//! of the task are listed once and searched by key.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use crate::base::decl::TaskDecl;
use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{FileKind, Stat};
use crate::base::key::{Key, Short};
use crate::base::names::key_of;
use crate::files::is_absent;
use crate::store::folder::{instance_folder, placed, task_folder};
use crate::store::index::Index;
use crate::store::owner::{Claim, Owner, Taken};
use crate::store::record::Record;
use crate::store::{Folder, RECORD, Store};

/// The folders and the index of one task in the store.
pub(crate) struct TaskFolder {
    owner: Owner,
    /// The owner of the task's name. `None` if the name is not to be claimed.
    pub(super) claim: Option<Claim>,
    /// Whether the claim still has to be written.
    pub(super) is_unclaimed: AtomicBool,
    /// The folder for new instances, relative to the root.
    pub(crate) name: String,
    /// The folder of instances that were stored before the task was renamed, relative to the root.
    pub(super) was: Option<String>,
    /// The path of the index file.
    pub(super) index_path: PathBuf,
    pub(super) index: Index,
    /// The folders of the instances by key. Listed when an instance is not in the folder that its
    /// parameters name.
    pub(super) listing: Mutex<Option<Listing>>,
}

/// The folders of the instances of a task.
#[derive(Default)]
pub(super) struct Listing {
    /// The folders by key, relative to the root.
    folders: HashMap<Short, PathBuf>,
    /// The keys of those that are links or the like, or of which the system has not reported what they are.
    unclear: HashSet<Short>,
}

/// The folder of an instance, as the listing of its task has shown it.
pub(crate) struct ListedFolder {
    pub(crate) path: PathBuf,
    /// Whether it may be a link.
    is_unclear: bool,
}

impl Store {
    /// Returns the part of the store that belongs to this task.
    ///
    /// As long as the store is open, a name belongs to one task, in whichever plans it occurs.
    ///
    /// # Errors
    ///
    /// Another task has the name. Each would take the outputs of the other for its own.
    pub(crate) fn task(
        &self,
        decl: &TaskDecl,
        owner: Owner,
        claim: Option<Claim>,
    ) -> Result<Arc<TaskFolder>, Taken> {
        let mut tasks = self.tasks.lock().expect("lock poisoned");
        if let Some(task) = tasks.get(&*decl.name) {
            let same = task.owner.id == owner.id;
            return if same { Ok(Arc::clone(task)) } else { Err(Taken::Here(task.owner)) };
        }
        let is_unclaimed = claim.as_ref().map(|claim| self.check_claim(decl, claim)).transpose()?;
        let task = TaskFolder {
            claim,
            is_unclaimed: AtomicBool::new(is_unclaimed.unwrap_or_default()),
            ..self.unclaimed(decl, owner)
        };
        let task = Arc::new(task);
        tasks.insert(decl.name.to_string(), Arc::clone(&task));
        Ok(task)
    }

    /// Returns the part of a task whose name another task owns. Only for reading.
    pub(crate) fn detached(&self, decl: &TaskDecl, owner: Owner) -> Arc<TaskFolder> {
        Arc::new(self.unclaimed(decl, owner))
    }

    fn unclaimed(&self, decl: &TaskDecl, owner: Owner) -> TaskFolder {
        TaskFolder {
            owner,
            claim: None,
            is_unclaimed: AtomicBool::new(false),
            name: placed(decl, &decl.name),
            was: decl.was.as_deref().map(|was| placed(decl, was)),
            index_path: self.internal("index").join(task_folder(decl.identity())),
            index: Index::default(),
            listing: Mutex::default(),
        }
    }

    /// Returns the part of a task whose type is unknown, from its folder and the name it is stored
    /// under.
    pub(crate) fn without_type(&self, name: &str, stored: &str) -> TaskFolder {
        TaskFolder {
            owner: Owner { id: std::any::TypeId::of::<()>(), module: "" },
            claim: None,
            is_unclaimed: AtomicBool::new(false),
            name: name.to_owned(),
            was: None,
            index_path: self.internal("index").join(task_folder(stored)),
            index: Index::default(),
            listing: Mutex::default(),
        }
    }

    /// Returns the type of the task that has had this name since the store was opened.
    pub(crate) fn owner(&self, name: &str) -> Option<std::any::TypeId> {
        let tasks = self.tasks.lock().expect("lock poisoned");
        tasks.get(name).map(|task| task.owner.id)
    }

    /// Returns the folders of the tasks that were looked up.
    pub(super) fn task_names(&self) -> BTreeSet<PathBuf> {
        let tasks = self.tasks.lock().expect("lock poisoned");
        tasks.values().map(|task| PathBuf::from(&task.name)).collect()
    }

    /// Returns the folder for a new instance.
    pub(crate) fn new_folder<'a>(
        &self,
        task: &TaskFolder,
        parameters: impl Iterator<Item = (&'a str, &'a str)>,
        key: Key,
    ) -> Folder {
        Path::new(&task.name).join(instance_folder(parameters, key.short()))
    }

    /// Returns the existing folder with that key, if there is one.
    pub(crate) fn listed(
        &self,
        task: &TaskFolder,
        key: Short,
    ) -> Result<Option<Folder>, StoreError> {
        self.in_listing(task, |listing| listing.folders.get(&key).cloned())
    }

    /// Returns the same, with what the listing has shown of the folder.
    pub(crate) fn listed_folder(
        &self,
        task: &TaskFolder,
        key: Short,
    ) -> Result<Option<ListedFolder>, StoreError> {
        self.in_listing(task, |listing| {
            let path = self.root.join(listing.folders.get(&key)?);
            Some(ListedFolder { path, is_unclear: listing.unclear.contains(&key) })
        })
    }

    /// Returns the metadata of a file in the folder of an instance. Follows no link.
    ///
    /// This is one system call if the listing has shown that the folder is no link. `file` is a name without
    /// any folder.
    pub(crate) fn stat_in(&self, folder: &ListedFolder, file: &str) -> io::Result<Stat> {
        let path = folder.path.join(file);
        match folder.is_unclear {
            true => self.fs.link_stat(&path),
            false => self.unconfined.link_stat(&path),
        }
    }

    /// Returns the folders of the `count` instances of a task with the smallest keys.
    pub(crate) fn some_listed(
        &self,
        task: &TaskFolder,
        count: usize,
    ) -> Result<Vec<Folder>, StoreError> {
        self.in_listing(task, |listing| {
            let mut least = BTreeMap::new();
            for (key, folder) in &listing.folders {
                least.insert(*key, folder);
                if least.len() > count {
                    least.pop_last();
                }
            }
            least.into_values().cloned().collect()
        })
    }

    /// Returns the records of up to `count` instances of a task.
    pub(crate) fn some_records(&self, task: &TaskFolder, count: usize) -> Vec<Record> {
        let record = |folder: Folder| {
            let record = self.read_record(&self.path(&folder, RECORD)).ok()??;
            record.ok().map(|record| *record)
        };
        let folders = self.some_listed(task, count).unwrap_or_default();
        folders.into_iter().filter_map(record).collect()
    }

    fn in_listing<T>(
        &self,
        task: &TaskFolder,
        look: impl FnOnce(&Listing) -> T,
    ) -> Result<T, StoreError> {
        let mut listing = task.listing.lock().expect("lock poisoned");
        let listing = match &mut *listing {
            Some(listing) => listing,
            none => none.insert(self.list(task)?),
        };
        Ok(look(listing))
    }

    fn list(&self, task: &TaskFolder) -> Result<Listing, StoreError> {
        let mut found = Listing::default();
        // Instances under the present name hide those under the former name.
        for name in task.was.iter().chain([&task.name]) {
            let path = self.root.join(name);
            let folders = match self.fs.list_kinds(&path) {
                Ok(folders) => folders,
                Err(error) if is_absent(&error) => continue,
                Err(error) => return Err(error).during("list", &path),
            };
            for (folder, kind) in folders {
                // The store creates no names that are not Unicode.
                let Some(folder) = folder.to_str() else { continue };
                let Some(key) = key_of(folder) else { continue };
                found.folders.insert(key, Path::new(name).join(folder));
                match kind {
                    Some(FileKind::Folder) => found.unclear.remove(&key),
                    _ => found.unclear.insert(key),
                };
            }
        }
        Ok(found)
    }
}

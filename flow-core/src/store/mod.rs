//! The store: one folder, one commit point.
//!
//! ```text
//! data/
//!   Train/                                     a task
//!     model=Logistic-3f2a91c04b77e010/         an instance: its parameters, 16 digits of its key
//!       record.json                            says that the output is there; replacing it is the commit
//!       data-8c1f02ab44d01e9f-5b2e9c01.msgpack the output, never rewritten
//!       failure.json                           why it failed last time, if it did
//!       log.txt                                what the programs have printed that it has run
//!   .flow/
//!     index/Train                              fingerprint → folder, a line a commit
//!     versions/Train/<key>/<fingerprint>.json  the records that were replaced
//!     code/<digest>.json                       the items of a task's code
//!     digests                                  what files outside held when they had that size and time
//!     owners/Train                             which task of which program has the name
//!     running/<number>                         locked by an execution that is under way
//!     secret                                   the key by which secrets are hashed
//! ```
//!
//! The life of an output: [`stage`] writes it under its final, unique name and hashes it on the
//! way. [`commit`] makes a group of staged outputs durable, then replaces each record by a
//! rename, and keeps the record that was there. Nothing that no record names is ever read, so
//! that a process may die at any point and leave at most a file that nobody looks at.
//!
//! The folder may be hostile or damaged. All of it is reached through
//! [`Confined`]: no link below the folder that was opened is followed, whether a file is read,
//! written or deleted. Only regular files are opened, and those that are read into memory are
//! [bounded](bounds), and so is [what they become](json) when they are parsed.
//!
//! Folders are found by the key in their name, never by the text before it: fields may be
//! reordered, and a name may be cut. The full key stands in the record and is checked.

pub(crate) mod bounds;
pub(crate) mod change;
pub(crate) mod code;
pub(crate) mod commit;
pub(crate) mod crates;
pub(crate) mod draft;
pub(crate) mod external_reads;
pub(crate) mod failure;
pub(crate) mod fingerprint;
pub(crate) mod folder;
pub(crate) mod gc;
pub(crate) mod history;
pub(crate) mod index;
pub(crate) mod json;
pub(crate) mod kept;
pub(crate) mod limit;
pub(crate) mod log;
pub(crate) mod made;
pub(crate) mod memory;
pub(crate) mod note;
pub(crate) mod output;
pub(crate) mod owner;
pub(crate) mod place;
pub(crate) mod record;
pub(crate) mod reset;
pub(crate) mod run_lock;
pub(crate) mod secret;
pub(crate) mod stage;
pub(crate) mod survey;
pub(crate) mod trust;
pub(crate) mod verify;
pub(crate) mod version;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};

use crate::base::decl::TaskDecl;
use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{Confined, Disk, Durable, Fs, Refused};
use crate::base::key::{Key, Short};
use crate::base::names::key_of;
use crate::base::names::{self, INTERNAL};
use crate::files::{Contents, is_absent};
use crate::store::folder::{instance_folder, placed, task_folder};
use crate::store::index::Index;
use crate::store::memory::Memory;
use crate::store::owner::{Claim, Owner, Taken};
use crate::store::record::{Record, Unreadable};
use crate::value::secret::SecretKey;

/// The folder, in that, for what is made aside and compared.
pub(crate) const ASIDE: &str = "aside";

/// The name of the file that says that an output is there.
pub(crate) const RECORD: &str = "record.json";

/// A folder of outputs.
pub(crate) struct Store {
    root: PathBuf,
    /// What lies in the store is reached through this alone.
    fs: Arc<dyn Fs>,
    /// The same file system, for files of the user.
    unconfined: Arc<dyn Fs>,
    /// The folder that was opened: the root, or that of which this is an environment.
    opened: PathBuf,
    durable: Durable,
    secret_key: OnceLock<SecretKey>,
    tasks: Mutex<HashMap<String, Arc<TaskFolder>>>,
    contents: Arc<Contents>,
    memory: Arc<Memory>,
    /// Whether nothing is written here, not even the time of an output that was touched.
    is_only_read: bool,
}

/// What is known of one task's part of the store.
pub(crate) struct TaskFolder {
    owner: Owner,
    /// What is noted of it in the store, if it has outputs there, and whether it is not noted yet.
    claim: Option<Claim>,
    is_unclaimed: AtomicBool,
    /// Where new instances go, relative to the root.
    pub(crate) name: String,
    /// Where instances lie that were stored before the task was renamed.
    was: Option<String>,
    /// The file of its index.
    index_path: PathBuf,
    index: Index,
    /// The folders there are, listed when one is not where its name says.
    listing: Mutex<Option<HashMap<Short, PathBuf>>>,
}

/// One instance's folder, whether it exists or not, relative to the root.
pub(crate) type Folder = PathBuf;

/// What stands where the record of an instance should be.
pub(crate) enum Found {
    Nothing,
    Record(Box<Record>),
    /// A file that is no record of this instance, and why.
    Damaged(String),
}

impl Store {
    /// The store in a folder, which is made when something is stored.
    pub(crate) fn new(root: PathBuf, fs: Arc<dyn Fs>) -> Self {
        Self::within(&root.clone(), root, fs)
    }

    /// The store in a folder that lies in the one that was opened.
    pub(crate) fn within(opened: &Path, root: PathBuf, fs: Arc<dyn Fs>) -> Self {
        let unconfined = fs;
        let fs: Arc<dyn Fs> = Arc::new(Confined::within(Arc::clone(&unconfined), opened, &root));
        Self {
            contents: Arc::new(Contents::remembered(
                Arc::clone(&unconfined),
                Arc::clone(&fs),
                &root,
            )),
            root,
            fs,
            unconfined,
            opened: opened.to_owned(),
            durable: Durable::default(),
            secret_key: OnceLock::new(),
            tasks: Mutex::default(),
            memory: Arc::default(),
            is_only_read: false,
        }
    }

    /// A store that is nowhere: there is nothing in it, and its key for secrets is no secret. Nothing is
    /// to be stored there.
    pub(crate) fn nowhere() -> Self {
        let root = std::env::temp_dir().join(format!("flow-nowhere-{}", names::unique()));
        let store = Self::new(root, Arc::new(Disk));
        Self { secret_key: SecretKey::new([0; 32]).into(), is_only_read: true, ..store }
    }

    /// The same store, for another one to take outputs from: which tasks have which names is its
    /// own business.
    pub(crate) fn only_read(&self) -> Self {
        let fs = Arc::clone(&self.unconfined);
        let store = Self::within(&self.opened, self.root.clone(), fs);
        Self { memory: Arc::clone(&self.memory), is_only_read: true, ..store }
    }

    /// Makes the folder, if it is not there.
    pub(crate) fn create(&self) -> Result<(), StoreError> {
        if self.fs.stat(&self.root).is_ok_and(|stat| stat.folder) {
            return Ok(());
        }
        let fs = Confined::within(Arc::clone(&self.unconfined), &self.opened, &self.root);
        fs.create_root().during("create the folder", &self.root)
    }

    /// The file system for what lies in the store, and nothing else.
    pub(crate) fn fs(&self) -> &Arc<dyn Fs> {
        &self.fs
    }

    /// The file system for files of the user, which lie anywhere.
    pub(crate) fn unconfined(&self) -> &Arc<dyn Fs> {
        &self.unconfined
    }

    /// The values that are kept in memory.
    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn internal(&self, part: &str) -> PathBuf {
        self.root.join(INTERNAL).join(part)
    }

    /// The part of the store that belongs to this task.
    ///
    /// # Errors
    ///
    /// Another task has the name: each would take the other's outputs for its own.
    pub(crate) fn task(
        &self,
        decl: &TaskDecl,
        owner: Owner,
        claim: Option<Claim>,
    ) -> Result<Arc<TaskFolder>, Taken> {
        let mut tasks = self.tasks.lock().expect("no panic while a task is looked up");
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

    /// The part of a task whose name another one has, for one who looks and stores nothing.
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

    /// The part of the store that belongs to a task of which no more is known than where its outputs
    /// lie and under which name they are stored.
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

    /// The task that has had this name since the store was opened.
    pub(crate) fn owner(&self, name: &str) -> Option<std::any::TypeId> {
        let tasks = self.tasks.lock().expect("no panic while a task is looked up");
        tasks.get(name).map(|task| task.owner.id)
    }

    /// The folders of the tasks that have been asked for.
    fn task_names(&self) -> BTreeSet<PathBuf> {
        let tasks = self.tasks.lock().expect("no panic while a task is looked up");
        tasks.values().map(|task| PathBuf::from(&task.name)).collect()
    }

    /// Forgets which folders there are, for they may have come or gone since.
    pub(crate) fn refresh(&self) {
        self.durable.forget();
        for task in self.tasks.lock().expect("no panic while a task is looked up").values() {
            *task.listing.lock().expect("no panic while a folder is listed") = None;
        }
    }

    /// Where a new instance goes.
    pub(crate) fn new_folder<'a>(
        &self,
        task: &TaskFolder,
        parameters: impl Iterator<Item = (&'a str, &'a str)>,
        key: Key,
    ) -> Folder {
        Path::new(&task.name).join(instance_folder(parameters, key.short()))
    }

    /// The folder of that key, if there is one.
    pub(crate) fn listed(
        &self,
        task: &TaskFolder,
        key: Short,
    ) -> Result<Option<Folder>, StoreError> {
        self.in_listing(task, |listing| listing.get(&key).cloned())
    }

    /// The folders of the instances of a task that have the least keys, this many at most.
    pub(crate) fn some_listed(
        &self,
        task: &TaskFolder,
        count: usize,
    ) -> Result<Vec<Folder>, StoreError> {
        self.in_listing(task, |listing| {
            let mut least = BTreeMap::new();
            for (key, folder) in listing {
                least.insert(*key, folder);
                if least.len() > count {
                    least.pop_last();
                }
            }
            least.into_values().cloned().collect()
        })
    }

    fn in_listing<T>(
        &self,
        task: &TaskFolder,
        look: impl FnOnce(&HashMap<Short, Folder>) -> T,
    ) -> Result<T, StoreError> {
        let mut listing = task.listing.lock().expect("no panic while a folder is listed");
        let listing = match &mut *listing {
            Some(listing) => listing,
            none => none.insert(self.list(task)?),
        };
        Ok(look(listing))
    }

    fn list(&self, task: &TaskFolder) -> Result<HashMap<Short, PathBuf>, StoreError> {
        let mut found = HashMap::new();
        // What lies under the present name hides what lies under the former one.
        for name in task.was.iter().chain([&task.name]) {
            let path = self.root.join(name);
            let folders = match self.names(&path) {
                Ok(folders) => folders,
                Err(error) if is_absent(&error) => continue,
                Err(error) => return Err(error).during("list", &path),
            };
            for folder in folders {
                if let Some(key) = key_of(&folder) {
                    found.insert(key, Path::new(name).join(folder));
                }
            }
        }
        Ok(found)
    }

    /// Reads the record of the instance `key` in `folder`.
    ///
    /// # Errors
    ///
    /// It cannot be read, or a newer version of this library wrote it.
    pub(crate) fn record(&self, folder: &Folder, key: Key) -> Result<Found, StoreError> {
        let path = self.root.join(folder).join(RECORD);
        Ok(match self.read_record(&path)? {
            None => Found::Nothing,
            Some(Err(reason)) => Found::Damaged(reason),
            Some(Ok(record)) if record.key != key => {
                Found::Damaged(format!("it is the record of another instance, {}", record.key))
            }
            Some(Ok(record)) => Found::Record(record),
        })
    }

    /// The record in a file, if the file is there.
    pub(crate) fn read_record(
        &self,
        path: &Path,
    ) -> Result<Option<Result<Box<Record>, String>>, StoreError> {
        let bytes = match self.read_record_file(path)? {
            None => return Ok(None),
            Some(Err(reason)) => return Ok(Some(Err(reason))),
            Some(Ok(bytes)) => bytes,
        };
        match Record::parse(&bytes) {
            Ok(record) => Ok(Some(Ok(Box::new(record)))),
            Err(reason @ Unreadable::Newer(_)) => Err(StoreError::newer(path, &reason)),
            Err(reason) => Ok(Some(Err(reason.to_string()))),
        }
    }

    /// Reads the file of a record, if it is there. What cannot be a record, such as a pipe, is
    /// damaged, for a reason; a link is an error.
    pub(crate) fn read_record_file(
        &self,
        path: &Path,
    ) -> Result<Option<Result<Vec<u8>, String>>, StoreError> {
        match self.fs.read(path, bounds::RECORD) {
            Ok(bytes) => Ok(Some(Ok(bytes))),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => match Refused::of(&error) {
                Some(reason @ (Refused::Special | Refused::TooLarge { .. })) => {
                    Ok(Some(Err(reason.to_string())))
                }
                _ => Err(error).during("read", path),
            },
        }
    }

    /// The content of files outside the store.
    pub(crate) fn contents(&self) -> &Arc<Contents> {
        &self.contents
    }

    /// The names in a folder that may be of the store's making, which are Unicode.
    fn names(&self, folder: &Path) -> std::io::Result<Vec<String>> {
        let names = self.fs.list(folder)?.into_iter();
        Ok(names.filter_map(|name| name.into_string().ok()).collect())
    }

    /// The path of a file in an instance's folder.
    pub(crate) fn path(&self, folder: &Folder, file: &str) -> PathBuf {
        self.root.join(folder).join(file)
    }
}

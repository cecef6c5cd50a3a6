//! The store: a folder that holds outputs, their records and what the flow remembers of past runs.
//!
//! ```text
//! data/
//!   Train/                                     the folder of a task
//!     model=Logistic-3f2a91c04b77e010/         an instance: its parameters, 16 digits of its key
//!       record.json                            describes the output; renaming it into place is the commit
//!       data-8c1f02ab44d01e9f-5b2e9c01.msgpack the output, never rewritten
//!       figure-0c55e1aa90b2f714-77ab10c2-roc.svg a figure that the task kept, of the output or of the failure
//!       failure.json                           the last failure, if there was one
//!       log.txt                                what the last attempt to run the task logged
//!       log-1.txt                              what the first attempt logged, if another one followed
//!   .flow/
//!     index/Train                              fingerprint → folder, one line per commit
//!     versions/Train/<key>/<fingerprint>.json  the records that were replaced
//!     code/<digest>.json                       the items of a task's code
//!     digests                                  cached digests of external files
//!     records/Train                            what a plan compares of the task's records, as a cache
//!     owners/Train                             which task of which crate owns the name
//!     running/<number>                         locked by a run while it works in the store
//!     waits.<number>                           what tasks of that run wait for, in rare cases
//!     drafts/<key>-<number>.json               a record that a child process has written, and that is to be committed
//!     claims                                   empty: a locked byte is an instance that a run computes
//!     runs/<time>-<number>.jsonl               the history of a run
//!     secret                                   the key with which secrets are hashed
//! ```
//!
//! An output passes through two steps. [`stage`] writes its files under their final, unique names
//! and hashes them while writing. [`commit`] makes a group of staged outputs durable, keeps the
//! records that they replace as [`version`]s, and renames the new records into place. A
//! [`removal`] removes records before the files that they name.
//!
//! Invariants:
//!
//! - Only a record makes an output exist. A file that no record names is never read. A process may
//!   die at any point and leaves at most files that `gc` removes.
//! - Outputs are immutable. A file is created under a new name and never written again.
//! - The folder may be damaged or hostile. All of it is reached through [`Confined`], which follows
//!   no link below the folder that was opened. Only regular files are opened. The size of files
//!   that are read into memory is [bounded](bounds), and so is [the size of the parsed
//!   values](json).
//! - The folder of an instance is found by the key at the end of its name, never by the text before
//!   it: fields may be reordered, and long names are shortened. The record holds the full key,
//!   which is compared on each read.

pub(crate) mod bounds;
pub(crate) mod change;
pub(crate) mod claims;
pub(crate) mod code;
pub(crate) mod commit;
pub(crate) mod crates;
pub(crate) mod draft;
pub(crate) mod draft_record;
pub(crate) mod external_reads;
pub(crate) mod failure;
pub(crate) mod figures;
pub(crate) mod fingerprint;
pub(crate) mod folder;
pub(crate) mod gc;
pub(crate) mod history;
pub(crate) mod index;
pub(crate) mod json;
pub(crate) mod kept;
pub(crate) mod limit;
pub(crate) mod log;
pub(crate) mod log_text;
pub(crate) mod made;
pub(crate) mod memory;
pub(crate) mod note;
pub(crate) mod output;
pub(crate) mod owner;
pub(crate) mod partitions;
pub(crate) mod place;
pub(crate) mod read_columns;
pub(crate) mod record;
pub(crate) mod record_cache;
pub(crate) mod recorded;
pub(crate) mod rejected;
pub(crate) mod removal;
pub(crate) mod reset;
pub(crate) mod run_lock;
pub(crate) mod secret;
pub(crate) mod signature;
pub(crate) mod stage;
pub(crate) mod survey;
pub(crate) mod task_folder;
pub(crate) mod trust;
pub(crate) mod unwritable;
pub(crate) mod verify;
pub(crate) mod version;
pub(crate) mod waits;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{Confined, Disk, Durable, Fs, Refused};
use crate::base::key::Key;
use crate::base::names::{self, INTERNAL};
use crate::base::signature::SignatureError;
use crate::files::{Contents, is_absent};
use crate::store::memory::Memory;
use crate::store::note::DraftedNote;
use crate::store::partitions::PartitionIndices;
use crate::store::record::{Record, Unreadable};
use crate::store::signature::Signatures;
pub(crate) use crate::store::task_folder::{ListedFolder, TaskFolder};
use crate::value::secret::SecretKey;

/// The folder below the store's internal folder for outputs that are computed only for comparison.
pub(crate) const ASIDE: &str = "aside";

/// The name of the file that holds the record of an instance.
pub(crate) const RECORD: &str = "record.json";

/// A folder of outputs. See the [module documentation](self).
pub(crate) struct Store {
    root: PathBuf,
    /// The confined file system. Everything in the store is reached through it.
    fs: Arc<dyn Fs>,
    /// The unconfined file system, for files of the user.
    unconfined: Arc<dyn Fs>,
    /// The folder that the user opened: the root itself or, for a namespace, the folder above it.
    opened: PathBuf,
    durable: Durable,
    secret_key: OnceLock<SecretKey>,
    tasks: Mutex<HashMap<String, Arc<TaskFolder>>>,
    /// The notes that the next commit makes durable.
    drafted: Mutex<Vec<DraftedNote>>,
    /// The paths of notes that were found, so that they are not looked for with each output.
    noted: Mutex<HashSet<PathBuf>>,
    contents: Arc<Contents>,
    memory: Arc<Memory>,
    partitions: PartitionIndices,
    /// Who signs the outputs, and whose signatures are accepted.
    signatures: Signatures,
    /// The digests of stored files that were computed before the files were read, if that is to be done.
    checked: Option<Arc<Contents>>,
    /// Whether the store is read-only. Then not even the recorded time of a touched output is
    /// updated.
    is_only_read: bool,
}

/// The folder of one instance, relative to the root. It may not exist.
pub(crate) type Folder = PathBuf;

/// What was found at the place of an instance's record.
pub(crate) enum Found {
    Nothing,
    Record(Box<Record>),
    /// A file that cannot be used as the record of this instance.
    Damaged(Unusable),
}

/// Why a file is not used as the record of an instance.
#[derive(Clone, Debug)]
pub(crate) enum Unusable {
    /// It is no record of this instance, with the reason.
    Damaged(String),
    /// It is not signed as the store requires.
    NotAccepted(SignatureError),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(reason) => f.write_str(reason),
            Self::NotAccepted(why) => write!(f, "{why}"),
        }
    }
}

impl Store {
    /// Returns the store in a folder. The folder is created when something is stored.
    pub(crate) fn new(root: PathBuf, fs: Arc<dyn Fs>) -> Self {
        Self::within(&root.clone(), root, fs)
    }

    /// Returns the store in a folder below the folder that the user opened.
    ///
    /// Namespaces do not nest: the folder of each is directly in the folder that the user opened.
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
            drafted: Mutex::default(),
            noted: Mutex::default(),
            memory: Arc::default(),
            partitions: PartitionIndices::default(),
            signatures: Signatures::default(),
            checked: None,
            is_only_read: false,
        }
    }

    /// Returns the same store, which shares what was read of files and what is in memory.
    fn same(&self) -> Self {
        Self {
            root: self.root.clone(),
            fs: Arc::clone(&self.fs),
            unconfined: Arc::clone(&self.unconfined),
            opened: self.opened.clone(),
            durable: Durable::default(),
            secret_key: self.secret_key.clone(),
            tasks: Mutex::default(),
            drafted: Mutex::default(),
            noted: Mutex::default(),
            contents: Arc::clone(&self.contents),
            memory: Arc::clone(&self.memory),
            partitions: PartitionIndices::default(),
            signatures: self.signatures.clone(),
            checked: self.checked.clone(),
            is_only_read: self.is_only_read,
        }
    }

    /// Returns an empty store whose folder does not exist, for plans that are only validated.
    ///
    /// Nothing may be stored in it. Its key for secrets is constant, so that no key file has to be
    /// written.
    pub(crate) fn nowhere() -> Self {
        let root = std::env::temp_dir().join(format!("flow-nowhere-{}", names::unique()));
        let store = Self::new(root, Arc::new(Disk));
        Self { secret_key: SecretKey::new([0; 32]).into(), is_only_read: true, ..store }
    }

    /// Returns this store for reading while its folder does not exist: nothing is written, neither caches nor a key for
    /// secrets, and no run can begin.
    pub(crate) fn absent(self) -> Self {
        let contents = Arc::new(Contents::unknown(Arc::clone(&self.unconfined), &self.root));
        let secret_key = SecretKey::new([0; 32]).into();
        Self { contents, secret_key, is_only_read: true, ..self }
    }

    /// Returns whether the store is [absent](Self::absent), or that of another flow.
    pub(crate) fn is_only_read(&self) -> bool {
        self.is_only_read
    }

    /// Returns whether the folder of the store exists.
    pub(crate) fn exists(&self) -> bool {
        self.fs.stat(&self.root).is_ok_and(|stat| stat.folder)
    }

    /// Returns the same store opened anew for reading, so that another store can reuse its outputs.
    ///
    /// Nothing is written to it, not even the time of a touched output. It shares no claims on task
    /// names: what a name means is decided by each flow for itself.
    pub(crate) fn only_read(&self) -> Self {
        let fs = Arc::clone(&self.unconfined);
        let store = Self::within(&self.opened, self.root.clone(), fs);
        Self { memory: Arc::clone(&self.memory), is_only_read: true, ..store }
    }

    /// Creates the folder of the store if it does not exist.
    pub(crate) fn create(&self) -> Result<(), StoreError> {
        if self.exists() {
            return Ok(());
        }
        let fs = Confined::within(Arc::clone(&self.unconfined), &self.opened, &self.root);
        fs.create_root().during("create the folder", &self.root)
    }

    /// Returns whether a record exists in the folder of an instance.
    ///
    /// Nothing is read, so a link on the way does no harm, and one system call suffices.
    pub(crate) fn has_record(&self, folder: &Folder) -> bool {
        self.unconfined.stat(&self.path(folder, RECORD)).is_ok()
    }

    /// Returns the file system for everything in the store, and for nothing else.
    pub(crate) fn fs(&self) -> &Arc<dyn Fs> {
        &self.fs
    }

    /// Returns the file system for files of the user, which may be anywhere.
    pub(crate) fn unconfined(&self) -> &Arc<dyn Fs> {
        &self.unconfined
    }

    /// Returns the values that are kept in memory.
    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the folder that the user opened: the root itself or, for a namespace, the folder above it.
    pub(crate) fn opened(&self) -> &Path {
        &self.opened
    }

    fn internal(&self, part: &str) -> PathBuf {
        self.root.join(INTERNAL).join(part)
    }

    /// Drops the listings of folders, because folders may have been created or removed since.
    pub(crate) fn refresh(&self) {
        self.durable.forget();
        self.noted.lock().expect("lock poisoned").clear();
        for task in self.tasks.lock().expect("lock poisoned").values() {
            *task.listing.lock().expect("lock poisoned") = None;
        }
    }

    /// Reads the record of the instance `key` in `folder`.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a newer version of this library wrote it.
    pub(crate) fn record(&self, folder: &Folder, key: Key) -> Result<Found, StoreError> {
        let path = self.root.join(folder).join(RECORD);
        Ok(match self.read_record(&path)? {
            None => Found::Nothing,
            Some(Err(reason)) => Found::Damaged(Unusable::Damaged(reason)),
            Some(Ok(record)) if record.key != key => {
                let reason = format!("it is the record of another instance, {}", record.key);
                Found::Damaged(Unusable::Damaged(reason))
            }
            Some(Ok(record)) => match self.verify_signature(&record) {
                Ok(_) => Found::Record(record),
                Err(why) => Found::Damaged(Unusable::NotAccepted(why)),
            },
        })
    }

    /// Reads the record in a file. Returns `None` if there is no file, and `Some(Err(reason))` if
    /// it is damaged.
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

    /// Reads the file of a record, if it exists. A file that cannot be a record, such as a pipe,
    /// counts as damaged, with the reason. A link is an error.
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

    /// Returns the cache of digests of external files.
    pub(crate) fn contents(&self) -> &Arc<Contents> {
        &self.contents
    }

    /// Returns the Unicode names in a folder. The store creates no others.
    fn names(&self, folder: &Path) -> std::io::Result<Vec<String>> {
        let names = self.fs.list(folder)?.into_iter();
        Ok(names.filter_map(|name| name.into_string().ok()).collect())
    }

    /// Returns the path of a file in the folder of an instance.
    pub(crate) fn path(&self, folder: &Folder, file: &str) -> PathBuf {
        self.root.join(folder).join(file)
    }
}

//! The index: all names of a remote, in memory.
//!
//! One list of the prefix gives the objects that are stored under their own name, the packs, and the names of the segments.
//! Segments that are not known yet are fetched, several at a time. Afterwards no request is needed to tell what the remote
//! has, where it is, and how large it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::SystemTime;

use flow_core::RemoteEntry;
use serde::Deserialize;

use crate::cache::Cache;
use crate::client::{Client, Object};
use crate::error::RemoteError;
use crate::names;
use crate::parallel::parallel;
use crate::segment::{Pack, Segment};

/// The number of the format of the remote.
pub(crate) const FORMAT: u64 = 1;

/// How often the prefix is listed, if segments disappear meanwhile.
const ATTEMPTS: usize = 5;

/// The largest segment that is read into memory, in bytes: that of millions of contents.
const LARGEST_SEGMENT: u64 = 1 << 30;

/// The content of the object `flow-remote.json`.
#[derive(Deserialize)]
struct Marker {
    format: u64,
}

/// Where a content is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// It is an object of this name.
    Loose,
    /// It is part of a pack with this digest and size, from this byte on.
    Packed { pack: Arc<str>, pack_bytes: u64, start: u64 },
}

/// A content of the remote.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) place: Place,
    pub(crate) bytes: u64,
    pub(crate) modified: SystemTime,
}

/// A segment of the index, and when it was stored.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) segment: Arc<Segment>,
    pub(crate) modified: SystemTime,
}

/// The names of a remote, as they were when it was last listed.
#[derive(Default)]
pub(crate) struct Index {
    /// Each content. An object of its own takes precedence over a part of a pack.
    entries: BTreeMap<String, Entry>,
    /// The segments, by digest.
    pub(crate) segments: HashMap<String, Known>,
    /// The digests of the packs.
    pub(crate) packs: BTreeSet<String>,
    /// Objects that show what is in progress: pushes and a garbage collection.
    pub(crate) in_progress: Vec<Object>,
    /// Whether the object that shows the format is there.
    pub(crate) has_format: bool,
}

impl Index {
    /// Lists the remote. `known` are the segments that were fetched before.
    pub(crate) fn load(
        client: &Client,
        cache: &Cache,
        mut known: HashMap<String, Known>,
    ) -> Result<Self, RemoteError> {
        for _ in 0..ATTEMPTS {
            let mut index = Self::default();
            let mut listed = Vec::new();
            for object in client.list("")? {
                index.add_object(object, &mut listed);
            }
            if index.has_format {
                check_format(client)?;
            }
            if index.add_segments(client, cache, &listed, &mut known)? {
                return Ok(index);
            }
        }
        Err(client.damaged("index", "segments disappear again and again"))
    }

    fn add_object(&mut self, object: Object, listed: &mut Vec<Object>) {
        let name = &*object.name;
        if names::of_segment(name).is_some() {
            listed.push(object);
        } else if let Some(pack) = names::of_pack(name) {
            self.packs.insert(pack.to_owned());
        } else if name == names::FORMAT {
            self.has_format = true;
        } else if name == names::COLLECTION || name.starts_with(names::PUSHES) {
            self.in_progress.push(object);
        } else if names::is_indexed(name) && names::is_valid(name) {
            let Object { name, bytes, modified } = object;
            self.entries.insert(name, Entry { place: Place::Loose, bytes, modified });
        }
    }

    /// Adds the listed segments, and fetches those that are not known.
    ///
    /// Returns `false` if one was removed meanwhile, which a garbage collection does.
    fn add_segments(
        &mut self,
        client: &Client,
        cache: &Cache,
        listed: &[Object],
        known: &mut HashMap<String, Known>,
    ) -> Result<bool, RemoteError> {
        let digest =
            |object: &Object| names::of_segment(&object.name).unwrap_or_default().to_owned();
        let is_new = |object: &&Object| !known.contains_key(&digest(object));
        let new: Vec<_> = listed.iter().filter(is_new).collect();
        let fetched = parallel(&new, |object| {
            let digest = digest(object);
            let bytes = match cache.get(&digest) {
                Some(bytes) => bytes,
                None => {
                    if object.bytes > LARGEST_SEGMENT {
                        return Err(client.damaged(&object.name, "it is too large for an index"));
                    }
                    let bytes = client.get(&object.name)?.to_vec();
                    cache.keep(&digest, &bytes);
                    bytes
                }
            };
            let segment = Arc::new(Segment::parse(client, &digest, &bytes)?);
            Ok::<_, RemoteError>((digest, Known { segment, modified: object.modified }))
        });
        let mut is_whole = true;
        for fetched in fetched {
            match fetched {
                Ok((digest, segment)) => drop(known.insert(digest, segment)),
                Err(RemoteError::Missing { .. }) => is_whole = false,
                Err(error) => return Err(error),
            }
        }
        if !is_whole {
            return Ok(false);
        }
        for object in listed {
            let digest = digest(object);
            if let Some(known) = known.get(&digest) {
                let known = Known { modified: object.modified, ..known.clone() };
                self.add_segment(digest, known);
            }
        }
        Ok(true)
    }

    /// Adds the contents of a segment, as far as their packs are there.
    pub(crate) fn add_segment(&mut self, digest: String, known: Known) {
        for pack in &known.segment.packs {
            if self.packs.contains(&pack.pack) {
                self.add_pack(pack, known.modified);
            }
        }
        self.segments.insert(digest, known);
    }

    fn add_pack(&mut self, pack: &Pack, modified: SystemTime) {
        let (pack_bytes, digest) = (pack.bytes, Arc::<str>::from(&*pack.pack));
        let modified = pack.put_at(modified);
        for (name, start, bytes) in &pack.contents {
            let is_loose = self.entries.get(name).is_some_and(Entry::is_loose);
            if !is_loose {
                let pack = Arc::clone(&digest);
                let place = Place::Packed { pack, pack_bytes, start: *start };
                self.entries.insert(name.clone(), Entry { place, bytes: *bytes, modified });
            }
        }
    }

    /// Adds an object that was put just now.
    pub(crate) fn add_loose(&mut self, name: String, bytes: u64) {
        let entry = Entry { place: Place::Loose, bytes, modified: SystemTime::now() };
        self.entries.insert(name, entry);
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns all contents below a folder.
    fn below<'a>(
        &'a self,
        folder: &str,
    ) -> impl Iterator<Item = (&'a String, &'a Entry)> + use<'a> {
        let start = format!("{folder}/");
        let from = self.entries.range(start.clone()..);
        from.take_while(move |(name, _)| name.starts_with(&start))
    }

    /// Returns all names below a folder.
    pub(crate) fn list(&self, folder: &str) -> Vec<String> {
        self.below(folder).map(|(name, _)| name.clone()).collect()
    }

    /// Returns all names below a folder, with their sizes and ages.
    pub(crate) fn list_entries(&self, folder: &str) -> Vec<RemoteEntry> {
        let entry = |(name, entry): (&String, &Entry)| {
            RemoteEntry::new(name.clone(), entry.bytes, Some(entry.modified))
        };
        self.below(folder).map(entry).collect()
    }
}

impl Entry {
    pub(crate) fn is_loose(&self) -> bool {
        matches!(self.place, Place::Loose)
    }
}

/// Returns an error if the remote was written by a newer version of this library.
fn check_format(client: &Client) -> Result<(), RemoteError> {
    let bytes = client.get(names::FORMAT)?;
    let marker: Marker = serde_json::from_slice(&bytes)
        .map_err(|error| client.damaged(names::FORMAT, error.to_string()))?;
    match marker.format {
        FORMAT => Ok(()),
        format => Err(RemoteError::Newer { url: client.url().to_owned(), format }),
    }
}

/// The index of a remote, once it was loaded.
#[derive(Default)]
pub(crate) struct Loaded(Mutex<Option<Index>>);

impl Loaded {
    /// Calls `read` with the index, which is loaded if it is not.
    pub(crate) fn with<T>(
        &self,
        (client, cache): (&Client, &Cache),
        read: impl FnOnce(&mut Index) -> T,
    ) -> Result<T, RemoteError> {
        let mut loaded = self.0.lock().expect("lock poisoned");
        let index = match loaded.take() {
            Some(index) => index,
            None => Index::load(client, cache, HashMap::new())?,
        };
        Ok(read(loaded.insert(index)))
    }

    /// Loads the index again. Only segments that are new are fetched.
    pub(crate) fn refresh(&self, (client, cache): (&Client, &Cache)) -> Result<(), RemoteError> {
        let mut loaded = self.0.lock().expect("lock poisoned");
        let known = loaded.as_ref().map(|index| index.segments.clone()).unwrap_or_default();
        *loaded = Some(Index::load(client, cache, known)?);
        Ok(())
    }
}

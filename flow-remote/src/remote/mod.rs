//! [`ObjectRemote`]: an object store as a remote.
//!
//! A name is looked up in the [index](crate::index), which says whether the content is an object of its own or a part of
//! a pack. [`methods`] implements the trait with the operations here.

mod methods;

use std::collections::HashSet;
use std::fmt;
use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use flow_core::RemoteHold;
use object_store::ObjectStore;

use crate::blocks::Blocks;
use crate::budget::{Budget, PART};
use crate::cache::Cache;
use crate::client::{Client, Created};
use crate::error::RemoteError;
use crate::index::{Entry, FORMAT, Index, Known, Loaded, Place};
use crate::lease::{self, Work};
use crate::names;
use crate::parallel::parallel;
use crate::progress::Meter;
use crate::reader::PartReader;
use crate::remove;
use crate::segment::{Pack, SMALL, Segment};
use crate::upload;

/// Batches of at most this many contents are not packed: each content is an object of its own.
///
/// A pack takes two requests, itself and its segment.
const NOT_PACKED: usize = 2;

/// An object store as a remote. [`open`](crate::open) returns it.
///
/// It is cheap to clone; clones share connections and the index. It may be used from several threads, and from async
/// programs: requests run on a runtime of their own, and methods wait for them.
#[derive(Clone)]
pub struct ObjectRemote(Arc<Inner>);

struct Inner {
    client: Client,
    cache: Cache,
    budget: Budget,
    index: Loaded,
    blocks: Blocks,
}

impl ObjectRemote {
    /// Returns a remote in a store of the crate `object_store`, below a prefix.
    ///
    /// It is for stores that [`open`](crate::open) does not know, and for tests. `url` names the remote in messages.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use flow_core::Remote;
    /// use flow_remote::ObjectRemote;
    /// use flow_remote::object_store::memory::InMemory;
    ///
    /// let remote = ObjectRemote::on(Arc::new(InMemory::new()), "team/prices", "memory:team/prices");
    /// assert!(remote.list("outputs")?.is_empty());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn on(store: Arc<dyn ObjectStore>, prefix: &str, url: &str) -> Self {
        Self::new(Client::new(store, prefix, url, Meter::new(None)), Cache::default())
    }

    pub(crate) fn new(client: Client, cache: Cache) -> Self {
        let (index, blocks) = (Loaded::default(), Blocks::default());
        Self(Arc::new(Inner { client, cache, budget: Budget::new(), index, blocks }))
    }

    /// Returns the URL of the remote, without secrets.
    pub fn url(&self) -> &str {
        self.0.client.url()
    }

    fn client(&self) -> &Client {
        &self.0.client
    }

    fn with_index<T>(&self, read: impl FnOnce(&mut Index) -> T) -> Result<T, RemoteError> {
        self.0.index.with((&self.0.client, &self.0.cache), read)
    }

    fn refresh_index(&self) -> Result<(), RemoteError> {
        self.0.index.refresh((&self.0.client, &self.0.cache))
    }

    /// Returns an error for a name that leads elsewhere.
    fn check_name(&self, name: &str) -> Result<(), RemoteError> {
        match names::is_valid(name) {
            true => Ok(()),
            false => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{name:?} is not a valid name in a remote"),
            )
            .into()),
        }
    }

    /// Returns where a content is; `None` if the remote has none of this name.
    fn entry(&self, name: &str) -> Result<Option<Entry>, RemoteError> {
        self.check_name(name)?;
        self.with_index(|index| index.get(name).cloned())
    }

    /// Reads a content that the index knows.
    fn open_entry(&self, name: &str, entry: &Entry) -> Result<Box<dyn Read + Send>, RemoteError> {
        Ok(match &entry.place {
            Place::Loose if entry.bytes > PART => {
                Box::new(PartReader::new(self.client(), &self.0.budget, name, entry.bytes))
            }
            Place::Loose => Box::new(Cursor::new(self.client().get(name)?)),
            Place::Packed { .. } => Box::new(Cursor::new(self.packed(entry)?)),
        })
    }

    /// Reads a part of a pack.
    fn packed(&self, entry: &Entry) -> Result<Vec<u8>, RemoteError> {
        match &entry.place {
            Place::Packed { pack, pack_bytes, start } => {
                self.0.blocks.read(self.client(), (pack, *pack_bytes), *start, entry.bytes)
            }
            Place::Loose => Ok(Vec::new()),
        }
    }

    fn get_by_name(&self, name: &str) -> Result<Box<dyn Read + Send>, RemoteError> {
        if !names::is_indexed(name) {
            self.check_name(name)?;
            return Ok(Box::new(Cursor::new(self.client().get(name)?)));
        }
        let missing = || self.client().missing(name);
        let entry = self.entry(name)?.ok_or_else(missing)?;
        match self.open_entry(name, &entry) {
            // A garbage collection has moved it to another pack, or removed it.
            Err(RemoteError::Missing { .. }) => {
                self.refresh_index()?;
                let entry = self.entry(name)?.ok_or_else(missing)?;
                self.open_entry(name, &entry)
            }
            opened => opened,
        }
    }

    /// Puts a content as an object of its own.
    fn put_loose(&self, name: &str, content: &mut dyn Read, bytes: u64) -> Result<(), RemoteError> {
        self.check_name(name)?;
        upload::put(self.client(), &self.0.budget, name, content, bytes)?;
        if names::is_indexed(name) {
            self.with_index(|index| index.add_loose(name.to_owned(), bytes))?;
        }
        Ok(())
    }

    fn create(&self, name: &str, content: &mut dyn Read, bytes: u64) -> Result<bool, RemoteError> {
        self.check_name(name)?;
        if bytes <= PART {
            let content = upload::read_all(content, bytes)?;
            match self.client().create(name, content.clone())? {
                Created::Exists => return Ok(false),
                Created::Yes if names::is_indexed(name) => {
                    self.with_index(|index| index.add_loose(name.to_owned(), bytes))?;
                    return Ok(true);
                }
                Created::Yes => return Ok(true),
                Created::Unsupported => {}
            }
            if self.client().size(name)?.is_some() {
                return Ok(false);
            }
            return self.put_loose(name, &mut &content[..], bytes).map(|()| true);
        }
        // No store has a conditional upload in parts.
        if self.client().size(name)?.is_some() {
            return Ok(false);
        }
        self.put_loose(name, content, bytes).map(|()| true)
    }

    /// Puts contents into a pack, as far as the remote does not have them.
    fn put_packed(&self, contents: &[(String, Vec<u8>)]) -> Result<(), RemoteError> {
        contents.iter().try_for_each(|(name, _)| self.check_name(name))?;
        let is_there = |index: &Index, (name, bytes): &(String, Vec<u8>)| {
            index.get(name).is_some_and(|entry| entry.bytes == bytes.len() as u64)
        };
        let lacking: Vec<&(String, Vec<u8>)> = self.with_index(|index| {
            contents.iter().filter(|content| !is_there(index, content)).collect()
        })?;
        let is_small = |(name, bytes): &&(String, Vec<u8>)| {
            bytes.len() as u64 <= SMALL && names::is_indexed(name)
        };
        let (small, large): (Vec<_>, Vec<_>) = lacking.into_iter().partition(is_small);
        let (small, alone) = match small.len() <= NOT_PACKED {
            true => (Vec::new(), [large, small].concat()),
            false => (small, large),
        };
        let put = parallel(&alone, |(name, bytes)| {
            self.put_loose(name, &mut &bytes[..], bytes.len() as u64)
        });
        put.into_iter().collect::<Result<(), _>>()?;
        if small.is_empty() {
            return Ok(());
        }
        let (pack, bytes) = Pack::of(small.iter().map(|(name, bytes)| (&**name, &**bytes)));
        let digest = pack.pack.clone();
        // A push that died may have put the pack, and not its segment.
        if !self.with_index(|index| index.packs.contains(&digest))? {
            self.client().create_by_digest(&names::pack(&digest), bytes)?;
        }
        let segment = Segment::new(vec![pack]);
        let (segment_digest, bytes) = segment.to_bytes();
        self.client().create_by_digest(&names::segment(&segment_digest), bytes.clone())?;
        self.0.cache.keep(&segment_digest, &bytes);
        let known = Known { segment: Arc::new(segment), modified: SystemTime::now() };
        self.with_index(|index| {
            index.packs.insert(digest);
            index.add_segment(segment_digest, known);
        })
    }

    fn get_all(&self, names: &[String], limit: u64) -> Result<Vec<Option<Vec<u8>>>, RemoteError> {
        // Contents of one block are read one after the other, and several blocks at the same time.
        let mut order: Vec<(usize, Option<Entry>)> = Vec::with_capacity(names.len());
        for (place, name) in names.iter().enumerate() {
            let entry = match names::is_indexed(name) {
                true => self.entry(name)?,
                false => None,
            };
            order.push((place, entry));
        }
        let at = |entry: &Option<Entry>| match entry {
            Some(Entry { place: Place::Packed { pack, start, .. }, .. }) => {
                Some((Arc::clone(pack), *start))
            }
            _ => None,
        };
        order.sort_by_cached_key(|(_, entry)| at(entry));
        let read = parallel(&order, |(place, entry)| {
            let name = &names[*place];
            if entry.is_none() && names::is_indexed(name) {
                return Ok((*place, None));
            }
            let content = match self.get_by_name(name) {
                Err(RemoteError::Missing { .. }) => return Ok((*place, None)),
                content => content?,
            };
            let mut bytes = Vec::new();
            content.take(limit).read_to_end(&mut bytes)?;
            Ok::<_, RemoteError>((*place, Some(bytes)))
        });
        let mut contents = vec![None; names.len()];
        for read in read {
            let (place, bytes) = read?;
            contents[place] = bytes;
        }
        Ok(contents)
    }

    fn begin(&self, work: Work) -> Result<RemoteHold, RemoteError> {
        if work == Work::Collection {
            // The object of a collection that died long ago would exclude this one for ever.
            let in_progress = self.with_refreshed(|index| index.in_progress.clone())?;
            lease::remove_left(self.client(), &in_progress, SystemTime::now());
        }
        let own = lease::show(self.client(), work)?;
        let listed = self.with_refreshed(|index| (index.in_progress.clone(), index.has_format));
        let (in_progress, has_format) = match listed {
            Ok(listed) => listed,
            Err(error) => {
                let _ = self.client().delete(&[own]);
                return Err(error);
            }
        };
        let hold = lease::hold(self.client(), work, own, &in_progress)?;
        if work == Work::Push && !has_format {
            let format = Bytes::from(format!("{{\"format\":{FORMAT}}}\n"));
            self.client().create_by_digest(names::FORMAT, format)?;
            self.with_index(|index| index.has_format = true)?;
        }
        Ok(hold)
    }

    fn with_refreshed<T>(&self, read: impl FnOnce(&mut Index) -> T) -> Result<T, RemoteError> {
        self.refresh_index()?;
        self.with_index(read)
    }

    fn delete_all(&self, names: &[String]) -> Result<(), RemoteError> {
        names.iter().try_for_each(|name| self.check_name(name))?;
        let (indexed, direct): (Vec<_>, Vec<_>) =
            names.iter().cloned().partition(|name| names::is_indexed(name));
        self.client().delete(&direct)?;
        if indexed.is_empty() {
            return Ok(());
        }
        // The index may be older than the last change of another process.
        self.refresh_index()?;
        let removed: HashSet<&str> = indexed.iter().map(String::as_str).collect();
        self.with_index(|index| remove::remove(self.client(), index, &removed))??;
        self.refresh_index()
    }
}

impl fmt::Debug for ObjectRemote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ObjectRemote").field(&self.url()).finish()
    }
}

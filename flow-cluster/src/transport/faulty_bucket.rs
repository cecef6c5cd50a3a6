//! A bucket of tests: a folder whose requests a test delays, counts, or lets fail.

use std::io::{self, Read};

use flow_core::{Remote, RemoteFolder};

/// A request of a bucket, with the name of the object where a test needs it.
pub(crate) enum Request<'a> {
    List,
    Size,
    Get(&'a str),
    Put,
    PutNew,
    Delete,
}

/// Decides what happens to requests.
pub(crate) trait Faults: Send + Sync {
    /// Answers a request, which `send` passes to the folder.
    fn answer<T>(
        &self,
        request: Request<'_>,
        send: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T>;
}

/// A folder as a bucket with faults.
pub(crate) struct FaultyBucket<F> {
    pub(crate) folder: RemoteFolder,
    pub(crate) faults: F,
}

impl<F: Faults> Remote for FaultyBucket<F> {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.faults.answer(Request::List, || self.folder.list(folder))
    }

    fn size(&self, name: &str) -> io::Result<Option<u64>> {
        self.faults.answer(Request::Size, || self.folder.size(name))
    }

    fn get(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        self.faults.answer(Request::Get(name), || self.folder.get(name))
    }

    fn put(&self, name: &str, content: &mut dyn Read, bytes: u64) -> io::Result<()> {
        self.faults.answer(Request::Put, || self.folder.put(name, content, bytes))
    }

    fn put_new(&self, name: &str, content: &mut dyn Read, bytes: u64) -> io::Result<bool> {
        self.faults.answer(Request::PutNew, || self.folder.put_new(name, content, bytes))
    }

    fn delete(&self, name: &str) -> io::Result<()> {
        self.faults.answer(Request::Delete, || self.folder.delete(name))
    }
}

//! Requests to an object store: each waits for its answer, and is repeated if it failed for a passing reason.
//!
//! Requests are repeated here and nowhere else: the clients of the cloud stores do not repeat them on their own. Operations of
//! several requests are the exception: the parts of an upload, because only such a client can send a part again under its
//! number, and lists and removals, which would begin anew with their first page. They go to a client that repeats
//! ([`Client::with_repeating`]), and are not repeated here.
//!
//! After a failure that may pass, a request is sent again for half a minute, and at most for a minute ([`pause`]). A request
//! that took longer before it broke off is sent again once. As long as the store has never answered, a connection that cannot
//! be made is an error after three attempts: then the address is probably wrong.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload};

use crate::error::{RemoteError, is_conflict, is_timeout, is_transient, is_unreachable};
use crate::progress::Meter;
use crate::runtime::{Pending, run, start};

/// How often a request is sent, at most.
const ATTEMPTS: u32 = 10;

/// How often a connection is tried, at most, as long as the store has never answered.
const FIRST_CONNECTIONS: u32 = 3;

/// The time before a request is sent again; it doubles with each attempt.
const BACKOFF: Duration = Duration::from_millis(100);

/// The longest time before a request is sent again.
const LONGEST_BACKOFF: Duration = Duration::from_secs(10);

/// The time after the first attempt in which a request is sent again.
const TOTAL: Duration = Duration::from_secs(60);

/// Returns how long to wait before a failed request is sent again; `None` if it is not.
///
/// `attempt` is the number of attempts so far, and `elapsed` the time since the first one began.
fn pause(attempt: u32, elapsed: Duration, is_first_connection: bool) -> Option<Duration> {
    let attempts = if is_first_connection { FIRST_CONNECTIONS } else { ATTEMPTS };
    let pause = BACKOFF.saturating_mul(1 << (attempt - 1).min(16)).min(LONGEST_BACKOFF);
    (attempt < attempts && elapsed + pause < TOTAL).then_some(pause)
}

/// An object of the store, with its name below the prefix of the remote.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) modified: SystemTime,
}

/// Whether a conditional put has stored its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Created {
    Yes,
    /// The name exists.
    Exists,
    /// The store knows no conditional puts.
    Unsupported,
}

/// A bucket, and a prefix in it.
#[derive(Clone)]
pub(crate) struct Client {
    store: Arc<dyn ObjectStore>,
    /// A client of the same store for operations of several requests, which repeats each on its own, if there is one.
    repeating: Option<Arc<dyn ObjectStore>>,
    /// Whether the store has answered a request.
    has_answered: Arc<AtomicBool>,
    /// Without a `/` at its ends; it may be empty.
    prefix: Arc<str>,
    /// The URL, for messages.
    url: Arc<str>,
    meter: Arc<Meter>,
}

impl Client {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, prefix: &str, url: &str, meter: Meter) -> Self {
        let (prefix, has_answered) = (prefix.trim_matches('/').into(), Arc::default());
        let (url, meter) = (url.into(), Arc::new(meter));
        Self { store, repeating: None, has_answered, prefix, url, meter }
    }

    /// Sends operations of several requests through another client of the same store, which repeats each on its own.
    pub(crate) fn with_repeating(self, repeating: Arc<dyn ObjectStore>) -> Self {
        Self { repeating: Some(repeating), ..self }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the path of a name, which is not empty.
    fn path(&self, name: &str) -> Result<Path, RemoteError> {
        let whole = match &*self.prefix {
            "" => name.to_owned(),
            prefix => format!("{prefix}/{name}"),
        };
        Path::parse(whole)
            .map_err(|error| RemoteError::Url { url: self.url.to_string(), why: error.to_string() })
    }

    /// Sends a request until it succeeds, or fails for good. Returns how often it was sent, too.
    fn repeat<T, F>(
        &self,
        request: impl Fn() -> F,
    ) -> Result<(object_store::Result<T>, u32), RemoteError>
    where
        T: Send + 'static,
        F: Future<Output = object_store::Result<T>> + Send + 'static,
    {
        let (begun, mut attempt) = (Instant::now(), 1);
        loop {
            let result = run(request())?;
            let has_no_connection = result.as_ref().is_err_and(is_unreachable);
            if !has_no_connection {
                self.has_answered.store(true, Ordering::Relaxed);
            }
            let is_first = has_no_connection && !self.has_answered.load(Ordering::Relaxed);
            // The transfer of much content may break off late.
            let broke_off = attempt == 1 && !result.as_ref().is_err_and(is_timeout);
            let elapsed = if broke_off { Duration::ZERO } else { begun.elapsed() };
            let pause = match result.as_ref().is_err_and(is_transient) {
                true => pause(attempt, elapsed, is_first),
                false => None,
            };
            let Some(pause) = pause else { return Ok((result, attempt)) };
            thread::sleep(pause);
            attempt += 1;
        }
    }

    fn request<T, F>(
        &self,
        action: &'static str,
        name: &str,
        request: impl Fn() -> F,
    ) -> Result<T, RemoteError>
    where
        T: Send + 'static,
        F: Future<Output = object_store::Result<T>> + Send + 'static,
    {
        self.repeat(request)?.0.map_err(|error| self.error(action, name, error))
    }

    /// Performs an operation of several requests, such as a list of many pages.
    ///
    /// Until the store has answered, it goes to the client that does not repeat, so that a wrong address is an error soon.
    fn perform<T, F>(
        &self,
        action: &'static str,
        name: &str,
        operation: impl Fn(&Arc<dyn ObjectStore>) -> F,
    ) -> Result<T, RemoteError>
    where
        T: Send + 'static,
        F: Future<Output = object_store::Result<T>> + Send + 'static,
    {
        let Some(repeating) = &self.repeating else {
            return self.request(action, name, || operation(&self.store));
        };
        let mut attempt = 1;
        while !self.has_answered.load(Ordering::Relaxed) {
            let result = run(operation(&self.store))?;
            let has_no_connection = result.as_ref().is_err_and(is_unreachable);
            self.has_answered.fetch_or(!has_no_connection, Ordering::Relaxed);
            let pause = match &result {
                Err(error) if has_no_connection && is_transient(error) => {
                    pause(attempt, Duration::ZERO, true)
                }
                Err(error) if is_transient(error) => break,
                _ => None,
            };
            let Some(pause) = pause else {
                return result.map_err(|error| self.error(action, name, error));
            };
            thread::sleep(pause);
            attempt += 1;
        }
        run(operation(repeating))?.map_err(|error| self.error(action, name, error))
    }

    pub(crate) fn error(
        &self,
        action: &'static str,
        name: &str,
        error: object_store::Error,
    ) -> RemoteError {
        RemoteError::classify(&self.url, action, name, error)
    }

    pub(crate) fn damaged(&self, name: &str, why: impl Into<String>) -> RemoteError {
        let (url, name) = (self.url.to_string(), name.to_owned());
        RemoteError::Damaged { url, name, why: why.into() }
    }

    pub(crate) fn missing(&self, name: &str) -> RemoteError {
        RemoteError::Missing { url: self.url.to_string(), name: name.to_owned() }
    }

    /// Returns all objects below a folder; with an empty name, below the prefix.
    pub(crate) fn list(&self, folder: &str) -> Result<Vec<Object>, RemoteError> {
        let whole = match (&*self.prefix, folder) {
            ("", "") => None,
            (_, "") => Some(Path::parse(&*self.prefix).map_err(|error| RemoteError::Url {
                url: self.url.to_string(),
                why: error.to_string(),
            })?),
            _ => Some(self.path(folder)?),
        };
        let metas =
            self.perform("list", if folder.is_empty() { "objects" } else { folder }, |store| {
                let stream = store.list(whole.as_ref());
                async move { stream.try_collect::<Vec<_>>().await }
            })?;
        let object = |meta: object_store::ObjectMeta| {
            let path = meta.location.as_ref();
            let name = match &*self.prefix {
                "" => path,
                prefix => path.strip_prefix(prefix)?.strip_prefix('/')?,
            };
            let millis = u64::try_from(meta.last_modified.timestamp_millis()).unwrap_or_default();
            let modified = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
            Some(Object { name: name.to_owned(), bytes: meta.size, modified })
        };
        Ok(metas.into_iter().filter_map(object).collect())
    }

    /// Returns the size of an object; `None` if it does not exist.
    pub(crate) fn size(&self, name: &str) -> Result<Option<u64>, RemoteError> {
        let path = self.path(name)?;
        let head = self.request("look for", name, || {
            let (store, path) = (Arc::clone(&self.store), path.clone());
            async move {
                let options = GetOptions { head: true, ..GetOptions::default() };
                store.get_opts(&path, options).await.map(|got| got.meta.size)
            }
        });
        match head {
            Err(RemoteError::Missing { .. }) => Ok(None),
            head => head.map(Some),
        }
    }

    /// Returns an object as a whole.
    pub(crate) fn get(&self, name: &str) -> Result<Bytes, RemoteError> {
        self.get_part(name, None)
    }

    /// Returns a range of an object.
    pub(crate) fn get_range(&self, name: &str, range: Range<u64>) -> Result<Bytes, RemoteError> {
        self.get_part(name, Some(range))
    }

    fn get_part(&self, name: &str, range: Option<Range<u64>>) -> Result<Bytes, RemoteError> {
        let path = self.path(name)?;
        let bytes = self.request("get", name, || {
            let (store, path, range) = (Arc::clone(&self.store), path.clone(), range.clone());
            async move {
                let options = GetOptions { range: range.map(Into::into), ..GetOptions::default() };
                store.get_opts(&path, options).await?.bytes().await
            }
        })?;
        self.meter.add_received(bytes.len() as u64);
        Ok(bytes)
    }

    /// Starts to get a range of an object. The result is that of [`get_range`](Self::get_range).
    pub(crate) fn start_get_range(
        &self,
        name: &str,
        range: Range<u64>,
    ) -> Result<Pending<object_store::Result<Bytes>>, RemoteError> {
        let (store, path) = (Arc::clone(&self.store), self.path(name)?);
        let meter = Arc::clone(&self.meter);
        let request = async move {
            let options = GetOptions { range: Some(range.into()), ..GetOptions::default() };
            let bytes = store.get_opts(&path, options).await?.bytes().await?;
            meter.add_received(bytes.len() as u64);
            Ok::<_, object_store::Error>(bytes)
        };
        Ok(start(request)?)
    }

    /// Stores an object, and replaces one of this name.
    pub(crate) fn put(&self, name: &str, content: Bytes) -> Result<(), RemoteError> {
        let (path, bytes) = (self.path(name)?, content.len() as u64);
        self.request("put", name, || self.put_once(&path, &content, PutMode::Overwrite))?;
        self.meter.add_sent(bytes);
        Ok(())
    }

    fn put_once(
        &self,
        path: &Path,
        content: &Bytes,
        mode: PutMode,
    ) -> impl Future<Output = object_store::Result<()>> + Send + use<> {
        let (store, path) = (Arc::clone(&self.store), path.clone());
        let payload = PutPayload::from(content.clone());
        async move { store.put_opts(&path, payload, PutOptions::from(mode)).await.map(drop) }
    }

    /// Stores an object from a task of the runtime. Errors are ignored.
    pub(crate) fn put_without_waiting(
        &self,
        name: &str,
        content: Bytes,
    ) -> impl Future<Output = ()> + Send + use<> {
        let put = self.path(name).map(|path| self.put_once(&path, &content, PutMode::Overwrite));
        async move {
            if let Ok(put) = put {
                let _ = put.await;
            }
        }
    }

    /// Stores an object unless there is one of this name.
    pub(crate) fn create(&self, name: &str, content: Bytes) -> Result<Created, RemoteError> {
        let (path, bytes) = (self.path(name)?, content.len() as u64);
        let (created, attempts) =
            self.repeat(|| self.put_once(&path, &content, PutMode::Create))?;
        let created = match created {
            Ok(()) => Created::Yes,
            Err(error) if is_conflict(&error) => return Err(self.error("put", name, error)),
            Err(object_store::Error::AlreadyExists { .. }) => {
                // The answer to an earlier attempt, which had succeeded, may have been lost.
                match attempts > 1 && self.get(name)? == content {
                    true => Created::Yes,
                    false => Created::Exists,
                }
            }
            Err(
                object_store::Error::NotImplemented { .. }
                | object_store::Error::NotSupported { .. },
            ) => Created::Unsupported,
            Err(error) => return Err(self.error("put", name, error)),
        };
        if created == Created::Yes {
            self.meter.add_sent(bytes);
        }
        Ok(created)
    }

    /// Stores an object whose name is the digest of its content. An equal one may exist.
    pub(crate) fn create_by_digest(&self, name: &str, content: Bytes) -> Result<(), RemoteError> {
        match self.create(name, content.clone())? {
            Created::Yes | Created::Exists => Ok(()),
            Created::Unsupported => self.put(name, content),
        }
    }

    /// Begins an upload in parts.
    pub(crate) fn start_upload(
        &self,
        name: &str,
    ) -> Result<Box<dyn object_store::MultipartUpload>, RemoteError> {
        let path = self.path(name)?;
        let begin = |store: &Arc<dyn ObjectStore>| {
            let (store, path) = (Arc::clone(store), path.clone());
            async move { store.put_multipart_opts(&path, PutMultipartOptions::default()).await }
        };
        match &self.repeating {
            Some(store) => run(begin(store))?.map_err(|error| self.error("put", name, error)),
            None => self.request("put", name, || begin(&self.store)),
        }
    }

    pub(crate) fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Removes objects. It is no error if one does not exist.
    pub(crate) fn delete(&self, names: &[String]) -> Result<(), RemoteError> {
        let Some(first) = names.first() else { return Ok(()) };
        let paths = names.iter().map(|name| self.path(name)).collect::<Result<Vec<_>, _>>()?;
        self.perform("remove", first, |store| {
            let (store, paths) = (Arc::clone(store), paths.clone());
            async move {
                let paths = stream::iter(paths.into_iter().map(Ok)).boxed();
                let mut deleted = store.delete_stream(paths);
                while let Some(result) = deleted.next().await {
                    match result {
                        Err(object_store::Error::NotFound { .. }) | Ok(_) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeating_ends_within_a_minute() {
        let mut elapsed = Duration::ZERO;
        let mut attempt = 1;
        while let Some(pause) = pause(attempt, elapsed, false) {
            elapsed += pause;
            attempt += 1;
        }
        assert_eq!(attempt, ATTEMPTS);
        assert!((20..40).contains(&elapsed.as_secs()), "{elapsed:?}");
        // Attempts that take long count.
        assert_eq!(pause(1, TOTAL, false), None);
        // The first connections fail soon.
        assert_eq!(pause(2, Duration::ZERO, true), Some(BACKOFF * 2));
        assert_eq!(pause(FIRST_CONNECTIONS, Duration::ZERO, true), None);
    }
}

//! A store that counts its requests, and makes some of them fail.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart,
};

/// What is counted, and which requests fail.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    requests: AtomicU64,
    /// Every so many requests, one fails for a passing reason. 0 stands for none.
    every: AtomicU64,
    /// All requests from this number on fail for good. 0 stands for none.
    down_from: AtomicU64,
    /// Whether the answers to conditional puts and to completed uploads are lost.
    loses_answers: AtomicBool,
}

impl Faults {
    /// Returns the number of requests since the last call of `reset`.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn reset(&self) {
        self.requests.store(0, Ordering::SeqCst);
        self.every.store(0, Ordering::SeqCst);
        self.down_from.store(0, Ordering::SeqCst);
        self.loses_answers.store(false, Ordering::SeqCst);
    }

    /// From now on, the store does what a conditional put or a completed upload asks for, and no answer arrives.
    pub(crate) fn lose_answers(&self) {
        self.reset();
        self.loses_answers.store(true, Ordering::SeqCst);
    }

    /// From now on, one of `every` requests fails, and succeeds if it is sent again.
    pub(crate) fn fail_every(&self, every: u64) {
        self.reset();
        self.every.store(every, Ordering::SeqCst);
    }

    /// From the request with this number on, beginning with 1, all fail.
    pub(crate) fn go_down(&self, from: u64) {
        self.reset();
        self.down_from.store(from, Ordering::SeqCst);
    }

    fn request(&self, path: &str) -> Result<()> {
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        let down_from = self.down_from.load(Ordering::SeqCst);
        if down_from > 0 && number >= down_from {
            let (path, source) = (path.to_owned(), "403: the test has shut it down".into());
            return Err(Error::PermissionDenied { path, source });
        }
        match self.every.load(Ordering::SeqCst) {
            0 => Ok(()),
            every if number.is_multiple_of(every) => {
                Err(Error::Generic { store: "Faulty", source: "503: slow down".into() })
            }
            _ => Ok(()),
        }
    }
}

/// A store whose requests may fail.
#[derive(Clone, Debug)]
pub(crate) struct Faulty {
    store: Arc<dyn ObjectStore>,
    pub(crate) faults: Arc<Faults>,
}

impl Faulty {
    pub(crate) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, faults: Arc::default() }
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({})", self.store)
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        self.faults.request(location.as_ref())?;
        let is_conditional = matches!(opts.mode, PutMode::Create);
        let put = self.store.put_opts(location, payload, opts).await?;
        match is_conditional && self.faults.loses_answers.load(Ordering::SeqCst) {
            true => Err(Error::Generic { store: "Faulty", source: "connection reset".into() }),
            false => Ok(put),
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.faults.request(location.as_ref())?;
        let upload = self.store.put_multipart_opts(location, opts).await?;
        let (path, faults) = (location.to_string(), Arc::clone(&self.faults));
        Ok(Box::new(FaultyUpload { upload, path, faults }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.faults.request(location.as_ref())?;
        self.store.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        match self.faults.request("") {
            Ok(()) => self.store.delete_stream(locations),
            Err(error) => stream::once(async move { Err(error) }).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.faults.request("") {
            Ok(()) => self.store.list(prefix),
            Err(error) => stream::once(async move { Err(error) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.faults.request("")?;
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.faults.request(from.as_ref())?;
        self.store.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct FaultyUpload {
    upload: Box<dyn MultipartUpload>,
    path: String,
    faults: Arc<Faults>,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        match self.faults.request("") {
            Ok(()) => self.upload.put_part(data),
            Err(error) => Box::pin(async move { Err(error) }),
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.faults.request("")?;
        let completed = self.upload.complete().await?;
        match self.faults.loses_answers.load(Ordering::SeqCst) {
            // The request was repeated, and found no upload any more.
            true => Err(Error::NotFound { path: self.path.clone(), source: "NoSuchUpload".into() }),
            false => Ok(completed),
        }
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}

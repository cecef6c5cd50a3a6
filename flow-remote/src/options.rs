//! [`open`] and [`OpenOptions`]: a remote from its URL.
//!
//! The scheme of the URL selects the kind of store, and with it the variables of the environment that are read. A setting
//! that the program gives takes precedence over a variable.

use std::path::PathBuf;
use std::sync::Arc;

use object_store::{ObjectStore, ObjectStoreScheme};
use url::Url;

use crate::cache::Cache;
use crate::client::Client;
use crate::error::RemoteError;
use crate::progress::{Listener, Meter, Progress};
use crate::remote::ObjectRemote;

/// The time in which a request must be answered: enough for a part of a large file on a slow line.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
const TIMEOUT: &str = "180 seconds";

/// How often the client of a cloud store repeats a request of an operation of several ones, for answers such as 503.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
const RETRIES: usize = 9;

/// Who repeats the requests of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeats {
    /// Only [`Client`]. The store sends each request once.
    Client,
    /// The store, for uploads in parts, lists and removals.
    Store,
}

/// Opens the remote with this URL, with the settings of the environment.
///
/// No request is sent: a bucket that does not exist is an error of the first operation.
///
/// | URL | cargo feature | variables |
/// | --- | --- | --- |
/// | `s3://bucket/prefix` | `s3` | `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL`, ... |
/// | `gs://bucket/prefix` | `gcs` | `GOOGLE_SERVICE_ACCOUNT`, `GOOGLE_APPLICATION_CREDENTIALS`, ... |
/// | `az://container/prefix` | `azure` | `AZURE_STORAGE_ACCOUNT_NAME`, `AZURE_STORAGE_ACCOUNT_KEY`, ... |
///
/// On machines in a cloud, the credentials of the machine are used if there are no others.
///
/// A request that fails for a passing reason, such as an answer 503, is sent again for half a minute, and for a minute at
/// most; one that took longer before it broke off is sent again once. If no connection can be made at all, the first operation fails after three attempts, within a second if the
/// machine refuses the connection. A request without an answer ends after three minutes (the setting `timeout`).
///
/// ```no_run
/// let shared = flow_remote::open("s3://team-bucket/prices")?;
/// # Ok::<(), flow_remote::RemoteError>(())
/// ```
///
/// # Errors
///
/// The text is not the URL of a bucket, the program is built without the feature, or a variable has a wrong value.
pub fn open(url: &str) -> Result<ObjectRemote, RemoteError> {
    OpenOptions::new().open(url)
}

/// Returns whether a text is a URL and not the path of a folder.
///
/// ```
/// assert!(flow_remote::is_url("s3://bucket/prefix"));
/// assert!(!flow_remote::is_url("/mnt/team/outputs") && !flow_remote::is_url(r"C:\outputs"));
/// ```
pub fn is_url(text: &str) -> bool {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    text.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme))
}

/// Settings of a remote, in addition to those of the environment.
///
/// ```no_run
/// let shared = flow_remote::OpenOptions::new()
///     .set("region", "eu-central-1")
///     .set("endpoint", "http://localhost:9000")
///     .on_progress(|progress| eprintln!("{progress}"))
///     .open("s3://team-bucket/prices")?;
/// # Ok::<(), flow_remote::RemoteError>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "nothing is opened before `open` is called"]
pub struct OpenOptions {
    settings: Vec<(String, String)>,
    cache: Option<Cache>,
    listener: Option<Listener>,
}

impl OpenOptions {
    /// Returns the default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a setting of the store, by the name that the crate `object_store` gives it, such as `region` or `endpoint`.
    ///
    /// An unknown name is an error of [`open`](Self::open).
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// Keeps the index of the remote in this folder, which is created if it does not exist.
    ///
    /// By default it is the folder in the variable `FLOW_REMOTE_CACHE`, or `typed-flow/remotes` in the folder for caches
    /// of this user. Several remotes and processes may use one folder.
    pub fn cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Some(Cache::new(Some(folder.into())));
        self
    }

    /// Keeps no index on the disk: each process fetches it.
    pub fn without_cache(mut self) -> Self {
        self.cache = Some(Cache::new(None));
        self
    }

    /// Calls `report` a few times in a second while content is transferred.
    ///
    /// It is called on the threads that transfer: it should return quickly.
    pub fn on_progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.listener = Some(Arc::new(report));
        self
    }

    /// Opens the remote with this URL, as the function [`open`] does.
    ///
    /// # Errors
    ///
    /// The same as [`open`], and a setting that the store does not know.
    pub fn open(self, url: &str) -> Result<ObjectRemote, RemoteError> {
        let shown = without_secrets(url);
        // The messages of the parsers quote the URL.
        let wrong = |why: String| {
            let why = why.replace(url, &shown);
            RemoteError::Url { url: shown.clone(), why }
        };
        let parsed = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        let (scheme, prefix) = ObjectStoreScheme::parse(&parsed)
            .map_err(|error| wrong(error.to_string().replace(parsed.as_str(), &shown)))?;
        let open = |repeats| store(&scheme, &parsed, &shown, &self.settings, repeats);
        let (once, repeating) = (open(Repeats::Client)?, open(Repeats::Store)?);
        let client = Client::new(once, prefix.as_ref(), &shown, Meter::new(self.listener));
        let client = client.with_repeating(repeating);
        Ok(ObjectRemote::new(client, self.cache.unwrap_or_else(Cache::of_user)))
    }
}

impl std::fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The values may be secret.
        let names: Vec<_> = self.settings.iter().map(|(name, _)| name).collect();
        f.debug_struct("OpenOptions").field("settings", &names).finish_non_exhaustive()
    }
}

/// Returns a URL without the user, the password and the query, which may be secret.
fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    // `abfss://container@account.host/path` has a container there, and no password.
    let host = match host.rsplit_once('@') {
        Some((user, host)) if user.contains(':') => host,
        _ => host,
    };
    match path {
        Some(path) => format!("{scheme}://{host}/{path}"),
        None => format!("{scheme}://{host}"),
    }
}

/// Builds a store with the variables of the environment and the settings.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
macro_rules! build {
    ($builder:ty, $url:expr, $shown:expr, $settings:expr, $repeats:expr) => {{
        let retry = retries($repeats);
        let mut builder = <$builder>::from_env().with_url($url.as_str()).with_retry(retry);
        let defaults = [("timeout".to_owned(), TIMEOUT.to_owned())];
        for (name, value) in defaults.iter().chain($settings) {
            let key = name.parse().map_err(|_| RemoteError::Settings {
                url: $shown.to_owned(),
                why: format!("there is no setting `{name}`"),
            })?;
            builder = builder.with_config(key, value.as_str());
        }
        let built = builder.build().map_err(|error| RemoteError::Settings {
            url: $shown.to_owned(),
            why: error.to_string(),
        })?;
        Ok(Arc::new(built) as Arc<dyn ObjectStore>)
    }};
}

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
fn retries(repeats: Repeats) -> object_store::RetryConfig {
    object_store::RetryConfig {
        max_retries: if repeats == Repeats::Store { RETRIES } else { 0 },
        retry_timeout: std::time::Duration::from_secs(60),
        ..object_store::RetryConfig::default()
    }
}

#[allow(unused_variables, reason = "depends on the features")]
fn store(
    scheme: &ObjectStoreScheme,
    url: &Url,
    shown: &str,
    settings: &[(String, String)],
    repeats: Repeats,
) -> Result<Arc<dyn ObjectStore>, RemoteError> {
    let lacks = |feature| Err(RemoteError::Feature { url: shown.to_owned(), feature });
    match scheme {
        #[cfg(feature = "s3")]
        ObjectStoreScheme::AmazonS3 => {
            let mut settings = settings.to_vec();
            if is_plain_http(&settings) {
                settings.insert(0, ("allow_http".to_owned(), "true".to_owned()));
            }
            build!(object_store::aws::AmazonS3Builder, url, shown, &settings, repeats)
        }
        #[cfg(not(feature = "s3"))]
        ObjectStoreScheme::AmazonS3 => lacks("s3"),
        #[cfg(feature = "gcs")]
        ObjectStoreScheme::GoogleCloudStorage => {
            build!(object_store::gcp::GoogleCloudStorageBuilder, url, shown, settings, repeats)
        }
        #[cfg(not(feature = "gcs"))]
        ObjectStoreScheme::GoogleCloudStorage => lacks("gcs"),
        #[cfg(feature = "azure")]
        ObjectStoreScheme::MicrosoftAzure => {
            build!(object_store::azure::MicrosoftAzureBuilder, url, shown, settings, repeats)
        }
        #[cfg(not(feature = "azure"))]
        ObjectStoreScheme::MicrosoftAzure => lacks("azure"),
        _ => Err(RemoteError::Url {
            url: shown.to_owned(),
            why: "give s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX, or the path of a folder"
                .to_owned(),
        }),
    }
}

/// Returns whether the user has named an endpoint without encryption, such as a local server.
#[cfg(feature = "s3")]
fn is_plain_http(settings: &[(String, String)]) -> bool {
    let of_settings = settings.iter().filter(|(name, _)| name.contains("endpoint"));
    let of_settings = of_settings.map(|(_, value)| value.clone());
    let variables = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];
    let of_variables = variables.iter().filter_map(|name| std::env::var(name).ok());
    of_settings.chain(of_variables).any(|endpoint| endpoint.starts_with("http://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        open(url).expect_err("no such remote").to_string()
    }

    #[test]
    fn a_url_without_a_bucket_is_refused_in_words() {
        assert_eq!(
            refused("ftp://host/x"),
            "`ftp://host/x` is not the URL of a remote: Unable to recognise URL \"ftp://host/x\""
        );
        assert_eq!(
            refused("https://example.org/x"),
            "`https://example.org/x` is not the URL of a remote: give s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or \
             az://CONTAINER/PREFIX, or the path of a folder"
        );
        assert!(refused("shared").starts_with("`shared` is not the URL of a remote"));
    }

    #[cfg(not(feature = "s3"))]
    #[test]
    fn a_feature_that_is_missing_is_named() {
        assert_eq!(
            refused("s3://bucket/x"),
            "`s3://bucket/x` needs the cargo feature `s3` of typed-flow, and this program is built without it"
        );
    }

    #[cfg(feature = "s3")]
    #[test]
    fn an_unknown_setting_is_named() {
        let opened = OpenOptions::new().set("regoin", "x").open("s3://bucket/x");
        assert_eq!(
            opened.expect_err("no such setting").to_string(),
            "the settings of `s3://bucket/x` are wrong: there is no setting `regoin`"
        );
    }

    /// Returns the settings of a server at this port of this machine.
    #[cfg(feature = "s3")]
    fn local(port: u16) -> Vec<(String, String)> {
        let endpoint = format!("http://127.0.0.1:{port}");
        let settings = [
            ("endpoint", endpoint.as_str()),
            ("region", "us-east-1"),
            ("access_key_id", "AKIAIOSFODNN7EXAMPLE"),
            ("secret_access_key", "secret"),
        ];
        settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    #[cfg(feature = "s3")]
    #[test]
    fn a_closed_port_is_an_error_at_once() {
        use flow_core::Remote;

        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let mut options = OpenOptions::new().without_cache();
        options.settings = local(port);
        let remote = options.open("s3://bucket/x").expect("the settings are right");
        let begun = std::time::Instant::now();
        let error = remote.check().expect_err("nothing listens there");
        assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
        let found = RemoteError::of(&error);
        assert!(matches!(found, Some(RemoteError::Unreachable { .. })), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with("`s3://bucket/x` cannot be reached: "), "{text}");
        assert!(text.contains("check the endpoint"), "{text}");
    }

    #[cfg(feature = "s3")]
    #[test]
    fn the_store_itself_sends_a_request_once() {
        use std::io::{Read, Write};
        use std::sync::atomic::{AtomicUsize, Ordering};

        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let Ok(mut connection) = connection else { return };
                counted.fetch_add(1, Ordering::SeqCst);
                let _: usize = connection.read(&mut [0; 4096]).unwrap_or_default();
                let answer =
                    "HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = connection.write_all(answer.as_bytes());
            }
        });
        let url = Url::parse("s3://bucket/x").expect("a URL");
        let (scheme, _) = ObjectStoreScheme::parse(&url).expect("a scheme");
        let store = store(&scheme, &url, "s3://bucket/x", &local(port), Repeats::Client);
        let store = store.expect("the settings are right");
        let path = object_store::path::Path::from("x/name");
        let got = crate::runtime::run(async move {
            store.get_opts(&path, object_store::GetOptions::default()).await.map(drop)
        });
        got.expect("it runs").expect_err("the server is busy");
        assert_eq!(requests.load(Ordering::SeqCst), 1);
    }

    /// Starts a server whose list has two pages. Of the requests for the second page, each first one is answered with 503.
    /// Returns its port, and the number of requests for the first page.
    #[cfg(feature = "s3")]
    fn with_two_pages() -> (u16, Arc<std::sync::atomic::AtomicUsize>) {
        use std::io::{Read, Write};
        use std::sync::atomic::{AtomicUsize, Ordering};

        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let first_pages = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&first_pages);
        std::thread::spawn(move || {
            let mut second_pages = 0;
            for connection in listener.incoming() {
                let Ok(mut connection) = connection else { return };
                let mut request = [0; 8192];
                let bytes: usize = connection.read(&mut request).unwrap_or_default();
                let request = String::from_utf8_lossy(&request[..bytes]);
                let is_second = request.lines().next().is_some_and(|line| line.contains("token="));
                let (name, next) = match is_second {
                    true => ("b", ""),
                    false => ("a", "<NextContinuationToken>t</NextContinuationToken>"),
                };
                if is_second {
                    second_pages += 1;
                } else {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
                let status = match is_second && second_pages % 2 == 1 {
                    true => "503 Slow Down",
                    false => "200 OK",
                };
                let body = format!(
                    "<ListBucketResult>{next}<Contents><Key>x/{name}</Key><Size>1</Size>\
                     <LastModified>2024-01-01T00:00:00.000Z</LastModified></Contents></ListBucketResult>"
                );
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                let _ = connection.write_all(answer.as_bytes());
            }
        });
        (port, first_pages)
    }

    #[cfg(feature = "s3")]
    #[test]
    fn a_list_does_not_begin_anew_with_each_page_that_fails() {
        use std::sync::atomic::Ordering;

        let (port, first_pages) = with_two_pages();
        let url = Url::parse("s3://bucket/x").expect("a URL");
        let (scheme, _) = ObjectStoreScheme::parse(&url).expect("a scheme");
        let open = |repeats| store(&scheme, &url, "s3://bucket/x", &local(port), repeats);
        let once = open(Repeats::Client).expect("the settings are right");
        let repeating = open(Repeats::Store).expect("the settings are right");
        let client = Client::new(once, "x", "s3://bucket/x", Meter::new(None));
        let client = client.with_repeating(repeating);
        let names = || {
            let listed = client.list("").expect("it is repeated");
            listed.into_iter().map(|object| object.name).collect::<Vec<_>>()
        };
        // The first operation shows whether the address is right, and may begin anew.
        assert_eq!(names(), ["a", "b"]);
        let before = first_pages.load(Ordering::SeqCst);
        assert_eq!(names(), ["a", "b"]);
        assert_eq!(first_pages.load(Ordering::SeqCst), before + 1);
    }

    #[test]
    fn messages_have_no_secrets() {
        assert_eq!(without_secrets("s3://me:secret@bucket/x?token=1"), "s3://bucket/x");
        assert_eq!(without_secrets("abfss://c@account.host/x"), "abfss://c@account.host/x");
        assert_eq!(without_secrets("s3://bucket"), "s3://bucket");
        for url in
            ["ftp://me:hunter2@host/x?token=hunter2", "FTP://me:hunter2@Host/x?token=hunter2"]
        {
            assert!(!refused(url).contains("hunter2"), "{}", refused(url));
        }
    }
}

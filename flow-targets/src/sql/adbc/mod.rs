//! ADBC: every database that has a driver, which is a shared library that is loaded when the program runs.
//!
//! Queries work with any driver. Tables are written to PostgreSQL, because markers and triggers need its SQL.

mod postgresql;
mod read;
mod session;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use adbc_core::options::{AdbcVersion, OptionDatabase, OptionValue};
use adbc_core::{Driver as _, LOAD_FLAG_DEFAULT, error::Error};
use adbc_driver_manager::{ManagedConnection, ManagedDatabase, ManagedDriver};
use anyhow::Result;
use arrow::array::RecordBatch;
use flow_core::Secret;

use self::session::Session;
use super::Database;
use super::backend::{Backend, Marked, NewTable, TableRead};
use super::error::SqlError;
use super::idle::Idle;
use super::receipt::Receipt;
use super::rows::Out;
use super::value::SqlValue;

/// A database that is reached through a driver of ADBC.
///
/// The driver is the path of a shared library, or a name that the ADBC driver manager looks up, such as `postgresql`. All
/// options are secrets: they appear in no record, log or error. What identifies the database there is its
/// [label](Self::label). A database without a label of its own is identified by its driver and a digest of the options that
/// name a place, such as the host in a URI; users, passwords, keys and tokens are no part of it.
///
/// ```
/// use flow_core::Secret;
/// use flow_targets::sql::{Adbc, Database};
///
/// let uri = Secret::new("postgresql://ana:hunter2@db.example:5432/prices".to_owned());
/// let database: Database = Adbc::postgresql("libadbc_driver_postgresql.so", uri).into();
/// assert_eq!(database.to_string(), "postgresql:db.example:5432/prices");
/// ```
///
/// The driver is loaded at the first use, and stays loaded as long as a clone of the handle exists.
#[derive(Clone)]
pub struct Adbc {
    driver: PathBuf,
    options: Vec<(String, Secret<String>)>,
    label: String,
    /// The label, if it names the place; otherwise with a digest of the options that do.
    identity: String,
    names_place: bool,
    dialect: Dialect,
    timeout: Duration,
    opened: Arc<Mutex<Option<ManagedDatabase>>>,
    /// A connection that reads.
    idle: Idle<ManagedConnection>,
    /// The number of connections that were opened.
    connections: Arc<AtomicU64>,
}

/// The SQL that a database understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    PostgreSql,
    /// Another one: only queries of the user are sent.
    Other,
}

impl Adbc {
    /// Names a database by its driver, without options. Its tables are not written, and its queries are sent as they are: only
    /// the rights of the user keep a query from writing.
    pub fn new(driver: impl AsRef<Path>) -> Self {
        let driver = driver.as_ref().to_owned();
        let stem = driver.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let label = format!("adbc:{stem}");
        Self {
            driver,
            options: Vec::new(),
            identity: label.clone(),
            label,
            names_place: false,
            dialect: Dialect::Other,
            timeout: Duration::from_secs(5),
            opened: Arc::default(),
            idle: Idle::default(),
            connections: Arc::default(),
        }
    }

    /// Names a database of PostgreSQL by the driver and a URI, such as `postgresql://user:password@host:5432/database`.
    ///
    /// The label has the host, the port and the name of the database of the URI.
    pub fn postgresql(driver: impl AsRef<Path>, uri: Secret<String>) -> Self {
        let adbc = Self { dialect: Dialect::PostgreSql, ..Self::new(driver) };
        match place_of(uri.expose()).map(|place| format!("postgresql:{place}")) {
            Some(label) => adbc.label(label).option("uri", uri),
            None => Self { label: "postgresql".to_owned(), ..adbc }.option("uri", uri),
        }
    }

    /// Sets an option of the driver, such as `uri`, `username` or `password`.
    #[must_use]
    pub fn option(mut self, key: impl Into<String>, value: impl Into<Secret<String>>) -> Self {
        self.options.push((key.into(), value.into()));
        // A connection of a clone has other options.
        self.idle = Idle::default();
        if !self.names_place {
            self.identity = format!("{} {}", self.label, digest_of_place(&self.options));
        }
        self
    }

    /// Sets the text that identifies the database in records, messages and errors. It must not contain a password.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self.identity.clone_from(&self.label);
        self.names_place = true;
        self
    }

    /// Sets how long a write waits for the locks of others; the default is 5 seconds.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Connects to the database.
    fn session(&self) -> Result<Session<'_>, SqlError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let database = match opened.clone() {
            Some(database) => database,
            None => {
                let database = self.open().map_err(|error| self.unreachable(&error))?;
                opened.insert(database).clone()
            }
        };
        drop(opened);
        self.connections.fetch_add(1, Ordering::Relaxed);
        Session::connect(self, &database)
    }

    /// Calls `work` with a connection that reads, which may have been used before.
    ///
    /// Only PostgreSQL is known to end and to reset what was done on a connection, so that others are opened each time.
    fn with_reader<T>(&self, work: impl FnOnce(&mut Session<'_>) -> Result<T>) -> Result<T> {
        if self.dialect != Dialect::PostgreSql {
            return work(&mut self.session()?);
        }
        let kept = self.idle.take().and_then(|connection| Session::again(self, connection));
        let mut session = match kept {
            Some(session) => session,
            None => self.session()?,
        };
        let result = work(&mut session)?;
        if let Some(connection) = session.reset() {
            self.idle.put(connection);
        }
        Ok(result)
    }

    /// Loads the driver and opens the database.
    fn open(&self) -> Result<ManagedDatabase, Error> {
        let version = AdbcVersion::V110;
        let is_path = self.driver.extension().is_some() || self.driver.is_absolute();
        let mut driver = match is_path {
            true => ManagedDriver::load_dynamic_from_filename(&self.driver, None, version)?,
            false => {
                ManagedDriver::load_from_name(&self.driver, None, version, LOAD_FLAG_DEFAULT, None)?
            }
        };
        let options = self.options.iter().map(|(key, value)| {
            let value = OptionValue::String(value.expose().clone());
            (OptionDatabase::from(key.as_str()), value)
        });
        driver.new_database_with_opts(options)
    }

    /// Returns the error of a database that cannot be opened.
    fn unreachable(&self, error: &Error) -> SqlError {
        SqlError::Open {
            database: self.label.clone(),
            reason: self.without_secrets(&error.message),
        }
    }

    /// Returns the error of an action, by its cause.
    fn error(&self, action: &str, error: &Error) -> SqlError {
        let (database, reason) = (self.label.clone(), self.without_secrets(&error.message));
        let state: String = error.sqlstate.iter().map(|&c| char::from(c as u8)).collect();
        match state.as_str() {
            "55P03" => SqlError::Locked { database, waited: Some(self.timeout) },
            "42501" => SqlError::Denied { database, reason },
            state if state.starts_with("28") => SqlError::Denied { database, reason },
            state if state.starts_with("08") || state.starts_with("57P") => {
                SqlError::Open { database, reason }
            }
            _ => SqlError::Failed { database, action: action.to_owned(), reason },
        }
    }

    /// Returns a message of the driver without the options, and without the password of a URI.
    fn without_secrets(&self, message: &str) -> String {
        let exposed = self.options.iter().map(|(_, value)| value.expose().as_str());
        let passwords = exposed.clone().flat_map(passwords_of);
        let mut secrets: Vec<&str> =
            exposed.chain(passwords).filter(|secret| !secret.is_empty()).collect();
        // A URI contains its password, and must be found as a whole.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets
            .into_iter()
            .fold(message.trim().to_owned(), |message, secret| message.replace(secret, "***"))
    }

    /// Returns an error if the tables of the database are not written.
    fn check_dialect(&self) -> Result<(), SqlError> {
        match self.dialect {
            Dialect::PostgreSql => Ok(()),
            Dialect::Other => Err(SqlError::Failed {
                database: self.label.clone(),
                action: "keep outputs of tasks".to_owned(),
                reason: "tables are written to SQLite and, with `Adbc::postgresql`, to PostgreSQL"
                    .to_owned(),
            }),
        }
    }
}

/// Returns the host, port and database of a URI; `None` if it has another form.
fn place_of(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    // What is before may be a part of a password that contains `@`, and is not shown.
    if rest[..rest.len() - place.len()].contains('?') {
        return None;
    }
    let place = place.split_once('?').map_or(place, |(place, _)| place);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._:/-".contains(c);
    (!place.is_empty() && place.chars().all(is_plain)).then_some(place)
}

/// Returns a digest of the options that say where a database is. Nothing secret is part of it.
fn digest_of_place(options: &[(String, Secret<String>)]) -> String {
    const SECRET: [&str; 8] = ["user", "pass", "pwd", "secret", "token", "key", "auth", "cred"];
    const PLACES: [&str; 7] =
        ["host", "hostaddr", "port", "dbname", "database", "server", "account"];
    let mut hasher = blake3::Hasher::new();
    for (key, value) in options {
        let (key, value) = (key.to_ascii_lowercase(), value.expose().as_str());
        if SECRET.iter().any(|secret| key.contains(secret)) {
            continue;
        }
        let mut add = |part: &str| {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        };
        add(&key);
        if let Some((scheme, rest)) = value.split_once("://") {
            // A password may contain `@`, and a query may contain a password.
            let place = rest.split('?').next().unwrap_or_default();
            add(scheme);
            add(place.rsplit('@').next().unwrap_or_default());
        } else if value.contains('=') {
            for pair in value.split(|c: char| c.is_whitespace() || c == ';') {
                let Some((name, value)) = pair.split_once('=') else { continue };
                if PLACES.contains(&&*name.to_ascii_lowercase()) {
                    add(name);
                    add(value);
                }
            }
        } else {
            add(value);
        }
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// Returns the passwords of a URI, or of a list of keywords and values.
fn passwords_of(text: &str) -> impl Iterator<Item = &str> {
    let user = text.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
    let of_user = user.and_then(|(user, _)| user.split_once(':')).map(|(_, password)| password);
    let pairs = text.split(['?', '&', ';', ' ']).filter_map(|pair| pair.split_once('='));
    let is_password = |key: &str| {
        ["password", "pwd", "sslpassword"].iter().any(|name| key.eq_ignore_ascii_case(name))
    };
    let of_pairs = pairs.filter(move |(key, _)| is_password(key));
    of_user.into_iter().chain(of_pairs.map(|(_, password)| password.trim_matches('\'')))
}

impl From<Adbc> for Database {
    fn from(adbc: Adbc) -> Self {
        Self::of(adbc)
    }
}

impl fmt::Debug for Adbc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adbc")
            .field("driver", &self.driver)
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

impl Backend for Adbc {
    fn label(&self) -> &str {
        &self.label
    }

    fn identity(&self) -> &str {
        &self.identity
    }

    fn opened(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    fn query(&self, sql: &str, params: &[SqlValue], out: &Out) -> Result<()> {
        self.with_reader(|session| session.query(sql, params, out))
    }

    fn write(
        &self,
        table: &NewTable<'_>,
        batches: &mut dyn Iterator<Item = Result<RecordBatch>>,
    ) -> Result<Receipt> {
        self.check_dialect()?;
        postgresql::write(self, table, batches)
    }

    fn marked(&self, table: &str, key: &str) -> Result<Marked> {
        self.check_dialect()?;
        read::marked(self, table, key)
    }

    fn read(&self, read: &TableRead, out: &Out) -> Result<()> {
        self.check_dialect()?;
        read::read(self, read, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_no_part_of_a_password() {
        for (uri, place) in [
            ("postgresql://ana:hunter2@db:5432/prices", Some("db:5432/prices")),
            ("postgresql://db/prices?password=hunter2", Some("db/prices")),
            ("postgresql://ana:a@b?c@db/prices", None),
            ("postgresql://db/prices?password=a@b", None),
            ("host=db password=hunter2", None),
        ] {
            assert_eq!(place_of(uri), place, "{uri}");
        }
    }

    #[test]
    fn databases_at_different_places_have_different_identities() {
        let secret = |text: &str| Secret::new(text.to_owned());
        let postgresql = |uri: &str| Adbc::postgresql("driver.so", secret(uri));
        let other = |uri: &str| Adbc::new("driver.so").option("uri", secret(uri));
        for of in [&postgresql as &dyn Fn(&str) -> Adbc, &other] {
            let identity = |uri: &str| of(uri).identity().to_owned();
            for (one, two) in [
                ("host=a password=x dbname=p", "host=b password=x dbname=p"),
                ("postgresql://[::1]/p", "postgresql://[::2]/p"),
                ("snow://ana:x@a/p", "snow://ana:x@b/p"),
            ] {
                assert_ne!(identity(one), identity(two), "{one} {two}");
            }
            // Another password is not another database.
            assert_eq!(identity("host=a password=x"), identity("host=a password=y"));
            assert_eq!(identity("snow://ana:x@a/p"), identity("snow://ben:y@a/p"));
        }
        let token = |token: &str| other("snow://a/p").option("access_token", secret(token));
        assert_eq!(token("1").identity(), token("2").identity());
        assert_eq!(other("snow://a/p").label("mine").identity(), "mine");
    }

    #[test]
    fn a_message_of_the_driver_has_no_secret() {
        let uri = Secret::new("postgresql://ana:hunter2@db/prices".to_owned());
        let adbc = Adbc::postgresql("driver.so", uri).option("token", "t0ken".to_owned());
        let message =
            "cannot open postgresql://ana:hunter2@db/prices: hunter2 and t0ken are wrong\n";
        assert_eq!(adbc.without_secrets(message), "cannot open ***: *** and *** are wrong");
        assert!(!format!("{adbc:?}").contains("hunter2"));
        for uri in
            ["postgresql://db/prices?user=ana&password=hunter2", "host=db password='hunter2'"]
        {
            let adbc = Adbc::postgresql("driver.so", Secret::new(uri.to_owned()));
            assert_eq!(adbc.without_secrets("hunter2 is wrong"), "*** is wrong", "{uri}");
        }
    }
}

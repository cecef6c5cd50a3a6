//! Keeping pushes and garbage collections of one remote apart.
//!
//! A push shows itself by an object in `pushes/`, and a garbage collection by `collection.json`. Each of them puts its
//! object first and looks for the other's afterwards. So at least one of two that begin at the same time sees the other,
//! because object stores show an object to everyone once it was put. An object that a dead process has left counts for a
//! day. Ages are compared by the clock of the store alone.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use flow_core::RemoteHold;

use crate::client::{Client, Created, Object};
use crate::error::RemoteError;
use crate::names;
use crate::runtime::start_in_background;

/// The age at which an object counts as left by a process that died.
const LEFT: Duration = Duration::from_secs(24 * 60 * 60);

/// How often the object of a long push is put again.
const RENEWED: Duration = Duration::from_secs(60 * 60);

/// What a process does with a remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Push,
    Collection,
}

/// Puts the object that shows this work, and returns its name.
///
/// Its content is unique, so that a process recognizes an object that it has put itself: if the response to a request is
/// lost and the client repeats the request, the server answers that the object exists.
pub(crate) fn show(client: &Client, work: Work) -> Result<String, RemoteError> {
    let name = match work {
        Work::Push => format!("{}{}.json", names::PUSHES, unique()),
        Work::Collection => names::COLLECTION.to_owned(),
    };
    let content = content();
    if work == Work::Push {
        client.put(&name, content)?;
        return Ok(name);
    }
    match client.create(&name, content.clone())? {
        Created::Yes => Ok(name),
        Created::Unsupported => {
            client.put(&name, content)?;
            Ok(name)
        }
        Created::Exists if client.get(&name).is_ok_and(|stored| stored == content) => Ok(name),
        Created::Exists => Err(busy(client, "a garbage collection", &name)),
    }
}

/// Returns the hold of work that is shown by the object `own`, unless other work excludes it.
///
/// `in_progress` are the objects that were listed after `own` was put.
pub(crate) fn hold(
    client: &Client,
    work: Work,
    own: String,
    in_progress: &[Object],
) -> Result<RemoteHold, RemoteError> {
    let now = in_progress.iter().find(|object| object.name == own).map(|object| object.modified);
    let now = now.unwrap_or_else(SystemTime::now);
    let is_recent =
        |object: &&Object| now.duration_since(object.modified).unwrap_or_default() < LEFT;
    let excludes = |object: &&Object| match work {
        Work::Push => object.name == names::COLLECTION,
        Work::Collection => object.name.starts_with(names::PUSHES),
    };
    if let Some(other) = in_progress.iter().find(|object| excludes(object) && is_recent(object)) {
        let _ = client.delete(&[own]);
        let what = match work {
            Work::Push => "a garbage collection",
            Work::Collection => "a push",
        };
        return Err(busy(client, what, &other.name));
    }
    let (renewing, renewed) = (client.clone(), own.clone());
    let renewal = start_in_background(async move {
        loop {
            tokio::time::sleep(RENEWED).await;
            renewing.put_without_waiting(&renewed, content()).await;
        }
    })?;
    let client = client.clone();
    Ok(RemoteHold::new(move || {
        renewal.abort();
        // An object that stays counts for a day.
        let _ = client.delete(&[own]);
    }))
}

/// Removes the objects of work whose process died long ago. Errors are ignored.
pub(crate) fn remove_left(client: &Client, in_progress: &[Object], now: SystemTime) {
    let is_left =
        |object: &&Object| now.duration_since(object.modified).unwrap_or_default() >= LEFT;
    let left: Vec<_> = in_progress.iter().filter(is_left).map(|o| o.name.clone()).collect();
    let _ = client.delete(&left);
}

fn busy(client: &Client, what: &'static str, name: &str) -> RemoteError {
    RemoteError::Busy { url: client.url().to_owned(), what, name: name.to_owned() }
}

/// Returns who does the work, for people who look at the bucket.
fn content() -> Bytes {
    let host = std::env::var("HOSTNAME").unwrap_or_default();
    let text = serde_json::json!({ "process": std::process::id(), "host": host, "work": unique() });
    text.to_string().into()
}

/// Returns a name that no other process has.
fn unique() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let random = std::hash::BuildHasher::hash_one(
        &std::hash::RandomState::new(),
        (now.as_nanos(), std::process::id()),
    );
    format!("{:x}-{random:016x}", now.as_secs())
}

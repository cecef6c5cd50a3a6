//! The log of an instance, which grows in the page while the task runs.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State as Extract};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use flow_core::FollowedLog;
use futures_util::stream::{Stream, unfold};
use maud::html;
use tokio::sync::OwnedSemaphorePermit;

use super::Found;
use crate::error::ViewError;
use crate::frame::{Place, View, blocking, failed, refusal, respond};
use crate::state::Shared;
use crate::text;

/// The number of last lines that are shown.
const LINES: usize = 1_000;

/// The most bytes that are shown, and that a message has.
const BYTES: usize = 256 << 10;

/// How often the log is read.
const INTERVAL: Duration = Duration::from_millis(300);

pub(crate) async fn get(
    Extract(shared): Extract<Arc<Shared>>,
    Path(key): Path<String>,
) -> Response {
    respond(shared, move |shared| view(shared, &key)).await
}

fn view(shared: &Shared, key: &str) -> Result<View, ViewError> {
    let found = Found::of(shared, key)?;
    let (log, earlier) = match &found {
        Found::Planned(snapshot, place) => {
            let instance = &snapshot.instances[*place];
            (instance.log()?, instance.earlier_logs()?)
        }
        Found::Stored(stored) => (stored.log()?, Vec::new()),
    };
    let key = found.key();
    let events = matches!(found, Found::Planned(..)).then(|| format!("/instance/{key}/log/events"));
    let shown = log.as_ref().map(|log| text::block(end(log.tail(LINES)))).unwrap_or_default();
    let body = html! {
        (found.tabs("/log"))
        @if let Some(log) = &log {
            p { "The last lines of " code { (text::line(&log.path().display().to_string())) } }
        } @else {
            p { "The last run has logged nothing, or there was none." }
        }
        pre #log tabindex="0" role="log" aria-label="Log" data-log=[events] { (shown) }
        @for log in &earlier {
            details {
                summary { "Earlier log " (log.attempt().unwrap_or_default()) ": the task failed or was lost, and ran again" }
                pre { (text::block(end(log.tail(LINES)))) }
            }
        }
    };
    Ok(View::new(format!("Log of {}", found.label()), Place::Instances, body))
}

/// Returns the end of a text that may be long.
fn end(text: &str) -> &str {
    let from = text.len().saturating_sub(BYTES);
    &text[text.ceil_char_boundary(from)..]
}

/// Streams the log: first its present end, then what is written, until the reader goes.
pub(crate) async fn events(
    Extract(shared): Extract<Arc<Shared>>,
    Path(key): Path<String>,
) -> Response {
    let Ok(permit) = Arc::clone(&shared.streams).try_acquire_owned() else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "Too many pages are open.");
    };
    let log = blocking(shared, move |shared| match Found::of(shared, &key)? {
        Found::Planned(snapshot, place) => Ok(snapshot.instances[place].follow_log()?),
        Found::Stored(_) => Err(ViewError::not_found("the instance is not in the graph")),
    });
    match log.await {
        Ok(log) => Sse::new(stream(log, permit)).keep_alive(KeepAlive::default()).into_response(),
        Err(error) => failed(&error),
    }
}

/// A log that a page shows.
struct Followed {
    log: FollowedLog,
    is_first: bool,
    _permit: OwnedSemaphorePermit,
}

fn stream(
    log: FollowedLog,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, Infallible>> + Send + 'static {
    let followed = Followed { log, is_first: true, _permit: permit };
    unfold(followed, |mut followed| async move {
        loop {
            if !followed.is_first {
                tokio::time::sleep(INTERVAL).await;
            }
            let read = tokio::task::spawn_blocking(move || {
                let new = followed.log.read_new();
                (followed, new)
            });
            // A log that cannot be read, or a server that ends, ends the stream.
            let (read, Ok(new)) = read.await.ok()? else { return None };
            followed = read;
            let is_first = std::mem::take(&mut followed.is_first);
            if is_first || !new.is_empty() {
                let message =
                    serde_json::json!({ "reset": is_first, "text": text::block(end(&new)) });
                return Some((
                    Ok(Event::default().event("log").data(message.to_string())),
                    followed,
                ));
            }
        }
    })
}

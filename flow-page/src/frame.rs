//! The frame of every page: head, navigation, title, and the pages of errors.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use crate::assets::STYLE_PATH;
use crate::error::{ViewError, chain};
use crate::state::Shared;
use crate::text;

/// The views that the navigation names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Graph,
    Instances,
    Runs,
    Sweeps,
    Live,
    Actions,
}

/// The places of the navigation, each with its address and name.
const PLACES: [(Place, &str, &str); 6] = [
    (Place::Graph, "/", "Graph"),
    (Place::Instances, "/instances", "Instances"),
    (Place::Runs, "/runs", "Runs"),
    (Place::Sweeps, "/sweeps", "Sweeps"),
    (Place::Live, "/live", "Live run"),
    (Place::Actions, "/actions", "Actions"),
];

/// What a view shows.
pub(crate) struct View {
    pub(crate) title: String,
    pub(crate) place: Place,
    /// Whether the page loads itself again every few seconds.
    pub(crate) is_refreshed: bool,
    pub(crate) body: Markup,
}

impl View {
    pub(crate) fn new(title: impl Into<String>, place: Place, body: Markup) -> Self {
        Self { title: title.into(), place, is_refreshed: false, body }
    }
}

/// Renders a view on a thread that may wait, and returns its page.
///
/// At most four views are rendered at a time, because each may plan a large graph or read a table.
pub(crate) async fn respond(
    shared: Arc<Shared>,
    view: impl FnOnce(&Shared) -> Result<View, ViewError> + Send + 'static,
) -> Response {
    let rendered = blocking(shared, move |shared| Ok(page(shared, &view(shared)?))).await;
    match rendered {
        Ok(html) => as_html(StatusCode::OK, html),
        Err(error) => failed(&error),
    }
}

/// The answer to a form that asks for a change.
pub(crate) enum Answer {
    /// A page, such as the plan of what was asked for.
    Page(StatusCode, View),
    /// It was done: the browser opens this address.
    Done(&'static str),
}

/// Calls the code of an action on a thread that may wait, and returns its answer.
pub(crate) async fn answer(
    shared: Arc<Shared>,
    action: impl FnOnce(&Arc<Shared>) -> Result<Answer, ViewError> + Send + 'static,
) -> Response {
    let own = Arc::clone(&shared);
    let answered = blocking(shared, move |shared| {
        Ok(match action(&own)? {
            Answer::Page(status, view) => as_html(status, page(shared, &view)),
            Answer::Done(address) => (StatusCode::SEE_OTHER, [(LOCATION, address)]).into_response(),
        })
    });
    answered.await.unwrap_or_else(|error| failed(&error))
}

/// Calls a function on a thread that may wait.
pub(crate) async fn blocking<T: Send + 'static>(
    shared: Arc<Shared>,
    call: impl FnOnce(&Shared) -> Result<T, ViewError> + Send + 'static,
) -> Result<T, ViewError> {
    let permit = Arc::clone(&shared.work).acquire_owned().await;
    let called = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        call(&shared)
    });
    called.await.unwrap_or(Err(ViewError::Panicked))
}

/// Returns the page of an error.
pub(crate) fn failed(error: &ViewError) -> Response {
    let text = text::block(&chain(error));
    let body = html! { pre.error { (text) } };
    let title = match error.status() {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Refused",
        _ => "This view failed",
    };
    let page = document(
        title,
        html! {},
        html! { main #main { h1 { (title) } (body) p { a href="/" { "To the graph" } } } },
    );
    as_html(error.status(), page)
}

/// Returns the page for a request that the guard refuses. It says nothing of the flow.
pub(crate) fn refusal(status: StatusCode, why: &str) -> Response {
    let body = html! { main #main { h1 { "Refused" } p { (why) } } };
    as_html(status, document("Refused", html! {}, body))
}

fn as_html(status: StatusCode, html: String) -> Response {
    (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

fn page(shared: &Shared, view: &View) -> String {
    let head = html! {
        @if view.is_refreshed {
            noscript { meta http-equiv="refresh" content="5"; }
        }
        script src="/assets/page.js" defer {}
        @if view.place == Place::Graph {
            script src="/assets/graph.js" defer {}
        }
    };
    let roots: Vec<_> = shared.roots.iter().map(|root| text::line(&root.name())).collect();
    let body = html! {
        a.skip href="#main" { "Skip to the content" }
        header {
            nav aria-label="Views" {
                ul {
                    @for (place, href, name) in PLACES {
                        li {
                            a href=(href) aria-current=[(place == view.place).then_some("page")] { (name) }
                        }
                    }
                }
            }
            p.flow title=(text::line(&shared.flow.folder().display().to_string())) {
                (text::clipped(&roots.join(", "), 120))
                @if shared.options.is_read_only() { " · read-only" }
            }
        }
        main #main data-refresh=[view.is_refreshed.then_some("2000")] {
            h1 { (text::line(&view.title)) }
            (view.body)
        }
    };
    document(&view.title, head, body)
}

fn document(title: &str, head: Markup, body: Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (text::clipped(title, 80)) " · typed-flow" }
                link rel="stylesheet" href=(STYLE_PATH);
                link rel="icon" type="image/svg+xml" href="/assets/icon.svg";
                (head)
            }
            body { (body) }
        }
    };
    page.into_string()
}

//! The page, by HTTP and as HTML: what each view shows, what each action does, and what is refused.

mod actions;
mod data;
mod figures;
mod groups;
mod hostile;
mod jobs;
mod report;
mod runs;
mod served;
mod style;
mod sweep_tasks;
mod sweeps;
mod tasks;
mod views;

use std::collections::BTreeSet;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use flow::page::PageOptions;
use flow::prelude::*;
use flow::task::TaskInfo;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

/// The host that the tests ask.
const HOST: &str = "localhost:8642";

/// A page without a network, of a store of its own.
struct Page {
    router: Router,
    token: String,
    flow: Flow,
    start: Box<dyn Fn()>,
    runtime: Runtime,
    _folder: TempDir,
}

/// A response.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Page {
    /// Serves the page of a root with settings of the flow.
    fn new<R: Task>(options: PageOptions, set: impl FnOnce(Flow) -> Flow) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let flow = Flow::open(folder.path().join("data")).expect("a store");
        let flow = set(flow.quiet().workers(2));
        let roots = vec![TaskInfo::of::<R>()];
        let (router, token, start) = flow_page::testing::service(&flow, roots, options);
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { router, token, flow, start: Box::new(start), runtime, _folder: folder }
    }

    /// Runs the roots as the page does, to the end.
    fn run(&self) {
        (self.start)();
    }

    fn send(&self, request: Request<Body>) -> Reply {
        self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.expect("no error");
            let (parts, body) = response.into_parts();
            let bytes = to_bytes(body, 64 << 20).await.expect("a body");
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Reply { status: parts.status, headers: parts.headers, text }
        })
    }

    /// Returns a request with the cookie of a browser that has signed in.
    fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let cookie = format!("other=1; flow-page-8642={}", self.token);
        Request::builder().method(method).uri(path).header("host", HOST).header("cookie", cookie)
    }

    fn ask(&self, path: &str) -> Reply {
        self.send(self.request("GET", path).body(Body::empty()).expect("a request"))
    }

    /// Returns the HTML of a view, which has nothing that runs.
    fn view(&self, path: &str) -> String {
        let reply = self.ask(path);
        assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text);
        assert_harmless(path, &reply.text);
        reply.text
    }

    /// Returns the address of the first instance of a task, as the list links it.
    fn instance(&self, task: &str) -> String {
        let list = self.view(&format!("/instances?task={task}"));
        let (_, rest) = list.split_once("href=\"/instance/").expect("a link to an instance");
        format!("/instance/{}", rest.split('"').next().expect("the end of the address"))
    }
}

/// The elements that our pages consist of.
const ELEMENTS: &str = "html head meta title link script noscript body a header nav ul li p main h1 h2 h3 div span table \
                        caption thead tbody tr th td form label input select option button svg defs marker path rect text \
                         line g desc circle figure figcaption em strong details summary pre code dl dt dd time section ol \
                         progress img iframe fieldset legend textarea !doctype";

/// Checks that a page has only elements of ours, and no script, style or handler that is written into it.
///
/// All text is escaped, so each `<` begins an element.
fn assert_harmless(path: &str, html: &str) {
    let elements: BTreeSet<&str> = ELEMENTS.split_whitespace().collect();
    for (at, _) in html.match_indices('<') {
        let rest = &html[at + 1..];
        let tag = rest.split('>').next().unwrap_or_default();
        let name = tag.trim_start_matches('/').split(|c: char| c.is_whitespace()).next();
        let name = name.unwrap_or_default().to_ascii_lowercase();
        assert!(elements.contains(name.as_str()), "{path}: <{tag}>");
        if name == "script" && !tag.starts_with('/') {
            assert!(tag.starts_with("script src=\"/assets/"), "{path}: <{tag}>");
            assert!(rest[tag.len()..].starts_with("></script>"), "{path}: <{tag}>");
        }
        // Outside of quotes there are only names of attributes.
        let names: String = tag.split('"').step_by(2).collect::<Vec<_>>().join(" ");
        for attribute in names.split_whitespace().skip(1) {
            let attribute = attribute.trim_end_matches('=');
            assert!(!attribute.starts_with("on") && attribute != "style", "{path}: <{tag}>");
        }
        assert!(!tag.contains("javascript:"), "{path}: <{tag}>");
    }
}

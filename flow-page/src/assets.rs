//! The style sheet, the scripts and the icon, which are part of the program.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// The address of the style sheet.
pub(crate) const STYLE_PATH: &str = "/assets/page.css";

/// The style sheet of all views, and of reports.
pub(crate) const STYLE: &str = include_str!("../assets/page.css");

fn asset(kind: &'static str, content: &'static str) -> Response {
    ([(CONTENT_TYPE, kind)], content).into_response()
}

pub(crate) async fn style() -> Response {
    asset(CSS, STYLE)
}

pub(crate) async fn page_script() -> Response {
    asset(JAVASCRIPT, include_str!("../assets/page.js"))
}

pub(crate) async fn graph_script() -> Response {
    asset(JAVASCRIPT, include_str!("../assets/graph.js"))
}

pub(crate) async fn icon() -> Response {
    asset("image/svg+xml", include_str!("../assets/icon.svg"))
}

//! The data of an output: tables, JSON, text, images and folders.

use std::io::Read;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State as Extract};
use axum::response::Response;
use flow_targets::inspect::{Format, OutputFile};
use maud::{Markup, html};

use super::file::{Kind, kind_of};
use super::{Found, json};
use crate::elements::more;
use crate::error::{ViewError, chain};
use crate::frame::{Place, View, respond};
use crate::inside;
use crate::query::Query;
use crate::state::Shared;
use crate::text;

/// The number of lines of a text that are shown.
const LINES: usize = 200;

/// The longest line that is shown, in characters.
const LINE: usize = 2_000;

/// The number of files of a folder that are listed.
const FILES: usize = 500;

/// The largest JSON document that is shown as a tree, in bytes.
const TREE: u64 = 1 << 20;

pub(crate) async fn get(
    Extract(shared): Extract<Arc<Shared>>,
    Path(key): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    respond(shared, move |shared| view(shared, &key, &Query::parse(query.as_deref()))).await
}

fn view(shared: &Shared, key: &str, query: &Query) -> Result<View, ViewError> {
    let found = Found::of(shared, key)?;
    let files = found.files()?;
    let is_complete = found.recorded()?.is_some();
    let path = format!("/instance/{}", found.key());
    let body = html! {
        (found.tabs("/data"))
        @if !is_complete && !files.is_empty() { p.warning { "The output is out of date." } }
        @if files.is_empty() { p { "There is no file: the instance has no output, or it is in memory only." } }
        @for (place, file) in files.iter().enumerate() {
            section {
                h2 { @if file.part().is_empty() { "Output" } @else { (text::clipped(file.part(), 100)) } }
                @match content(shared, file, &format!("{path}/file/{place}"), &format!("{path}/data"), query) {
                    Ok(content) => (content),
                    // One file that cannot be read hides no other.
                    Err(error) => pre.error { (text::block(&chain(&error))) },
                }
            }
        }
    };
    Ok(View::new(format!("Data of {}", found.label()), Place::Instances, body))
}

/// Shows a file. `raw` is the address of its bytes, and `path` that of the view.
fn content(
    shared: &Shared,
    file: &OutputFile,
    raw: &str,
    path: &str,
    query: &Query,
) -> Result<Markup, ViewError> {
    inside::check(shared.flow.folder(), file)?;
    if file.is_folder() {
        return folder(file, Some(raw));
    }
    let bytes = file.open()?.metadata().map_or(0, |metadata| metadata.len());
    let kind = kind_of(file)?;
    let shown = match kind {
        Kind::Image(_) | Kind::Svg => {
            html! { img.output src=(raw) alt="The image that the task wrote"; }
        }
        Kind::Html => html! {
            iframe.output sandbox="" src=(raw) title="The HTML that the task wrote" loading="lazy" {}
        },
        Kind::Other => preview(file, bytes, Some(path), query)?,
    };
    Ok(html! {
        p {
            (file.format().name()) ", " (text::bytes(bytes)) ", "
            code { (text::line(&file.path().display().to_string())) } " "
            a href=(raw) { "Open the file" }
        }
        (shown)
    })
}

/// Shows the beginning of a file that is neither a folder nor an image. `path` is the address of the view, which a
/// report does not have, and `bytes` the size of the file.
pub(crate) fn preview(
    file: &OutputFile,
    bytes: u64,
    path: Option<&str>,
    query: &Query,
) -> Result<Markup, ViewError> {
    match file.format() {
        format if format.is_table() => table(file, path, query),
        Format::Json if bytes <= TREE => match document(file, bytes)? {
            Some(document) => Ok(json::tree(&document)),
            None => lines(file),
        },
        _ => lines(file),
    }
}

#[cfg(feature = "tables")]
fn table(file: &OutputFile, path: Option<&str>, query: &Query) -> Result<Markup, ViewError> {
    super::table::show(file, path, query)
}

#[cfg(not(feature = "tables"))]
fn table(file: &OutputFile, _: Option<&str>, _: &Query) -> Result<Markup, ViewError> {
    lines(file)
}

/// Reads a JSON document; `None` if it is damaged, or has numbers of which a tree would not show all digits.
fn document(file: &OutputFile, bytes: u64) -> Result<Option<serde_json::Value>, ViewError> {
    let mut content = Vec::new();
    let read = file.open()?.take(bytes).read_to_end(&mut content);
    let is_exact = read.is_ok() && json::has_all_digits(&content);
    Ok(if is_exact { serde_json::from_slice(&content).ok() } else { None })
}

fn lines(file: &OutputFile) -> Result<Markup, ViewError> {
    let first = file.first_lines(LINES)?;
    let shown: Vec<_> = first.lines.iter().map(|line| text::clipped(line, LINE)).collect();
    Ok(html! {
        @if !first.is_text {
            p { "The file is not text." }
        } @else {
            pre { (shown.join("\n")) }
            @if !first.is_whole { p { "… and more lines" } }
        }
    })
}

/// Lists the files of a folder. `raw` is the address of its bytes, which a report does not have.
pub(crate) fn folder(file: &OutputFile, raw: Option<&str>) -> Result<Markup, ViewError> {
    let names = file.entries()?;
    Ok(html! {
        p { "Folder of " (text::count(names.len(), "file")) }
        ul.files {
            @for (place, name) in names.iter().enumerate().take(FILES) {
                li {
                    @if name.ends_with('/') { (text::clipped(name, 200)) } @else {
                        a href=[raw.map(|raw| format!("{raw}/{place}"))] { (text::clipped(name, 200)) }
                    }
                }
            }
        }
        (more(names.len(), FILES))
    })
}

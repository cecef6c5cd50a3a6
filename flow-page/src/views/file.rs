//! The bytes of a file of an output: images and HTML that a task wrote, and any other file to save.
//!
//! A file may have any content, for example if the store comes from another machine. So each response has a policy of its
//! own under which nothing runs, the type is decided here and not by the browser, and every other type is saved and not
//! shown.

use std::io::Read;
use std::path::Path as FilePath;
use std::sync::Arc;

use axum::extract::{Path, State as Extract};
use axum::http::HeaderValue;
use axum::http::header::{
    CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_FRAME_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use flow_targets::inspect::OutputFile;

use super::Found;
use crate::error::ViewError;
use crate::frame::{blocking, failed};
use crate::inside::path_inside;
use crate::state::Shared;
use crate::text;

/// The largest file that is sent, in bytes: it is read into memory.
const LARGEST: u64 = 64 << 20;

/// The number of first bytes that decide the kind.
const HEAD: usize = 16;

/// What a browser does with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It shows it as an image of this type.
    Image(&'static str),
    /// It shows it as an image, without its scripts.
    Svg,
    /// It shows it in a frame, without scripts, forms and links.
    Html,
    /// It saves it.
    Other,
}

/// Returns the kind of a file, by its first bytes or, for text, by its name.
pub(crate) fn kind_of(file: &OutputFile) -> Result<Kind, ViewError> {
    let mut head = Vec::new();
    let read = file.open()?.take(HEAD as u64).read_to_end(&mut head);
    Ok(read.map_or(Kind::Other, |_| kind(&head, file.path())))
}

fn kind(head: &[u8], path: &FilePath) -> Kind {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let ends = |ending: &str| name.ends_with(ending);
    match head {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Kind::Image("image/png"),
        [0xff, 0xd8, 0xff, ..] => Kind::Image("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Kind::Image("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
            Kind::Image("image/webp")
        }
        _ if ends(".svg") => Kind::Svg,
        _ if ends(".html") || ends(".htm") => Kind::Html,
        _ => Kind::Other,
    }
}

pub(crate) async fn get(
    Extract(shared): Extract<Arc<Shared>>,
    Path((key, part)): Path<(String, String)>,
) -> Response {
    respond(shared, move |shared| {
        let file = Found::of(shared, &key)?.file(shared, &part)?;
        if file.is_folder() {
            return Err(ViewError::not_found("the part is a folder"));
        }
        read(file.path(), || file.open().map_err(ViewError::from))
    })
    .await
}

/// Sends a file in a folder that is an output, by its number in the sorted list of names.
pub(crate) async fn get_entry(
    Extract(shared): Extract<Arc<Shared>>,
    Path((key, part, entry)): Path<(String, String, String)>,
) -> Response {
    respond(shared, move |shared| {
        let folder = Found::of(shared, &key)?.file(shared, &part)?;
        let missing = || ViewError::not_found("the folder has no such file");
        if !folder.is_folder() {
            return Err(missing());
        }
        let entry: usize = entry.parse().map_err(|_| missing())?;
        let name = folder.entries()?.into_iter().nth(entry).ok_or_else(missing)?;
        // The name is one of the folder, and is not resolved if it is a link.
        let path = folder.path().join(&name);
        let is_file = path.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
        if !is_file {
            return Err(missing());
        }
        let path = path_inside(shared.flow.folder(), &path)?;
        read(&path, || std::fs::File::open(&path).map_err(|_| missing()))
    })
    .await
}

pub(super) async fn respond(
    shared: Arc<Shared>,
    read: impl FnOnce(&Shared) -> Result<Response, ViewError> + Send + 'static,
) -> Response {
    blocking(shared, read).await.unwrap_or_else(|error| failed(&error))
}

fn read(
    path: &FilePath,
    open: impl FnOnce() -> Result<std::fs::File, ViewError>,
) -> Result<Response, ViewError> {
    let mut content = Vec::new();
    let read = open()?.take(LARGEST + 1).read_to_end(&mut content);
    read.map_err(|error| ViewError::not_found(format!("the file cannot be read: {error}")))?;
    if content.len() as u64 > LARGEST {
        return Err(ViewError::Refused(format!(
            "the file is larger than {}: copy it from {}",
            text::bytes(LARGEST),
            path.display()
        )));
    }
    let kind = kind(&content[..content.len().min(HEAD)], path);
    Ok(sent(kind, path, content))
}

/// Returns the response with a file, under a policy of its own.
pub(super) fn sent(kind: Kind, path: &FilePath, content: Vec<u8>) -> Response {
    let (content_type, policy) = match kind {
        Kind::Image(image) => (image, "sandbox; default-src 'none'"),
        Kind::Svg => ("image/svg+xml", "sandbox; default-src 'none'; style-src 'unsafe-inline'"),
        Kind::Html => (
            "text/html; charset=utf-8",
            "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'",
        ),
        Kind::Other => ("application/octet-stream", "sandbox; default-src 'none'"),
    };
    let mut response = ([(CONTENT_TYPE, content_type), (CONTENT_SECURITY_POLICY, policy)], content)
        .into_response();
    let headers = response.headers_mut();
    match kind {
        // Our own page shows it in a frame.
        Kind::Html => drop(headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"))),
        Kind::Other => {
            let name = harmless(path);
            let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
            let disposition = disposition.unwrap_or(HeaderValue::from_static("attachment"));
            headers.insert(CONTENT_DISPOSITION, disposition);
        }
        Kind::Image(_) | Kind::Svg => {}
    }
    response
}

/// Returns the name of a file, with a line in place of every character that a header or a file system may interpret.
fn harmless(path: &FilePath) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String =
        name.chars().take(100).map(|c| if is_harmless(c) { c } else { '_' }).collect();
    name.trim_start_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_decide_the_kind_of_an_image() {
        let of = |head: &[u8], name: &str| kind(head, FilePath::new(name));
        assert_eq!(of(b"\x89PNG\r\n\x1a\n....", "a.html"), Kind::Image("image/png"));
        assert_eq!(of(b"\xff\xd8\xff\xe0", "a"), Kind::Image("image/jpeg"));
        assert_eq!(of(b"RIFF\0\0\0\0WEBP", "a"), Kind::Image("image/webp"));
        assert_eq!(of(b"<script>", "a.png"), Kind::Other);
        assert_eq!(of(b"<svg>", "A.SVG"), Kind::Svg);
        assert_eq!(of(b"<html>", "a.htm"), Kind::Html);
        assert_eq!(of(b"", "a.js"), Kind::Other);
    }

    #[test]
    fn a_name_has_nothing_that_a_header_interprets() {
        let of = |name: &str| harmless(FilePath::new(name));
        assert_eq!(of("data-1.csv"), "data-1.csv");
        assert_eq!(of("a\"; x=\r\n<b>.csv"), "a___x____b_.csv");
        assert_eq!(of("..profile"), "profile");
    }
}

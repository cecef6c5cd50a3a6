//! The figures and notes that a task kept with its output, or before it failed.
//!
//! A figure is an image with an address of its own, by its number in the record. An image runs no scripts, and the
//! response forbids them, too.

use std::path::Path as FilePath;
use std::sync::Arc;

use axum::extract::{Path, State as Extract};
use axum::response::Response;
use flow_core::{Figure, FigureFormat, LastFailure, RecordedOutput, StoreError};
use maud::{Markup, html};

use super::{Found, file};
use crate::elements::more;
use crate::error::{ViewError, chain};
use crate::inside::path_inside;
use crate::markdown;
use crate::state::Shared;
use crate::text;

/// The number of figures, and of notes, that are shown. A task cannot keep more.
const SHOWN: usize = 100;

/// Shows the figures and notes of an output. `address` returns where the image of a figure is, by its number.
pub(super) fn of_output(recorded: &RecordedOutput, address: impl Fn(usize) -> String) -> Markup {
    shown(&recorded.figures, recorded.notes(), address)
}

/// Shows the figures and notes of a failed run, as [`of_output`].
pub(super) fn of_failure(failure: &LastFailure, address: impl Fn(usize) -> String) -> Markup {
    shown(&failure.figures, failure.notes(), address)
}

fn shown(
    figures: &[Figure],
    notes: Result<Vec<String>, StoreError>,
    address: impl Fn(usize) -> String,
) -> Markup {
    html! {
        @match &notes {
            Ok(notes) if notes.is_empty() => {},
            Ok(notes) => section.notes {
                h2 { "Notes" }
                @for note in notes.iter().take(SHOWN) { (markdown::shown(note)) }
                (more(notes.len(), SHOWN))
            },
            Err(error) => pre.error { (text::block(&chain(error))) },
        }
        @if !figures.is_empty() {
            section.figures {
                h2 { "Figures" }
                @for (place, figure) in figures.iter().enumerate().take(SHOWN) {
                    @let (name, address) = (text::clipped(figure.name(), 100), address(place));
                    figure {
                        figcaption {
                            a href=(address) { (name) } " (" (figure.format().to_string()) ", " (text::bytes(figure.bytes())) ")"
                        }
                        img.output src=(address) alt={ "Figure " (name) } loading="lazy";
                    }
                }
                (more(figures.len(), SHOWN))
            }
        }
    }
}

/// Sends the image of a figure of an output.
pub(crate) async fn get(
    Extract(shared): Extract<Arc<Shared>>,
    Path((key, figure)): Path<(String, String)>,
) -> Response {
    file::respond(shared, move |shared| {
        let recorded = Found::of(shared, &key)?.recorded()?;
        let figures = recorded.map(|recorded| recorded.figures).unwrap_or_default();
        image(shared, &figures, &figure)
    })
    .await
}

/// Sends the image of a figure of the last failure.
pub(crate) async fn get_of_failure(
    Extract(shared): Extract<Arc<Shared>>,
    Path((key, figure)): Path<(String, String)>,
) -> Response {
    file::respond(shared, move |shared| {
        let failure = match Found::of(shared, &key)? {
            Found::Planned(snapshot, place) => snapshot.instances[place].failure()?,
            Found::Stored(_) => None,
        };
        let figures = failure.map(|failure| failure.figures).unwrap_or_default();
        image(shared, &figures, &figure)
    })
    .await
}

fn image(shared: &Shared, figures: &[Figure], number: &str) -> Result<Response, ViewError> {
    let figure = number.parse::<usize>().ok().and_then(|number| figures.get(number));
    let figure = figure.ok_or_else(|| ViewError::not_found("the output has no such figure"))?;
    let (kind, content) = read(shared.flow.folder(), figure)?;
    Ok(file::sent(kind, figure.path(), content))
}

/// Reads a figure, if it is in the store whose folder is `root`, and returns what its content is.
pub(crate) fn read(root: &FilePath, figure: &Figure) -> Result<(file::Kind, Vec<u8>), ViewError> {
    path_inside(root, figure.path())?;
    let content = figure.read()?;
    match FigureFormat::of(&content) {
        Some(FigureFormat::Svg) => Ok((file::Kind::Svg, content)),
        Some(FigureFormat::Png) => Ok((file::Kind::Image(FigureFormat::Png.media_type()), content)),
        // A format of a later release, or a file that a record names and no task has kept.
        _ => Err(ViewError::Refused("the file is no figure".to_owned())),
    }
}

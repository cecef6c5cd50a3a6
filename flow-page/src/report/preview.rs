//! What an instance has produced, in a report: figures, notes, the beginning of its data, the end of its log.
//!
//! Each of them is a piece, which is left out if the report has no room for it. Images are part of the report, so they are
//! read only if there is room.

use std::io::Read;
use std::path::Path;

use flow_core::{Figure, RecordedOutput, StoreError};
use flow_targets::inspect::OutputFile;
use maud::{Markup, html};

use super::budget::Budget;
use super::data_url::{data_url, encoded_bytes};
use super::instances::failed;
use crate::error::ViewError;
use crate::inside;
use crate::query::Query;
use crate::text;
use crate::views::file::{Kind, kind_of};
use crate::views::{Found, data, figures as figure_views};

/// The number of last lines of a log that are shown.
const LINES: usize = 50;

/// The room that a piece needs besides its content, in bytes.
const AROUND: u64 = 1_000;

/// The pieces of an instance.
pub(super) struct Previews<'a> {
    /// The folder of the store.
    root: &'a Path,
    found: &'a Found,
    label: String,
    budget: &'a mut Budget,
    share: &'a mut u64,
}

impl<'a> Previews<'a> {
    pub(super) fn new(
        root: &'a Path,
        found: &'a Found,
        budget: &'a mut Budget,
        share: &'a mut u64,
    ) -> Self {
        Self { root, found, label: found.label(), budget, share }
    }

    /// Shows all pieces. `recorded` is the record of the output, if the instance is complete.
    pub(super) fn all(&mut self, recorded: Option<&RecordedOutput>) -> Markup {
        let mut pieces = Vec::new();
        if let Found::Planned(snapshot, place) = self.found
            // The overview shows a failure that cannot be read.
            && let Ok(Some(failure)) = snapshot.instances[*place].failure()
        {
            self.kept("before the failure", &failure.figures, failure.notes(), &mut pieces);
        }
        if let Some(recorded) = recorded {
            self.kept("of the output", &recorded.figures, recorded.notes(), &mut pieces);
        }
        self.data(recorded.is_some(), &mut pieces);
        self.log(&mut pieces);
        html! { @for piece in &pieces { (piece) } }
    }

    /// Adds a piece, or says that it is left out. `bytes` is the size of what it shows, and `least` the least room that it
    /// needs.
    fn piece(
        &mut self,
        what: &str,
        bytes: u64,
        least: u64,
        show: impl FnOnce() -> Result<Markup, ViewError>,
    ) -> Markup {
        if self.budget.has(*self.share, least) {
            let content = show().unwrap_or_else(|error| failed(self.root, &error));
            let piece = html! { section { h3 { (text::clipped(what, 100)) } (content) } };
            if self.budget.take(self.share, piece.0.len()) {
                return piece;
            }
        }
        self.left_out(what, bytes, "the report has no room for it")
    }

    /// Notes that a piece is left out, and says so.
    fn left_out(&mut self, what: &str, bytes: u64, why: &str) -> Markup {
        self.budget.leave_out(self.found.key(), &self.label, what, bytes);
        let note = html! {
            p.note { "Left out: " (text::clipped(what, 100)) ", " (text::bytes(bytes)) ", because " (why) "." }
        };
        match self.budget.take(self.share, note.0.len()) {
            true => note,
            false => html! {},
        }
    }

    /// Adds an image.
    fn image(
        &mut self,
        what: &str,
        media_type: &str,
        bytes: u64,
        read: impl FnOnce() -> Result<Vec<u8>, ViewError>,
    ) -> Markup {
        let least = encoded_bytes(bytes).saturating_add(AROUND);
        self.piece(what, bytes, least, || {
            let url = data_url(media_type, &read()?);
            Ok(html! { img.output src=(url) alt=(text::clipped(what, 100)); })
        })
    }

    /// Adds the figures and notes of an output or a failure.
    fn kept(
        &mut self,
        of: &str,
        figures: &[Figure],
        notes: Result<Vec<String>, StoreError>,
        pieces: &mut Vec<Markup>,
    ) {
        for figure in figures {
            let what = format!("Figure {} {of}", figure.name());
            let (media_type, root) = (figure.format().media_type(), self.root);
            let read = || figure_views::read(root, figure).map(|(_, content)| content);
            pieces.push(self.image(&what, media_type, figure.bytes(), read));
        }
        match notes {
            Ok(notes) => {
                for note in &notes {
                    let what = format!("Note {of}");
                    pieces.push(self.piece(&what, note.len() as u64, AROUND, || {
                        // Markdown is read easily as it is, and nothing in it can refer to anything.
                        Ok(html! { pre { (text::block(note.trim_end())) } })
                    }));
                }
            }
            Err(error) => {
                pieces.push(self.piece(&format!("Notes {of}"), 0, 0, || Err(error.into())));
            }
        }
    }

    /// Adds the files of the output.
    fn data(&mut self, is_complete: bool, pieces: &mut Vec<Markup>) {
        if let Found::Planned(snapshot, place) = self.found
            // Its file is not in the store, which the overview says.
            && snapshot.instances[*place].external_path().is_some()
        {
            return;
        }
        let files = match self.found.files() {
            Ok(files) => files,
            Err(error) => return pieces.push(self.piece("Data", 0, 0, || Err(error))),
        };
        if !is_complete && !files.is_empty() {
            let warning = html! { p.warning { "The output is out of date." } };
            if self.budget.take(self.share, warning.0.len()) {
                pieces.push(warning);
            }
        }
        for file in &files {
            let what = match file.part() {
                "" => "Data".to_owned(),
                part => format!("Data of {part}"),
            };
            pieces.push(self.file(&what, file));
        }
    }

    fn file(&mut self, what: &str, file: &OutputFile) -> Markup {
        if let Err(error) = inside::check(self.root, file) {
            return self.piece(what, 0, 0, || Err(error));
        }
        if file.is_folder() {
            return self.piece(what, 0, AROUND, || data::folder(file, None));
        }
        let (kind, bytes) = match (kind_of(file), size(file)) {
            (Ok(kind), Ok(bytes)) => (kind, bytes),
            (Err(error), _) | (_, Err(error)) => return self.piece(what, 0, 0, || Err(error)),
        };
        match kind {
            Kind::Image(media_type) => self.image(what, media_type, bytes, || read(file, bytes)),
            Kind::Svg => self.image(what, "image/svg+xml", bytes, || read(file, bytes)),
            Kind::Html => self.left_out(what, bytes, "a report shows no HTML of others"),
            Kind::Other => self.piece(what, bytes, AROUND, || {
                let shown = data::preview(file, bytes, None, &Query::default())?;
                Ok(html! { p { (file.format().name()) ", " (text::bytes(bytes)) } (shown) })
            }),
        }
    }

    /// Adds the end of the log of the last run.
    fn log(&mut self, pieces: &mut Vec<Markup>) {
        let log = match self.found {
            Found::Planned(snapshot, place) => snapshot.instances[*place].log(),
            Found::Stored(stored) => stored.log(),
        };
        match log {
            Ok(None) => {}
            Ok(Some(log)) => {
                let tail = log.tail(LINES);
                pieces.push(self.piece("Log", tail.len() as u64, tail.len() as u64, || {
                    Ok(html! { pre { (text::block(tail)) } })
                }));
            }
            Err(error) => pieces.push(self.piece("Log", 0, 0, || Err(error.into()))),
        }
    }
}

/// Returns the size of a file.
fn size(file: &OutputFile) -> Result<u64, ViewError> {
    Ok(file.open()?.metadata().map_err(unreadable)?.len())
}

/// Reads a file whose size is known.
fn read(file: &OutputFile, bytes: u64) -> Result<Vec<u8>, ViewError> {
    let mut content = Vec::new();
    file.open()?.take(bytes).read_to_end(&mut content).map_err(unreadable)?;
    Ok(content)
}

fn unreadable(error: std::io::Error) -> ViewError {
    ViewError::not_found(format!("the file cannot be read: {error}"))
}

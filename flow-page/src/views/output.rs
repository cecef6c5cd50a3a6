//! What the record of an output says: when it was computed, its files, metadata, parameters and inputs.

use flow_core::{Key, Quality, RecordedOutput};
use maud::{Markup, html};

use super::metadata;
use crate::elements::{more, table};
use crate::links::Links;
use crate::text;

/// The bytes of a record that are shown.
const RECORD: usize = 256 << 10;

/// The number of inputs that are listed.
const LISTED: usize = 100;

/// Shows what the record of the output says.
pub(super) fn shown(links: Links<'_>, key: Key, recorded: &RecordedOutput) -> Markup {
    let quality = Quality::of(&recorded.metadata).map(|quality| format!("{quality:#}"));
    let files = html! {
        @for (place, file) in recorded.files.iter().enumerate() {
            @let name = file.path.file_name().unwrap_or_default().to_string_lossy();
            tr {
                th scope="row" { @if file.part.is_empty() { "output" } @else { (text::line(&file.part)) } }
                td {
                    @if file.is_folder { (text::line(&name)) "/" } @else {
                        a href=[links.file(key, place)] { (text::line(&name)) }
                    }
                }
                td { (text::bytes(file.bytes)) }
                td { code { (file.digest.to_string()) } }
            }
        }
    };
    html! {
        h2 { "Output" }
        dl {
            dt { "Ran" } dd { (text::second(recorded.started)) }
            dt { "Took" } dd { (text::seconds(recorded.seconds)) }
            dt { "Host" } dd { (text::line(&recorded.host)) }
            dt { "Target" } dd { code { (text::clipped(&recorded.target, 200)) } }
            dt { "Size" } dd { (text::bytes(recorded.bytes())) }
            dt { "Fingerprint" } dd { code { (recorded.fingerprint.to_string()) } }
        }
        @if recorded.files.is_empty() {
            p { "The value was only in memory: it has no file." }
        } @else {
            (table("Files", &["Part", "File", "Size", "Digest"], files))
        }
        @if let Some(quality) = quality { h3 { "Expectations" } pre { (text::block(&quality)) } }
        @if !recorded.metadata.is_empty() {
            (table("Metadata", &["Name", "Value"], metadata(&recorded.metadata)))
        }
        @if !recorded.parameters.is_empty() {
            details {
                summary { "Recorded parameters" }
                (table("Recorded parameters", &["Name", "Value"], metadata(&recorded.parameters)))
            }
        }
        @if !recorded.inputs.is_empty() {
            details {
                summary { "Computed from " (text::count(recorded.inputs.len(), "input")) }
                ul {
                    @for input in recorded.inputs.iter().take(LISTED) {
                        li {
                            @if !input.role.is_empty() { (text::clipped(&input.role, 100)) ": " }
                            @match input.key {
                                Some(key) => (links.to_instance(key, &input.instance)),
                                None => (text::clipped(&input.instance, 200)),
                            }
                        }
                    }
                }
                (more(recorded.inputs.len(), LISTED))
            }
        }
        @if links.is_server() {
            details {
                summary { "The record, as it is stored" }
                (record(recorded))
            }
        }
    }
}

/// Shows the beginning of a record as JSON. That of an instance with many inputs is long.
fn record(recorded: &RecordedOutput) -> Markup {
    let json = serde_json::to_string_pretty(recorded.json()).unwrap_or_default();
    let end = json.floor_char_boundary(RECORD);
    html! {
        pre { (text::block(&json[..end])) }
        @if end < json.len() { p { "… and " (text::bytes((json.len() - end) as u64)) " more" } }
    }
}

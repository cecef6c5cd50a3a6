//! The frame of a report: head, policy, style sheet, navigation.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::assets::STYLE;
use crate::text;
use crate::token::Token;

/// A part of a report.
pub(super) struct Part {
    /// The id, to which the navigation leads.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) body: Markup,
}

/// Returns the whole report. `nonce` is a random number that no content of the report knows.
pub(super) fn document(title: &str, nonce: &Token, summary: &Markup, parts: &[Part]) -> String {
    let nonce = nonce.text();
    // No script runs, nothing is loaded, and no style counts but that of the element below.
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; form-action 'none'"
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="referrer" content="no-referrer";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (text::clipped(title, 80)) " · typed-flow" }
                style nonce=(nonce) { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    nav aria-label="Parts of the report" {
                        ul {
                            @for part in parts { li { a href={ "#" (part.id) } { (part.title) } } }
                        }
                    }
                }
                main #main {
                    h1 { (text::clipped(title, 200)) }
                    (summary)
                    @for part in parts {
                        section id=(part.id) {
                            h2 { (part.title) }
                            (part.body)
                        }
                    }
                }
            }
        }
    };
    page.into_string()
}

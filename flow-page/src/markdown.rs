//! Notes in Markdown as HTML.
//!
//! A note is a text of anyone. HTML in it is shown as text, a link leads to the web or to a mail, and an image is a link, because
//! the page loads nothing from elsewhere.

use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::text;

/// The longest note that is shown, in bytes. A task cannot keep a longer one.
const LONGEST: usize = 64 << 10;

/// The number of elements that are in one another.
const DEEPEST: usize = 32;

/// Shows a note.
pub(crate) fn shown(markdown: &str) -> Markup {
    let end = markdown.floor_char_boundary(LONGEST);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut written = Written::default();
    for event in Parser::new_ext(&markdown[..end], options) {
        written.add(event);
    }
    html! {
        div.note-text { (PreEscaped(written.html)) }
        @if end < markdown.len() { p { "… and more" } }
    }
}

/// The HTML of the events so far.
#[derive(Default)]
struct Written {
    html: String,
    /// The ends of the open elements; empty for those that are not written.
    ends: Vec<String>,
    is_head: bool,
    /// The levels of the last heading, and of those that it is below.
    levels: Vec<u8>,
}

impl Written {
    fn add(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.open(&tag),
            Event::End(tag) => {
                self.is_head &= tag != TagEnd::TableHead;
                let end = self.ends.pop().unwrap_or_default();
                self.html.push_str(&end);
            }
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(code) => {
                self.html.push_str("<code>");
                self.text(&code);
                self.html.push_str("</code>");
            }
            Event::SoftBreak => self.html.push('\n'),
            Event::HardBreak => self.html.push_str("<br>"),
            Event::Rule => self.html.push_str("<hr>"),
            // The options enable no others.
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        self.html.push_str(&escaped(text));
    }

    /// Returns the element of a heading. The title of the page, and that of the notes, are above. No level is left out,
    /// because screen readers read the headings as a tree.
    fn heading(&mut self, level: u8) -> (String, String) {
        self.levels.retain(|above| *above < level);
        let depth = self.levels.len();
        self.levels.push(level);
        element(["h3", "h4", "h5", "h6"][depth.min(3)])
    }

    fn open(&mut self, tag: &Tag<'_>) {
        let (start, end) = match tag {
            _ if self.ends.len() >= DEEPEST => (String::new(), String::new()),
            Tag::Paragraph | Tag::HtmlBlock => element("p"),
            Tag::Heading { level, .. } => self.heading(*level as u8),
            Tag::BlockQuote(_) => element("blockquote"),
            Tag::CodeBlock(_) => ("<pre><code>".to_owned(), "</code></pre>".to_owned()),
            Tag::List(Some(first)) => (format!("<ol start=\"{first}\">"), "</ol>".to_owned()),
            Tag::List(None) => element("ul"),
            Tag::Item => element("li"),
            // The same area as that of other tables: `elements::scroll`.
            Tag::Table(_) => (
                "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table of the note\"><table>".to_owned(),
                "</table></div>".to_owned(),
            ),
            Tag::TableHead => {
                self.is_head = true;
                ("<thead><tr>".to_owned(), "</tr></thead>".to_owned())
            }
            Tag::TableRow => element("tr"),
            Tag::TableCell => element(if self.is_head { "th" } else { "td" }),
            Tag::Emphasis => element("em"),
            Tag::Strong => element("strong"),
            Tag::Strikethrough => element("del"),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } if is_allowed(dest_url) => {
                let start = format!("<a href=\"{}\" rel=\"noreferrer\">", escaped(dest_url));
                (start, "</a>".to_owned())
            }
            _ => (String::new(), String::new()),
        };
        self.html.push_str(&start);
        self.ends.push(end);
    }
}

fn element(name: &str) -> (String, String) {
    (format!("<{name}>"), format!("</{name}>"))
}

/// Returns a text without anything that HTML interprets, in text and in quoted attributes.
fn escaped(text: &str) -> String {
    let shown = text::block(text);
    html! { (shown) }.into_string()
}

/// Returns whether an address leads to the web, or to a mail. Others may run scripts, or mean a page of ours.
fn is_allowed(url: &str) -> bool {
    let begins = |start: &str| {
        url.get(..start.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(start))
    };
    ["http://", "https://", "mailto:"].into_iter().any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(markdown: &str) -> String {
        let html = shown(markdown).into_string();
        let inner = html.strip_prefix("<div class=\"note-text\">").expect("the element");
        inner.strip_suffix("</div>").expect("its end").to_owned()
    }

    #[test]
    fn markdown_becomes_elements() {
        assert_eq!(html("*a* **b** `c`"), "<p><em>a</em> <strong>b</strong> <code>c</code></p>");
        assert_eq!(html("# a"), "<h3>a</h3>");
        assert_eq!(html("## a\n#### b\n# c"), "<h3>a</h3><h4>b</h4><h3>c</h3>");
        assert_eq!(html("- a\n- b"), "<ul><li>a</li><li>b</li></ul>");
        assert_eq!(html("3. a"), "<ol start=\"3\"><li>a</li></ol>");
        let table = html("|a|\n|-|\n|1|");
        assert!(table.starts_with("<div class=\"scroll\" tabindex=\"0\""), "{table}");
        assert!(
            table.ends_with(
                "<table><thead><tr><th>a</th></tr></thead><tr><td>1</td></tr></table></div>"
            ),
            "{table}"
        );
        assert_eq!(
            html("[a](https://example.org/?b=1&c=\"2\")"),
            "<p><a href=\"https://example.org/?b=1&amp;c=&quot;2&quot;\" rel=\"noreferrer\">a</a></p>"
        );
    }

    #[test]
    fn html_and_other_links_are_text() {
        for markdown in [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "[a](javascript:alert(1))",
            "[a](JaVaScRiPt:alert(1))",
            "[a](<java\tscript:alert(1)>)",
            "[a](data:text/html,<script>alert(1)</script>)",
            "[a](//example.org)",
            "[a](/live/stop)",
            "![a](file:///etc/passwd)",
            "<javascript:alert(1)>",
            "[a]: javascript:alert(1)\n\n[a]",
            "```<script>\n</code></pre><script>\n```",
        ] {
            let html = html(markdown);
            for bad in ["<script", "<img", "<a ", "</code></pre><"] {
                assert!(!html.contains(bad), "{markdown}: {html}");
            }
        }
        assert!(html("a \u{202e}b").contains("\\u{202e}"));
        assert!(
            html("![a](https://example.org/a.png)")
                .contains("<a href=\"https://example.org/a.png\"")
        );
    }

    #[test]
    fn long_and_deep_notes_are_cut() {
        let long = shown(&"ä".repeat(LONGEST)).into_string();
        assert!(long.len() < LONGEST + 100 && long.contains("… and more"));
        let deep = html(&">".repeat(10_000));
        assert!(deep.matches("<blockquote>").count() <= DEEPEST, "{}", deep.len());
        assert_eq!(deep.matches("<blockquote>").count(), deep.matches("</blockquote>").count());
    }
}

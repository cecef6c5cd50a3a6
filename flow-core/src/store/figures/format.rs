//! The formats of figures, recognized by content, and why a figure or note is refused.

use std::fmt;

use crate::base::bytes::Bytes;
use crate::base::error::StoreError;

/// The most bytes of a figure.
pub(super) const MOST_BYTES: u64 = 16 << 20;

/// The most bytes of a note.
pub(super) const MOST_NOTE_BYTES: u64 = 64 << 10;

/// The most figures and notes of an attempt to run a task.
pub(super) const MOST: usize = 100;

/// The most bytes of all figures and notes of an attempt to run a task.
pub(super) const MOST_TOTAL_BYTES: u64 = 64 << 20;

/// The longest name of a figure, in characters.
const LONGEST_NAME: usize = 100;

/// The first bytes of a PNG file.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The format of a figure, which its content shows.
///
/// ```
/// use flow::figures::FigureFormat;
///
/// let svg = br#"<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"></svg>"#;
/// assert_eq!(FigureFormat::of(svg), Some(FigureFormat::Svg));
/// assert_eq!(FigureFormat::of(b"GIF89a"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FigureFormat {
    /// Scalable Vector Graphics: XML in UTF-8 whose root is an element `svg`.
    Svg,
    /// Portable Network Graphics.
    Png,
}

impl FigureFormat {
    /// Returns the format of this content; `None` if it has none of them.
    pub fn of(content: &[u8]) -> Option<Self> {
        if is_png(content) {
            return Some(Self::Png);
        }
        is_svg(content).then_some(Self::Svg)
    }

    /// Returns the extension of files with this format, such as `svg`.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }

    /// Returns the media type, such as `image/png`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
        }
    }

    /// Returns the format with this extension.
    pub(super) fn with_extension(extension: &str) -> Option<Self> {
        [Self::Svg, Self::Png].into_iter().find(|format| format.extension() == extension)
    }
}

impl fmt::Display for FigureFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Svg => "SVG",
            Self::Png => "PNG",
        })
    }
}

fn is_png(content: &[u8]) -> bool {
    content.starts_with(PNG) && content.get(12..16) == Some(b"IHDR")
}

/// Returns whether the first element of an XML document is `svg`.
fn is_svg(content: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(content) else { return false };
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
    loop {
        let after = if rest.starts_with("<?") {
            after(rest, "?>")
        } else if rest.starts_with("<!--") {
            after(rest, "-->")
        } else if rest.starts_with("<!DOCTYPE") {
            match (rest.find('['), rest.find('>')) {
                // The declarations in brackets have a `>` each.
                (Some(open), Some(close)) if open < close => {
                    after(&rest[open..], "]").and_then(|rest| after(rest, ">"))
                }
                _ => after(rest, ">"),
            }
        } else {
            let Some(element) = rest.strip_prefix('<') else { return false };
            let end = |c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/');
            let name = element.split(end).next().unwrap_or_default();
            return name.rsplit(':').next() == Some("svg");
        };
        let Some(after) = after else { return false };
        rest = after.trim_start();
    }
}

/// Returns the text after the first occurrence of `end`.
fn after<'a>(text: &'a str, end: &str) -> Option<&'a str> {
    text.split_once(end).map(|(_, after)| after)
}

/// Why a figure or a note of a task cannot be kept.
///
/// [`Cx::figure`](crate::Cx::figure) and [`Cx::note`](crate::Cx::note) return it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FigureError {
    /// The name cannot be that of a figure.
    #[error(
        "cannot keep the figure {name:?}: its name {why}; give it 1 to 100 letters, digits, spaces, `-`, `_` \
         and `.`, of which the first and the last one are letters or digits"
    )]
    #[non_exhaustive]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The content has no format of figures.
    #[error(
        "cannot keep the figure `{name}`: it is neither SVG nor PNG, but begins with {start:?}; pass the text of \
         an SVG, or the bytes of a PNG file"
    )]
    #[non_exhaustive]
    Format {
        /// The name of the figure.
        name: String,
        /// The beginning of the content, as text.
        start: String,
    },
    /// The content is too large.
    #[error("cannot keep {what}: it has {}, and at most {} are allowed", Bytes(*.bytes), Bytes(*.limit))]
    #[non_exhaustive]
    TooLarge {
        /// The figure or note.
        what: String,
        /// Its size in bytes.
        bytes: u64,
        /// The largest size in bytes.
        limit: u64,
    },
    /// The task has kept as many figures and notes as are allowed.
    #[error(
        "cannot keep {what}: the task has kept {limit} figures and notes, which is the limit; a figure with the \
         name of an earlier one replaces it"
    )]
    #[non_exhaustive]
    TooMany {
        /// The figure or note.
        what: String,
        /// The largest number.
        limit: usize,
    },
    /// All figures and notes of the task would be too large together.
    #[error(
        "cannot keep {what}: the figures and notes of the task would have {}, and at most {} are allowed",
        Bytes(*.bytes),
        Bytes(*.limit)
    )]
    #[non_exhaustive]
    TotalTooLarge {
        /// The figure or note.
        what: String,
        /// The size of all of them in bytes.
        bytes: u64,
        /// The largest size in bytes.
        limit: u64,
    },
    /// The file cannot be written.
    #[error("cannot keep {what}")]
    #[non_exhaustive]
    Store {
        /// The figure or note.
        what: String,
        /// The error of the store.
        source: StoreError,
    },
}

/// Checks the name of a figure: it is shown to people, and is part of file names.
pub(super) fn check_name(name: &str) -> Result<(), FigureError> {
    let is_allowed = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.');
    let is_other = |c: Option<char>| c.is_some_and(|c| !c.is_alphanumeric());
    let why = match name {
        "" => "is empty",
        name if name.chars().count() > LONGEST_NAME => "is too long",
        name if !name.chars().all(is_allowed) => "has other characters",
        name if is_other(name.chars().next()) => "begins with another character",
        name if is_other(name.chars().next_back()) => "ends with another character",
        _ => return Ok(()),
    };
    // A name of any length may come from data.
    let name = name.chars().take(LONGEST_NAME).collect();
    Err(FigureError::Name { name, why })
}

/// Returns the format of a figure's content.
pub(super) fn format_of(name: &str, content: &[u8]) -> Result<FigureFormat, FigureError> {
    FigureFormat::of(content).ok_or_else(|| {
        let start = String::from_utf8_lossy(&content[..content.len().min(20)]).into_owned();
        FigureError::Format { name: name.to_owned(), start }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn svg_is_recognized_by_its_root_element() {
        for svg in [
            "<svg/>",
            "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>",
            "\u{feff}\n<?xml version=\"1.0\"?>\n<!-- a > b -->\n<svg:svg></svg:svg>",
            "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"svg11.dtd\">\n<svg>",
            "<!DOCTYPE svg [<!ENTITY a \"b\"> <!ENTITY c \"d\">]>\n<svg>",
        ] {
            assert_eq!(FigureFormat::of(svg.as_bytes()), Some(FigureFormat::Svg), "{svg}");
        }
        for other in [
            "",
            "svg",
            "<html><svg></svg></html>",
            "<svgs>",
            "<!-- <svg>",
            "<!DOCTYPE svg [<!ENTITY a",
            "\u{feff}",
        ] {
            assert_eq!(FigureFormat::of(other.as_bytes()), None, "{other}");
        }
        assert_eq!(FigureFormat::of(b"<svg>\xff"), None);
    }

    #[test]
    fn png_is_recognized_by_its_signature() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";
        assert_eq!(FigureFormat::of(png), Some(FigureFormat::Png));
        assert_eq!(FigureFormat::of(&png[..12]), None);
        assert_eq!(FigureFormat::of(b"\x89PNG"), None);
    }

    #[test]
    fn a_name_that_a_file_cannot_have_is_refused() {
        for name in ["roc", "ROC curve 2.1", "Größe_1-b", "1", &"x".repeat(100)] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in
            ["", " a", "a ", ".a", "a.", "a/b", "..", "a\nb", "a\0", "<b>", &"x".repeat(101)]
        {
            assert!(matches!(check_name(name), Err(FigureError::Name { .. })), "{name:?}");
        }
    }
}

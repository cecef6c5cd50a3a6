//! Detects the delimiter of a text file.
//!
//! A delimiter fits if a line of names is found with it, and most lines below have as many cells.
//! In a file with decimal commas, a comma also splits all rows alike; but then the first line of
//! that width is a row and not names.

use anyhow::{Result, bail};

use super::grid::GridLine;
use super::header;
use super::options::Options;
use super::split::{Grammar, split};

/// The delimiters that are tried.
const CANDIDATES: [char; 4] = [',', ';', '\t', '|'];

/// How many lines are inspected.
const SAMPLE: usize = 500;

/// How well a delimiter fits.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fit {
    delimiter: char,
    /// Whether a line of names was found.
    has_names: bool,
    /// The share of lines below the names with the same number of cells.
    share: f64,
    /// The number of lines above the names.
    above: usize,
}

/// Returns the delimiter of a text.
///
/// # Errors
///
/// Two delimiters fit equally well, or a quote is not closed.
pub(super) fn detect(text: &str, grammar: Grammar<'_>, options: &Options) -> Result<char> {
    if let Some(delimiter) = declared(text) {
        return Ok(delimiter);
    }
    let mut fits = Vec::new();
    let mut fault = None;
    for delimiter in CANDIDATES {
        let Ok(byte) = u8::try_from(delimiter) else { continue };
        match split(text, Grammar { delimiter: byte, ..grammar }, SAMPLE) {
            Ok(split) => fits.extend(fit(delimiter, split.lines, options)),
            Err(error) => fault = Some(error),
        }
    }
    let order = |fit: &Fit| (fit.has_names, fit.share, std::cmp::Reverse(fit.above));
    fits.sort_by(|a, b| order(b).partial_cmp(&order(a)).unwrap_or(std::cmp::Ordering::Equal));
    match (fits.as_slice(), fault) {
        ([first, second, ..], _) if order(first) == order(second) => bail!(
            "the delimiter may be {:?} or {:?}: set `delimiter = {:?}` or the other one",
            first.delimiter,
            second.delimiter,
            first.delimiter,
        ),
        ([first, ..], _) => Ok(first.delimiter),
        ([], Some(error)) => Err(error),
        // Each line is one cell.
        ([], None) => Ok(','),
    }
}

/// Returns the delimiter that the first line declares for Excel, as in `sep=;`.
pub(super) fn declared(text: &str) -> Option<char> {
    let line = text.lines().next()?;
    let mut rest = line.strip_prefix("sep=").or(line.strip_prefix("SEP="))?.chars();
    let delimiter = rest.next().filter(|c| CANDIDATES.contains(c))?;
    rest.as_str().trim().is_empty().then_some(delimiter)
}

/// Returns how well a delimiter fits, unless it splits no line.
fn fit(delimiter: char, lines: Vec<GridLine>, options: &Options) -> Option<Fit> {
    let lines: Vec<_> = lines.into_iter().filter(|line| !line.is_blank()).collect();
    let (has_names, layout) = match header::locate(&lines, options) {
        Ok(layout) => (true, layout),
        Err(_) => {
            let given = Options { header_rows: Some(0), ..options.clone() };
            (false, header::locate(&lines, &given).ok()?)
        }
    };
    if layout.width < 2 {
        return None;
    }
    let from = layout.header.start;
    let fitting = lines[from..].iter().filter(|line| line.cells.len() == layout.width).count();
    #[expect(clippy::cast_precision_loss, reason = "there are few lines")]
    let share = fitting as f64 / (lines.len() - from).max(1) as f64;
    Some(Fit { delimiter, has_names, share, above: from })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn detected(text: &str) -> Result<char, String> {
        let grammar = Grammar { delimiter: b',', quotes: true, comment: None, skip: 0 };
        detect(text, grammar, &Options::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_delimiter_is_the_one_with_a_line_of_names_and_equal_lines() {
        assert_eq!(detected("a,b\n1,2\n"), Ok(','));
        assert_eq!(detected("a;b\n1,5;2,5\n3,5;4,5\n"), Ok(';'), "decimal commas");
        assert_eq!(detected("a;b\n1,234;2,5\n3,5;4,5\n5,5;6,5\n"), Ok(';'));
        assert_eq!(detected("Report, of May\n\na\tb\tc\n1\t2\t3\n4\t5\t6\n"), Ok('\t'));
        assert_eq!(detected("name|note\nx|a, b\ny|c\n"), Ok('|'));
        assert_eq!(detected("name,note\nx,\"a;b;c\"\ny,\"d;e;f\"\n"), Ok(','));
        assert_eq!(detected("sep=;\na,b;c,d\n"), Ok(';'));
        assert_eq!(detected("name\nx\ny\n"), Ok(','), "one column");
    }

    #[test]
    fn two_delimiters_that_fit_equally_are_an_error() {
        let error = detected("a,b;c\nd,e;f\n").unwrap_err();
        assert_eq!(
            error,
            "the delimiter may be ',' or ';': set `delimiter = ','` or the other one"
        );
    }
}

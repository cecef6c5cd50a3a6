//! Finds attributes in tokens: those that do not change behavior, and so are no code, and those of tasks
//! and outputs.

use std::ops::Range;

use super::names::{Names, kw};
use super::scan;
use super::source::Path;
use super::tokens::{Delimiter, Token};
use crate::attr::words;

/// Documentation, lint levels, optimizer hints, and attributes of other tools.
const NO_CODE: [&str; 14] = [
    "doc",
    "allow",
    "warn",
    "deny",
    "forbid",
    "expect",
    "must_use",
    "deprecated",
    "diagnostic",
    "inline",
    "cold",
    "rustfmt",
    "clippy",
    "automatically_derived",
];

/// Returns the attribute at the start of `tokens`: where its content starts and ends, and whether it is an
/// inner attribute, `#![...]`. `offset` is the index of the first token in its file.
pub(super) fn attribute(tokens: &[Token], offset: usize) -> Option<(usize, usize, bool)> {
    if !tokens.first()?.is(b'#') {
        return None;
    }
    let inner = tokens.get(1)?.is(b'!');
    let at = if inner { 2 } else { 1 };
    match tokens.get(at)? {
        Token::Open(Delimiter::Bracket, close) => Some((at + 1, *close as usize - offset, inner)),
        _ => None,
    }
}

/// Returns the number of tokens of the attribute at the start of `tokens`, if that attribute is no code.
pub(super) fn no_code(tokens: &[Token], offset: usize, names: &Names) -> Option<usize> {
    let (start, end, _) = attribute(tokens, offset)?;
    let word = names.text(tokens.get(start)?.word()?);
    NO_CODE.contains(&word).then_some(end + 1)
}

/// Returns the options of `#[task(...)]`, if the attribute in `range` is one.
pub(super) fn task(tokens: &[Token], range: &Range<usize>) -> Option<Range<usize>> {
    let (path, after) = scan::path(tokens, range.start + 2, range.end)?;
    (path.segments.last() == Some(&kw::TASK)).then_some(())?;
    scan::group(tokens, after).map(|(_, inner)| inner)
}

/// Returns the options in `inner`, the content of `#[task(...)]`, each with its keyword. The range of an option starts
/// after its keyword.
pub(super) fn options(
    tokens: &[Token],
    inner: Range<usize>,
    names: &Names,
) -> Vec<(&'static str, Range<usize>)> {
    let mut found: Vec<(&'static str, Range<usize>)> = Vec::new();
    let mut at = inner.start;
    let mut starts = true;
    while at < inner.end {
        let word = scan::word(tokens, at).filter(|_| starts).map(|word| names.text(word));
        let known = words::TASK.known.iter().copied().find(|known| Some(*known) == word);
        if let Some(known) = known {
            found.push((known, at + 1..at + 1));
        }
        starts = scan::is(tokens, at, b',');
        at = scan::step(tokens, at);
        if let Some((_, range)) = found.last_mut() {
            range.end = at;
        }
    }
    found
}

/// Returns the parts of the content of an attribute that may be code: all but the options of `#[task(...)]` that say how
/// the task is executed.
pub(super) fn without_execution(
    tokens: &[Token],
    content: Range<usize>,
    names: &Names,
) -> Vec<Range<usize>> {
    let path = scan::path(tokens, content.start, content.end);
    let path = path.filter(|(path, _)| path.segments.last() == Some(&kw::TASK));
    let Some((_, inner)) = path.and_then(|(_, after)| scan::group(tokens, after)) else {
        return vec![content];
    };
    let mut parts = Vec::new();
    let mut start = content.start;
    for (word, range) in options(tokens, inner, names) {
        if words::EXECUTION.contains(&word) {
            parts.push(start..range.start);
            start = range.end;
        }
    }
    parts.push(start..content.end);
    parts
}

/// Returns the paths of `#[derive(...)]`, if the attribute in `range` is one.
pub(super) fn derives(
    tokens: &[Token],
    range: &Range<usize>,
    names: &Names,
) -> Option<Vec<(Path, Range<usize>)>> {
    let (path, after) = scan::path(tokens, range.start + 2, range.end)?;
    let is_derive = path.segments.len() == 1 && names.text(path.segments[0]) == "derive";
    let (_, inner) = scan::group(tokens, after).filter(|_| is_derive)?;
    let mut found = Vec::new();
    let mut at = inner.start;
    while at < inner.end {
        match scan::path(tokens, at, inner.end) {
            Some((path, after)) => {
                found.push((path, at..after));
                at = after;
            }
            None => at += 1,
        }
    }
    Some(found)
}

/// Returns the attributes in `range`, each with its `#`.
pub(super) fn all(tokens: &[Token], range: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end {
        match attribute(&tokens[at..range.end], at) {
            Some((_, close, _)) => {
                found.push(at..at + close + 1);
                at += close + 1;
            }
            None => at += 1,
        }
    }
    found
}

/// Returns the options of each `#[output(...)]` of the fields in `range`.
pub(super) fn outputs(tokens: &[Token], range: Range<usize>, names: &Names) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let Some((start, close, _)) = attribute(&tokens[at..range.end], at) else {
            at += 1;
            continue;
        };
        if let Some((path, after)) = scan::path(tokens, at + start, at + close)
            && path.segments.last().is_some_and(|&last| names.text(last) == "output")
        {
            found.extend(scan::group(tokens, after).map(|(_, inner)| inner));
        }
        at += close + 1;
    }
    found
}

/// Returns the tokens after `check =` in the options of an output.
pub(super) fn check(
    tokens: &[Token],
    options: Range<usize>,
    names: &Names,
) -> Option<Range<usize>> {
    let mut start = options.start;
    while start < options.end {
        let comma = scan::find(tokens, start..options.end, |at| scan::is(tokens, at, b','));
        let end = comma.unwrap_or(options.end);
        let is_check = scan::word(tokens, start).is_some_and(|word| names.text(word) == "check");
        if is_check && scan::is(tokens, start + 1, b'=') {
            return Some(start + 2..end);
        }
        start = end + 1;
    }
    None
}

/// Returns the parts of `range` between attributes.
pub(super) fn without(tokens: &[Token], range: Range<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (range.start, range.start);
    while at < range.end {
        match attribute(&tokens[at..range.end], at) {
            Some((_, close, _)) => {
                parts.push(start..at);
                at += close + 1;
                start = at;
            }
            None => at += 1,
        }
    }
    parts.push(start..range.end);
    parts
}

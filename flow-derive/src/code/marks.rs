//! Reads the attributes of an item that matter for finding code.

use std::ops::Range;

use super::attributes::{self, attribute};
use super::names::{Name, Names, kw};
use super::scan;
use super::tokens::{Delimiter, Token};

/// The meaning of an item's attributes.
#[derive(Clone, Default)]
pub(crate) struct Marks {
    /// The attributes, each with its `#`.
    pub(crate) ranges: Vec<Range<usize>>,
    /// `#[cfg(test)]`, `#[test]` and similar attributes.
    pub(crate) is_test: bool,
    /// `#[cfg(...)]` or `#[cfg_attr(...)]`.
    pub(crate) is_conditional: bool,
    /// The features and other `cfg`s that the attributes name.
    pub(crate) features: Vec<Name>,
    /// `#[path = "..."]`, also in a `cfg_attr`.
    pub(crate) paths: Vec<String>,
    /// `#[macro_export]`.
    pub(crate) is_exported: bool,
    /// `#[derive(Task)]`.
    pub(crate) is_task: bool,
    /// `#[task(...)]`, which turns a function into a task.
    pub(crate) has_task_attribute: bool,
    /// The name in `#[proc_macro_derive(Name)]`.
    pub(crate) derives: Option<Name>,
}

/// Reads the attributes at `at`. Returns them with the index after them.
pub(crate) fn read(
    tokens: &[Token],
    mut at: usize,
    end: usize,
    names: &Names,
    inner: bool,
) -> (Marks, usize) {
    let mut marks = Marks::default();
    while at < end {
        let Some((start, close, is_inner)) = attribute(&tokens[at..end], at) else {
            break;
        };
        if is_inner != inner {
            break;
        }
        marks.read(tokens, at + start..at + close, names);
        marks.ranges.push(at..at + close + 1);
        at += close + 1;
    }
    (marks, at)
}

impl Marks {
    fn read(&mut self, tokens: &[Token], content: Range<usize>, names: &Names) {
        let Some((path, after)) = scan::path(tokens, content.start, content.end) else {
            return;
        };
        let Some(&last) = path.segments.last() else {
            return;
        };
        let words = || tokens[content.clone()].iter().filter_map(|token| token.word());
        match names.text(last) {
            "cfg" => {
                self.is_conditional = true;
                let negated = words().any(|word| word == kw::NOT || word == kw::ANY);
                self.is_test |= !negated && words().any(|word| word == kw::TEST);
            }
            "cfg_attr" => {
                self.is_conditional = true;
                self.paths.extend(path_values(tokens, content.clone(), names));
            }
            "path" if path.segments.len() == 1 => {
                self.paths.extend(path_values(tokens, content.clone(), names));
            }
            "test" | "bench" | "rstest" | "test_case" => self.is_test = true,
            "macro_export" => self.is_exported = true,
            "task" => self.has_task_attribute = true,
            "derive" => {
                let ends = tokens[after..content.end].windows(2);
                let task = Token::Word(kw::TASK_TYPE);
                self.is_task |= ends.into_iter().any(|pair| pair[0] == task && !pair[1].is(b':'));
            }
            "proc_macro_derive" => self.derives = scan::word(tokens, after + 1),
            _ => {}
        }
        for part in attributes::without_execution(tokens, content, names) {
            self.features.extend(conditions(tokens, part, names));
        }
    }
}

/// Returns the strings after `path =`.
fn path_values(tokens: &[Token], range: Range<usize>, names: &Names) -> Vec<String> {
    literals_of(kw::PATH, tokens, range)
        .filter_map(|literal| scan::unquote(names.text(literal)))
        .collect()
}

/// Returns the literals after `key =`.
fn literals_of(key: Name, tokens: &[Token], range: Range<usize>) -> impl Iterator<Item = Name> {
    tokens[range].windows(3).filter_map(move |triple| match *triple {
        [Token::Word(word), Token::Punct(b'=', _), Token::Literal(value)] if word == key => {
            Some(value)
        }
        _ => None,
    })
}

/// Returns the conditions that the tokens in `range` test: features, as their literals, and the names of
/// other `cfg`s that a build script or a flag may set.
pub(crate) fn conditions(tokens: &[Token], range: Range<usize>, names: &Names) -> Vec<Name> {
    let mut found: Vec<Name> = literals_of(kw::FEATURE, tokens, range.clone()).collect();
    for at in range {
        let Token::Word(word @ (kw::CFG | kw::CFG_ATTR)) = tokens[at] else {
            continue;
        };
        let group = scan::group(tokens, at + 1 + usize::from(scan::is(tokens, at + 1, b'!')));
        let Some((Delimiter::Parenthesis, mut predicate)) = group else {
            continue;
        };
        if word == kw::CFG_ATTR {
            let comma = scan::find(tokens, predicate.clone(), |at| scan::is(tokens, at, b','));
            predicate.end = comma.unwrap_or(predicate.end);
        }
        let words = tokens[predicate].iter().filter_map(|token| token.word());
        found.extend(words.filter(|&word| !is_built_in(names.text(word))));
    }
    found
}

/// Returns whether the compiler sets the `cfg` with this name, or it is an operator such as `all`.
fn is_built_in(name: &str) -> bool {
    name.starts_with("target_")
        || matches!(
            name,
            "all"
                | "any"
                | "not"
                | "true"
                | "false"
                | "feature"
                | "test"
                | "doc"
                | "doctest"
                | "docsrs"
                | "unix"
                | "windows"
                | "panic"
                | "debug_assertions"
                | "overflow_checks"
                | "ub_checks"
                | "proc_macro"
                | "relocation_model"
                | "sanitize"
                | "clippy"
                | "miri"
                | "rustfmt"
                | "version"
                | "accessible"
        )
}

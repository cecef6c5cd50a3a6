//! Reads what the rules of a `macro_rules!` expand to.
//!
//! Macros are not expanded here, so a macro call in item position may define each word in its arguments. One kind of
//! macro is known to define no name: one that takes a task and implements `Run` for it, as a crate with many small
//! tasks has. [`relations`](super::relations) treats a call of it as the impl.

use std::ops::Range;

use super::names::{Names, kw};
use super::standard::names_no_items;
use super::tokens::{Delimiter, Token};
use super::{attributes, marks, scan};

/// Returns whether each rule of a macro takes a type first, and expands to an `impl Run` for that type and to nothing
/// else.
///
/// `item` are the tokens of the macro, without its attributes.
pub(super) fn implement_run(tokens: &[Token], item: Range<usize>, names: &Names) -> bool {
    if scan::word(tokens, item.start) != Some(kw::MACRO_RULES) {
        return false;
    }
    let Some((_, rules)) = scan::group(tokens, item.start + 3) else {
        return false;
    };
    let mut at = rules.start;
    while at < rules.end {
        let Some((_, pattern)) = scan::group(tokens, at) else {
            return false;
        };
        // `=>` stands between both groups.
        let Some((_, expansion)) = scan::group(tokens, pattern.end + 3) else {
            return false;
        };
        at = expansion.end + 1;
        at += usize::from(scan::is(tokens, at, b';'));
        if !implements_run(tokens, pattern, expansion, names) {
            return false;
        }
    }
    !rules.is_empty()
}

/// Returns whether a rule implements `Run` for its first argument, and does nothing else.
fn implements_run(
    tokens: &[Token],
    pattern: Range<usize>,
    expansion: Range<usize>,
    names: &Names,
) -> bool {
    let [Token::Punct(b'$', _), Token::Word(task), Token::Punct(b':', _), Token::Word(kind), ..] =
        tokens[pattern]
    else {
        return false;
    };
    let (marks, at) = marks::read(tokens, expansion.start, expansion.end, names, false);
    // An attribute of another crate may generate more items.
    let is_harmless = |range: &Range<usize>| {
        let path = scan::path(tokens, range.start + 2, range.end);
        let last = path.and_then(|(path, _)| path.segments.last().copied());
        attributes::no_code(&tokens[range.clone()], range.start, names).is_some()
            || last.is_some_and(|last| names_no_items(names.text(last)))
    };
    if !matches!(names.text(kind), "ty" | "path" | "ident")
        || !marks.ranges.iter().all(is_harmless)
        || scan::word(tokens, at) != Some(kw::IMPL)
    {
        return false;
    }
    let head = match scan::is(tokens, at + 1, b'<') {
        true => scan::angles(tokens, at + 1, expansion.end),
        false => at + 1,
    };
    let Some((of, after)) = scan::path(tokens, head, expansion.end) else {
        return false;
    };
    let is_for_task = matches!(
        tokens.get(after..after + 3),
        Some([Token::Word(kw::FOR), Token::Punct(b'$', _), Token::Word(named)]) if *named == task
    );
    let is_all = matches!(
        scan::group(tokens, after + 3),
        Some((Delimiter::Brace, body)) if body.end + 1 == expansion.end
    );
    of.segments.last() == Some(&kw::RUN) && is_for_task && is_all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::lexer;

    fn implements(rules: &str) -> bool {
        let mut names = Names::default();
        let text = format!("macro_rules! runs {{ {rules} }}");
        let tokens = lexer::lex(&text, &mut names).expect("tokens");
        implement_run(&tokens, 0..tokens.len(), &names)
    }

    #[test]
    fn a_macro_that_only_implements_run_is_known() {
        let body = "{ fn run(&self) -> Result<u8> { $body } }";
        for rules in [
            format!("($task:ty: $body:expr) => {{ #[tracked] impl Run for $task {body} }};"),
            format!("($task:ident, $body:expr) => {{ impl flow::Run for $task {body} }}"),
            format!(
                "($task:ty) => {{ impl Run for $task {{}} }}; \
                 ($task:path, $body:block) => {{ #[flow::tracked(body)] impl<T> Run for $task {body} }};"
            ),
        ] {
            assert!(implements(&rules), "{rules}");
        }
    }

    #[test]
    fn a_macro_that_may_define_more_is_not() {
        for rules in [
            "",
            "() => {}",
            "() => { impl Run for Train {} }",
            // Another impl, or another item.
            "($task:ty) => { impl Fit for $task {} }",
            "($task:ty) => { impl $task { fn run(&self) {} } }",
            "($task:ty) => { impl Run for $task {} fn more() {} }",
            "($task:ident) => { struct $task; impl Run for $task {} }",
            "($task:ty) => { impl Run for $task {} }; ($task:ident, $f:ident) => { fn $f() {} }",
            // Another type, or no certain one.
            "($out:ty, $task:ty) => { impl Run for $task {} }",
            "($($task:ty),*) => { $(impl Run for $task {})* }",
            "($task:tt) => { impl Run for $task {} }",
            // An attribute that may generate items.
            "($task:ty) => { #[generate] impl Run for $task {} }",
            "($(#[$meta:meta])* $task:ty) => { $(#[$meta])* impl Run for $task {} }",
        ] {
            assert!(!implements(rules), "{rules}");
        }
    }
}

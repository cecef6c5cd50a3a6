//! Lists the names in the tokens of an item: paths, methods, macros, and files.
//!
//! Names are not resolved here. Every word that may be a name is listed. A name that later resolves to
//! no item is a local variable, or an item of another crate.

use std::ops::Range;

use super::attributes;
use super::names::{Name, Names, kw};
use super::quoted::{captured, quoted};
use super::scan::{self, Leaf};
use super::source::Path;
use super::standard::is_standard_macro;
use super::tokens::{Delimiter, Token};

/// The names in the tokens of an item.
#[derive(Debug, Default)]
pub(crate) struct References {
    pub(crate) paths: Vec<PathReference>,
    /// `.name(...)`, and the name after `Type<..>::`.
    pub(crate) methods: Vec<Name>,
    pub(crate) calls: Vec<Call>,
    /// Paths in the strings of attributes: `#[serde(default = "limit")]`.
    pub(crate) quoted: Vec<String>,
    /// The imports inside a function.
    pub(crate) imports: Vec<(Option<Name>, Path)>,
    /// The tested features, as literals, and the names of other tested `cfg`s.
    pub(crate) features: Vec<Name>,
}

/// A path in the tokens of an item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PathReference {
    pub(crate) path: Path,
    /// Whether it follows `dyn`.
    pub(crate) is_dyn: bool,
    /// Whether it is probably no local variable: it has several segments, is called, or is capitalized.
    pub(crate) is_item: bool,
    /// Whether only a type can stand there: `Input<mean>`, `require::<mean>()`.
    pub(crate) is_type: bool,
    /// Whether it is neither in an attribute nor in the arguments of a macro with an unknown syntax.
    pub(crate) is_plain: bool,
    /// The index of its first token.
    pub(crate) at: usize,
}

/// A macro call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) path: Path,
    pub(crate) arguments: Range<usize>,
}

impl References {
    /// Adds the names in the tokens in `range`.
    pub(crate) fn read(&mut self, tokens: &[Token], range: Range<usize>, names: &Names) {
        self.read_part(tokens, range, names, 0);
    }

    /// Adds the names in these parts of an attribute.
    pub(crate) fn read_attribute(
        &mut self,
        tokens: &[Token],
        parts: &[Range<usize>],
        names: &Names,
    ) {
        for part in parts {
            self.read_part(tokens, part.clone(), names, part.end);
        }
    }

    fn read_part(
        &mut self,
        tokens: &[Token],
        range: Range<usize>,
        names: &Names,
        attribute_end: usize,
    ) {
        let walk = Walk {
            tokens,
            names,
            end: range.end,
            macro_end: 0,
            language_end: 0,
            attribute_end,
            dyn_end: 0,
            type_end: 0,
        };
        walk.run(range.start, self);
        self.features.extend(super::marks::conditions(tokens, range, names));
    }
}

struct Walk<'a> {
    tokens: &'a [Token],
    names: &'a Names,
    end: usize,
    /// The end of the arguments of the current macro.
    macro_end: usize,
    /// The end of the arguments of the current macro with an unknown syntax.
    language_end: usize,
    /// The end of the current attribute.
    attribute_end: usize,
    /// The end of the bounds after the current `dyn`.
    dyn_end: usize,
    /// The end of the arguments of the current `::<`.
    type_end: usize,
}

impl Walk<'_> {
    fn run(mut self, start: usize, found: &mut References) {
        let tokens = self.tokens;
        let mut at = start;
        while at < self.end {
            at = match tokens[at] {
                Token::Punct(b'#', _) => self.attribute(at),
                Token::Punct(b'\'', _) => at + 2,
                Token::Punct(b'.', _) if scan::is(tokens, at + 1, b'.') => at + 2,
                Token::Punct(b'.', _) => self.member(at, found),
                Token::Punct(b':', _) if scan::is_colons(tokens, at) => self.colons(at, found),
                Token::Punct(b'<', _) if at > 1 && scan::is_colons(tokens, at - 2) => {
                    self.type_end = self.type_end.max(scan::angles(tokens, at, self.end));
                    at + 1
                }
                Token::Literal(literal) => {
                    self.literal(at, literal, found);
                    at + 1
                }
                Token::Word(word) => self.word(at, word, found),
                _ => at + 1,
            };
        }
    }

    fn attribute(&mut self, at: usize) -> usize {
        let rest = &self.tokens[at..self.end];
        if let Some(length) = attributes::no_code(rest, at, self.names) {
            return at + length;
        }
        if let Some((start, end, _)) = attributes::attribute(rest, at) {
            self.attribute_end = at + end;
            return at + start;
        }
        at + 1
    }

    /// Reads `.field` or `.method()`.
    fn member(&self, at: usize, found: &mut References) -> usize {
        let Some(name) = scan::word(self.tokens, at + 1) else {
            return at + 1;
        };
        let called = matches!(scan::group(self.tokens, at + 2), Some((Delimiter::Parenthesis, _)))
            || scan::is_colons(self.tokens, at + 2);
        if called {
            found.methods.push(name);
        }
        at + 2
    }

    /// Reads `::name` after a type, or at the start of a path.
    fn colons(&mut self, at: usize, found: &mut References) -> usize {
        // A macro passes `$ty:ty` as a group without brackets.
        let is_after_type = at > 0
            && matches!(self.tokens[at - 1], Token::Punct(b'>', _) | Token::Close(Delimiter::None));
        if is_after_type && let Some(name) = scan::word(self.tokens, at + 2) {
            // `<A as T>::Output::make`: the type is unknown, so the names count as methods of any type.
            found.methods.push(name);
            let mut after = at + 3;
            while scan::is_colons(self.tokens, after)
                && let Some(name) = scan::word(self.tokens, after + 2)
            {
                found.methods.push(name);
                after += 3;
            }
            return after;
        }
        match scan::path(self.tokens, at, self.end) {
            Some((path, after)) => self.path(at, path, after, found),
            None => at + 2,
        }
    }

    fn literal(&self, at: usize, literal: Name, found: &mut References) {
        let text = self.names.text(literal);
        if at < self.attribute_end {
            if let Some(text) = scan::unquote(text) {
                found.quoted.extend(quoted(&text));
            }
        } else if at < self.macro_end
            && text.trim_end_matches('#').ends_with('"')
            && text.contains('{')
        {
            for name in captured(text).filter_map(|name| self.names.find(name)) {
                let path = Path { is_global: false, segments: vec![name] };
                found.paths.push(PathReference {
                    path,
                    is_dyn: false,
                    is_item: false,
                    is_type: false,
                    is_plain: false,
                    at,
                });
            }
        }
    }

    fn word(&mut self, at: usize, word: Name, found: &mut References) -> usize {
        let tokens = self.tokens;
        match word {
            kw::USE if self.starts(at) => {
                let stop = (at..self.end).find(|&at| scan::is(tokens, at, b';'));
                let stop = stop.unwrap_or(self.end);
                let mut leaves = Vec::new();
                let root = Path { is_global: false, segments: Vec::new() };
                scan::use_tree(tokens, at + 1..stop, &root, &mut leaves);
                let leaves = leaves.into_iter().map(|Leaf { path, name }| (name, path));
                found.imports.extend(leaves);
                return stop;
            }
            // The declared name is no reference.
            kw::FN | kw::STRUCT | kw::ENUM | kw::TRAIT | kw::TYPE | kw::CONST | kw::STATIC => {
                let mut after = at + 1;
                if scan::word(tokens, after) == Some(kw::MUT) {
                    after += 1;
                }
                let declares = scan::word(tokens, after).is_some_and(|name| name != kw::FN);
                let place = after + usize::from(declares && word != kw::CONST);
                return if word == kw::CONST && scan::is(tokens, after + 1, b':') {
                    after + 1
                } else {
                    place
                };
            }
            kw::SELF if !scan::is_colons(tokens, at + 1) => return at + 1,
            kw::DYN => {
                self.dyn_end = self.dyn_end.max(self.bounds(at + 1));
                return at + 1;
            }
            _ => {}
        }
        // `$x` in a macro is no name, but `$crate` is.
        if at > 0 && tokens[at - 1].is(b'$') && word != kw::CRATE {
            return at + 1;
        }
        match scan::path(tokens, at, self.end) {
            Some((path, after)) => self.path(at, path, after, found),
            None => at + 1,
        }
    }

    /// Returns the end of the bounds after a `dyn`: `for<'a> Fit<'a>`, `(Fit)`, `Send + Fit`.
    fn bounds(&self, start: usize) -> usize {
        let (mut at, mut open) = (start, 0_usize);
        while at < self.end {
            match self.tokens[at] {
                Token::Punct(b'<', _) => open += 1,
                // The `>` of `->` closes no bracket.
                Token::Punct(b'>', _) if self.tokens[at - 1].is(b'-') => {}
                Token::Punct(b'>', _) if open == 0 => break,
                Token::Punct(b'>', _) => open -= 1,
                Token::Punct(b',', _) if open > 0 => {}
                Token::Punct(b',' | b';' | b'=', _) | Token::Close(_) => break,
                Token::Open(Delimiter::Brace, _) => break,
                _ => {}
            }
            at = scan::step(self.tokens, at);
        }
        at
    }

    /// Returns whether a statement or an item may start here.
    fn starts(&self, at: usize) -> bool {
        at == 0
            || matches!(
                self.tokens[at - 1],
                Token::Open(..) | Token::Close(_) | Token::Punct(b';', _) | Token::Word(kw::PUB)
            )
    }

    fn path(&mut self, at: usize, path: Path, after: usize, found: &mut References) -> usize {
        let tokens = self.tokens;
        if scan::is(tokens, after, b'!')
            && let Some((_, arguments)) = scan::group(tokens, after + 1)
        {
            self.macro_end = self.macro_end.max(arguments.end);
            let last = path.segments.last().map_or("", |&last| self.names.text(last));
            if !is_standard_macro(last) {
                self.language_end = self.language_end.max(arguments.end);
            }
            found.calls.push(Call { path, arguments });
            return after + 2;
        }
        let is_single = path.segments.len() == 1 && !path.is_global;
        let colon = scan::is(tokens, after, b':') && !scan::is_colons(tokens, after);
        // The name of a field or an argument, except in a macro, which may use it in another way.
        if is_single && colon && at >= self.macro_end {
            return after;
        }
        let first = path.segments.first().map_or("", |&first| self.names.text(first));
        let called = matches!(scan::group(tokens, after), Some((Delimiter::Parenthesis, _)));
        let capital = first.starts_with(|first: char| first.is_uppercase());
        let is_item = !is_single || called || capital;
        let is_dyn = at < self.dyn_end;
        let is_type = !called
            && (at < self.type_end
                || at > 0 && tokens[at - 1].is(b'<') && scan::is(tokens, after, b'>'));
        let is_plain = at >= self.attribute_end && at >= self.language_end;
        let reference = PathReference { path, is_dyn, is_item, is_type, is_plain, at };
        // `path::<T>::name`
        if scan::is_colons(tokens, after) && scan::is(tokens, after + 2, b'<') {
            let end = scan::angles(tokens, after + 2, self.end);
            if scan::is_colons(tokens, end)
                && let Some(name) = scan::word(tokens, end + 2)
            {
                let mut longer = reference.clone();
                longer.path.segments.push(name);
                found.paths.push(reference);
                found.paths.push(PathReference { is_item: true, is_type: false, ..longer });
                return after;
            }
        }
        found.paths.push(reference);
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::lexer;

    fn read(text: &str) -> (Names, References) {
        let mut names = Names::default();
        let tokens = lexer::lex(text, &mut names).expect("tokens");
        let mut found = References::default();
        found.read(&tokens, 0..tokens.len(), &names);
        (names, found)
    }

    fn shown(names: &Names, path: &Path) -> String {
        let segments = path.segments.iter().map(|&name| names.text(name));
        let start = if path.is_global { "::" } else { "" };
        format!("{start}{}", segments.collect::<Vec<_>>().join("::"))
    }

    fn paths(text: &str) -> Vec<String> {
        let (names, found) = read(text);
        found.paths.iter().map(|reference| shown(&names, &reference.path)).collect()
    }

    fn methods(text: &str) -> Vec<String> {
        let (names, found) = read(text);
        found.methods.iter().map(|&name| names.text(name).to_owned()).collect()
    }

    #[test]
    fn paths_are_taken_whole() {
        assert_eq!(paths("a::b::c(x)"), ["a::b::c", "x"]);
        assert_eq!(paths("::std::mem::take(y)"), ["::std::mem::take", "y"]);
        assert_eq!(paths("f::<Row>(x)"), ["f", "Row", "x"]);
        assert_eq!(paths("Vec::<Row>::new()"), ["Vec", "Vec::new", "Row"]);
        assert_eq!(paths("$crate::f($x)"), ["crate::f"]);
    }

    #[test]
    fn members_are_no_paths_and_calls_are_methods() {
        assert_eq!(paths("x.limit + a.0"), ["x", "a"]);
        assert_eq!(methods("x.fit(y).name.sum::<u8>()"), ["fit", "sum"]);
        assert_eq!(methods("<Row as Load>::load(x)"), ["load"]);
        assert_eq!(paths("a..b"), ["a", "b"]);
    }

    #[test]
    fn names_of_fields_and_declarations_are_no_references() {
        assert_eq!(paths("Row { limit: LIMIT }"), ["Row", "LIMIT"]);
        assert_eq!(paths("fn limit(x: u8)"), ["u8"]);
        assert_eq!(paths("const LIMIT: u8 = OTHER;"), ["u8", "OTHER"]);
        assert_eq!(paths("'limit: loop {}"), ["loop"]);
    }

    #[test]
    fn names_in_format_strings_and_attributes_are_found() {
        assert!(
            paths("let LIMIT = 1; println!(\"{LIMIT:>3} {{no}}\")").contains(&"LIMIT".to_owned())
        );
        let (_, found) = read("#[serde(default = \"a::limit\")] x: u8");
        assert_eq!(found.quoted, ["a::limit"]);
    }
}

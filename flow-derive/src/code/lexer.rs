//! Splits a source file into tokens.
//!
//! The compiler's own lexer is available to macros, but it reports errors in the text to the user. It is
//! also slow, since each token crosses from the compiler to the macro, which is compiled without
//! optimization. The tokens of this lexer are those of the compiler, except that all comments are dropped,
//! including documentation.

use super::names::Names;
use super::tokens::{Delimiter, Token};

/// Returns the tokens of `text`, or `None` if it is not valid Rust.
pub(crate) fn lex(text: &str, names: &mut Names) -> Option<Vec<Token>> {
    let mut lexer =
        Lexer { text, bytes: text.as_bytes(), at: 0, tokens: Vec::new(), open: Vec::new() };
    lexer.start();
    while lexer.at < lexer.bytes.len() {
        lexer.next(names)?;
    }
    lexer.open.is_empty().then_some(lexer.tokens)
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
    /// The indices of the brackets that are still open.
    open: Vec<usize>,
}

impl Lexer<'_> {
    /// Skips the byte order mark and a `#!` line.
    fn start(&mut self) {
        if self.text.starts_with('\u{feff}') {
            self.at = '\u{feff}'.len_utf8();
        }
        let rest = &self.text[self.at..];
        let attribute = rest.strip_prefix("#!").is_some_and(|r| r.trim_start().starts_with('['));
        if rest.starts_with("#!") && !attribute {
            self.at += rest.find('\n').unwrap_or(rest.len());
        }
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn next(&mut self, names: &mut Names) -> Option<()> {
        let byte = self.byte(0);
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
            b'/' if self.byte(1) == b'/' => self.line_comment(),
            b'/' if self.byte(1) == b'*' => self.block_comment()?,
            b'"' => self.literal(0, names, Self::string)?,
            b'0'..=b'9' => self.literal(0, names, Self::number)?,
            b'\'' => self.quote(names)?,
            b'(' => self.opens(Delimiter::Parenthesis),
            b'[' => self.opens(Delimiter::Bracket),
            b'{' => self.opens(Delimiter::Brace),
            b')' => self.closes(Delimiter::Parenthesis)?,
            b']' => self.closes(Delimiter::Bracket)?,
            b'}' => self.closes(Delimiter::Brace)?,
            _ if is_punct(byte) => {
                self.at += 1;
                self.tokens.push(Token::Punct(byte, self.punct_follows()));
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => self.word(names)?,
            0x0b | 0x0c => self.at += 1,
            _ => return None,
        }
        Some(())
    }

    fn punct_follows(&self) -> bool {
        let comment = self.byte(0) == b'/' && matches!(self.byte(1), b'/' | b'*');
        is_punct(self.byte(0)) && !comment
    }

    fn opens(&mut self, delimiter: Delimiter) {
        self.open.push(self.tokens.len());
        self.tokens.push(Token::Open(delimiter, 0));
        self.at += 1;
    }

    fn closes(&mut self, delimiter: Delimiter) -> Option<()> {
        let open = self.open.pop()?;
        let close = self.tokens.len() as u32;
        match &mut self.tokens[open] {
            Token::Open(opened, end) if *opened == delimiter => *end = close,
            _ => return None,
        }
        self.tokens.push(Token::Close(delimiter));
        self.at += 1;
        Some(())
    }

    fn line_comment(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    }

    fn block_comment(&mut self) -> Option<()> {
        let mut depth = 0;
        loop {
            match (self.byte(0), self.byte(1)) {
                (b'/', b'*') => (depth, self.at) = (depth + 1, self.at + 2),
                (b'*', b'/') => (depth, self.at) = (depth - 1, self.at + 2),
                _ if self.at >= self.bytes.len() => return None,
                _ => self.at += 1,
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// Reads a literal with a prefix of `prefix` bytes, and its suffix: `1u8`.
    fn literal(
        &mut self,
        prefix: usize,
        names: &mut Names,
        read: fn(&mut Self) -> Option<()>,
    ) -> Option<()> {
        let start = self.at;
        self.at += prefix;
        read(self)?;
        self.word_rest();
        self.tokens.push(Token::Literal(names.intern(&self.text[start..self.at])));
        Some(())
    }

    /// Reads up to the next quotation mark that is not escaped.
    fn string(&mut self) -> Option<()> {
        self.quoted(b'"')
    }

    fn character(&mut self) -> Option<()> {
        self.quoted(b'\'')
    }

    fn quoted(&mut self, mark: u8) -> Option<()> {
        self.at += 1;
        while self.at < self.bytes.len() {
            let byte = self.byte(0);
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == mark {
                return Some(());
            }
        }
        None
    }

    /// Reads `#"..."#` with any number of `#`.
    fn raw_string(&mut self) -> Option<()> {
        let mut hashes = 0;
        while self.byte(0) == b'#' {
            (hashes, self.at) = (hashes + 1, self.at + 1);
        }
        if self.byte(0) != b'"' {
            return None;
        }
        self.at += 1;
        loop {
            let end = self.at + self.bytes.get(self.at..)?.iter().position(|&b| b == b'"')? + 1;
            self.at = end;
            if (0..hashes).all(|ahead| self.byte(ahead) == b'#') {
                self.at += hashes;
                return Some(());
            }
        }
    }

    fn number(&mut self) -> Option<()> {
        if self.byte(0) == b'0' && matches!(self.byte(1), b'x' | b'o' | b'b') {
            self.at += 2;
            return Some(()); // `literal` reads the digits as a suffix
        }
        self.digits();
        let after = self.byte(1);
        if self.byte(0) == b'.' && !(after == b'.' || after == b'_' || is_word_start(after)) {
            self.at += 1;
            self.digits();
        }
        if matches!(self.byte(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
            let mut ahead = 1 + sign;
            while self.byte(ahead) == b'_' {
                ahead += 1;
            }
            if self.byte(ahead).is_ascii_digit() {
                self.at += ahead;
                self.digits();
            }
        }
        Some(())
    }

    fn digits(&mut self) {
        while matches!(self.byte(0), b'0'..=b'9' | b'_') {
            self.at += 1;
        }
    }

    /// Reads a character literal, or the `'` of a lifetime.
    fn quote(&mut self, names: &mut Names) -> Option<()> {
        let mut rest = self.text[self.at + 1..].chars();
        let (first, second) = (rest.next()?, rest.next());
        if first == '\\' || second == Some('\'') {
            return self.literal(0, names, Self::character);
        }
        self.tokens.push(Token::Punct(b'\'', true));
        self.at += 1;
        Some(())
    }

    fn word(&mut self, names: &mut Names) -> Option<()> {
        let (first, second, third) = (self.byte(0), self.byte(1), self.byte(2));
        match (first, second, third) {
            (b'r', b'"', _) => return self.literal(1, names, Self::raw_string),
            (b'r', b'#', b'"' | b'#') => return self.literal(1, names, Self::raw_string),
            (b'b' | b'c', b'r', b'"' | b'#') => return self.literal(2, names, Self::raw_string),
            (b'b' | b'c', b'"', _) => return self.literal(1, names, Self::string),
            (b'b', b'\'', _) => return self.literal(1, names, Self::character),
            _ => {}
        }
        let start = self.at;
        if first == b'r' && second == b'#' {
            self.at += 2;
        }
        let before = self.at;
        self.word_rest();
        if self.at > before {
            self.tokens.push(Token::Word(names.intern(&self.text[start..self.at])));
            return Some(());
        }
        // A character that is neither ASCII nor part of a word may be white space.
        let space = self.text[self.at..]
            .chars()
            .next()
            .filter(|char| char.is_whitespace() || matches!(char, '\u{200e}' | '\u{200f}'))?;
        self.at += space.len_utf8();
        Some(())
    }

    fn word_rest(&mut self) {
        loop {
            let byte = self.byte(0);
            if byte.is_ascii_alphanumeric() || byte == b'_' {
                self.at += 1;
            } else if byte >= 0x80 {
                match self.text[self.at..].chars().next() {
                    Some(char) if char.is_alphanumeric() => self.at += char.len_utf8(),
                    _ => return,
                }
            } else {
                return;
            }
        }
    }
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

fn is_punct(byte: u8) -> bool {
    matches!(
        byte,
        b'~' | b'!'
            | b'@'
            | b'#'
            | b'$'
            | b'%'
            | b'^'
            | b'&'
            | b'*'
            | b'-'
            | b'='
            | b'+'
            | b'|'
            | b';'
            | b':'
            | b','
            | b'<'
            | b'.'
            | b'>'
            | b'/'
            | b'?'
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::code::tokens;

    /// Checks that this lexer and the compiler's return the same tokens for `text`.
    #[track_caller]
    fn agrees(text: &str, name: &str) {
        let mut names = Names::default();
        let own = lex(text, &mut names).unwrap_or_else(|| panic!("{name} is not Rust"));
        let compiler = tokens::flatten(text.parse().expect("tokens"), &mut names);
        let (own, compiler) = (tokens::parts(&own, &names), tokens::parts(&compiler, &names));
        let differs = own.iter().zip(&compiler).position(|(a, b)| a != b);
        assert!(differs.is_none() && own.len() == compiler.len(), "{name}: at {differs:?}");
    }

    #[test]
    fn every_kind_of_token_is_read_as_the_compiler_reads_it() {
        for text in [
            "a 'a 'b' '\\'' b'x' b'\\\\' c\"x\" r#type r\"a\" r#\"a\"b\"# br##\"a\"# \"##",
            "1 1. 1.0 1..2 1.0e-5 1e5f32 0xFF_u8 x.0.1 1.foo() 1_000 0b1 2.e1",
            "/* a /* b */ c */ // d\n/// doc\n//! doc\nfn",
            "a&&b||c<<=d>>e..=f::g->h=>i !=! & &'a x#[y]z ::<>",
            "\"a\\\"b\" '\"' '\u{e9}' \u{e9}t\u{e9} \"\u{e9}\"",
            "macro_rules! m { ($($x:expr),* $(,)?) => { $($x)* }; }",
        ] {
            agrees(text, text);
        }
    }

    #[test]
    fn this_workspace_is_read_as_the_compiler_reads_it() {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..")];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(&folder).expect("a folder");
            let paths: Vec<PathBuf> = entries.map(|entry| entry.expect("one").path()).collect();
            for path in paths {
                let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                if path.is_dir() && !name.starts_with('.') && name != "target" {
                    folders.push(path);
                } else if name.ends_with(".rs") {
                    agrees(&fs::read_to_string(&path).expect("text"), &name);
                    count += 1;
                }
            }
        }
        assert!(count > 100, "{count} files");
    }

    #[test]
    fn invalid_rust_is_refused() {
        for text in ["(", ")", "(]", "\"a", "/* a", "r#\"a\"", "\u{0}"] {
            assert!(lex(text, &mut Names::default()).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_byte_order_mark_and_an_interpreter_line_are_skipped() {
        let mut names = Names::default();
        let tokens = lex("\u{feff}#!/usr/bin/env run\nfn", &mut names).expect("tokens");
        assert_eq!(tokens.len(), 1);
        assert_eq!(lex("#![allow(x)]", &mut names).expect("tokens").len(), 8);
    }
}

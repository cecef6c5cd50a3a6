//! Renders tokens as text that does not depend on the formatting of the source.

use proc_macro2::{Delimiter, TokenStream};

use crate::code::names::Names;
use crate::code::tokens::{Part, flatten, parts};

/// Renders tokens, with one space after each comma and between two words, and no other spaces.
pub(crate) fn to_text(tokens: TokenStream) -> String {
    let mut names = Names::default();
    let tokens = flatten(tokens, &mut names);
    write(&parts(&tokens, &names))
}

/// Renders a type, with each path shortened to its last segment: `Vec<Row>` for `Vec<crate::Row>`.
pub(crate) fn short_type(tokens: TokenStream) -> String {
    let mut names = Names::default();
    let tokens = flatten(tokens, &mut names);
    write(&short(&parts(&tokens, &names)))
}

/// Shortens each path to its last segment.
pub(crate) fn short<'a>(parts: &[Part<'a>]) -> Vec<Part<'a>> {
    let is_word = |index: usize| matches!(parts.get(index), Some(Part::Word(_)));
    let is_colons = |index: usize| matches!(parts.get(index), Some(Part::Punct("::")));
    let mut short = Vec::new();
    let mut i = 0;
    while i < parts.len() {
        if is_colons(i) && is_word(i + 1) && short.last().is_none_or(|last| !closes(last)) {
            i += 1;
        } else if is_word(i) && is_colons(i + 1) && is_word(i + 2) {
            i += 2;
        } else {
            short.push(parts[i]);
            i += 1;
        }
    }
    short
}

/// Returns whether a `::` after this part continues a path, as in `<T as Model>::Fitted`.
fn closes(part: &Part<'_>) -> bool {
    matches!(part, Part::Punct(punct) if punct.ends_with('>'))
}

/// Renders parts, with the spaces of [`to_text`].
pub(crate) fn write(parts: &[Part<'_>]) -> String {
    let mut text = String::new();
    let mut after_word = false;
    for part in parts {
        let is_word = matches!(part, Part::Word(_) | Part::Literal(_));
        let lifetime_or_word = is_word || matches!(part, Part::Punct("'"));
        if after_word && lifetime_or_word {
            text.push(' ');
        }
        match *part {
            Part::Word(word) => text.push_str(word),
            Part::Literal(literal) => text.push_str(literal),
            Part::Punct(",") => text.push_str(", "),
            Part::Punct(punct) => text.push_str(punct),
            Part::Open(delimiter) => text.push_str(brackets(delimiter).0),
            Part::Close(delimiter) => text.push_str(brackets(delimiter).1),
        }
        after_word = is_word;
    }
    text
}

fn brackets(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> String {
        short_type(text.parse().expect("tokens"))
    }

    #[test]
    fn formatting_does_not_show() {
        let tokens = "Parquet < Vec<Row> >".parse().expect("tokens");
        assert_eq!(to_text(tokens), "Parquet<Vec<Row> >".replace(" >", ">"));
        assert_eq!(to_text("[ \"a\",\"b\" , ]".parse().expect("tokens")), "[\"a\", \"b\"]");
        assert_eq!(to_text("1 ..= 10".parse().expect("tokens")), "1..=10");
        assert_eq!(to_text("x as u8".parse().expect("tokens")), "x as u8");
        assert_eq!(to_text("&'static str".parse().expect("tokens")), "&'static str");
    }

    #[test]
    fn paths_are_cut_to_their_last_segment() {
        assert_eq!(cut("::flow::Json<std::vec::Vec<crate::Row>>"), "Json<Vec<Row>>");
        assert_eq!(cut("Json<(a::A, b::B,)>"), "Json<(A, B)>");
        assert_eq!(cut("Json<<T as m::Model>::Fitted>"), "Json<<T as Model>::Fitted>");
        assert_eq!(cut("Json<dyn Fn(&'static a::B)>"), "Json<dyn Fn(&'static B)>");
    }
}

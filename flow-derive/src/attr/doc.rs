//! Reads doc comments.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// Returns the text of the doc comments as an expression, without the space at the start of each line.
///
/// The text of `#[doc = include_str!("...")]` and the like is known to the compiler alone, so the expression
/// is a `concat!` in that case.
pub(crate) fn doc(attributes: &[Attribute]) -> TokenStream {
    let mut parts = vec![Text::Lines(String::new())];
    for value in docs(attributes).filter_map(value) {
        let line = match value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Text::Lines(text.value()),
            other => Text::Expression(other),
        };
        match (parts.last_mut(), line) {
            (Some(Text::Lines(before)), Text::Lines(line)) => {
                before.push_str(&line);
                before.push('\n');
            }
            (_, line @ Text::Lines(_)) => parts.push(line),
            (_, line @ Text::Expression(_)) => {
                parts.push(line);
                parts.push(Text::Lines("\n".to_owned()));
            }
        }
    }
    match parts.as_slice() {
        [Text::Lines(text)] => stripped(text).trim().to_token_stream(),
        parts => {
            let parts = parts.iter().map(|part| match part {
                Text::Lines(text) => stripped(text).to_token_stream(),
                Text::Expression(expression) => expression.to_token_stream(),
            });
            quote!(::core::concat!(#(#parts),*))
        }
    }
}

/// A part of a documentation: literal lines, or an expression such as `include_str!("...")`.
enum Text<'a> {
    Lines(String),
    Expression(&'a Expr),
}

fn value(attribute: &Attribute) -> Option<&Expr> {
    match &attribute.meta {
        Meta::NameValue(pair) => Some(&pair.value),
        Meta::Path(_) | Meta::List(_) => None,
    }
}

/// Removes the space at the start of each line, and those at its end.
fn stripped(text: &str) -> String {
    let lines = text.split('\n').map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the doc comments as attributes.
pub(crate) fn docs(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| {
        attribute.path().is_ident("doc") && matches!(attribute.meta, Meta::NameValue(_))
    })
}

#[cfg(test)]
mod tests {
    use syn::{DeriveInput, parse_quote};

    use super::*;

    #[test]
    fn the_space_at_the_start_of_each_line_is_removed() {
        let input: DeriveInput = parse_quote! {
            /// First.
            ///
            ///   Indented.
            struct A;
        };
        assert_eq!(doc(&input.attrs).to_string(), r#""First.\n\n  Indented.""#);
    }

    #[test]
    fn a_macro_is_left_to_the_compiler() {
        let input: DeriveInput = parse_quote! {
            /// First.
            #[doc = concat!("a", "b")]
            ///
            /// Last.
            struct A;
        };
        let text = doc(&input.attrs).to_string();
        assert!(text.contains(r#"concat ! ("a" , "b")"#), "{text}");
        assert!(text.contains("First.") && text.contains("Last."), "{text}");
    }
}

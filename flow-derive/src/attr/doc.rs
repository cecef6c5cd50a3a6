//! Reads doc comments.

use syn::{Attribute, Expr, Lit, Meta};

/// Returns the text of the doc comments, without the space at the start of each line.
pub(crate) fn doc(attributes: &[Attribute]) -> String {
    let lines: Vec<String> = docs(attributes)
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) => match &pair.value {
                Expr::Lit(literal) => match &literal.lit {
                    Lit::Str(text) => Some(text.value()),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        })
        .collect();
    let text = lines.join("\n");
    let lines: Vec<&str> =
        text.split('\n').map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    lines.join("\n").trim().to_owned()
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
        assert_eq!(doc(&input.attrs), "First.\n\n  Indented.");
    }
}

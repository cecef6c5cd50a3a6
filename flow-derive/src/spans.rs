//! The spans of generated tokens.
//!
//! The compiler reports an error about a generated token at the token's span. So tokens that can be
//! wrong get the span of the user's code. [`local`] separates the variables of generated code from
//! the user's variables.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

/// Returns a variable of the generated code that the user's expressions neither see nor shadow.
///
/// The leading underscores avoid constants of the user: a pattern would match against such a constant
/// instead of binding the variable.
pub(crate) fn local(name: &str) -> Ident {
    format_ident!("__{name}", span = Span::mixed_site())
}

/// Returns the spans of the first and the last token.
///
/// Generated code that begins with the first span and ends with the last one makes the compiler point
/// at all of the tokens.
pub(crate) fn ends(tokens: impl ToTokens) -> (Span, Span) {
    let mut first = None;
    let mut last = Span::call_site();
    for token in tokens.into_token_stream() {
        let (open, close) = match &token {
            TokenTree::Group(group) => (group.span_open(), group.span_close()),
            other => (other.span(), other.span()),
        };
        first.get_or_insert(open);
        last = close;
    }
    (first.unwrap_or(last), last)
}

/// Returns `<type as trait>::name`, with spans that point at the type.
pub(crate) fn associated(of: &impl ToTokens, through: &TokenStream, name: &str) -> TokenStream {
    let (first, last) = ends(of);
    let name = Ident::new(name, last);
    let open = quote_spanned!(first=> <);
    quote!(#open #of as #through>::#name)
}

/// Returns the name of an identifier without `r#`: `type` for `r#type`.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// Returns the name of the typed key of a field, with the span of the field: `DO_PREPROCESS` for
/// `do_preprocess`.
pub(crate) fn key(field: &Ident) -> Ident {
    let capitals = plain(field).to_uppercase();
    let mut key = syn::parse_str(&capitals).unwrap_or_else(|_| field.clone());
    key.set_span(field.span());
    key
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn a_key_is_the_field_in_capitals() {
        assert_eq!(key(&parse_quote!(do_preprocess)), "DO_PREPROCESS");
        assert_eq!(key(&parse_quote!(r#type)), "TYPE");
        assert_eq!(key(&parse_quote!(x1)), "X1");
    }
}

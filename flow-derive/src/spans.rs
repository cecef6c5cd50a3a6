//! Where the tokens that the macros write are said to come from.
//!
//! A token at the user's own span makes the compiler point there. The variables of generated code
//! are kept apart from the user's by [`local`].

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

/// A variable of the generated code, which the user's expressions neither see nor shadow. The
/// underscores are for constants of the user's, which a pattern would match instead.
pub(crate) fn local(name: &str) -> Ident {
    format_ident!("__{name}", span = Span::mixed_site())
}

/// The spans of the first and the last token. The compiler joins them where it reports on what
/// begins with the one and ends with the other.
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

/// `<type as trait>::name`, which points at the type.
pub(crate) fn associated(of: &impl ToTokens, through: &TokenStream, name: &str) -> TokenStream {
    let (first, last) = ends(of);
    let name = Ident::new(name, last);
    let open = quote_spanned!(first=> <);
    quote!(#open #of as #through>::#name)
}

/// The name of an identifier, `type` for `r#type`.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

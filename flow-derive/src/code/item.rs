//! One item of the source that takes part in making an output.

use proc_macro2::TokenStream;
use quote::quote;

use super::tokens;
use crate::attr::path::Facade;

/// An item by its name, its file and its digest.
pub(crate) struct Item {
    /// Such as `impl Run for Train`.
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) digest: u128,
}

impl Item {
    /// The item that `tokens` are.
    pub(crate) fn new(name: String, file: String, tokens: TokenStream) -> Self {
        Self { name, file, digest: tokens::digest(tokens) }
    }

    /// As the expression of `Code`'s item table.
    pub(crate) fn expand(&self, facade: &Facade) -> TokenStream {
        let private = facade.private();
        let Self { name, file, digest } = self;
        quote!(#private::Item { name: #name, file: #file, digest: #digest })
    }
}

//! The errors of one expansion, gathered so that the user sees all of them at once.

use std::cell::{Cell, RefCell};
use std::fmt::Display;

use quote::ToTokens;

/// Gathers errors. It is shared by reference, and asked once, at the end, by [`Ctxt::check`].
#[derive(Default)]
pub(crate) struct Ctxt {
    errors: RefCell<Vec<syn::Error>>,
    checked: Cell<bool>,
}

impl Ctxt {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// An error that points at all of `tokens`.
    pub(crate) fn error(&self, tokens: impl ToTokens, message: impl Display) {
        self.syn(syn::Error::new_spanned(tokens, message));
    }

    /// One error of the parser, or several that were combined.
    pub(crate) fn syn(&self, error: syn::Error) {
        self.errors.borrow_mut().extend(error);
    }

    /// All errors there were, each one message.
    pub(crate) fn check(self) -> Vec<syn::Error> {
        self.checked.set(true);
        self.errors.take()
    }
}

/// In tests, an expansion that does not look at its errors is noticed.
#[cfg(test)]
impl Drop for Ctxt {
    fn drop(&mut self) {
        let noticed = self.checked.get() || std::thread::panicking();
        assert!(noticed, "nobody looked at the errors");
    }
}

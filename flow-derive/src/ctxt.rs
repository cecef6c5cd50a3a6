//! Collects the errors of one macro expansion, so that the user sees all of them at once.

use std::cell::{Cell, RefCell};
use std::fmt::Display;

use quote::ToTokens;

/// Collects errors. It is shared by reference; [`Ctxt::check`] takes the errors at the end.
#[derive(Default)]
pub(crate) struct Ctxt {
    errors: RefCell<Vec<syn::Error>>,
    checked: Cell<bool>,
}

impl Ctxt {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds an error that points at all of `tokens`.
    pub(crate) fn error(&self, tokens: impl ToTokens, message: impl Display) {
        self.syn(syn::Error::new_spanned(tokens, message));
    }

    /// Adds an error of the parser. A combined error counts as several.
    pub(crate) fn syn(&self, error: syn::Error) {
        self.errors.borrow_mut().extend(error);
    }

    /// Returns all errors, each with one message.
    pub(crate) fn check(self) -> Vec<syn::Error> {
        self.checked.set(true);
        self.errors.take()
    }
}

/// In tests, fails an expansion that does not check its errors.
#[cfg(test)]
impl Drop for Ctxt {
    fn drop(&mut self) {
        let is_checked = self.checked.get() || std::thread::panicking();
        assert!(is_checked, "the errors were not checked");
    }
}

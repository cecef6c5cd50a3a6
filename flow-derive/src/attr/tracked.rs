//! Parses `#[tracked(...)]`, and `tracked(...)` in the `#[task(...)]` of a function.

use proc_macro2::{Ident, TokenStream};
use syn::parse::{ParseStream, Parser};
use syn::{Path, Result, Token, parenthesized, token};

use super::options::{self, flag, keep};
use super::words::{self, Words};
use super::{Opt, path};
use crate::ctxt::Ctxt;

/// Which part of the source is tracked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The impl and everything that it reaches.
    #[default]
    Reached,
    /// Only the body of the impl.
    Body,
    /// All of the crate and its path dependencies.
    Crate,
}

/// The options of `#[tracked(...)]`.
#[derive(Default)]
pub(crate) struct TrackedAttr {
    pub(crate) body: Opt<()>,
    /// `crate` without a value: the whole crate is tracked.
    pub(crate) whole: Opt<()>,
    pub(crate) lock: Opt<()>,
    /// `crate = path`: the path of the facade.
    pub(crate) krate: Opt<Path>,
}

impl TrackedAttr {
    /// Parses the arguments of `#[tracked(...)]`.
    pub(crate) fn read(arguments: TokenStream, ctxt: &Ctxt) -> Self {
        let mut attr = Self::default();
        let parsed = (|input: ParseStream<'_>| {
            attr.options(input, &words::TRACKED, ctxt);
            Ok(())
        })
        .parse2(arguments);
        if let Err(error) = parsed {
            ctxt.syn(error);
        }
        attr
    }

    /// Parses the option `tracked(...)` of a task, after its keyword `word`.
    pub(crate) fn option(word: &Ident, input: ParseStream<'_>, ctxt: &Ctxt) -> Result<Self> {
        if !input.peek(token::Paren) {
            let message = "`tracked` sets how much of the code is tracked: `tracked(body)`, \
                           `tracked(crate)`, `tracked(lock)`; without it, all reached code is tracked";
            return Err(syn::Error::new(word.span(), message));
        }
        let content;
        parenthesized!(content in input);
        let mut attr = Self::default();
        attr.options(&content, &words::TRACKED_OPTION, ctxt);
        if let Some(krate) = attr.krate.take() {
            let message = "`crate` with a path is an option of the task: `#[task(crate = ...)]`";
            ctxt.error(krate.word, message);
        }
        Ok(attr)
    }

    fn options(&mut self, input: ParseStream<'_>, words: &Words, ctxt: &Ctxt) {
        options::each(input, ctxt, &mut |word, input| self.one(word, input, words, ctxt));
        if let (Some(_), Some(whole)) = (&self.body, &self.whole) {
            let message = "`body` tracks the body alone, and `crate` all code of the crate; write one \
                           of them";
            ctxt.error(&whole.word, message);
        }
    }

    fn one(
        &mut self,
        word: Ident,
        input: ParseStream<'_>,
        words: &Words,
        ctxt: &Ctxt,
    ) -> Result<()> {
        match word.to_string().as_str() {
            "crate" if input.peek(Token![=]) => {
                let path = path::facade(&word, input)?;
                keep(&mut self.krate, word, path, ctxt);
            }
            "crate" => flag(&mut self.whole, word, input, ctxt)?,
            "body" => flag(&mut self.body, word, input, ctxt)?,
            "lock" => flag(&mut self.lock, word, input, ctxt)?,
            other => return Err(syn::Error::new_spanned(&word, words.unknown(other))),
        }
        Ok(())
    }

    pub(crate) fn extent(&self) -> Extent {
        match (&self.body, &self.whole) {
            (Some(_), _) => Extent::Body,
            (None, Some(_)) => Extent::Crate,
            (None, None) => Extent::Reached,
        }
    }
}

//! `#[task(...)]`.

use proc_macro2::TokenStream;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Expr, Ident, LitInt, LitStr, Path, Result, Token, Type, parenthesized, token,
};

use super::entry::{self, Entry};
use super::options::{self, keep, value};
use super::{Opt, path, words};
use crate::ctxt::Ctxt;

/// What was written in `#[task(...)]`.
#[derive(Default)]
pub(crate) struct TaskAttr {
    pub(crate) requires: Opt<Requires>,
    pub(crate) target: Opt<Target>,
    pub(crate) name: Opt<LitStr>,
    pub(crate) was: Opt<LitStr>,
    pub(crate) version: Opt<u32>,
    pub(crate) krate: Opt<Path>,
    /// `requires` was written, but could not be read.
    pub(crate) bad_requires: bool,
    /// `target` was written, but could not be read.
    pub(crate) bad_target: bool,
}

/// The entries of `requires`.
pub(crate) struct Requires(pub(crate) Vec<Entry>);

/// How the output is kept: a type, and calls on its default.
pub(crate) struct Target {
    pub(crate) ty: Type,
    pub(crate) options: Vec<(Ident, Expr)>,
}

impl TaskAttr {
    /// Reads all attributes named `task`.
    pub(crate) fn read(attributes: &[Attribute], ctxt: &Ctxt) -> Self {
        let mut attr = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("task")) {
            options::read(attribute, ctxt, |word, input| attr.option(word, input, ctxt));
        }
        attr
    }

    fn option(&mut self, word: Ident, input: ParseStream<'_>, ctxt: &Ctxt) -> Result<()> {
        match word.to_string().as_str() {
            "requires" => {
                self.bad_requires = true;
                let entries = requires(&word, input)?;
                self.bad_requires = false;
                keep(&mut self.requires, word, Requires(entries), ctxt);
            }
            "target" => {
                self.bad_target = true;
                let target = value(&word, input, "Json<f64>", target)?;
                self.bad_target = false;
                keep(&mut self.target, word, target, ctxt);
            }
            "name" => {
                let name = value(&word, input, "\"...\"", |input| text(input))?;
                keep(&mut self.name, word, name, ctxt);
            }
            "was" => {
                let was = value(&word, input, "\"...\"", |input| text(input))?;
                keep(&mut self.was, word, was, ctxt);
            }
            "version" => {
                let version = value(&word, input, "2", version)?;
                keep(&mut self.version, word, version, ctxt);
            }
            "crate" => {
                let path = path::facade(&word, input)?;
                keep(&mut self.krate, word, path, ctxt);
            }
            other => return Err(syn::Error::new_spanned(&word, words::TASK.refuse(other))),
        }
        Ok(())
    }
}

fn requires(word: &Ident, input: ParseStream<'_>) -> Result<Vec<Entry>> {
    if !input.peek(token::Paren) {
        return Ok(vec![value(word, input, "Task", |input| entry::entry(None, input))?]);
    }
    let content;
    let parens = parenthesized!(content in input);
    let entries = options::all_of(&content, entry::entries)?;
    if entries.is_empty() {
        let message = "name a task, or leave `requires` out if none is required";
        return Err(syn::Error::new(parens.span.join(), message));
    }
    Ok(entries)
}

/// Reads `Type` or `Type(option = expr, ...)`.
fn target(input: ParseStream<'_>) -> Result<Target> {
    let ty = path::named_type(input, "a target, such as `Json<f64>`")?;
    let mut options = Vec::new();
    if input.peek(token::Paren) {
        let content;
        parenthesized!(content in input);
        options = options::all_of(&content, |content| {
            let options = Punctuated::<_, Token![,]>::parse_terminated_with(content, option)?;
            Ok(options.into_iter().collect())
        })?;
    }
    Ok(Target { ty, options })
}

fn option(content: ParseStream<'_>) -> Result<(Ident, Expr)> {
    let named = content.peek(Ident) && content.peek2(Token![=]) && !content.peek2(Token![==]);
    if !named {
        return Err(content.error("an option of the target has a name: `option = expr`"));
    }
    let name = content.parse()?;
    content.parse::<Token![=]>()?;
    Ok((name, content.parse()?))
}

/// Reads the text of a name.
pub(crate) fn text(input: ParseStream<'_>) -> Result<LitStr> {
    let (span, found) = (input.span(), input.parse::<LitStr>());
    found.map_err(|_| syn::Error::new(span, "expected a text in quotes, such as `\"Train\"`"))
}

fn version(input: ParseStream<'_>) -> Result<u32> {
    let message = "expected a number from 0 to 4294967295, such as `version = 2`";
    let span = input.span();
    let literal: LitInt = input.parse().map_err(|_| syn::Error::new(span, message))?;
    if !matches!(literal.suffix(), "" | "u32") {
        return Err(syn::Error::new_spanned(literal, message));
    }
    literal.base10_parse().map_err(|_| syn::Error::new(span, message))
}

impl quote::ToTokens for Target {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.ty.to_tokens(tokens);
    }
}

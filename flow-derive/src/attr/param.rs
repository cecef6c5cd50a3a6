//! Parses `#[param(...)]`.

use proc_macro2::{Group, TokenStream};
use quote::ToTokens;
use syn::parse::ParseStream;
use syn::{Attribute, Expr, ExprArray, ExprPath, Ident, LitStr, Result, Token, token};

use super::options::{self, flag, keep, value};
use super::path::KeyPath;
use super::{Opt, task, words, written};
use crate::ctxt::Ctxt;

/// The options of `#[param(...)]`.
#[derive(Default)]
pub(crate) struct ParamAttr {
    /// The default. `None` inside stands for `Default::default()` of the type.
    pub(crate) default: Opt<Option<Expr>>,
    pub(crate) file: Opt<()>,
    pub(crate) insignificant: Opt<()>,
    pub(crate) local: Opt<()>,
    pub(crate) range: Opt<Expr>,
    pub(crate) choices: Opt<Choices>,
    pub(crate) was: Opt<LitStr>,
    pub(crate) from: Opt<KeyPath>,
}

/// The allowed values: a list as it is written, or the name of one.
pub(crate) enum Choices {
    List(ExprArray),
    /// `LIST` or `&LIST`
    Named(Box<Expr>),
}

impl ToTokens for Choices {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::List(list) => list.to_tokens(tokens),
            Self::Named(list) => list.to_tokens(tokens),
        }
    }
}

impl ParamAttr {
    /// Reads all attributes named `param`.
    pub(crate) fn read(attributes: &[Attribute], ctxt: &Ctxt) -> Self {
        let mut attr = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("param")) {
            options::read(attribute, ctxt, |word, input| attr.option(word, input, ctxt));
        }
        attr
    }

    fn option(&mut self, word: Ident, input: ParseStream<'_>, ctxt: &Ctxt) -> Result<()> {
        match word.to_string().as_str() {
            "default" => {
                if input.peek(token::Paren) {
                    return Err(default_in_parentheses(&word, input));
                }
                let default = if input.peek(Token![=]) {
                    Some(value(&word, input, "expr", |input| input.parse())?)
                } else {
                    None
                };
                keep(&mut self.default, word, default, ctxt);
            }
            "file" => flag(&mut self.file, word, input, ctxt)?,
            "insignificant" => flag(&mut self.insignificant, word, input, ctxt)?,
            "local" => flag(&mut self.local, word, input, ctxt)?,
            "range" => {
                let range = value(&word, input, "1..=10", |input| input.parse())?;
                keep(&mut self.range, word, range, ctxt);
            }
            "choices" => {
                let choices = value(&word, input, "[a, b]", choices)?;
                keep(&mut self.choices, word, choices, ctxt);
            }
            "was" => {
                let was = value(&word, input, "\"...\"", task::text)?;
                keep(&mut self.was, word, was, ctxt);
            }
            "from" => {
                let from = value(&word, input, "Task::PARAM", KeyPath::parse)?;
                keep(&mut self.from, word, from, ctxt);
            }
            other => return Err(syn::Error::new_spanned(&word, words::PARAM.unknown(other))),
        }
        Ok(())
    }
}

/// Returns the error for `default(3)`.
fn default_in_parentheses(word: &Ident, input: ParseStream<'_>) -> syn::Error {
    let value = input.fork().parse::<Group>().map(|group| group.stream().to_string());
    let message = match value {
        Ok(value) if !value.is_empty() => {
            format!("a default stands after `=`; write `default = {value}`")
        }
        _ => "`default` has no parentheses; write `default`, or `default = expr`".to_owned(),
    };
    syn::Error::new(word.span(), message)
}

fn choices(input: ParseStream<'_>) -> Result<Choices> {
    if !input.peek(token::Bracket) {
        if let Ok(Expr::Range(range)) = input.fork().parse::<Expr>() {
            let written = written(&range);
            let message = format!(
                "`choices` takes a list of values, such as `choices = [\"a\", \"b\"]`; for a range \
                 write `range = {written}`"
            );
            return Err(syn::Error::new_spanned(range, message));
        }
        let ahead = input.fork();
        ahead.parse::<Option<Token![&]>>()?;
        if ahead.parse::<ExprPath>().is_err() {
            return Err(input.error(
                "expected a list of values, such as `choices = [\"a\", \"b\"]`, or the name of a \
                 constant that is one",
            ));
        }
        return input.parse().map(|list| Choices::Named(Box::new(list)));
    }
    let choices: ExprArray = input.parse()?;
    if choices.elems.is_empty() {
        let message = "this list is empty, so that no value is allowed; list the allowed values, or leave out \
                       `choices`";
        return Err(syn::Error::new_spanned(choices, message));
    }
    Ok(Choices::List(choices))
}

//! Parses `#[param(...)]`.

use syn::parse::ParseStream;
use syn::{Attribute, Expr, ExprArray, Ident, LitStr, Result, Token, token};

use super::options::{self, bare, keep, value};
use super::path::KeyPath;
use super::{Opt, task, words};
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
    pub(crate) choices: Opt<ExprArray>,
    pub(crate) was: Opt<LitStr>,
    pub(crate) from: Opt<KeyPath>,
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
                let default = if input.peek(Token![=]) || input.peek(token::Paren) {
                    Some(value(&word, input, "expr", |input| input.parse())?)
                } else {
                    None
                };
                keep(&mut self.default, word, default, ctxt);
            }
            "file" => {
                bare(&word, input)?;
                keep(&mut self.file, word, (), ctxt);
            }
            "insignificant" => {
                bare(&word, input)?;
                keep(&mut self.insignificant, word, (), ctxt);
            }
            "local" => {
                bare(&word, input)?;
                keep(&mut self.local, word, (), ctxt);
            }
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

fn choices(input: ParseStream<'_>) -> Result<ExprArray> {
    if !input.peek(token::Bracket) {
        return Err(input.error("expected a list of values, such as `choices = [\"a\", \"b\"]`"));
    }
    let choices: ExprArray = input.parse()?;
    if choices.elems.is_empty() {
        let message = "with no choices no value is allowed; list those that are";
        return Err(syn::Error::new_spanned(choices, message));
    }
    Ok(choices)
}

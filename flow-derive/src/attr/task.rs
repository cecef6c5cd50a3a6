//! Parses `#[task(...)]`.

use proc_macro2::TokenStream;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Expr, ExprPath, Ident, LitInt, LitStr, Path, Result, Token, Type, parenthesized,
    token,
};

use super::entry::{self, Entry, Form};
use super::options::{self, flag, keep, value};
use super::policy::PolicyAttr;
use super::refresh::{self, Refresh};
use super::tracked::TrackedAttr;
use super::{Opt, path, words};
use crate::ctxt::Ctxt;

/// The options of `#[task(...)]`.
#[derive(Default)]
pub(crate) struct TaskAttr {
    pub(crate) requires: Opt<Requires>,
    pub(crate) target: Opt<Target>,
    /// The struct whose fields are the outputs.
    pub(crate) outputs: Opt<Type>,
    pub(crate) external: Opt<()>,
    pub(crate) path: Opt<Expr>,
    pub(crate) aggregate: Opt<()>,
    pub(crate) group: Opt<LitStr>,
    pub(crate) dir: Opt<LitStr>,
    pub(crate) uses: Opt<Vec<Type>>,
    /// The tasks that this task may require while it runs.
    pub(crate) may_require: Opt<Vec<Type>>,
    pub(crate) name: Opt<LitStr>,
    /// The name of the type that is generated for a function, if it differs from the function's name.
    pub(crate) type_name: Opt<Ident>,
    pub(crate) was: Opt<LitStr>,
    pub(crate) version: Opt<u32>,
    pub(crate) refresh: Opt<Refresh>,
    /// How much of the code of a function is tracked.
    pub(crate) tracked: Opt<TrackedAttr>,
    /// The function that checks the output. It is a path, so that its code is tracked as that of an item;
    /// the tokens of `#[task(...)]` are not tracked.
    pub(crate) check: Opt<ExprPath>,
    /// How the task is executed.
    pub(crate) policy: PolicyAttr,
    pub(crate) krate: Opt<Path>,
    /// `requires` was written, but could not be read.
    pub(crate) bad_requires: bool,
    /// `target` or `outputs` was written, but could not be read.
    pub(crate) bad_target: bool,
}

/// The entries of `requires`.
pub(crate) struct Requires(pub(crate) Vec<Entry>);

impl Requires {
    /// Returns the task of the first unconditional entry or, if there is none, of the first entry.
    pub(crate) fn unconditional(&self) -> Option<&Type> {
        let always = self.0.iter().find(|entry| matches!(entry.form, Form::One));
        always.or(self.0.first()).map(|entry| &entry.dependency.task)
    }
}

/// A target: a type, and the methods to call on its default value.
pub(crate) struct Target {
    pub(crate) ty: Type,
    pub(crate) options: Vec<(Ident, Expr)>,
}

impl TaskAttr {
    /// Reads all attributes named `task`.
    pub(crate) fn read(attributes: &[Attribute], ctxt: &Ctxt) -> Self {
        let mut attr = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("task")) {
            if !options::read(attribute, ctxt, |word, input| attr.option(word, input, ctxt)) {
                attr.bad_target = true;
                attr.bad_requires = true;
            }
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
            "outputs" => {
                self.bad_target = true;
                let outputs = value(&word, input, "Split", |input| {
                    path::named_type(input, "a struct with `#[derive(Outputs)]`")
                })?;
                self.bad_target = false;
                keep(&mut self.outputs, word, outputs, ctxt);
            }
            "external" => flag(&mut self.external, word, input, ctxt)?,
            "path" => {
                let path = value(&word, input, "\"data/prices.csv\"", |input| input.parse())?;
                keep(&mut self.path, word, path, ctxt);
            }
            "aggregate" => flag(&mut self.aggregate, word, input, ctxt)?,
            "group" => {
                let group = value(&word, input, "\"features\"", text)?;
                keep(&mut self.group, word, group, ctxt);
            }
            "dir" => {
                let dir = value(&word, input, "\"prices/daily\"", text)?;
                keep(&mut self.dir, word, dir, ctxt);
            }
            "uses" => {
                let how = "names the types that the flow provides: `uses(Client)`";
                let uses = types(&word, input, how)?;
                keep(&mut self.uses, word, uses, ctxt);
            }
            "may_require" => {
                let how = "names tasks that are required while it runs: `may_require(Fit<Ols>)`";
                let tasks = types(&word, input, how)?;
                keep(&mut self.may_require, word, tasks, ctxt);
            }
            "name" if input.peek(Token![=]) && input.peek2(Ident) => {
                let name = value(&word, input, "Mean", |input| input.parse())?;
                keep(&mut self.type_name, word, name, ctxt);
            }
            "name" => {
                let name = value(&word, input, "\"...\"", text)?;
                keep(&mut self.name, word, name, ctxt);
            }
            "was" => {
                let was = value(&word, input, "\"...\"", text)?;
                keep(&mut self.was, word, was, ctxt);
            }
            "version" => {
                let version = value(&word, input, "2", version)?;
                keep(&mut self.version, word, version, ctxt);
            }
            "refresh" => {
                let refresh = value(&word, input, "\"24h\"", refresh::refresh)?;
                keep(&mut self.refresh, word, refresh, ctxt);
            }
            "tracked" => {
                let tracked = TrackedAttr::option(&word, input, ctxt)?;
                keep(&mut self.tracked, word, tracked, ctxt);
            }
            "check" => {
                let check = value(&word, input, "is_sorted", check)?;
                keep(&mut self.check, word, check, ctxt);
            }
            option if words::EXECUTION.contains(&option) => {
                self.policy.option(word, input, ctxt)?
            }
            "crate" => {
                let path = path::facade(&word, input)?;
                keep(&mut self.krate, word, path, ctxt);
            }
            other => return Err(syn::Error::new_spanned(&word, words::TASK.unknown(other))),
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
pub(crate) fn target(input: ParseStream<'_>) -> Result<Target> {
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

/// Parses the path of a check function.
pub(crate) fn check(input: ParseStream<'_>) -> Result<ExprPath> {
    let span = input.span();
    let named = |_| {
        let message = "expected the path of a function, such as `is_sorted`, that is given the output \
                       by reference and returns `Result<()>`";
        syn::Error::new(span, message)
    };
    let path: ExprPath = input.parse().map_err(named)?;
    if !input.is_empty() && !input.peek(Token![,]) {
        return Err(named(input.error("")));
    }
    Ok(path)
}

/// Parses a string literal.
pub(crate) fn text(input: ParseStream<'_>) -> Result<LitStr> {
    let (span, found) = (input.span(), input.parse::<LitStr>());
    found.map_err(|_| syn::Error::new(span, "expected a text in quotes, such as `\"Train\"`"))
}

/// Reads `(Type, Type)`.
fn types(word: &Ident, input: ParseStream<'_>, how: &str) -> Result<Vec<Type>> {
    if !input.peek(token::Paren) {
        return Err(syn::Error::new(word.span(), format!("`{word}` {how}")));
    }
    let content;
    let parens = parenthesized!(content in input);
    let types = options::all_of(&content, |content| {
        Punctuated::<Type, Token![,]>::parse_terminated(content)
    })?;
    if types.is_empty() {
        let message = format!("name a type, or leave `{word}` out");
        return Err(syn::Error::new(parens.span.join(), message));
    }
    Ok(types.into_iter().collect())
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

//! Parses a list of options: `word = value, word(...), word`.

use proc_macro2::{Group, Ident, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Attribute, Lit, Meta, Result, Token};

use super::{Opt, Written};
use crate::ctxt::Ctxt;

/// Reads the options of one attribute, calling `read` for each. Returns whether the attribute is a list
/// of options.
pub(crate) fn read(
    attribute: &Attribute,
    ctxt: &Ctxt,
    mut read: impl FnMut(Ident, ParseStream<'_>) -> Result<()>,
) -> bool {
    match &attribute.meta {
        Meta::Path(_) => true,
        Meta::List(list) => {
            let parsed = list.parse_args_with(|input: ParseStream<'_>| {
                each(input, ctxt, &mut read);
                Ok(())
            });
            parsed.map_err(|error| ctxt.syn(error)).is_ok()
        }
        Meta::NameValue(pair) => {
            let name = pair.path.require_ident().map_or_else(|_| String::new(), Ident::to_string);
            ctxt.error(pair, format_args!("options stand in parentheses: `#[{name}(...)]`"));
            false
        }
    }
}

/// Reads options up to the end of `input`. An option that cannot be read is reported and skipped.
pub(crate) fn each(
    input: ParseStream<'_>,
    ctxt: &Ctxt,
    read: &mut dyn FnMut(Ident, ParseStream<'_>) -> Result<()>,
) {
    while !input.is_empty() {
        let result = input.call(Ident::parse_any).and_then(|word| {
            read(word, input)?;
            if input.is_empty() || input.peek(Token![,]) {
                return Ok(());
            }
            Err(input.error("expected `,`"))
        });
        if let Err(error) = result {
            ctxt.syn(error);
            skip_option(input);
        }
        let _ = input.parse::<Option<Token![,]>>();
    }
}

/// Stores an option in `place`; reports an error if the option was written before.
pub(crate) fn keep<T>(place: &mut Opt<T>, word: Ident, value: T, ctxt: &Ctxt) {
    if place.is_some() {
        ctxt.error(&word, format_args!("`{word}` is written twice; write it once"));
    } else {
        *place = Some(Written { word, value });
    }
}

/// Reads the value of an option: expects `=`, and then calls `parse`.
pub(crate) fn value<T>(
    word: &Ident,
    input: ParseStream<'_>,
    example: &str,
    parse: impl FnOnce(ParseStream<'_>) -> Result<T>,
) -> Result<T> {
    if !input.peek(Token![=]) {
        let message = format!("`{word}` needs a value: `{word} = {example}`");
        return Err(syn::Error::new(word.span(), message));
    }
    let equals: Token![=] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) {
        let message = format!("a value is missing: `{word} = {example}`");
        return Err(syn::Error::new_spanned(equals, message));
    }
    parse(input)
}

/// Reads an option without a value. A value is an error, but the option counts as written unless the value is
/// `false`, so that no further errors follow.
pub(crate) fn flag(
    place: &mut Opt<()>,
    word: Ident,
    input: ParseStream<'_>,
    ctxt: &Ctxt,
) -> Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        keep(place, word, (), ctxt);
        return Ok(());
    }
    let value = refused_value(input);
    let is_false = matches!(&value, Some(Lit::Bool(value)) if !value.value);
    let instead = match (word.to_string().as_str(), value) {
        _ if is_false => format!("leave out `{word}`"),
        ("file", Some(value @ Lit::Str(_))) => {
            format!("write `file, default = {}`", value.to_token_stream())
        }
        ("external", Some(value @ Lit::Str(_))) => {
            format!("write `external, path = {}`", value.to_token_stream())
        }
        _ => format!("write `{word}` alone"),
    };
    let error = input.error(format_args!("`{word}` takes no value; {instead}"));
    if !is_false {
        keep(place, word, (), ctxt);
    }
    Err(error)
}

/// Returns the literal in `= literal` or `(literal)`.
fn refused_value(input: ParseStream<'_>) -> Option<Lit> {
    let ahead = input.fork();
    if ahead.peek(Token![=]) {
        ahead.parse::<Token![=]>().ok()?;
        return ahead.parse().ok();
    }
    let group: Group = ahead.parse().ok()?;
    syn::parse2(group.stream()).ok()
}

/// Reads all of `content` by `parse`. After an error, drops the unread tokens, so that the parser does
/// not report them a second time.
pub(crate) fn all_of<T>(
    content: ParseStream<'_>,
    parse: impl FnOnce(ParseStream<'_>) -> Result<T>,
) -> Result<T> {
    let result = parse(content).and_then(|value| {
        if content.is_empty() { Ok(value) } else { Err(content.error("unexpected token")) }
    });
    while !content.is_empty() {
        let _ = content.parse::<TokenTree>();
    }
    result
}

/// Skips to the comma before the next option, or to the end.
fn skip_option(input: ParseStream<'_>) {
    while !input.is_empty() {
        if input.peek(Token![,]) && starts_option(input) {
            return;
        }
        let _ = input.parse::<TokenTree>();
    }
}

/// Returns whether an option follows the comma: a word, and then `,`, `(`, `=` or the end.
fn starts_option(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    ahead.parse::<Token![,]>().is_ok()
        && (ahead.is_empty()
            || ahead.call(Ident::parse_any).is_ok()
                && (ahead.is_empty()
                    || ahead.peek(Token![,])
                    || ahead.peek(syn::token::Paren)
                    || ahead.peek(Token![=]) && !ahead.peek(Token![==])))
}

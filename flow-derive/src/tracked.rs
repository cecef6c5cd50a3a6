//! `#[tracked]` above `impl Run for X` or `impl Target for X`: fills in the constant `CODE`.
//!
//! Only the head of the impl is parsed. Its body is passed on as it was written, so that nothing
//! the compiler understands has to be understood here too, and an impl is passed on even where
//! something is wrong with it.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Generics, Ident, Path, Result, Token, Type, WhereClause};

use crate::attr::path::{self, Facade};
use crate::attr::{Opt, options, words};
use crate::code::item::Item;
use crate::ctxt::Ctxt;
use crate::text;

const PLACE: &str =
    "`#[tracked]` stands above `impl Run for ...` or `impl Target for ...`, whose code it tracks";

/// The traits that have a constant `CODE`.
const TRAITS: [&str; 2] = ["Run", "Target"];

/// The item, with the constant filled in; with the errors, if there are any.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream, file: String) -> TokenStream {
    let ctxt = Ctxt::new();
    let facade = read_arguments(arguments, &ctxt);
    let item = match head.parse2(item.clone()) {
        Ok(head) if is_to_track(&head, &ctxt) => {
            let of = head.of.segments.last().map(|last| last.ident.unraw());
            let name = format!(
                "impl {} for {}",
                of.into_token_stream(),
                text::short_type(head.implementor.into_token_stream())
            );
            // What stands before the body does not count, so that a task can be renamed.
            let code = Item::new(name, file, head.body.stream());
            fill_in(item, &constant(&code, &facade))
        }
        Ok(_) => item,
        Err(error) => {
            ctxt.syn(error);
            item
        }
    };
    let errors: TokenStream = ctxt.check().iter().map(syn::Error::to_compile_error).collect();
    quote!(#errors #item)
}

fn read_arguments(arguments: TokenStream, ctxt: &Ctxt) -> Facade {
    let mut krate: Opt<Path> = None;
    let parsed = (|input: ParseStream<'_>| {
        options::each(input, ctxt, &mut |word, input| argument(word, input, &mut krate, ctxt));
        Ok(())
    })
    .parse2(arguments);
    if let Err(error) = parsed {
        ctxt.syn(error);
    }
    Facade::new(krate.map(|written| written.value))
}

fn argument(word: Ident, input: ParseStream<'_>, krate: &mut Opt<Path>, ctxt: &Ctxt) -> Result<()> {
    if word != "crate" {
        return Err(syn::Error::new_spanned(&word, words::TRACKED.refuse(&word.to_string())));
    }
    if !input.peek(Token![=]) {
        let message = "tracking the whole crate is not supported yet; \
                       to say where the facade is, write `crate = ::flow`";
        return Err(syn::Error::new_spanned(&word, message));
    }
    let path = path::facade(&word, input)?;
    options::keep(krate, word, path, ctxt);
    Ok(())
}

/// What stands before the body of an impl, and the body.
struct Head {
    of: Path,
    implementor: Type,
    body: Group,
}

fn head(input: ParseStream<'_>) -> Result<Head> {
    let attributes = input.call(Attribute::parse_outer)?;
    drop(attributes);
    input.parse::<Option<Token![unsafe]>>()?;
    if !input.peek(Token![impl]) {
        return Err(input.error(PLACE));
    }
    let keyword: Token![impl] = input.parse()?;
    if input.peek(Token![<]) {
        input.parse::<Generics>()?;
    }
    if input.peek(Token![!]) {
        return Err(input.error(PLACE));
    }
    let first: Type = input.parse()?;
    let of = match first {
        Type::Path(path) if path.qself.is_none() && input.peek(Token![for]) => path.path,
        _ => return Err(syn::Error::new_spanned(keyword, PLACE)),
    };
    input.parse::<Token![for]>()?;
    let implementor = input.parse()?;
    input.parse::<Option<WhereClause>>()?;
    let TokenTree::Group(body) = input.parse()? else {
        return Err(input.error("expected `{`"));
    };
    Ok(Head { of, implementor, body })
}

/// Whether the constant is to be filled in; if not, why is reported.
fn is_to_track(head: &Head, ctxt: &Ctxt) -> bool {
    let last = head.of.segments.last().map(|last| last.ident.unraw());
    if !TRAITS.iter().any(|of| last.as_ref().is_some_and(|last| last == of)) {
        ctxt.error(&head.of, format_args!("{PLACE}; this is another trait"));
        return false;
    }
    if let Some(name) = written_constant(&head.body) {
        let message = "`CODE` is there twice: `#[tracked]` fills it in; \
                       leave out the one or the other";
        ctxt.error(name, message);
        return false;
    }
    true
}

/// The name of a constant `CODE` that the impl already has.
fn written_constant(body: &Group) -> Option<TokenTree> {
    let mut before_is_const = false;
    for token in body.stream() {
        match &token {
            TokenTree::Ident(ident) if before_is_const && ident == "CODE" => return Some(token),
            TokenTree::Ident(ident) => before_is_const = ident == "const",
            _ => before_is_const = false,
        }
    }
    None
}

fn constant(code: &Item, facade: &Facade) -> TokenStream {
    let private = facade.private();
    let item = code.expand(facade);
    quote! {
        const CODE: #private::Code = #private::Code::__tracked(&[#item]);
    }
}

/// The impl with `constant` at the start of its body, which is its last group.
fn fill_in(item: TokenStream, constant: &TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    if let Some(TokenTree::Group(body)) = tokens.last_mut()
        && body.delimiter() == Delimiter::Brace
    {
        let content = body.stream();
        // Attributes of the impl that stand inside it, `#![...]`, must stay in front.
        let inner = inner_attributes(&content);
        let mut filled: TokenStream = content.clone().into_iter().take(inner).collect();
        filled.extend(constant.clone());
        filled.extend(content.into_iter().skip(inner));
        let mut group = Group::new(Delimiter::Brace, filled);
        group.set_span(body.span());
        *body = group;
    }
    tokens.into_iter().collect()
}

/// How many tokens are attributes of the form `#![...]`.
fn inner_attributes(content: &TokenStream) -> usize {
    let tokens: Vec<TokenTree> = content.clone().into_iter().collect();
    let is = |token: Option<&TokenTree>, char| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == char);
    let mut count = 0;
    while is(tokens.get(count), '#') && is(tokens.get(count + 1), '!') {
        count += 3;
    }
    count
}

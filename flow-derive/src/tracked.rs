//! `#[tracked]` above `impl Run for X` or `impl Target for X`: fills in the constant `CODE`. Above a
//! type, it says what the code of that type is: it implements `Tracked`.
//!
//! Only the head of an impl is parsed. Its body is passed on as it was written, so that nothing
//! the compiler understands has to be understood here too, and an impl is passed on even where
//! something is wrong with it.

use std::path::PathBuf;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{
    Attribute, DeriveInput, Generics, Ident, Path, Result, Token, Type, Visibility, WhereClause,
    parse_quote_spanned,
};

use crate::attr::path::{self, Facade};
use crate::attr::{Opt, options, words};
use crate::code::lock::Versions;
use crate::code::table::Table;
use crate::code::{self, Extent, file};
use crate::ctxt::Ctxt;
use crate::text;

const PLACE: &str = "`#[tracked]` stands above `impl Run for ...` or `impl Target for ...`, whose \
                     code it tracks, or above a type that tasks are generic over";

/// The traits that have a constant `CODE`.
const TRAITS: [&str; 2] = ["Run", "Target"];

/// The item, with the constant filled in; with the errors, if there are any.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let ctxt = Ctxt::new();
    let arguments = Arguments::read(arguments, &ctxt);
    let expanded = if is_type.parse2(item.clone()).unwrap_or(false) {
        of_type(&arguments, item, &ctxt)
    } else {
        of_impl(&arguments, item, &ctxt)
    };
    let errors: TokenStream = ctxt.check().iter().map(syn::Error::to_compile_error).collect();
    quote!(#errors #expanded)
}

/// The expansion of `#[derive(Tracked)]`.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    implementation(input, &Facade::new(None).private())
}

fn of_impl(arguments: &Arguments, item: TokenStream, ctxt: &Ctxt) -> TokenStream {
    match head.parse2(item.clone()) {
        Ok(head) if is_to_track(&head, ctxt) => {
            let of = head.of.segments.last().map(|last| last.ident.unraw());
            let name = format!(
                "impl {} for {}",
                of.into_token_stream(),
                text::short_type(head.implementor.clone().into_token_stream())
            );
            let (body, file, extent) = (head.body.stream(), here(), arguments.extent());
            let table = code::of_impl(item.clone(), body, name, file.as_deref(), extent);
            let types = match extent {
                Extent::Body => Vec::new(),
                Extent::Reached | Extent::Crate => type_parameters(&head.generics),
            };
            let private = arguments.facade.private();
            let crates = crates(arguments.lock.is_some());
            let code = code(&table, &crates, &types, &private, head.span);
            fill_in(item, &code)
        }
        Ok(_) => item,
        Err(error) => {
            ctxt.syn(error);
            item
        }
    }
}

/// The file that the macro is called in.
fn here() -> Option<PathBuf> {
    proc_macro::is_available().then(|| file::of(proc_macro::Span::call_site()))?
}

fn type_parameters(generics: &Generics) -> Vec<Ident> {
    generics.type_params().map(|parameter| parameter.ident.clone()).collect()
}

/// What stands in the parentheses of `#[tracked(...)]`.
struct Arguments {
    facade: Facade,
    body: Opt<()>,
    whole: Opt<()>,
    lock: Opt<()>,
}

impl Arguments {
    fn read(arguments: TokenStream, ctxt: &Ctxt) -> Self {
        let mut krate: Opt<Path> = None;
        let mut read = Self { facade: Facade::new(None), body: None, whole: None, lock: None };
        let parsed = (|input: ParseStream<'_>| {
            options::each(input, ctxt, &mut |word, input| {
                read.argument(word, input, &mut krate, ctxt)
            });
            Ok(())
        })
        .parse2(arguments);
        if let Err(error) = parsed {
            ctxt.syn(error);
        }
        read.facade = Facade::new(krate.map(|written| written.value));
        if let (Some(_), Some(whole)) = (&read.body, &read.whole) {
            let message = "`body` counts the impl alone, and `crate` everything; write one of them";
            ctxt.error(&whole.word, message);
        }
        read
    }

    fn argument(
        &mut self,
        word: Ident,
        input: ParseStream<'_>,
        krate: &mut Opt<Path>,
        ctxt: &Ctxt,
    ) -> Result<()> {
        match word.to_string().as_str() {
            "crate" if input.peek(Token![=]) => {
                let path = path::facade(&word, input)?;
                options::keep(krate, word, path, ctxt);
            }
            "crate" => {
                options::bare(&word, input)?;
                options::keep(&mut self.whole, word, (), ctxt);
            }
            "body" => {
                options::bare(&word, input)?;
                options::keep(&mut self.body, word, (), ctxt);
            }
            "lock" => {
                options::bare(&word, input)?;
                options::keep(&mut self.lock, word, (), ctxt);
            }
            other => return Err(syn::Error::new_spanned(&word, words::TRACKED.refuse(other))),
        }
        Ok(())
    }

    fn extent(&self) -> Extent {
        match (&self.body, &self.whole) {
            (Some(_), _) => Extent::Body,
            (None, Some(_)) => Extent::Crate,
            (None, None) => Extent::Reached,
        }
    }
}

/// Whether the item is a struct, an enum or a union.
fn is_type(input: ParseStream<'_>) -> Result<bool> {
    input.call(Attribute::parse_outer)?;
    input.parse::<Visibility>()?;
    let is_type = input.peek(Token![struct]) || input.peek(Token![enum]) || {
        input.peek(Token![union]) && input.peek2(Ident)
    };
    input.parse::<TokenStream>()?;
    Ok(is_type)
}

fn of_type(arguments: &Arguments, item: TokenStream, ctxt: &Ctxt) -> TokenStream {
    let options = [&arguments.body, &arguments.whole, &arguments.lock];
    for option in options.into_iter().flatten() {
        let word = &option.word;
        ctxt.error(word, format_args!("`{word}` is said above the impl of `Run` or `Target`"));
    }
    match syn::parse2::<DeriveInput>(item.clone()) {
        Ok(input) => {
            let implementation = implementation(&input, &arguments.facade.private());
            quote!(#item #implementation)
        }
        // The compiler will say what is wrong with it.
        Err(_) => item,
    }
}

/// `impl Tracked for X`, whose code is that of the type and its impls.
pub(crate) fn implementation(input: &DeriveInput, private: &TokenStream) -> TokenStream {
    let name = &input.ident;
    let types = type_parameters(&input.generics);
    let mut generics = input.generics.clone();
    for ty in &types {
        let bound = parse_quote_spanned!(ty.span()=> #ty: #private::Tracked);
        generics.make_where_clause().predicates.push(bound);
    }
    let (generics, arguments, bounds) = generics.split_for_impl();
    let table = code::of_type(input.to_token_stream(), here().as_deref());
    let code = code(&table, &crates(false), &types, private, name.span());
    quote! {
        #[automatically_derived]
        impl #generics #private::Tracked for #name #arguments #bounds {
            #code
        }
    }
}

/// What stands before the body of an impl, and the body.
struct Head {
    span: Span,
    generics: Generics,
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
    let mut generics = Generics::default();
    if input.peek(Token![<]) {
        generics = input.parse()?;
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
    Ok(Head { span: keyword.span, generics, of, implementor, body })
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

/// The versions of the packages that are not read. If they count, the compiler is told to look at the
/// file that names them: not each change of it is one of what is compiled on this machine.
fn crates(count: bool) -> TokenStream {
    Versions::with(|versions| {
        let text = versions.map_or("", |versions| versions.text(count));
        let path = versions.filter(|_| count).and_then(|versions| versions.path.to_str());
        let watched = path.map(|path| {
            quote!(
                const _: &[u8] = ::core::include_bytes!(#path);
            )
        });
        quote!({ #watched #text })
    })
}

/// The constant `CODE`, with a warning at `span` for what could not be followed.
fn code(
    table: &Table,
    crates: &TokenStream,
    types: &[Ident],
    private: &TokenStream,
    span: Span,
) -> TokenStream {
    let text = &table.text;
    let types = types.iter().map(|ty| quote_spanned!(ty.span()=> <#ty as #private::Tracked>::CODE));
    let warning = (!table.unseen.is_empty()).then(|| {
        let unseen: Vec<&str> = table.unseen.iter().map(String::as_str).collect();
        let note = format!(
            "`#[tracked]` does not see all of this code: {}. After a change there, write another \
             `#[task(version = ...)]`; `#[allow(deprecated)]` above the impl silences this",
            unseen.join("; ")
        );
        quote_spanned! {span=>
            #[deprecated(note = #note)]
            const NOT_TRACKED: () = ();
            let () = NOT_TRACKED;
        }
    });
    quote! {
        const CODE: #private::Code = {
            #warning
            #private::Code::__tracked(#text, #crates, &[#(#types),*])
        };
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

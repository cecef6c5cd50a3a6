//! Expands `#[tracked]`. Above `impl Run for X` or `impl Target for X`, it adds the constant `CODE`. Above a
//! type, it implements `Tracked`.
//!
//! Only the head of an impl is parsed. Its body is passed on as written, so that the macro need not
//! support the syntax of every compiler release. An impl with mistakes is passed on, too.
//!
//! Code that `#[tracked]` cannot follow causes a warning: the generated code uses a deprecated constant.
//! A macro has no other way to warn on the stable compiler, and users can allow this one.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{
    Attribute, DeriveInput, Generics, Ident, Meta, Path, Result, Token, Type, Visibility,
    WhereClause, parse_quote_spanned,
};

use crate::attr::tracked::Extent;
use crate::attr::tracked::TrackedAttr;
use crate::attr::words;
use crate::code::lock::Versions;
use crate::code::table::Table;
use crate::code::{self, file};
use crate::ctxt::Ctxt;
use crate::facade::Facade;
use crate::function::{Function, is_called};
use crate::text;

const PLACE: &str = "`#[tracked]` stands above `impl Run for ...` or `impl Target for ...`, whose \
                     code it tracks, or above a type that tasks are generic over";

const PLACE_OF_FUNCTION: &str = "`#[tracked]` does not stand above a function; to make it a task write \
                                 `#[task(target = ...)]`, else leave out `#[tracked]`";

const TWICE: &str = "`#[tracked]` is written twice; write it once";

/// How many untracked pieces of code one warning names.
const MAX_SHOWN: usize = 8;

/// The traits that have a constant `CODE`.
const TRAITS: [&str; 2] = ["Run", "Target"];

/// Expands `#[tracked]`: returns the item with the constant or impl added, and any errors.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let ctxt = Ctxt::new();
    let arguments = TrackedAttr::read(arguments, &ctxt);
    let expanded = if is_type.parse2(item.clone()).unwrap_or(false) {
        of_type(&arguments, item, &ctxt)
    } else {
        of_impl(&arguments, item, &ctxt)
    };
    let errors: TokenStream = ctxt.check().iter().map(syn::Error::to_compile_error).collect();
    quote!(#errors #expanded)
}

/// Expands `#[derive(Tracked)]`.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let ctxt = Ctxt::new();
    let mut attributes = input.attrs.iter().filter(|attr| attr.path().is_ident("tracked"));
    let arguments = match attributes.next().map(|attribute| &attribute.meta) {
        Some(Meta::List(list)) => TrackedAttr::read(list.tokens.clone(), &ctxt),
        Some(Meta::Path(_) | Meta::NameValue(_)) | None => TrackedAttr::default(),
    };
    refuse_extent(&arguments, &ctxt);
    let errors = ctxt.check();
    let errors = errors.iter().map(syn::Error::to_compile_error);
    let implementation = implementation(input, &facade(&arguments).private());
    quote!(#(#errors)* #implementation)
}

fn of_impl(arguments: &TrackedAttr, item: TokenStream, ctxt: &Ctxt) -> TokenStream {
    match head.parse2(item.clone()) {
        Ok(head) if is_to_track(&head, ctxt) => {
            let of = head.of.segments.last().map(|last| last.ident.unraw());
            let name = format!(
                "impl {} for {}",
                of.into_token_stream(),
                text::short_type(head.implementor.clone().into_token_stream())
            );
            let root = Root {
                item: item.clone(),
                own: head.body.stream(),
                name,
                generics: &head.generics,
                span: head.span,
                kind: "impl",
            };
            fill_in(item, &root.code(arguments, &facade(arguments).private()))
        }
        Ok(_) => item,
        Err(error) => {
            ctxt.syn(error);
            item
        }
    }
}

/// The item where the code of a task begins: an impl, or a function.
struct Root<'a> {
    item: TokenStream,
    /// The tokens of the item that are code.
    own: TokenStream,
    /// The name of the item in a reason.
    name: String,
    generics: &'a Generics,
    /// Where the compiler warns about untracked code.
    span: Span,
    /// The word for the item in that warning.
    kind: &'static str,
}

impl Root<'_> {
    /// Returns the constant `CODE`.
    fn code(self, attr: &TrackedAttr, private: &TokenStream) -> TokenStream {
        let (file, extent) = (file::here(), attr.extent());
        let table = code::of_run(self.item, self.own, self.name, file.as_deref(), extent);
        let types = match extent {
            Extent::Body => Vec::new(),
            Extent::Reached | Extent::Crate => type_parameters(self.generics),
        };
        let crates = crates(attr.lock.is_some());
        code(&table, &crates, &types, private, (self.span, self.kind))
    }
}

/// Returns the constant `CODE` of a function that is a task.
pub(crate) fn of_function(
    function: &Function,
    attr: &TrackedAttr,
    private: &TokenStream,
) -> TokenStream {
    let signature = &function.item.sig;
    let root = Root {
        item: function.written.clone(),
        own: function.own_code(),
        name: format!("fn {}", signature.ident.unraw()),
        generics: &signature.generics,
        span: signature.ident.span(),
        kind: "function",
    };
    root.code(attr, private)
}

fn facade(arguments: &TrackedAttr) -> Facade {
    Facade::new(arguments.krate.as_ref().map(|written| written.value.clone()))
}

fn type_parameters(generics: &Generics) -> Vec<Ident> {
    generics.type_params().map(|parameter| parameter.ident.clone()).collect()
}

/// Returns whether the item is a struct, an enum or a union.
fn is_type(input: ParseStream<'_>) -> Result<bool> {
    input.call(Attribute::parse_outer)?;
    input.parse::<Visibility>()?;
    let is_type = input.peek(Token![struct]) || input.peek(Token![enum]) || {
        input.peek(Token![union]) && input.peek2(Ident)
    };
    input.parse::<TokenStream>()?;
    Ok(is_type)
}

fn of_type(arguments: &TrackedAttr, item: TokenStream, ctxt: &Ctxt) -> TokenStream {
    refuse_extent(arguments, ctxt);
    match syn::parse2::<DeriveInput>(item.clone()) {
        Ok(input) => {
            if let Some(second) = input.attrs.iter().find(|attr| is_called(attr, "tracked")) {
                // The second one implements the trait.
                ctxt.error(second, TWICE);
                return item;
            }
            let implementation = implementation(&input, &facade(arguments).private());
            quote!(#item #implementation)
        }
        // The compiler reports the syntax error.
        Err(_) => item,
    }
}

/// Reports the options that say how much code of a task is tracked.
fn refuse_extent(arguments: &TrackedAttr, ctxt: &Ctxt) {
    let options = [&arguments.body, &arguments.whole, &arguments.lock];
    for option in options.into_iter().flatten() {
        let word = &option.word;
        ctxt.error(word, format_args!("`{word}` belongs above the impl of `Run` or `Target`"));
    }
}

/// Returns `impl Tracked for X`, whose code is that of the type and its impls.
pub(crate) fn implementation(input: &DeriveInput, private: &TokenStream) -> TokenStream {
    implementation_of(input, input.to_token_stream(), private, true)
}

/// Returns the same impl for a type whose tokens in the source are `written`.
///
/// If `warns`, the compiler warns about code that cannot be followed. The type of a task that is run does not warn: its
/// impl of `Run` reaches the type, and warns about the same code.
pub(crate) fn implementation_of(
    input: &DeriveInput,
    written: TokenStream,
    private: &TokenStream,
    warns: bool,
) -> TokenStream {
    let name = &input.ident;
    let types = type_parameters(&input.generics);
    let mut generics = input.generics.clone();
    for ty in &types {
        let bound = parse_quote_spanned!(ty.span()=> #ty: #private::Tracked);
        generics.make_where_clause().predicates.push(bound);
    }
    // A tracked type owns what it holds, as a task does.
    for lifetime in input.generics.lifetimes().map(|parameter| &parameter.lifetime) {
        let bound = parse_quote_spanned!(lifetime.span()=> #lifetime: 'static);
        generics.make_where_clause().predicates.push(bound);
    }
    let (generics, arguments, bounds) = generics.split_for_impl();
    let mut table = code::of_type(written, file::here().as_deref());
    if !warns {
        table.untracked.clear();
    }
    let code = code(&table, &crates(false), &types, private, (name.span(), "impl"));
    // The bound `T: Tracked` repeats the user's own bounds of `T`.
    let repeated = (!types.is_empty()).then(
        || quote!(#[allow(clippy::trait_duplication_in_bounds, clippy::type_repetition_in_bounds)]),
    );
    quote! {
        #repeated
        #[automatically_derived]
        impl #generics #private::Tracked for #name #arguments #bounds {
            #code
        }
    }
}

/// The head of an impl, and its body.
struct Head {
    span: Span,
    generics: Generics,
    of: Path,
    implementor: Type,
    body: Group,
}

fn head(input: ParseStream<'_>) -> Result<Head> {
    let attributes = input.call(Attribute::parse_outer)?;
    if is_function(input) {
        let is_task = attributes.iter().any(|attr| is_called(attr, "task"));
        let message = if is_task { words::TRACKED_TWICE } else { PLACE_OF_FUNCTION };
        return Err(input.error(message));
    }
    if let Some(second) = attributes.iter().find(|attr| is_called(attr, "tracked")) {
        // The second one adds the constant.
        return Err(syn::Error::new_spanned(second, TWICE));
    }
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

fn is_function(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    ahead.parse::<Visibility>().is_ok() && ahead.parse::<syn::Signature>().is_ok()
}

/// Returns whether to add the constant; otherwise reports the reason as an error.
fn is_to_track(head: &Head, ctxt: &Ctxt) -> bool {
    let last = head.of.segments.last().map(|last| last.ident.unraw());
    if !TRAITS.iter().any(|of| last.as_ref().is_some_and(|last| last == of)) {
        ctxt.error(&head.of, format_args!("{PLACE}; this is another trait"));
        return false;
    }
    if let Some(name) = written_constant(&head.body) {
        let message = "`CODE` is defined twice: `#[tracked]` generates it; \
                       leave out the constant or `#[tracked]`";
        ctxt.error(name, message);
        return false;
    }
    true
}

/// Returns the name of a constant `CODE` that the impl already has.
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

/// Returns the versions of the packages whose source is not read, as an expression.
///
/// If the versions count, the code includes `Cargo.lock`, so that the compiler watches the file: it also
/// lists packages that are not built on this machine.
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

/// Returns the constant `CODE`, with a warning at `span` about code that could not be followed.
fn code(
    table: &Table,
    crates: &TokenStream,
    types: &[Ident],
    private: &TokenStream,
    (span, kind): (Span, &str),
) -> TokenStream {
    let text = &table.text;
    let types = types.iter().map(|ty| quote_spanned!(ty.span()=> <#ty as #private::Tracked>::CODE));
    let warning = (!table.untracked.is_empty()).then(|| {
        let mut untracked: Vec<&str> = table.untracked.iter().map(String::as_str).collect();
        let more = untracked.split_off(untracked.len().min(MAX_SHOWN)).len();
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let note = format!(
            "`#[tracked]` cannot follow all of this code: {}{more}. After a change there, raise the number \
             in `#[task(version = ...)]`; `#[allow(deprecated)]` above the {kind} silences this",
            untracked.join("; ")
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

/// Inserts `constant` at the start of the body of an impl, which is its last group.
fn fill_in(item: TokenStream, constant: &TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    if let Some(TokenTree::Group(body)) = tokens.last_mut()
        && body.delimiter() == Delimiter::Brace
    {
        let content: Vec<TokenTree> = body.stream().into_iter().collect();
        // Inner attributes of the impl, `#![...]`, must stay in front.
        let (inner, rest) = content.split_at(inner_attributes(&content));
        let mut filled: TokenStream = inner.iter().cloned().collect();
        filled.extend(constant.clone());
        filled.extend(rest.iter().cloned());
        let mut group = Group::new(Delimiter::Brace, filled);
        group.set_span(body.span());
        *body = group;
    }
    tokens.into_iter().collect()
}

/// Returns how many leading tokens are attributes of the form `#![...]`.
fn inner_attributes(content: &[TokenTree]) -> usize {
    let is = |token: Option<&TokenTree>, char| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == char);
    let mut count = 0;
    while is(content.get(count), '#') && is(content.get(count + 1), '!') {
        count += 3;
    }
    count
}

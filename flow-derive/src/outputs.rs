//! `#[derive(Outputs)]`: parses the declaration of several outputs, and reports mistakes in it.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{
    Attribute, Data, DeriveInput, Expr, ExprPath, Field, Fields, Generics, PathArguments, Token,
    Type,
};

use crate::attr::path;
use crate::attr::task::{self, Target};
use crate::attr::{Opt, options, words};
use crate::ctxt::Ctxt;
use crate::facade::Facade;
use crate::model;
use crate::spans::key;

/// The targets that have no type parameter.
const UNTYPED_TARGETS: [&str; 3] = ["Text", "Bytes", "File"];

/// A declared struct of outputs.
pub(crate) struct Outputs<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) facade: Facade,
    pub(crate) parts: Vec<Part<'a>>,
}

/// A field of the struct, with its target.
pub(crate) struct Part<'a> {
    pub(crate) field: &'a Field,
    pub(crate) ident: &'a Ident,
    /// The name of the field's typed key.
    pub(crate) key: Ident,
    /// The target, applied to the type of the field if the target takes a type.
    pub(crate) target: Type,
    /// The options of the target.
    pub(crate) options: Vec<(Ident, Expr)>,
    /// The function that checks the field before it is stored.
    pub(crate) check: Option<ExprPath>,
}

impl<'a> Outputs<'a> {
    /// Reads the struct. Fields that cannot be read are reported to `ctxt`.
    pub(crate) fn read(input: &'a DeriveInput, ctxt: &Ctxt) -> Self {
        let facade = facade(&input.attrs, ctxt);
        let mut parts = Vec::new();
        for field in fields(input, ctxt) {
            let Some(ident) = &field.ident else { continue };
            let Some((Target { ty, options }, check)) = target(field, ident, ctxt) else {
                continue;
            };
            let target = applied(ty, &field.ty);
            parts.push(Part { field, ident, key: key(ident), target, options, check });
        }
        for (place, part) in parts.iter().enumerate() {
            if let Some(first) = parts[..place].iter().find(|first| first.key == part.key) {
                let message = format!(
                    "the keys of `{}` and `{}` would both be `{}`; rename a field",
                    first.ident, part.ident, part.key
                );
                ctxt.error(part.ident, message);
            }
        }
        Self { input, facade, parts }
    }

    /// Returns the generics of the struct, with the bounds that outputs need.
    pub(crate) fn owned_generics(&self) -> Generics {
        model::owned_generics(&self.input.generics)
    }
}

/// Reads the path of the facade from `#[outputs(crate = ...)]`.
fn facade(attributes: &[Attribute], ctxt: &Ctxt) -> Facade {
    let mut krate: Opt<syn::Path> = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("outputs")) {
        options::read(attribute, ctxt, |word, input| {
            if word != "crate" {
                let message = words::OUTPUTS.unknown(&word.to_string());
                return Err(syn::Error::new_spanned(&word, message));
            }
            let path = path::facade(&word, input)?;
            options::keep(&mut krate, word, path, ctxt);
            Ok(())
        });
    }
    Facade::new(krate.map(|written| written.value))
}

/// Returns the named fields of the struct. A struct without named fields is an error.
fn fields<'a>(input: &'a DeriveInput, ctxt: &Ctxt) -> Vec<&'a Field> {
    let name = &input.ident;
    let message = format!(
        "outputs are the fields of a struct; write \
         `struct {name} {{ #[output(Json)] first: Vec<f64>, #[output(Text)] second: String }}`"
    );
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => fields.named.iter().collect(),
            Fields::Unnamed(_) | Fields::Unit => Vec::new(),
        },
        Data::Enum(_) | Data::Union(_) => Vec::new(),
    };
    if fields.is_empty() {
        ctxt.error(name, message);
    }
    for parameter in input.generics.lifetimes() {
        let message = "outputs borrow nothing, since they are kept; own the value, such as `String` \
                       for `&str`";
        ctxt.error(parameter, message);
    }
    fields
}

/// Reads the target and the check from the single `#[output(...)]` of a field.
fn target(field: &Field, ident: &Ident, ctxt: &Ctxt) -> Option<(Target, Option<ExprPath>)> {
    let mut attributes = field.attrs.iter().filter(|attr| attr.path().is_ident("output"));
    let example = "`#[output(Parquet)]` or `#[output(Json)]`";
    let Some(attribute) = attributes.next() else {
        ctxt.error(ident, format_args!("say how `{ident}` is kept: {example}"));
        return None;
    };
    if let Some(second) = attributes.next() {
        let message = format!("`{ident}` has one target; leave out one `#[output]`");
        ctxt.error(second, message);
    }
    let read = attribute
        .parse_args_with(|input: syn::parse::ParseStream<'_>| options::all_of(input, output));
    match read {
        Ok(target) => Some(target),
        Err(error) if attribute.meta.require_list().is_ok() => {
            ctxt.syn(error);
            None
        }
        Err(_) => {
            ctxt.error(attribute, format_args!("say how `{ident}` is kept: {example}"));
            None
        }
    }
}

/// Parses `Target(option = expr)`, optionally followed by `, check = path`.
fn output(input: syn::parse::ParseStream<'_>) -> syn::Result<(Target, Option<ExprPath>)> {
    let target = task::target(input)?;
    if input.is_empty() || (input.peek(Token![,]) && input.peek2(syn::parse::End)) {
        input.parse::<Option<Token![,]>>()?;
        return Ok((target, None));
    }
    if !input.peek(Token![,]) {
        return Ok((target, None));
    }
    input.parse::<Token![,]>()?;
    let word: Ident = input.parse()?;
    if word != "check" {
        let name = word.to_string();
        let message = match words::nearest(&name, words::OUTPUT.known) {
            Some(_) => words::OUTPUT.unknown(&name),
            None => format!(
                "`#[output]` has no option `{name}`; an option of the target stands in parentheses, as in \
                 `Parquet(compression = Zstd(9))`, and after the target stands `check = path` alone"
            ),
        };
        return Err(syn::Error::new(word.span(), message));
    }
    let check = options::value(&word, input, "is_sorted", task::check)?;
    input.parse::<Option<Token![,]>>()?;
    Ok((target, Some(check)))
}

/// Applies a target to the type of its field: `Parquet` to `Parquet<RecordBatch>`.
fn applied(target: Type, field: &Type) -> Type {
    let Type::Path(mut path) = target else { return target };
    if let Some(last) = path.path.segments.last_mut()
        && matches!(last.arguments, PathArguments::None)
        && !UNTYPED_TARGETS.iter().any(|target| last.ident == target)
    {
        let arguments = quote::quote_spanned!(last.ident.span()=> <#field>);
        if let Ok(arguments) = syn::parse2(arguments) {
            last.arguments = PathArguments::AngleBracketed(arguments);
        }
    }
    Type::Path(path)
}

impl Part<'_> {
    /// Returns the span for the error that the field does not have the type that the target stores.
    pub(crate) fn span(&self) -> proc_macro2::Span {
        self.field.ty.span()
    }
}

impl ToTokens for Part<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.ident.to_tokens(tokens);
    }
}

//! `#[derive(Row)]`: parses the declaration of a row, and reports mistakes in it.
//!
//! The names of the columns follow serde's attributes ([`names`]), so that CSV, which serde writes, and the other targets
//! have the same columns. [`field`] reads the attributes of one field.

mod field;
mod names;

use proc_macro2::Ident;
use syn::{Data, DeriveInput, ExprPath, Field, Fields, LitStr, Type};

pub(crate) use self::field::{Absent, RowField, Unit};
use self::names::Rule;
use crate::attr::path;
use crate::attr::{Opt, options, words};
use crate::ctxt::Ctxt;
use crate::facade::Facade;
use crate::spans::plain;

/// A declared row, or a type of one of its fields.
pub(crate) struct Row<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) facade: Facade,
    pub(crate) kind: Kind<'a>,
}

pub(crate) enum Kind<'a> {
    /// A struct with named fields, in their order.
    Struct(Vec<RowField<'a>>),
    /// A tuple struct of one field of this type.
    Newtype(&'a Type),
    /// An enum without data.
    Enum(Vec<Variant<'a>>),
}

/// A variant of an enum.
pub(crate) struct Variant<'a> {
    pub(crate) ident: &'a Ident,
    /// Its name in the column, and its aliases.
    pub(crate) names: Vec<String>,
}

/// What serde's attributes above the type say.
#[derive(Default)]
struct Container {
    rule: Option<Rule>,
    absent: Option<Absent>,
}

impl<'a> Row<'a> {
    /// Reads the type. What cannot be read is reported to `ctxt`.
    pub(crate) fn read(input: &'a DeriveInput, ctxt: &Ctxt) -> Self {
        if let Some(parameter) = input.generics.params.first() {
            let message = "a row has no parameters, because its columns are found by its type at run time; \
                           leave out `#[derive(Row)]`, and serde determines the columns";
            ctxt.error(parameter, message);
        }
        let facade = facade(input, ctxt);
        let container = container(input, ctxt);
        let kind = match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(fields) if !fields.named.is_empty() => {
                    let fields = fields.named.iter().filter_map(|field| {
                        RowField::read(field, container.rule, container.absent.as_ref(), ctxt)
                    });
                    let fields: Vec<_> = fields.collect();
                    if !fields.is_empty() && fields.iter().all(|field| field.is_skipped) {
                        let message =
                            "a row needs a field with a column, and `skip` leaves out all of them";
                        ctxt.error(&input.ident, message);
                    }
                    Kind::Struct(fields)
                }
                Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                    check_inner(&fields.unnamed[0], ctxt);
                    Kind::Newtype(&fields.unnamed[0].ty)
                }
                _ => {
                    ctxt.error(&input.ident, without_fields(&input.ident));
                    Kind::Struct(Vec::new())
                }
            },
            Data::Enum(data) => {
                let variants = data.variants.iter();
                Kind::Enum(variants.filter_map(|item| variant(item, &container, ctxt)).collect())
            }
            Data::Union(data) => {
                ctxt.error(data.union_token, without_fields(&input.ident));
                Kind::Struct(Vec::new())
            }
        };
        let row = Self { input, facade, kind };
        row.check_names(ctxt);
        row
    }

    /// Reports columns or variants of the same name.
    fn check_names(&self, ctxt: &Ctxt) {
        let named: Vec<(&Ident, &Vec<String>)> = match &self.kind {
            Kind::Struct(fields) => fields
                .iter()
                .filter(|field| !field.is_skipped)
                .map(|field| (field.ident, &field.names))
                .collect(),
            Kind::Enum(variants) => {
                variants.iter().map(|variant| (variant.ident, &variant.names)).collect()
            }
            Kind::Newtype(_) => return,
        };
        for (place, (ident, names)) in named.iter().enumerate() {
            for (first, others) in &named[..place] {
                if let Some(name) = names.iter().find(|name| others.contains(*name)) {
                    let message =
                        format!("`{first}` and `{ident}` both have the name `{name}`; rename one");
                    ctxt.error(ident, message);
                }
            }
        }
    }
}

/// Reports the attributes of the field of a tuple struct. They would have no effect on the column.
fn check_inner(field: &Field, ctxt: &Ctxt) {
    for attribute in &field.attrs {
        if attribute.path().is_ident("row") {
            options::read(attribute, ctxt, |word, input| {
                field::ignored(input)?;
                let message = format!(
                    "`{word}` stands at the field of the row whose type this is, and not in a tuple struct"
                );
                Err(syn::Error::new(word.span(), message))
            });
        } else if attribute.path().is_ident("serde") {
            options::read(attribute, ctxt, |word, input| match word.to_string().as_str() {
                "bound" => field::ignored(input),
                _ => Err(field::unsupported(&word)),
            });
        }
    }
}

fn without_fields(name: &Ident) -> String {
    format!(
        "a row is a struct with named fields, such as `struct {name} {{ day: Date, price: f64 }}`; a type of \
         its fields may also be a tuple struct of one field, or an enum without data"
    )
}

/// Reads the path of the facade from `#[row(crate = ...)]`.
fn facade(input: &DeriveInput, ctxt: &Ctxt) -> Facade {
    let mut krate: Opt<syn::Path> = None;
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("row")) {
        options::read(attribute, ctxt, |word, input| {
            if word != "crate" {
                let message = words::ROW_TYPE.unknown(&word.to_string());
                return Err(syn::Error::new_spanned(&word, message));
            }
            let path = path::facade(&word, input)?;
            options::keep(&mut krate, word, path, ctxt);
            Ok(())
        });
    }
    Facade::new(krate.map(|written| written.value))
}

/// Reads the attributes of serde above the type.
fn container(input: &DeriveInput, ctxt: &Ctxt) -> Container {
    let is_newtype = matches!(&input.data, Data::Struct(data) if data.fields.len() == 1);
    let mut read = Container::default();
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        options::read(attribute, ctxt, |word, input| {
            match word.to_string().as_str() {
                "rename_all" => read.rule = Some(Rule::parse(&word, input)?),
                "default" => read.absent = Some(field::default(&word, input, Absent::Container)?),
                "rename" | "crate" | "bound" | "expecting" => field::ignored(input)?,
                "transparent" if is_newtype => {}
                _ => return Err(field::unsupported(&word)),
            }
            Ok(())
        });
    }
    read
}

/// Reads a variant of an enum.
fn variant<'a>(
    variant: &'a syn::Variant,
    container: &Container,
    ctxt: &Ctxt,
) -> Option<Variant<'a>> {
    if !matches!(variant.fields, Fields::Unit) {
        let message = format!(
            "a column holds the name of a variant, and `{}` has data; leave out `#[derive(Row)]`, and `ArrowIpc`, \
             `Json` and `Pickle` keep it",
            variant.ident
        );
        ctxt.error(&variant.fields, message);
        return None;
    }
    let name = plain(&variant.ident);
    let mut names =
        vec![container.rule.map_or_else(|| name.clone(), |rule| rule.of_variant(&name))];
    for attribute in variant.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        options::read(attribute, ctxt, |word, input| {
            match word.to_string().as_str() {
                "rename" => names[0] = field::text(&word, input)?.value(),
                "alias" => names.push(field::text(&word, input)?.value()),
                _ => return Err(field::unsupported(&word)),
            }
            Ok(())
        });
    }
    Some(Variant { ident: &variant.ident, names })
}

/// Returns the path in a text, such as `"Vec::new"`.
fn path_in(text: &LitStr) -> syn::Result<ExprPath> {
    let path = text.parse::<ExprPath>();
    path.map_err(|_| syn::Error::new(text.span(), "this is not the path of a function"))
}

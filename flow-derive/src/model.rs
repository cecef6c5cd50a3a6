//! The declaration of a task: a struct, its parameters, and their attributes. A function that is a
//! task is modeled as the struct of its parameters.
//!
//! The model borrows the user's tokens, so that an error about a part of it can point there.

use proc_macro2::{Ident, Span};
use syn::{
    Attribute, Data, DeriveInput, Field, Fields, Generics, Type, WherePredicate, parse_quote,
};

use syn::spanned::Spanned;

use crate::attr::entry::Entry;
use crate::attr::param::ParamAttr;
use crate::attr::task::{Target, TaskAttr};
use crate::ctxt::Ctxt;
use crate::facade::Facade;
use crate::function::Function;
use crate::spans::{key, plain};

/// A declared task.
pub(crate) struct Task<'a> {
    pub(crate) input: &'a DeriveInput,
    /// The function, if the task was declared as a function.
    pub(crate) function: Option<&'a Function>,
    pub(crate) attr: TaskAttr,
    pub(crate) facade: Facade,
    pub(crate) params: Vec<Param<'a>>,
    /// The fields of type `PhantomData`, which are no parameters.
    pub(crate) phantoms: Vec<&'a Ident>,
}

/// How the output of a task is stored.
pub(crate) enum Storage<'a> {
    /// One output, stored by a target.
    Target(&'a Target),
    /// Several outputs: the fields of this struct.
    Outputs(&'a Type),
    /// An aggregate, which has no output of its own.
    Aggregate,
}

/// A field that is a parameter.
pub(crate) struct Param<'a> {
    pub(crate) field: &'a Field,
    pub(crate) ident: &'a Ident,
    pub(crate) attr: ParamAttr,
    /// The name of the parameter's typed key.
    pub(crate) key: Ident,
}

impl Param<'_> {
    /// Returns the name of the function that declares the field.
    pub(crate) fn declare(&self, of_function: bool) -> Ident {
        declaring(&self.field.attrs, of_function, self.field.ty.span())
    }
}

/// Returns the name of the function that declares a field or an argument with these attributes: that of an
/// argument without `#[param]`, which may be a forgotten input, explains that.
pub(crate) fn declaring(attributes: &[Attribute], of_function: bool, span: Span) -> Ident {
    let has_attribute = attributes.iter().any(|attr| attr.path().is_ident("param"));
    Ident::new(if of_function && !has_attribute { "argument" } else { "field" }, span)
}

impl<'a> Task<'a> {
    /// Reads a struct with `#[derive(Task)]`. Parts that cannot be read are reported to `ctxt`.
    pub(crate) fn read(input: &'a DeriveInput, ctxt: &Ctxt) -> Self {
        Self::new(input, None, TaskAttr::read(&input.attrs, ctxt), ctxt)
    }

    /// Reads a function, given the struct of its parameters.
    pub(crate) fn of_function(
        function: &'a Function,
        input: &'a DeriveInput,
        attr: TaskAttr,
        ctxt: &Ctxt,
    ) -> Self {
        Self::new(input, Some(function), attr, ctxt)
    }

    fn new(
        input: &'a DeriveInput,
        function: Option<&'a Function>,
        mut attr: TaskAttr,
        ctxt: &Ctxt,
    ) -> Self {
        let facade = Facade::new(attr.krate.take().map(|written| written.value));
        let mut params = Vec::new();
        let mut phantoms = Vec::new();
        for (field, ident) in named_fields(&input.data) {
            if is_phantom(&field.ty) {
                phantoms.push(ident);
            } else {
                let attr = ParamAttr::read(&field.attrs, ctxt);
                params.push(Param { field, ident, attr, key: key(ident) });
            }
        }
        Self { input, function, attr, facade, params, phantoms }
    }

    /// Returns the name of the struct.
    pub(crate) fn struct_name(&self) -> String {
        plain(&self.input.ident)
    }

    /// Returns the generics of the struct, with the bounds that every task needs.
    pub(crate) fn owned_generics(&self) -> Generics {
        owned_generics(&self.input.generics)
    }

    /// Returns how the output is stored; `None` if no attribute declares it.
    pub(crate) fn storage(&self) -> Option<Storage<'_>> {
        let attr = &self.attr;
        if attr.aggregate.is_some() {
            return Some(Storage::Aggregate);
        }
        let outputs = attr.outputs.as_ref().map(|outputs| Storage::Outputs(&outputs.value));
        outputs.or_else(|| attr.target.as_ref().map(|target| Storage::Target(&target.value)))
    }

    /// Returns the attributes of the struct or function in the source.
    pub(crate) fn attributes(&self) -> &[Attribute] {
        self.function.map_or(&self.input.attrs, |function| &function.item.attrs)
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        self.attr.requires.as_ref().map_or(&[], |requires| &requires.value.0)
    }

    /// Returns whether the entries of `requires` have names.
    pub(crate) fn is_named(&self) -> bool {
        self.entries().iter().any(|entry| entry.name.is_some())
    }
}

/// Returns the generics with each type parameter bounded by `Send + Sync + 'static`.
pub(crate) fn owned_generics(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    let parameters: Vec<Ident> =
        generics.type_params().map(|parameter| parameter.ident.clone()).collect();
    if !parameters.is_empty() {
        generics.make_where_clause().predicates.extend(parameters.iter().map(
            |parameter| -> WherePredicate {
                parse_quote!(#parameter: ::core::marker::Send + ::core::marker::Sync + 'static)
            },
        ));
    }
    generics
}

fn named_fields(data: &Data) -> impl Iterator<Item = (&Field, &Ident)> {
    let fields = match data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Some(&fields.named),
            Fields::Unnamed(_) | Fields::Unit => None,
        },
        Data::Enum(_) | Data::Union(_) => None,
    };
    fields.into_iter().flatten().filter_map(|field| Some((field, field.ident.as_ref()?)))
}

/// Returns whether a field is no parameter, because it holds nothing.
pub(crate) fn is_phantom(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|last| last.ident == "PhantomData")
        }
        _ => false,
    }
}

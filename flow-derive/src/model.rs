//! The declaration of a task: a struct, its parameters, and their attributes. A function that is a
//! task is modeled as the struct of its parameters.
//!
//! The model borrows the user's tokens, so that an error about a part of it can point there.

use proc_macro2::Ident;
use syn::{Data, DeriveInput, Field, Fields, Generics, Type, WherePredicate, parse_quote};

use crate::attr::entry::Entry;
use crate::attr::param::ParamAttr;
use crate::attr::path::Facade;
use crate::attr::task::{Target, TaskAttr};
use crate::ctxt::Ctxt;
use crate::function::Function;
use crate::spans::plain;

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

fn is_phantom(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|last| last.ident == "PhantomData")
        }
        _ => false,
    }
}

/// Returns the name of the typed key of a field, with the span of the field: `DO_PREPROCESS` for
/// `do_preprocess`.
pub(crate) fn key(field: &Ident) -> Ident {
    let capitals = plain(field).to_uppercase();
    let mut key = syn::parse_str(&capitals).unwrap_or_else(|_| field.clone());
    key.set_span(field.span());
    key
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn a_key_is_the_field_in_capitals() {
        assert_eq!(key(&parse_quote!(do_preprocess)), "DO_PREPROCESS");
        assert_eq!(key(&parse_quote!(r#type)), "TYPE");
        assert_eq!(key(&parse_quote!(x1)), "X1");
    }
}

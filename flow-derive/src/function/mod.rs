//! `#[task(...)]` above a function: its arguments are the inputs and the parameters of a task that is
//! named as the function.
//!
//! The function is read into the model of a struct with `#[derive(Task)]`: its [arguments](argument)
//! that are parameters become fields, and what `#[task(...)]` says is said of that struct. From there
//! on it is a task like any other, with an impl of `Run` that calls the function.
//!
//! ```text
//! #[task(requires = load, target = Json<f64>)]
//! fn mean(rows: &[f64], #[param(default = 0.0)] trim: f64) -> Result<f64> { ... }
//!
//! fn mean(rows: &[f64], trim: f64) -> Result<f64> { ... }
//! struct mean { trim: f64 }       // has braces, so that it shares the name
//! impl Task for mean { ... }      // as the derive writes it
//! impl Run for mean { ... }       // loads the inputs, and calls the function
//! ```

pub(crate) mod argument;
mod signature;

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{
    AttrStyle, Attribute, Data, DataStruct, DeriveInput, Field, FieldModifiers, Fields,
    FieldsNamed, FnArg, Generics, ItemFn, ReturnType, Signature, Type, Visibility, parse_quote,
    token,
};

use self::argument::{Argument, Role};
use crate::attr::doc;
use crate::attr::task::TaskAttr;
use crate::ctxt::Ctxt;

/// A function that is a task.
pub(crate) struct Function {
    /// As it goes on: without what was said to this macro.
    pub(crate) item: ItemFn,
    /// As it stands in the source.
    pub(crate) written: TokenStream,
    pub(crate) arguments: Vec<Argument>,
}

/// The function, whose tokens are `tokens`, the struct of its parameters, and what is said of it.
pub(crate) fn read(
    options: TokenStream,
    mut item: ItemFn,
    tokens: &TokenStream,
    ctxt: &Ctxt,
) -> (Function, DeriveInput, TaskAttr) {
    let attribute: Attribute = parse_quote!(#[task(#options)]);
    let written = quote!(#attribute #tokens);
    // What this macro reads. There may be several `#[task(...)]`.
    let is_said =
        |attr: &Attribute| ["task", "param"].into_iter().any(|name| attr.path().is_ident(name));
    let mut attributes = vec![attribute];
    attributes.extend(item.attrs.iter().filter(|attr| is_said(attr)).cloned());
    item.attrs.retain(|attr| !is_said(attr));
    attributes.extend(doc::docs(&item.attrs).cloned());

    let attr = TaskAttr::read(&attributes, ctxt);
    signature::check(&item.sig, ctxt);
    let arguments = argument::read(&item.sig, &attr, ctxt);
    clean(&mut item.sig);
    let input = structure(attributes, &attr, &item, &arguments);
    (Function { item, written, arguments }, input, attr)
}

/// Takes off the arguments what the compiler does not allow there.
fn clean(signature: &mut Signature) {
    for input in &mut signature.inputs {
        let (FnArg::Receiver(syn::Receiver { attrs, .. })
        | FnArg::Typed(syn::PatType { attrs, .. })) = input;
        attrs.retain(|attr| !attr.path().is_ident("param") && !attr.path().is_ident("doc"));
    }
}

/// The struct of the parameters.
fn structure(
    attrs: Vec<Attribute>,
    attr: &TaskAttr,
    item: &ItemFn,
    arguments: &[Argument],
) -> DeriveInput {
    let of = attr.type_name.as_ref().map_or(&item.sig.ident, |name| &name.value);
    let field = |ident, ty, attrs| Field {
        attrs,
        vis: item.vis.clone(),
        modifiers: FieldModifiers::default(),
        ident: Some(ident),
        colon_token: Some(token::Colon::default()),
        ty,
        default: None,
    };
    let parameters = arguments.iter().filter_map(|argument| match &argument.role {
        Role::Param { stored, .. } => {
            Some(field(argument.ident.clone(), stored.clone(), argument.attrs.clone()))
        }
        _ => None,
    });
    let mut generics: Generics = item.sig.generics.clone();
    generics.params = generics
        .params
        .into_iter()
        .filter(|p| !matches!(p, syn::GenericParam::Lifetime(_)))
        .collect();
    // A type parameter that no field has.
    let types: Vec<_> = generics.type_params().map(|parameter| &parameter.ident).collect();
    let phantom = (!types.is_empty()).then(|| {
        let ty: Type = parse_quote!(::core::marker::PhantomData<fn() -> (#(#types,)*)>);
        Field { vis: Visibility::Inherited, ..field(format_ident!("__of"), ty, Vec::new()) }
    });
    let named = parameters.chain(phantom).collect();
    DeriveInput {
        attrs,
        vis: item.vis.clone(),
        ident: of.clone(),
        generics,
        data: Data::Struct(DataStruct {
            struct_token: token::Struct::default(),
            fields: Fields::Named(FieldsNamed { brace_token: token::Brace::default(), named }),
            semi_token: None,
        }),
    }
}

impl Function {
    /// What of the function is no parameter, and so is its code: what other macros are told, the
    /// arguments that are inputs, the type of its value, the body.
    pub(crate) fn own_code(&self) -> TokenStream {
        let inputs = self.arguments.iter().filter_map(|argument| match &argument.role {
            Role::Input { .. } => Some((&argument.ident, &argument.ty)),
            _ => None,
        });
        let inputs = inputs.map(|(ident, ty)| quote!(#ident: #ty));
        let attributes =
            self.item.attrs.iter().filter(|attr| matches!(attr.style, AttrStyle::Outer));
        let output = &self.item.sig.output;
        // As the compiler gave it: another release of `syn` may write it in another way.
        let body = self.written.clone().into_iter().last();
        quote!(#(#attributes)* (#(#inputs),*) #output #body)
    }

    /// Where the compiler points if the function gives something else than the target keeps.
    pub(crate) fn output_tokens(&self) -> TokenStream {
        match &self.item.sig.output {
            ReturnType::Default => self.item.sig.ident.to_token_stream(),
            ReturnType::Type(_, ty) => ty.to_token_stream(),
        }
    }
}

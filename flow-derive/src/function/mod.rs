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
    FieldsNamed, FnArg, Generics, Item, ItemFn, ReturnType, Signature, Type, Visibility,
    parse_quote, token,
};

use self::argument::{Argument, Role};
use crate::attr::task::TaskAttr;
use crate::ctxt::Ctxt;
use crate::expand;
use crate::model::{self, Task};

const PLACE: &str = "`#[task(...)]` stands above a function, or above a struct below its \
                     `#[derive(Task)]`";

/// A function that is a task.
pub(crate) struct Function {
    /// As it goes on: without what was said to this macro.
    pub(crate) item: ItemFn,
    /// As it stands in the source.
    pub(crate) written: TokenStream,
    pub(crate) arguments: Vec<Argument>,
}

/// The function, and the task that it is, too.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => of_function(options, function, &item),
        Err(error) => {
            let error = misplaced(&item).unwrap_or(error).to_compile_error();
            quote!(#error #item)
        }
    }
}

/// What to say of an item that is no function.
fn misplaced(item: &TokenStream) -> Option<syn::Error> {
    let message = match syn::parse2::<Item>(item.clone()).ok()? {
        Item::Fn(_) | Item::Verbatim(_) => return None,
        Item::Struct(_) => "write `#[derive(Task)]` above this; then the struct is a task",
        _ => PLACE,
    };
    let first = item.clone().into_iter().find(|token| !token.to_string().starts_with('#'));
    Some(syn::Error::new_spanned(first, message))
}

fn of_function(options: TokenStream, item: ItemFn, tokens: &TokenStream) -> TokenStream {
    let ctxt = Ctxt::new();
    let (function, input, attr) = read(options, item, tokens, &ctxt);
    if function.item.sig.receiver().is_some() {
        // It is a method, beside which no struct can stand.
        let errors = ctxt.check();
        let errors = errors.iter().map(syn::Error::to_compile_error);
        let item = &function.item;
        return quote!(#(#errors)* #item);
    }
    let task = Task::of_function(&function, &input, attr, &ctxt);
    expand::function(&task, &function, ctxt)
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
    attributes.extend(model::docs(&item.attrs).cloned());

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

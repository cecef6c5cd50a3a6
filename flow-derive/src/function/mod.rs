//! `#[task(...)]` above a function: its arguments are the inputs and the parameters of a task that has
//! the name of the function.
//!
//! The function is converted into a struct as for `#[derive(Task)]`: its [arguments](argument) that
//! are parameters become fields, and `#[task(...)]` applies to that struct. From there on the task
//! is like any other, with an impl of `Run` that calls the function.
//!
//! The struct has braces, even without fields: such a type lives in another namespace than the
//! function, so both can have the same name. Expressions in `#[task(...)]` refer to a parameter as
//! `self.x`, as those of a struct do. So functions and structs share one syntax of requirements, and a
//! parameter is never confused with a constant or a loop variable.
//!
//! All inputs except handles are loaded before the function is called.
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
pub(crate) mod types;

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{
    AttrStyle, Attribute, Data, DataStruct, DeriveInput, Field, FieldModifiers, Fields,
    FieldsNamed, FnArg, GenericArgument, Generics, ItemFn, Pat, PathArguments, ReturnType,
    Signature, Type, Visibility, parse_quote, token,
};

use self::argument::{Argument, Role};
use self::signature::Within;
use crate::attr::task::TaskAttr;
use crate::attr::{doc, words};
use crate::ctxt::Ctxt;
use crate::spans::plain;

/// A function that is a task.
pub(crate) struct Function {
    /// The function that is generated: without the attributes of this macro, and with an empty body.
    pub(crate) item: ItemFn,
    /// The body as it stands in the source. The compiler reads it, and this macro does not, so that an
    /// unfinished function is a task already.
    pub(crate) body: Group,
    /// The function as it stands in the source.
    pub(crate) written: TokenStream,
    pub(crate) arguments: Vec<Argument>,
}

/// Parses the head of a function, and returns it with an empty body, and its body.
pub(crate) fn parse(tokens: &TokenStream) -> syn::Result<(ItemFn, Group)> {
    let mut head: Vec<TokenTree> = tokens.clone().into_iter().collect();
    match head.pop() {
        Some(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace => {
            let mut empty = Group::new(Delimiter::Brace, TokenStream::new());
            empty.set_span(body.span());
            head.push(TokenTree::Group(empty));
            Ok((syn::parse2(head.into_iter().collect())?, body))
        }
        _ => Err(syn::Error::new_spanned(tokens, "expected a function with a body")),
    }
}

/// Reads a function, and returns it with the struct of its parameters and the options of `#[task(...)]`.
/// `tokens` are the tokens of the function as written.
pub(crate) fn read(
    options: TokenStream,
    (mut item, body): (ItemFn, Group),
    tokens: &TokenStream,
    ctxt: &Ctxt,
) -> (Function, DeriveInput, TaskAttr) {
    let attribute: Attribute = parse_quote!(#[task(#options)]);
    let written = quote!(#attribute #tokens);
    // This macro reads these attributes. There may be several `#[task(...)]`.
    let is_own =
        |attr: &Attribute| ["task", "param"].into_iter().any(|name| attr.path().is_ident(name));
    let mut attributes = vec![attribute];
    attributes.extend(item.attrs.iter().filter(|attr| is_own(attr)).cloned());
    item.attrs.retain(|attr| !is_own(attr));
    for attr in item.attrs.iter().filter(|attr| is_called(attr, "tracked")) {
        ctxt.error(attr, words::TRACKED_TWICE);
    }
    item.attrs.retain(|attr| !is_called(attr, "tracked"));
    attributes.extend(doc::docs(&item.attrs).cloned());

    let attr = TaskAttr::read(&attributes, ctxt);
    signature::check(&item.sig, ctxt);
    let arguments = argument::read(&item.sig, &attr, ctxt);
    clean(&mut item.sig);
    let input = structure(attributes, &attr, &item, &arguments);
    (Function { item, body, written, arguments }, input, attr)
}

/// Returns the names of the parameters of a function that is a task; `None` if it has mistakes.
pub(crate) fn parameters(function: &ItemFn) -> Option<Vec<String>> {
    let ctxt = Ctxt::new();
    let attr = TaskAttr::read(&function.attrs, &ctxt);
    let arguments = argument::read(&function.sig, &attr, &ctxt);
    let parameters = arguments.iter().filter(|found| matches!(found.role, Role::Param { .. }));
    let names = parameters.map(|argument| plain(&argument.ident)).collect();
    ctxt.check().is_empty().then_some(names)
}

/// Returns whether an attribute has this name, also as in `#[flow::tracked]`.
pub(crate) fn is_called(attribute: &Attribute, name: &str) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == name)
}

/// Removes the attributes and doc comments that the compiler does not allow on arguments.
fn clean(signature: &mut Signature) {
    for input in &mut signature.inputs {
        let (FnArg::Receiver(syn::Receiver { attrs, .. })
        | FnArg::Typed(syn::PatType { attrs, .. })) = input;
        attrs.retain(|attr| !attr.path().is_ident("param") && !attr.path().is_ident("doc"));
    }
}

/// Returns the struct of the parameters.
fn structure(
    attrs: Vec<Attribute>,
    attr: &TaskAttr,
    item: &ItemFn,
    arguments: &[Argument],
) -> DeriveInput {
    let type_name = attr.type_name.as_ref().map_or(&item.sig.ident, |name| &name.value);
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
    // No field may use a type parameter, so a `PhantomData` uses all of them.
    let types: Vec<_> = generics.type_params().map(|parameter| &parameter.ident).collect();
    let phantom = (!types.is_empty()).then(|| {
        let ty: Type = parse_quote!(::core::marker::PhantomData<fn() -> (#(#types,)*)>);
        Field { vis: Visibility::Inherited, ..field(format_ident!("__of"), ty, Vec::new()) }
    });
    let named = parameters.chain(phantom).collect();
    DeriveInput {
        attrs,
        vis: item.vis.clone(),
        ident: type_name.clone(),
        generics,
        data: Data::Struct(DataStruct {
            struct_token: token::Struct::default(),
            fields: Fields::Named(FieldsNamed { brace_token: token::Brace::default(), named }),
            semi_token: None,
        }),
    }
}

impl Function {
    /// Returns the function as it is generated.
    ///
    /// A parameter that only `requires` or another option of the task uses is no unused variable.
    pub(crate) fn item(&self) -> TokenStream {
        let ItemFn { attrs, vis, sig, .. } = &self.item;
        let mut named = BTreeSet::new();
        fields_of_self(self.written.clone(), &mut named);
        let mut sig = sig.clone();
        // The type of the context names the task, which is deprecated like the function.
        let has_context = self.arguments.iter().any(|found| matches!(found.role, Role::Context));
        let is_deprecated = attrs.iter().any(|attr| attr.path().is_ident("deprecated"));
        let allow = (has_context && is_deprecated).then(|| quote!(#[allow(deprecated)]));
        for input in &mut sig.inputs {
            let FnArg::Typed(argument) = input else { continue };
            let Pat::Ident(pat) = &*argument.pat else { continue };
            if named.contains(&plain(&pat.ident)) {
                argument.attrs.push(parse_quote!(#[allow(unused_variables)]));
            }
        }
        let body = &self.body;
        quote!(#allow #(#attrs)* #vis #sig #body)
    }

    /// Returns the tokens that are the task's code: the attributes of other macros, the arguments that
    /// are inputs, the return type, and the body.
    ///
    /// Parameters are in the key, so they do not count as code, and neither do `#[param]` and
    /// `#[task]`. The name does not count, so that the task can be renamed.
    pub(crate) fn own_code(&self) -> TokenStream {
        let inputs = self.arguments.iter().filter_map(|argument| match &argument.role {
            Role::Input { .. } => Some((&argument.ident, &argument.ty)),
            _ => None,
        });
        let inputs = inputs.map(|(ident, ty)| quote!(#ident: #ty));
        let attributes =
            self.item.attrs.iter().filter(|attr| matches!(attr.style, AttrStyle::Outer));
        let output = &self.item.sig.output;
        let body = &self.body;
        quote!(#(#attributes)* (#(#inputs),*) #output #body)
    }

    /// Returns the type of the output, `T` for a function that returns `T` or `Result<T>`, if it can be stored.
    pub(crate) fn output_type(&self) -> Option<&Type> {
        let ReturnType::Type(_, returned) = &self.item.sig.output else {
            return None;
        };
        let ty = result_of(returned).unwrap_or(returned);
        let within = Within::of(ty);
        (within.impls.is_empty() && within.references.is_empty()).then_some(ty)
    }

    /// Returns the tokens where the compiler reports a return type that the target does not store.
    pub(crate) fn output_tokens(&self) -> TokenStream {
        match &self.item.sig.output {
            ReturnType::Default => self.item.sig.ident.to_token_stream(),
            ReturnType::Type(_, ty) => ty.to_token_stream(),
        }
    }
}

/// Returns `T` of `Result<T>` and `Result<T, E>`.
fn result_of(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

/// Adds the names of all fields `self.name` in the tokens of a function, which has no `self` of its own: they
/// stand in the options of the task.
fn fields_of_self(tokens: TokenStream, names: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (place, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => fields_of_self(group.stream(), names),
            TokenTree::Ident(word) if word == "self" => {
                if let Some(TokenTree::Punct(dot)) = tokens.get(place + 1)
                    && dot.as_char() == '.'
                    && let Some(TokenTree::Ident(field)) = tokens.get(place + 2)
                {
                    names.insert(plain(field));
                }
            }
            _ => {}
        }
    }
}

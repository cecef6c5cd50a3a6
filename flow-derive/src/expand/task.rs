//! Generates `impl Task` and `impl Declared`.
//!
//! [`target`](super::target) generates the items about the target of the output,
//! [`runs`](super::runs) those about the code of the task, and [`policy`](super::policy) those about its
//! execution.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericParam, LitStr};

use super::policy::policy;
use super::runs::{force_constants, is_tracked, runs};
use super::target::{target, target_text, target_type};
use super::{Shape, declared, enclose, keys, params, private, private_at, requires};
use crate::attr::Opt;
use crate::attr::doc;
use crate::attr::refresh::Refresh;
use crate::expand::tracked;
use crate::model::{Storage, Task};
use crate::spans::local;
use crate::text;

/// Returns the code of a task without mistakes.
pub(super) fn expand(task: &Task<'_>) -> TokenStream {
    let Some(storage) = task.storage() else {
        return TokenStream::new();
    };
    let private = private();
    let name = &task.input.ident;
    let generics = task.owned_generics();
    let (generics, arguments, bounds) = generics.split_for_impl();
    let Shape { ty: inputs, items } = Shape::of(task);
    let keys = keys(task);
    let (target_type, target) = (target_type(&storage), target(&storage));
    let inputs = requires::inputs(task, &inputs);
    let depth = requires::depth(task);
    let declarations = params::declarations(task);
    let decl = decl(task, &storage);
    let (build, fields) = (build(task), fields(task));
    let (calls, types) = (requires::calls(task), requires::types(task));
    let (runs, forced) = (runs(task), force_constants(task));
    let is_tracked = is_tracked(task);
    let (registered, may_require) = (register(task), requires::may_require(task));
    let (kind, path) = (kind(task), path(task));
    let (uses, can_use) = uses(task);
    let (refresh, check, policy) = (refresh(task), check(task), policy(task));
    let written = match task.function {
        Some(function) => function.written.clone(),
        None => task.input.to_token_stream(),
    };
    let is_run = task.attr.external.is_none() && task.attr.aggregate.is_none();
    let private_tokens = private.to_token_stream();
    let tracked = tracked::implementation_of(task.input, written, &private_tokens, !is_run);
    let run = declared::run(task);
    let (values, index, to, visit) = (local("values"), local("index"), local("to"), local("visit"));
    // The user's expressions refer to `self`, so this `self` has the span of the call site.
    let this = quote_spanned!(Span::call_site()=> self);
    enclose(
        &task.facade,
        task.attributes(),
        &quote! {
            #keys
            #items

            #[automatically_derived]
            impl #generics #private::Task for #name #arguments #bounds {
                #target_type
                #inputs
            }

            #[automatically_derived]
            impl #generics #private::Declared for #name #arguments #bounds {
                #kind
                #depth
                #is_tracked
                const __PARAMS: &'static [#private::ParamDecl] = #declarations;

                fn __decl() -> #private::TaskDecl {
                    #decl
                }

                #target

                fn __build(#values: &#private::Values<'_>) -> Self {
                    #build
                }

                fn __field(&self, #index: usize) -> &dyn #private::Any {
                    #fields
                }

                fn __requires(&#this, #to: &mut #private::Requirements) -> #private::anyhow::Result<()> {
                    #calls
                    ::core::result::Result::Ok(())
                }

                #[allow(deprecated)]
                fn __requirement_types(#visit: &mut dyn ::core::ops::FnMut(&'static #private::TaskType)) {
                    #types
                }

                fn __runs() -> #private::RunCode<Self> {
                    #runs
                }

                #path
                #refresh
                #check
                #policy
                #uses
                #may_require
            }

            #can_use
            #forced
            #tracked
            #run
            #registered
        },
    )
}

/// Registers a task without type parameters in the program, so that its type is found by its name.
fn register(task: &Task<'_>) -> TokenStream {
    if !task.input.generics.params.is_empty() {
        return TokenStream::new();
    }
    let private = private();
    let name = &task.input.ident;
    quote! {
        #private::inventory::submit! {
            #private::Registered(#private::TaskType::of::<#name>)
        }
    }
}

/// Returns the associated type `__Kind`.
pub(crate) fn kind(task: &Task<'_>) -> TokenStream {
    let private = private();
    let attr = &task.attr;
    match (&attr.external, &attr.aggregate) {
        (Some(_), _) => quote!(type __Kind = #private::IsExternal;),
        (_, Some(_)) => quote!(type __Kind = #private::IsAggregate;),
        _ => quote!(type __Kind = #private::ByRun;),
    }
}

/// Returns the function that computes the path of an external file.
fn path(task: &Task<'_>) -> TokenStream {
    let Some(path) = &task.attr.path else {
        return TokenStream::new();
    };
    let path = &path.value;
    let private = private();
    let this = quote_spanned!(Span::call_site()=> self);
    let into =
        quote_spanned!(path.span()=> ::core::convert::Into::<::std::path::PathBuf>::into(#path));
    quote! {
        fn __path(&#this) -> #private::anyhow::Result<::std::path::PathBuf> {
            ::core::result::Result::Ok(#into)
        }
    }
}

/// Returns the declaration of `refresh`.
fn refresh(task: &Task<'_>) -> TokenStream {
    let Some(refresh) = &task.attr.refresh else {
        return TokenStream::new();
    };
    let private = private();
    let refresh_const = |value: TokenStream| quote!(const __REFRESH: #private::Refresh = #value;);
    let expr = match &refresh.value {
        Refresh::Always => return refresh_const(quote!(#private::Refresh::Always)),
        Refresh::After(text, seconds) => {
            return refresh_const(quote! {
                #private::Refresh::After { text: #text, seconds: #seconds }
            });
        }
        Refresh::OnChange(expr) => expr,
    };
    let declared = refresh_const(quote!(#private::Refresh::Asked));
    // With the span of the expression, where the compiler reports a value that cannot be compared.
    let value = Ident::new("__value", expr.span());
    let this = quote_spanned!(Span::call_site()=> self);
    let at_expr = private_at(expr.span());
    let compared = quote_spanned!(expr.span()=> #at_expr::compared(#value));
    quote! {
        #declared

        fn __refresh(&#this) -> #private::anyhow::Result<#private::Value> {
            use #private::{MayFail as _, NeverFails as _};

            let #value = #private::Asked(#expr);
            let #value = (&#value).value()?;
            #compared
        }
    }
}

/// Returns the function that checks the output. It calls the user's function by its path, so that a
/// `&Vec<T>` coerces to `&[T]`.
fn check(task: &Task<'_>) -> TokenStream {
    let Some(check) = &task.attr.check else {
        return TokenStream::new();
    };
    let private = private();
    let (path, value, checks) = (&check.value, local("value"), local("checks"));
    let at_path = private_at(path.span());
    // At the path, where the compiler reports a function that takes another type.
    let mut argument = value.clone();
    argument.set_span(path.span().resolved_at(value.span()));
    let call = quote_spanned!(path.span()=> #at_path::checked("", #path(#argument), #checks));
    quote! {
        fn __check(
            #value: &<<Self as #private::Task>::Target as #private::Keep>::Value,
            #checks: &mut #private::Checks<'_>,
        ) -> #private::anyhow::Result<()> {
            #call
        }
    }
}

/// Returns the list of the types that the task uses, and an impl of `Uses` for each.
fn uses(task: &Task<'_>) -> (TokenStream, TokenStream) {
    let Some(uses) = &task.attr.uses else {
        return Default::default();
    };
    let private = private();
    let types = &uses.value;
    let names = types.iter().map(|ty| text::short_type(ty.to_token_stream()));
    let name = &task.input.ident;
    let generics = task.owned_generics();
    let (generics, arguments, bounds) = generics.split_for_impl();
    let list = quote! {
        fn __uses() -> ::std::vec::Vec<(::core::any::TypeId, &'static str)> {
            ::std::vec![#((::core::any::TypeId::of::<#types>(), #names)),*]
        }
    };
    let impls = quote! {
        #(
            #[automatically_derived]
            impl #generics #private::Uses<#types> for #name #arguments #bounds {}
        )*
    };
    (list, impls)
}

fn decl(task: &Task<'_>, storage: &Storage<'_>) -> TokenStream {
    let private = private();
    let attr = &task.attr;
    let name = attr.name.as_ref().map_or_else(|| task.struct_name(), |name| name.value.value());
    let arguments = task.input.generics.params.iter().filter_map(|param| match param {
        GenericParam::Type(ty) => {
            let ty = &ty.ident;
            Some(quote!(#private::short_name::<#ty>()))
        }
        GenericParam::Const(value) => {
            let value = &value.ident;
            Some(quote!(::std::format!("{:?}", #value)))
        }
        GenericParam::Lifetime(_) => None,
    });
    let arguments: Vec<_> = arguments.collect();
    let with_arguments = |name: String| match arguments.as_slice() {
        [] => quote!(#private::Cow::Borrowed(#name)),
        arguments => {
            quote!(#private::Cow::Owned(#private::generic_name(#name, &[#(#arguments),*])))
        }
    };
    let name = with_arguments(name);
    let was = match &attr.was {
        Some(was) => {
            let was = with_arguments(was.value.value());
            quote!(::core::option::Option::Some(#was))
        }
        None => quote!(::core::option::Option::None),
    };
    let doc = doc::doc(&task.input.attrs);
    let version = attr.version.as_ref().map_or(0, |version| version.value);
    let target = match storage {
        Storage::Target(target) => target_text(&target.ty, &target.options).to_token_stream(),
        Storage::Outputs(outputs) => {
            let private = private_at(outputs.span());
            quote_spanned!(outputs.span()=> <#outputs as #private::Outputs>::__TARGETS)
        }
        Storage::Aggregate => quote!(""),
    };
    let optional = |text: &Opt<LitStr>| match text {
        Some(text) => {
            let text = &text.value;
            quote!(::core::option::Option::Some(#text))
        }
        None => quote!(::core::option::Option::None),
    };
    let (group, dir) = (optional(&attr.group), optional(&attr.dir));
    quote! {
        #private::TaskDecl {
            name: #name,
            was: #was,
            module: ::core::module_path!(),
            doc: #doc,
            version: #version,
            target: #target,
            group: #group,
            dir: #dir,
        }
    }
}

fn build(task: &Task<'_>) -> TokenStream {
    let values = local("values");
    let params = task.params.iter().enumerate().map(|(index, param)| {
        let (ident, ty) = (param.ident, &param.field.ty);
        let private = private_at(ty.span());
        let declare = param.declare(task.function.is_some());
        quote_spanned!(ty.span()=> #ident: #private::#declare::<#ty>("", "").value(#values, #index))
    });
    let phantoms = task.phantoms.iter().map(|ident| quote!(#ident: ::core::marker::PhantomData));
    let fields = params.chain(phantoms);
    quote!(Self { #(#fields),* })
}

fn fields(task: &Task<'_>) -> TokenStream {
    let private = private();
    let index = local("index");
    let arms = task.params.iter().enumerate().map(|(place, param)| {
        let ident = param.ident;
        quote!(#place => &self.#ident,)
    });
    quote! {
        match #index {
            #(#arms)*
            _ => #private::no_param(#index),
        }
    }
}

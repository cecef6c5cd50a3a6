//! `impl Task`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::GenericParam;
use syn::spanned::Spanned;

use super::{Shape, enclose, keys, params, requires};
use crate::attr::task::Target;
use crate::model::{self, Task};
use crate::spans::local;
use crate::text;

/// Everything that is written for a task without mistakes.
pub(super) fn expand(task: &Task<'_>) -> TokenStream {
    let Some(target) = &task.attr.target else {
        return TokenStream::new();
    };
    let target = &target.value;
    let private = task.facade.private();
    let name = &task.input.ident;
    let (generics, arguments, bounds) = task.input.generics.split_for_impl();
    let Shape { ty: inputs, items } = Shape::of(task);
    let keys = keys(task);
    let (target_type, target_value) = (&target.ty, target_value(target));
    let depth = requires::depth(task);
    let declarations = params::declarations(task);
    let decl = decl(task, target);
    let (build, fields) = (build(task), fields(task));
    let (calls, types) = (requires::calls(task), requires::types(task));
    let (runs, forced) = (runs(task), force_depth(task));
    let (values, index, to, visit) = (local("values"), local("index"), local("to"), local("visit"));
    // The user's expressions say `self`, so this one is theirs.
    let this = quote_spanned!(Span::call_site()=> self);
    enclose(&quote! {
        #keys
        #items

        #[automatically_derived]
        impl #generics #private::Task for #name #arguments #bounds {
            type Target = #target_type;
            type Inputs = #inputs;
            const __DEPTH: usize = #depth;
            const __PARAMS: &'static [#private::ParamDecl] = #declarations;

            fn __decl() -> #private::TaskDecl {
                #decl
            }

            fn __target() -> Self::Target {
                #target_value
            }

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

            fn __requirement_types(#visit: &mut dyn ::core::ops::FnMut(&'static #private::TaskType)) {
                #types
            }

            fn __runs() -> #private::Runs<Self> {
                #runs
            }
        }

        #forced
    })
}

/// Computes the depth of a task that is one type. A cycle makes that impossible.
fn force_depth(task: &Task<'_>) -> TokenStream {
    if !task.input.generics.params.is_empty() {
        return TokenStream::new();
    }
    let private = task.facade.private();
    let name = &task.input.ident;
    quote!(const _: usize = <#name as #private::Task>::__DEPTH;)
}

/// `<Target>::default().option(expr)`, where `default` is that of the type itself if it has one,
/// which may then infer more than a trait could say.
fn target_value(target: &Target) -> TokenStream {
    let ty = &target.ty;
    let mut value = quote_spanned!(ty.span()=> <#ty>::default());
    for (option, expr) in &target.options {
        value.extend(quote!(.#option(#expr)));
    }
    value
}

fn decl(task: &Task<'_>, target: &Target) -> TokenStream {
    let private = task.facade.private();
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
    let name = if arguments.is_empty() {
        quote!(#private::Cow::Borrowed(#name))
    } else {
        quote!(#private::Cow::Owned(#private::generic_name(#name, &[#(#arguments),*])))
    };
    let was = match &attr.was {
        Some(was) => {
            let was = &was.value;
            quote!(::core::option::Option::Some(#was))
        }
        None => quote!(::core::option::Option::None),
    };
    let doc = model::doc(&task.input.attrs);
    let version = attr.version.as_ref().map_or(0, |version| version.value);
    let target = target_text(target);
    quote! {
        #private::TaskDecl {
            name: #name,
            was: #was,
            module: ::core::module_path!(),
            doc: #doc,
            version: #version,
            target: #target,
        }
    }
}

/// How the user wrote the target: `Parquet<Row>(compression=Zstd(3))`.
fn target_text(target: &Target) -> String {
    let ty = text::short_type(target.ty.to_token_stream());
    if target.options.is_empty() {
        return ty;
    }
    let options = target.options.iter().map(|(option, expr)| quote!(#option = #expr));
    let options: Vec<String> = options.map(text::of).collect();
    format!("{ty}({})", options.join(", "))
}

fn build(task: &Task<'_>) -> TokenStream {
    let private = task.facade.private();
    let values = local("values");
    let params = task.params.iter().enumerate().map(|(index, param)| {
        let (ident, ty) = (param.ident, &param.field.ty);
        quote_spanned!(ty.span()=> #ident: #private::value::<#ty>(#values, #index))
    });
    let phantoms = task.phantoms.iter().map(|ident| quote!(#ident: ::core::marker::PhantomData));
    let fields = params.chain(phantoms);
    quote!(Self { #(#fields),* })
}

fn fields(task: &Task<'_>) -> TokenStream {
    let private = task.facade.private();
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

/// `runs::<Self>()`, which points at the task's name if there is no `Run`.
fn runs(task: &Task<'_>) -> TokenStream {
    let span = task.input.ident.span();
    let private = task.facade.private_at(span);
    quote_spanned!(span=> #private::runs::<Self>())
}

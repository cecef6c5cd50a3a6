//! Generates `impl Column` and `impl Row`, and registers the row.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Type};

use super::{enclose_in, private, private_at};
use crate::ctxt::Ctxt;
use crate::row::{Absent, Kind, Row, RowField, Unit, Variant};
use crate::spans::{local, plain};

/// Expands `#[derive(Row)]`.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let ctxt = Ctxt::new();
    let row = Row::read(input, &ctxt);
    let errors = ctxt.check();
    if !errors.is_empty() {
        // There is no stub: code without a table format has no traits that it could implement.
        let errors = errors.iter().map(syn::Error::to_compile_error);
        return quote!(#(#errors)*);
    }
    let items = match &row.kind {
        Kind::Struct(fields) => of_struct(&row, fields),
        Kind::Newtype(inner) => of_newtype(&row, inner),
        Kind::Enum(variants) => of_enum(&row, variants),
    };
    enclose_in(&row.facade.rows(), &input.attrs, &items)
}

/// Returns the parameter of the generated functions that has the values.
fn values() -> Ident {
    local("values")
}

/// Returns the types in the signatures of the traits: an array, and values with nulls.
struct Signature {
    array: TokenStream,
    read: TokenStream,
    written: TokenStream,
}

fn signature() -> Signature {
    let private = private();
    let array = quote!(#private::__private::arrow::array::ArrayRef);
    Signature {
        read: quote! {
            ::core::result::Result<
                ::std::vec::Vec<::core::option::Option<Self>>,
                #private::Fault,
            >
        },
        written: quote!(::core::result::Result<#array, #private::Fault>),
        array,
    }
}

/// `impl Column` for a type, with these bodies.
fn column(
    row: &Row<'_>,
    constants: &TokenStream,
    data_type: &TokenStream,
    array: &TokenStream,
    values: &TokenStream,
) -> TokenStream {
    let (private, name, written_values) = (private(), &row.input.ident, self::values());
    let Signature { array: array_type, read, written } = signature();
    quote! {
        #[automatically_derived]
        impl #private::Column for #name {
            #constants

            fn data_type(__form: #private::Form) -> #private::__private::arrow::datatypes::DataType {
                #data_type
            }

            fn array(
                #written_values: &[::core::option::Option<&Self>],
                __form: #private::Form,
            ) -> #written {
                #array
            }

            fn values(__array: &#array_type) -> #read {
                #values
            }
        }
    }
}

fn of_struct(row: &Row<'_>, fields: &[RowField<'_>]) -> TokenStream {
    let (private, name, values) = (private(), &row.input.ident, values());
    let Signature { array, read, .. } = signature();
    let column = column(
        row,
        &TokenStream::new(),
        &quote!(#private::struct_type::<Self>()),
        &quote!(#private::struct_array(#values)),
        &quote!(#private::struct_values(__array)),
    );
    let kept: Vec<_> = fields.iter().filter(|field| !field.is_skipped).collect();
    let asserted = kept.iter().map(|field| asserted(field));
    let declared = kept.iter().map(|field| declared(field));
    let arrays = kept.iter().map(|field| array_of(field));
    let (table, each) = (local("table"), local("row"));
    let taken: Vec<_> = (0..kept.len()).map(|place| local(&format!("field_{place}"))).collect();
    let open = kept.iter().zip(&taken).map(|(field, taken)| {
        let values = values_of(field, &quote!(#table));
        quote!(let mut #taken = #values;)
    });
    let mut places = taken.iter();
    let built = fields.iter().map(|field| {
        let ident = field.ident;
        if field.is_skipped {
            let value = skipped(field);
            return quote!(#ident: #value);
        }
        let taken = places.next();
        quote!(#ident: #taken.take(#each)?)
    });
    let built: Vec<_> = built.collect();
    quote! {
        #(#asserted)*

        #column

        #[automatically_derived]
        impl #private::Row for #name {
            fn fields() -> ::std::vec::Vec<#private::RowField> {
                ::std::vec![#(#declared),*]
            }

            fn arrays(
                #values: &[::core::option::Option<&Self>],
            ) -> ::core::result::Result<::std::vec::Vec<#array>, #private::Fault> {
                ::core::result::Result::Ok(::std::vec![#(#arrays),*])
            }

            fn rows(#table: &#private::RowTable<'_>) -> #read {
                #(#open)*
                let mut __rows = ::std::vec::Vec::with_capacity(#table.len());
                for #each in 0..#table.len() {
                    if #table.is_null(#each) {
                        #(#taken.skip();)*
                        __rows.push(::core::option::Option::None);
                    } else {
                        __rows.push(::core::option::Option::Some(Self { #(#built),* }));
                    }
                }
                ::core::result::Result::Ok(__rows)
            }
        }

        #private::__private::inventory::submit! {
            #private::Registered::of::<#name>()
        }
    }
}

/// Asserts that the options of `#[row(...)]` apply to the type of a field.
fn asserted(field: &RowField<'_>) -> TokenStream {
    let (ty, name) = (field.ty, plain(field.ident));
    let private = private_at(ty.span());
    let mut asserted = TokenStream::new();
    if field.unit.is_some() {
        let message = format!(
            "`unit` is for times, timestamps and durations, and the field `{name}` is of another type"
        );
        asserted.extend(quote_spanned! {ty.span()=>
            const _: () = ::core::assert!(<#ty as #private::Column>::HAS_UNIT, #message);
        });
    }
    if field.decimal.is_some() {
        let message = format!(
            "`precision` and `scale` are for decimals, and the field `{name}` is of another type"
        );
        asserted.extend(quote_spanned! {ty.span()=>
            const _: () = ::core::assert!(<#ty as #private::Column>::HAS_SCALE, #message);
        });
    }
    asserted
}

/// Returns the form of a column: `Form::DEFAULT.unit(TimeUnit::Microsecond)`.
fn form(field: &RowField<'_>) -> TokenStream {
    let private = private();
    let unit = field.unit.map(|unit| {
        let unit = match unit {
            Unit::Second => quote!(Second),
            Unit::Millisecond => quote!(Millisecond),
            Unit::Microsecond => quote!(Microsecond),
            Unit::Nanosecond => quote!(Nanosecond),
        };
        quote!(.unit(#private::__private::arrow::datatypes::TimeUnit::#unit))
    });
    let decimal = field.decimal.map(|(precision, scale)| quote!(.decimal(#precision, #scale)));
    quote!(#private::Form::DEFAULT #unit #decimal)
}

/// Returns the names of a field and its aliases, as a slice.
fn names(field: &RowField<'_>) -> TokenStream {
    let names = &field.names;
    quote!(&[#(#names),*])
}

/// Returns the declaration of a column.
fn declared(field: &RowField<'_>) -> TokenStream {
    let (ty, names, form) = (field.ty, names(field), form(field));
    let private = private_at(ty.span());
    if field.is_binary {
        return quote_spanned!(ty.span()=> #private::RowField::binary::<#ty>(#names));
    }
    quote_spanned!(ty.span()=> #private::RowField::of::<#ty>(#names, #form))
}

/// Returns the expression that builds the array of a column.
fn array_of(field: &RowField<'_>) -> TokenStream {
    let (ty, ident, form, name) = (field.ty, field.ident, form(field), &field.names[0]);
    let (private, values) = (private_at(ty.span()), values());
    if field.is_binary {
        return quote_spanned! {ty.span()=>
            #private::binary_column::<Self, #ty>(#values, |__row| &__row.#ident)
        };
    }
    quote_spanned! {ty.span()=>
        #private::column::<Self, #ty>(#name, #form, #values, |__row| &__row.#ident)?
    }
}

/// Returns the expression that reads the values of a column.
fn values_of(field: &RowField<'_>, table: &TokenStream) -> TokenStream {
    let (ty, ident, names) = (field.ty, field.ident, names(field));
    let some = |value: TokenStream| {
        quote!(::core::option::Option::Some({
            fn __absent() -> #ty {
                #value
            }
            __absent
        }))
    };
    let private = private_at(ty.span());
    let absent = match &field.absent {
        Absent::Missing => quote!(::core::option::Option::None),
        Absent::OfType if field.is_binary => {
            quote_spanned!(ty.span()=> <#ty as #private::Binary>::ABSENT)
        }
        Absent::OfType => quote_spanned!(ty.span()=> <#ty as #private::Column>::ABSENT),
        Absent::Default => some(quote!(::core::default::Default::default())),
        Absent::Container => {
            quote! {
                ::core::option::Option::Some(
                    (|| <Self as ::core::default::Default>::default().#ident) as fn() -> #ty
                )
            }
        }
        Absent::Call(path) => some(quote!(#path())),
    };
    let method = if field.is_binary { quote!(binary) } else { quote!(field) };
    quote_spanned!(ty.span()=> #table.#method::<#ty>(#names, #absent)?)
}

/// Returns the value of a field without a column.
fn skipped(field: &RowField<'_>) -> TokenStream {
    let ident = field.ident;
    match &field.absent {
        Absent::Missing | Absent::OfType | Absent::Default => {
            quote_spanned!(field.ty.span()=> ::core::default::Default::default())
        }
        Absent::Container => quote!(<Self as ::core::default::Default>::default().#ident),
        Absent::Call(path) => quote!(#path()),
    }
}

fn of_newtype(row: &Row<'_>, inner: &Type) -> TokenStream {
    let (private, values) = (private_at(inner.span()), values());
    let inner_column = quote_spanned!(inner.span()=> <#inner as #private::Column>);
    column(
        row,
        &quote! {
            const NULLABLE: bool = #inner_column::NULLABLE;
            const HAS_UNIT: bool = #inner_column::HAS_UNIT;
            const HAS_SCALE: bool = #inner_column::HAS_SCALE;

            // It may have metadata: a UUID has.
            fn field(
                __name: &str,
                __form: #private::Form,
            ) -> #private::__private::arrow::datatypes::Field {
                #inner_column::field(__name, __form)
            }
        },
        &quote!(#inner_column::data_type(__form)),
        &quote! {
            let __inner: ::std::vec::Vec<::core::option::Option<&#inner>> =
                #values.iter().map(|__value| __value.map(|__value| &__value.0)).collect();
            #inner_column::array(&__inner, __form)
        },
        &quote! {
            let __values = #inner_column::values(__array)?.into_iter();
            ::core::result::Result::Ok(__values.map(|__value| __value.map(Self)).collect())
        },
    )
}

fn of_enum(row: &Row<'_>, variants: &[Variant<'_>]) -> TokenStream {
    let (private, name, values) = (private(), &row.input.ident, values());
    let column = column(
        row,
        &TokenStream::new(),
        &quote!(#private::variant_type(__form)),
        &quote!(#private::variant_array(#values)),
        &quote!(#private::variant_values(__array)),
    );
    let names = variants.iter().map(|variant| &variant.names[0]);
    let idents: Vec<_> = variants.iter().map(|variant| variant.ident).collect();
    let places = 0..idents.len();
    let named = variants.iter().map(|variant| {
        let (ident, names) = (variant.ident, &variant.names);
        quote!(#(#names)|* => ::core::option::Option::Some(Self::#ident))
    });
    quote! {
        #column

        #[automatically_derived]
        impl #private::Variants for #name {
            const NAMES: &'static [&'static str] = &[#(#names),*];

            fn place(&self) -> usize {
                match *self {
                    #(Self::#idents => #places,)*
                }
            }

            fn named(__name: &str) -> ::core::option::Option<Self> {
                match __name {
                    #(#named,)*
                    _ => ::core::option::Option::None,
                }
            }
        }
    }
}

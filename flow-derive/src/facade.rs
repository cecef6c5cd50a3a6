//! The path by which generated code names the library.
//!
//! A package may rename its dependency on the facade, so the name is read from the package's manifest. A crate
//! that takes the library from the re-export of another crate writes `crate = ::path`.

use std::cell::RefCell;
use std::ffi::OsString;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Path;

use crate::code::manifest::Manifest;

/// The path of the facade: that of `crate = ...`, or the name that the package gives to it.
pub(crate) struct Facade(Option<Path>);

/// The name of the facade's package.
const PACKAGE: &str = "typed-flow";
/// The name of its library, unless a manifest renames it.
const LIBRARY: &str = "flow";

impl Facade {
    pub(crate) fn new(path: Option<Path>) -> Self {
        Self(path)
    }

    /// Returns the path of `__private`, whose functions the generated code calls.
    pub(crate) fn private(&self) -> TokenStream {
        let path = self.path();
        quote!(#path::__private)
    }

    /// Returns the path of the module of rows, which the code of `#[derive(Row)]` calls.
    pub(crate) fn rows(&self) -> TokenStream {
        let path = self.path();
        quote!(#path::targets::rows)
    }

    fn path(&self) -> TokenStream {
        match &self.0 {
            Some(path) => quote!(#path),
            None => {
                let name = format_ident!("{}", library_name());
                quote!(::#name)
            }
        }
    }
}

/// Returns the name by which the package that is compiled knows the facade.
fn library_name() -> String {
    thread_local! {
        // A language server expands the macros of many packages in one process.
        static KNOWN: RefCell<Option<(OsString, String)>> = const { RefCell::new(None) };
    }
    let Some(folder) = std::env::var_os("CARGO_MANIFEST_DIR") else {
        return LIBRARY.to_owned();
    };
    KNOWN.with_borrow_mut(|known| match known {
        Some((of, name)) if *of == folder => name.clone(),
        known => {
            let name = renamed(folder.as_ref()).unwrap_or_else(|| LIBRARY.to_owned());
            *known = Some((folder, name.clone()));
            name
        }
    })
}

/// Returns the new name, if the manifest of the package in `folder` renames the facade.
fn renamed(folder: &std::path::Path) -> Option<String> {
    let dependencies = Manifest::read(folder)?.dependencies;
    let mut facades: Vec<_> =
        dependencies.iter().filter(|dependency| dependency.package == PACKAGE).collect();
    facades.sort_by_key(|dependency| !dependency.is_normal);
    let first = facades.first().filter(|dependency| dependency.is_renamed())?;
    Some(first.key.replace('-', "_"))
}

//! Checks the signature of a function that is a task.

use syn::visit::{self, Visit};
use syn::{
    FnArg, GenericParam, ReturnType, Safety, Signature, Token, Type, TypeImplTrait, TypeReference,
};

use crate::ctxt::Ctxt;

/// Reports mistakes in the signature, except for those in a single argument's role.
pub(super) fn check(signature: &Signature, ctxt: &Ctxt) {
    let Signature { asyncness, constness, safety, abi, variadic, .. } = signature;
    if let Some(word) = asyncness {
        let message = "a task runs on a thread of its own; leave out `async`, and wait for async \
                       code inside the function, as with `block_on` of a runtime";
        ctxt.error(word, message);
    }
    if let Some(word) = constness {
        let message = "a task is run, and not computed by the compiler; leave out `const`";
        ctxt.error(word, message);
    }
    if let Safety::Unsafe(word) = safety {
        let message = "a task is called by the library, which cannot uphold safety conditions; \
                       leave out `unsafe`, and write an `unsafe` block in the function";
        ctxt.error(word, message);
    }
    if let Some(abi) = abi {
        ctxt.error(abi, "a task is called from Rust; leave out `extern`");
    }
    if let Some(variadic) = variadic {
        ctxt.error(variadic, "write an argument for each input and parameter of a task");
    }
    for parameter in &signature.generics.params {
        if let GenericParam::Lifetime(lifetime) = parameter {
            let message = "the arguments of a task live as long as the call; leave out the lifetime, \
                           and write `&T`";
            ctxt.error(lifetime, message);
        }
    }
    let types = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(argument) => Some(&*argument.ty),
        FnArg::Receiver(_) => None,
    });
    let output = match &signature.output {
        ReturnType::Type(_, ty) => Some(&**ty),
        ReturnType::Default => None,
    };
    for found in types.chain(output).flat_map(|ty| Within::of(ty).impls) {
        let message = "what a task takes and gives is stored and loaded, so that its type must be \
                       known; name the type, or take a type parameter: `fn task<T: Trait>(...)`";
        ctxt.error(found, message);
    }
}

/// The parts of a type that a task's signature must not contain.
#[derive(Default)]
pub(super) struct Within<'a> {
    /// Each `impl Trait`.
    pub(super) impls: Vec<&'a TypeImplTrait>,
    /// The `&` of each reference.
    pub(super) references: Vec<&'a Token![&]>,
}

impl<'a> Within<'a> {
    pub(super) fn of(ty: &'a Type) -> Self {
        let mut within = Self::default();
        within.visit_type(ty);
        within
    }
}

impl<'a> Visit<'a> for Within<'a> {
    fn visit_type_impl_trait(&mut self, node: &'a TypeImplTrait) {
        self.impls.push(node);
        visit::visit_type_impl_trait(self, node);
    }

    fn visit_type_reference(&mut self, node: &'a TypeReference) {
        self.references.push(&node.and_token);
        visit::visit_type_reference(self, node);
    }
}

//! Checks the signature of a function that is a task.

use syn::visit::{self, Visit};
use syn::{
    FnArg, GenericParam, Lifetime, ReturnType, Safety, Signature, Token, Type, TypeFnPtr,
    TypeImplTrait, TypeReference, TypeTraitObject,
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
    for found in types.flat_map(|ty| Within::of(ty).impls) {
        let message = "the inputs and parameters of a task are stored and loaded, so that their types \
                       must be known; name the type, or take a type parameter: \
                       `fn task<T: Trait>(...)`";
        ctxt.error(found, message);
    }
    if let ReturnType::Type(_, output) = &signature.output {
        for found in Within::of(output).impls {
            let message = "the output of a task is stored and loaded, so that its type must be known; \
                           name the type";
            ctxt.error(found, message);
        }
    }
}

/// The parts of a type that a task's signature must not contain.
#[derive(Default)]
pub(super) struct Within<'a> {
    /// Each `impl Trait`.
    pub(super) impls: Vec<&'a TypeImplTrait>,
    /// The `&` of each reference, except for those in the type of a function.
    pub(super) references: Vec<&'a Token![&]>,
    /// The lifetimes, such as `'_` in `Cow<'_, str>`.
    pub(super) lifetimes: Vec<&'a Lifetime>,
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

    // `check` reports a function as a whole, so that the references of its arguments are no errors of their own.
    fn visit_type_fn_ptr(&mut self, node: &'a TypeFnPtr) {
        let references = self.references.len();
        visit::visit_type_fn_ptr(self, node);
        self.references.truncate(references);
    }

    fn visit_type_trait_object(&mut self, node: &'a TypeTraitObject) {
        let references = self.references.len();
        visit::visit_type_trait_object(self, node);
        self.references.truncate(references);
    }

    fn visit_type_reference(&mut self, node: &'a TypeReference) {
        self.references.push(&node.and_token);
        visit::visit_type_reference(self, node);
    }

    fn visit_lifetime(&mut self, node: &'a Lifetime) {
        self.lifetimes.push(node);
    }
}

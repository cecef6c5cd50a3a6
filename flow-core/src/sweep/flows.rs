//! The variants of a sweep as flows.

use std::ops::Index;

use super::Sweep;
use super::grid::Variant;
use crate::error::{Error, SelectError};
use crate::flow::{Flow, Roots};
use crate::plan::warning::nearest;

/// # The variants as flows
impl<R: Roots> Sweep<R> {
    /// The names of the variants, in order; none, if the sweep is wrong.
    pub fn names(&self) -> Vec<&str> {
        self.list().iter().map(|variant| variant.name.as_str()).collect()
    }

    /// How many variants there are.
    pub fn len(&self) -> usize {
        self.list().len()
    }

    /// Whether there are no variants: then something is wrong with the sweep.
    pub fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// The variant with this name, as a flow: the one that [`Flow::with`] gives for the same values.
    pub fn get(&self, name: &str) -> Option<&Flow> {
        let variants = self.made().as_ref().ok()?;
        let place = *variants.places.get(name)?;
        Some(self.flow_of(&variants.list[place]))
    }

    /// All variants, in order, each with its name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Flow)> {
        self.list().iter().map(|variant| (variant.name.as_str(), self.flow_of(variant)))
    }

    /// The flow that all of them are variants of.
    pub fn base(&self) -> &Flow {
        &self.flow
    }

    /// Whether all of them are complete.
    ///
    /// # Errors
    ///
    /// The sweep or the flow is wrong, or the store cannot be read.
    pub fn is_complete(&self) -> Result<bool, Error> {
        self.flow.are_complete(&self.roots()?)
    }

    fn flow_of<'a>(&self, variant: &'a Variant) -> &'a Flow {
        variant.flow.get_or_init(|| Box::new(self.flow.with_setting(&variant.setting)))
    }

    /// The variant with this name.
    pub(super) fn named(&self, name: &str) -> Result<&Flow, Error> {
        self.variants()?;
        self.get(name).ok_or_else(|| {
            let known = self.names();
            let nearest = nearest(name, &known);
            let known = known.into_iter().map(str::to_owned).collect();
            SelectError::Variant { name: name.to_owned(), nearest, known }.into()
        })
    }
}

/// The variant with this name, as a flow.
///
/// # Panics
///
/// There is none: [`get`](Sweep::get) asks.
impl<R: Roots> Index<&str> for Sweep<R> {
    type Output = Flow;

    fn index(&self, name: &str) -> &Flow {
        self.named(name).unwrap_or_else(|error| panic!("{error}"))
    }
}

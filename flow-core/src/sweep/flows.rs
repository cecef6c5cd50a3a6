//! The variants of a sweep as flows.

use std::ops::Index;

use super::Sweep;
use super::space::Variant;
use crate::base::names::nearest;
use crate::flow::Flow;
use crate::flow::error::{Error, SelectError};

/// # The variants as flows
impl<R> Sweep<R> {
    /// Returns the names of the variants, in order.
    ///
    /// # Errors
    ///
    /// The declaration of the sweep is invalid.
    pub fn names(&self) -> Result<Vec<&str>, Error> {
        Ok(self.list()?.iter().map(|variant| variant.name.as_str()).collect())
    }

    /// Returns the number of variants.
    ///
    /// # Errors
    ///
    /// The declaration of the sweep is invalid.
    pub fn len(&self) -> Result<usize, Error> {
        Ok(self.list()?.len())
    }

    /// Returns whether there are no variants, which is never the case for a valid sweep.
    ///
    /// # Errors
    ///
    /// The declaration of the sweep is invalid, for instance because it has no variants.
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.list()?.is_empty())
    }

    /// Returns the variant with this name, as a flow.
    ///
    /// The flow is the one that [`Flow::with`] returns for the same values. Returns `None` if there is no such variant,
    /// or the declaration of the sweep is invalid.
    pub fn get(&self, name: &str) -> Option<&Flow> {
        let variants = self.try_variants().as_ref().ok()?;
        let place = *variants.places.get(name)?;
        Some(self.flow_of(&variants.list[place]))
    }

    /// Returns all variants as flows, in order, each with its name.
    ///
    /// # Errors
    ///
    /// The declaration of the sweep is invalid. An empty iterator would hide this error, because a loop over it does
    /// nothing.
    ///
    /// ```
    /// # use flow::prelude::*;
    /// # #[derive(Task)]
    /// # #[task(target = Json<f64>)]
    /// # struct Fit { slope: f64 }
    /// # #[tracked]
    /// # impl Run for Fit {
    /// #     fn run(&self, _cx: &Cx<Self>) -> Result<f64> { Ok(self.slope) }
    /// # }
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let flow = Flow::open(folder.path())?.quiet();
    /// let sweep = flow.sweep::<Fit>().over(Fit::SLOPE, [0.5, 1.0]);
    /// for (name, variant) in sweep.iter()? {
    ///     println!("{name}: {}", variant.run::<Fit>()?);
    /// }
    ///
    /// let twice = sweep.over(Fit::SLOPE, [2.0]);
    /// assert!(twice.iter().is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn iter(&self) -> Result<impl ExactSizeIterator<Item = (&str, &Flow)>, Error> {
        let list = self.list()?.iter();
        Ok(list.map(|variant| (variant.name.as_str(), self.flow_of(variant))))
    }

    /// Returns the flow that the sweep was created from.
    pub fn base(&self) -> &Flow {
        &self.flow
    }

    /// Returns whether all variants are complete.
    ///
    /// # Errors
    ///
    /// The sweep or the flow is invalid, or the store cannot be read.
    pub fn is_complete(&self) -> Result<bool, Error> {
        self.flow.are_complete(&self.roots()?)
    }

    fn flow_of<'a>(&self, variant: &'a Variant) -> &'a Flow {
        variant.flow.get_or_init(|| Box::new(self.flow.with_setting(&variant.setting)))
    }

    /// Returns the variant with this name as a flow, or an error that suggests similar names.
    pub(super) fn named(&self, name: &str) -> Result<&Flow, Error> {
        let list = self.list()?;
        self.get(name).ok_or_else(|| {
            let known: Vec<_> = list.iter().map(|variant| variant.name.as_str()).collect();
            let nearest = nearest(name, &known);
            let known = known.into_iter().map(str::to_owned).collect();
            SelectError::Variant { name: name.to_owned(), nearest, known }.into()
        })
    }
}

/// Returns the variant with this name, as a flow.
///
/// # Panics
///
/// Panics if there is no such variant; [`get`](Sweep::get) returns `None` instead.
impl<R> Index<&str> for Sweep<R> {
    type Output = Flow;

    fn index(&self, name: &str) -> &Flow {
        self.named(name).unwrap_or_else(|error| panic!("{error}"))
    }
}

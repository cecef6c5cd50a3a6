//! The variants of a sweep as flows.

use std::ops::Index;

use super::Sweep;
use super::space::Variant;
use crate::flow::error::{Error, SelectError};
use crate::flow::{Flow, Roots};
use crate::plan::warning::nearest;

/// # The variants as flows
impl<R: Roots> Sweep<R> {
    /// The names of the variants, in order.
    ///
    /// # Errors
    ///
    /// The sweep is wrong.
    pub fn names(&self) -> Result<Vec<&str>, Error> {
        Ok(self.list()?.iter().map(|variant| variant.name.as_str()).collect())
    }

    /// How many variants there are.
    ///
    /// # Errors
    ///
    /// The sweep is wrong.
    pub fn len(&self) -> Result<usize, Error> {
        Ok(self.list()?.len())
    }

    /// Whether there are no variants, which no sweep is without that is right.
    ///
    /// # Errors
    ///
    /// The sweep is wrong: nothing would be in it then, and that is what is said.
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.list()?.is_empty())
    }

    /// The variant with this name, as a flow: the one that [`Flow::with`] gives for the same values;
    /// `None` if there is none, as in a sweep that is wrong.
    pub fn get(&self, name: &str) -> Option<&Flow> {
        let variants = self.made().as_ref().ok()?;
        let place = *variants.places.get(name)?;
        Some(self.flow_of(&variants.list[place]))
    }

    /// All variants, in order, each with its name.
    ///
    /// # Errors
    ///
    /// The sweep is wrong. A loop over it would do nothing then, and nobody would be told.
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
        let list = self.list()?;
        self.get(name).ok_or_else(|| {
            let known: Vec<_> = list.iter().map(|variant| variant.name.as_str()).collect();
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

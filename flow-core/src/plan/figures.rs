//! The figures and notes of an instance's output.

use crate::base::error::StoreError;
use crate::plan::instance::Instance;
use crate::store::figures::Figure;

impl Instance {
    /// Returns the figures that the task kept with [`Cx::figure`](crate::Cx::figure) when it computed the output, in
    /// order.
    ///
    /// There are none if the instance is not complete, or external, or an aggregate. Those of a failed run are in
    /// [`failure`](Self::failure), and those of earlier versions in [`versions`](Self::versions).
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn figures(&self) -> Result<Vec<Figure>, StoreError> {
        Ok(self.recorded()?.map(|recorded| recorded.figures).unwrap_or_default())
    }

    /// Returns the notes that the task kept with [`Cx::note`](crate::Cx::note) when it computed the output, in order:
    /// Markdown.
    ///
    /// # Errors
    ///
    /// The store or a note cannot be read.
    pub fn notes(&self) -> Result<Vec<String>, StoreError> {
        self.recorded()?.map_or_else(|| Ok(Vec::new()), |recorded| recorded.notes())
    }
}

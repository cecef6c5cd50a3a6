//! The figures and notes of an output, through its handle.

use super::Input;
use crate::store::figures::Figure;
use crate::task::Task;
use crate::task::error::LoadError;

/// # Figures and notes
impl<A: Task> Input<A> {
    /// Returns the figures that the task kept with [`Cx::figure`](crate::Cx::figure), in order.
    ///
    /// They are those of this output: the handle of an earlier [version](crate::OutputVersion::output) returns the
    /// ones that the task kept then. A running task cannot read the figures of another: they are no part of an output,
    /// and no later plan would notice that they have changed.
    ///
    /// # Errors
    ///
    /// The output does not exist any more, or a task is running that has this handle.
    pub fn figures(&self) -> Result<Vec<Figure>, LoadError> {
        Ok(self.handle.figures_and_notes()?.0)
    }

    /// Returns the notes that the task kept with [`Cx::note`](crate::Cx::note), in order: Markdown.
    ///
    /// A running task cannot read them, as [`figures`](Self::figures).
    ///
    /// # Errors
    ///
    /// The output does not exist any more, a note cannot be read, or a task is running that has this handle.
    pub fn notes(&self) -> Result<Vec<String>, LoadError> {
        let (_, notes) = self.handle.figures_and_notes()?;
        notes.read().map_err(|error| self.handle.error(error))
    }
}

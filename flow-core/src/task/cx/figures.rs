//! Figures and notes that a running task keeps for people.

use super::Cx;
use crate::store::figures::FigureError;
use crate::task::Task;

/// # Figures and notes
impl<T: Task> Cx<T> {
    /// Keeps a figure with the output: the text of an SVG, or the bytes of a PNG file.
    ///
    /// [`Input::figures`](crate::Input::figures) and [`Instance::figures`](crate::Instance::figures) return it, the
    /// verb `show --figures` of the command line lists it, and exports have it. A later figure of the same name
    /// replaces an earlier one.
    ///
    /// A figure is for people. It belongs to this version of the output, and is removed with it. But it is no part of
    /// the output's content: a figure that differs in each run makes no other task run again. If the task fails, the
    /// figures that it has kept so far are kept with the failure
    /// ([`LastFailure::figures`](crate::LastFailure::figures)).
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[task(target = Json<u32>)]
    /// fn squares(cx: &Cx<squares>, #[param(default = 3)] n: u32) -> Result<u32> {
    ///     let bars = (1..=n).map(|i| format!("<rect x='{i}' width='1' height='{}'/>", i * i));
    ///     let bars = bars.collect::<String>();
    ///     cx.figure("bars", format!("<svg xmlns='http://www.w3.org/2000/svg'>{bars}</svg>"))?;
    ///     cx.note(format!("The squares of *1 to {n}*."))?;
    ///     Ok((1..=n).map(|i| i * i).sum())
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet();
    /// flow.run::<squares>()?;
    /// let output = flow.output::<squares>()?;
    /// let figures = output.figures()?;
    /// assert_eq!((figures[0].name(), figures[0].format().extension()), ("bars", "svg"));
    /// assert!(figures[0].read()?.starts_with(b"<svg"));
    /// assert_eq!(output.notes()?, ["The squares of *1 to 3*."]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The content is neither SVG nor PNG; the name is not one of 1 to 100 letters, digits, spaces, `-`, `_` and `.`;
    /// the figure has more than 16 MiB, or all figures and notes of the task together more than 64 MiB; there are 100
    /// of them already; or the file cannot be written.
    pub fn figure(&self, name: &str, content: impl AsRef<[u8]>) -> Result<(), FigureError> {
        let kept = self.base.log.attempt().figures().add_figure(name, content.as_ref())?;
        self.base.host.forward_figure(&kept);
        Ok(())
    }

    /// Keeps a note with the output: text in Markdown, such as an observation about the data.
    ///
    /// [`Input::notes`](crate::Input::notes) and [`Instance::notes`](crate::Instance::notes) return it, and the verbs
    /// `meta` and `show --figures` print it. Each call adds a note. It is kept like a [figure](Self::figure), and is
    /// no part of the output's content either. Use [`meta`](Self::meta) for values that programs read.
    ///
    /// # Errors
    ///
    /// The note has more than 64 KiB, or all figures and notes of the task together more than 64 MiB; there are 100 of
    /// them already; or the file cannot be written.
    pub fn note(&self, markdown: impl AsRef<str>) -> Result<(), FigureError> {
        let kept = self.base.log.attempt().figures().add_note(markdown.as_ref())?;
        self.base.host.forward_figure(&kept);
        Ok(())
    }
}

//! Explanations of why tasks are not complete.

use crate::flow::error::Error;
use crate::flow::{Flow, Roots};
use crate::plan::why::Why;

impl Flow {
    /// Returns why these roots are not complete.
    ///
    /// Each cause is followed upstream to its origin: the task, parameter, file or item of code that changed. For a
    /// task that never ran, this is a task upstream that failed last time or a file that is missing, if there is one.
    ///
    /// ```
    /// use std::path::PathBuf;
    ///
    /// use flow::prelude::*;
    ///
    /// #[derive(Task)]
    /// #[task(target = Json<usize>)]
    /// struct Words {
    ///     #[param(file)]
    ///     text: PathBuf,
    /// }
    ///
    /// #[tracked]
    /// impl Run for Words {
    ///     fn run(&self, _cx: &Cx<Self>) -> Result<usize> {
    ///         Ok(std::fs::read_to_string(&self.text)?.split_whitespace().count())
    ///     }
    /// }
    ///
    /// #[derive(Task)]
    /// #[task(requires = Words, target = Json<usize>)]
    /// struct Report;
    ///
    /// #[tracked]
    /// impl Run for Report {
    ///     fn run(&self, cx: &Cx<Self>) -> Result<usize> {
    ///         Ok(*cx.input().load()? * 100)
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # std::env::set_current_dir(&folder)?;
    /// std::fs::write("a.txt", "one two")?;
    /// let flow = Flow::open("data")?.quiet().with(Words::TEXT, "a.txt");
    /// assert_eq!(flow.why::<Words>()?.to_string(), "Words {text: a.txt}: never run");
    /// flow.run::<Report>()?;
    /// assert!(flow.why::<Report>()?.is_complete());
    ///
    /// std::fs::write("a.txt", "one two three")?;
    /// flow.run::<Words>()?;
    /// let why = flow.why::<Report>()?;
    /// assert_eq!(why.to_string(), "Report {Words.text: a.txt}: input: Words gave other data ← file: a.txt changed");
    /// assert_eq!(why.causes()[0].root().instance.task(), "Words");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub fn why<R: Roots>(&self) -> Result<Why, Error> {
        Ok(Why::new(self.plan_to_run::<R>()?)?)
    }
}

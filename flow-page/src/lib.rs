//! The page of a flow: its graph, instances, data and runs in a browser, and the same as a file.
//!
//! [`serve`] starts a small web server in the program itself. There is nothing to install or to build: the pages are
//! rendered here, the style sheet and the scripts are part of the program, and nothing is loaded from elsewhere. Reading
//! works without JavaScript. [`report()`] builds a [`Report`]: the views as one HTML file, which needs no server.
//!
//! | address | shows |
//! | --- | --- |
//! | `/` | the graph, by instance, task or group |
//! | `/instances` | the instances as a list with filters, in pages |
//! | `/instance/{key}` | one instance: parameters, reasons, code, neighbors, figures, notes, metadata, files, the last failure |
//! | `/instance/{key}/data`, `log`, `versions` | its data, its log while it grows, its versions and their differences |
//! | `/instance/{key}/file/{part}`, `file/{part}/{entry}` | the bytes of a file, or of one in a folder, which nothing can run |
//! | `/instance/{key}/figure/{number}`, `failure/figure/{number}` | a figure of the output, or of the last failure |
//! | `/runs`, `/run/{id}`, `/compare` | the history, one run as a timeline, two runs compared |
//! | `/sweeps` | the tasks of which the store has several settings of parameters |
//! | `/sweep/{task}`, `/sweep/{task}/runs` | the variants of a task as a table and as charts, a metric over runs |
//! | `/live` | the run that this program does now; `/live/stop` stops it |
//! | `/actions` | runs, also with other parameters, and resets: each shows its plan, and is done when that is confirmed |
//!
//! # From a request to a page
//!
//! ```text
//! request ──► guard     host, origin, token, read-only; adds the headers
//!               ▼
//!             router    the address selects a view
//!               ▼
//!             frame     calls the view on a thread that may wait, and adds head and navigation
//!               ▼
//!             views     a module each: from a `snapshot` (the plan of the moment), the history, files of outputs
//!                       (`inside` the store) and `live` (the run in progress) to HTML
//!             actions   a module for each verb: from a form that was sent to the plan of what it asks for; from the
//!                       confirmed plan to a run or a reset
//! ```
//!
//! [`flow_core`] lays out the graph, which `drawing` draws; [`flow_targets::inspect`] reads data without its types; `sweep`
//! gathers the variants of a task from their records; `charts` draws numbers; `elements` has the tables and fields of all
//! views. A view that is added needs a module in `views` and a line in `router`.
//!
//! A report (`report`) calls the same views. They take where their links lead, to addresses or to anchors, from `links`.
//!
//! # Security
//!
//! - The server listens on the loopback interface unless [`PageOptions::address`] says otherwise, and every request
//!   needs a random token. It does not encrypt.
//! - Requests to unknown host names and from other origins are refused.
//! - All text is escaped, and the pages forbid scripts that are written into them: `Content-Security-Policy`.
//! - No address names a file. What is read belongs to a record of the store, and is inside of its folder, links resolved.
//! - The store changes through actions alone: runs and resets, by the methods of [`Flow`] that every program uses. A form
//!   shows the plan, and a second request confirms that plan. If the plan is another one by then, it is shown again, and
//!   nothing is done. A reset needs a check mark, too. The page does one thing at a time. [`PageOptions::read_only`]
//!   refuses all of it, and also to stop a run.
//! - A person who has the token may run the tasks with parameters of their choice, and so let these tasks do what they do with
//!   such parameters, for example read the file that a parameter names. Give the token to people who may run the program.
//!   A parameter that holds a [`Secret`](flow_core::Secret) has no field, because the page does not encrypt.
//! - A report allows no script at all, and refers to nothing outside of itself.
//!
//! # Features
//!
//! - `tables`: schemas, rows, statistics and histograms of tables in Arrow IPC and CSV.
//! - `parquet`: those of Parquet files, too.

mod actions;
mod assets;
mod charts;
mod drawing;
mod elements;
mod error;
mod frame;
mod guard;
mod inside;
mod links;
mod live;
mod markdown;
mod options;
mod planned;
mod query;
mod report;
mod router;
mod server;
mod snapshot;
mod state;
mod sweep;
mod text;
mod token;
mod views;

use flow_core::{Flow, Roots, TaskInfo};

pub use crate::error::{PageError, ReportError};
pub use crate::options::PageOptions;
pub use crate::report::{Report, ReportOptions};
pub use crate::server::PageServer;

/// Serves the page of some roots until the returned server is dropped.
///
/// ```standalone_crate
/// use flow::page::PageOptions;
/// use flow::prelude::*;
/// use flow::task::TaskInfo;
///
/// #[task(target = Json<u64>)]
/// fn answer() -> u64 {
///     42
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// let page = flow::page::serve(&flow, [TaskInfo::named("answer")?], PageOptions::new())?;
/// println!("open {}", page.url());
/// # assert!(page.url().starts_with("http://127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The address cannot be bound, or a thread cannot be started.
pub fn serve(
    flow: &Flow,
    roots: impl IntoIterator<Item = TaskInfo>,
    options: PageOptions,
) -> Result<PageServer, PageError> {
    PageServer::start(flow, roots.into_iter().collect(), options)
}

/// The method [`serve`](Self::serve) of a flow.
pub trait ServePage {
    /// Serves the page of these roots until the returned server is dropped, as [`serve`] does.
    ///
    /// ```
    /// use flow::page::PageOptions;
    /// use flow::prelude::*;
    ///
    /// #[task(target = Json<u64>)]
    /// fn answer() -> u64 {
    ///     42
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet();
    /// let page = flow.serve::<answer>(PageOptions::new())?;
    /// page.start_run()?; // the page shows it while it lasts
    /// page.wait_for_run();
    /// assert_eq!(*flow.load::<answer>()?, 42);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The address cannot be bound, or a thread cannot be started.
    fn serve<R: Roots>(&self, options: PageOptions) -> Result<PageServer, PageError>;
}

impl ServePage for Flow {
    fn serve<R: Roots>(&self, options: PageOptions) -> Result<PageServer, PageError> {
        serve(self, self.graph::<R>().roots(), options)
    }
}

/// Builds the report of some roots: the views of the page as one HTML file.
///
/// It has the graph, the instances with their parameters, reasons, code, metadata and files, the beginning of their data,
/// their figures, notes and logs, and the last runs. If the store has outputs of a root with other parameters, such as
/// those of a sweep, a table compares them. The report is not larger than [`ReportOptions::limit`].
///
/// ```standalone_crate
/// use flow::page::ReportOptions;
/// use flow::prelude::*;
/// use flow::task::TaskInfo;
///
/// #[task(target = Json<u64>)]
/// fn answer() -> u64 {
///     42
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// flow.run::<answer>()?;
/// let report = flow::page::report(&flow, [TaskInfo::named("answer")?], &ReportOptions::new())?;
/// assert_eq!(report.instances(), 1);
/// assert!(report.html().contains("42"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Planning fails, the store cannot be read, or the operating system has no random numbers.
pub fn report(
    flow: &Flow,
    roots: impl IntoIterator<Item = TaskInfo>,
    options: &ReportOptions,
) -> Result<Report, ReportError> {
    Report::new(flow, roots.into_iter().collect(), options)
}

/// The method [`report`](Self::report) of a flow.
pub trait MakeReport {
    /// Builds the report of these roots, as [`report()`] does.
    ///
    /// ```
    /// use flow::page::ReportOptions;
    /// use flow::prelude::*;
    ///
    /// #[task(target = Json<u64>)]
    /// fn answer() -> u64 {
    ///     42
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let flow = Flow::open(folder.join("data"))?.quiet();
    /// flow.run::<answer>()?;
    /// let report = flow.report::<answer>(ReportOptions::new())?;
    /// report.write(folder.join("report.html"))?; // open it in a browser
    /// # assert_eq!(std::fs::read_to_string(folder.join("report.html"))?, report.html());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Planning fails, the store cannot be read, or the operating system has no random numbers.
    fn report<R: Roots>(&self, options: ReportOptions) -> Result<Report, ReportError>;
}

impl MakeReport for Flow {
    fn report<R: Roots>(&self, options: ReportOptions) -> Result<Report, ReportError> {
        report(self, self.graph::<R>().roots(), &options)
    }
}

/// The service of the page and its token, for tests without a network.
#[doc(hidden)]
pub mod testing {
    use std::sync::Arc;

    use axum::Router;
    use flow_core::{Flow, TaskInfo};

    use crate::options::PageOptions;
    use crate::state::Shared;

    /// Returns the service of the page on port 8642, its token, and a function that starts a run.
    ///
    /// # Panics
    ///
    /// The operating system has no random numbers.
    pub fn service(
        flow: &Flow,
        roots: Vec<TaskInfo>,
        options: PageOptions,
    ) -> (Router, String, impl Fn() + use<>) {
        let shared = Shared::new(flow, roots, options, 8642).expect("random numbers exist");
        let shared = Arc::new(shared);
        let token = shared.token.text().to_owned();
        let router = crate::router::router(Arc::clone(&shared));
        let run = move || {
            shared.start_run().expect("threads start");
            shared.wait_for_run();
        };
        (router, token, run)
    }
}

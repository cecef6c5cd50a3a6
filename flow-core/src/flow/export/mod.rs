//! `Flow::export`, `Flow::export_crate` and `Flow::import`.
//!
//! An export has two steps: [`output`] collects the outputs and decides the name of each file, and
//! [`write`](mod@write) writes the folder. The result is an [`ExportSummary`]. The format of the folder is
//! defined in [`crate::export`].

mod output;
mod summary;
mod write;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use daggy::NodeIndex;

use self::write::{Form, write};
use crate::base::error::IoContext;
use crate::base::fs::Confined;
use crate::export::folder::read_manifest;
use crate::export::import::{Imported, Importer};
use crate::flow::error::Error;
pub use crate::flow::export::summary::ExportSummary;
use crate::flow::load::check_complete;
use crate::flow::reset::with_gathered;
use crate::flow::{Flow, Roots, Subgraph};
use crate::plan::Plan;
use crate::plan::variant::Root;
use crate::task::Kind;

impl Flow {
    /// Copies the outputs of these roots into a folder, as files with readable names.
    ///
    /// The files are named by task and parameters, such as `Train/model=Logistic.parquet`. The folder also gets a
    /// `manifest.json` with the parameters, columns, inputs and digest of each output; a `README.md` with code
    /// that loads each; and a Python module, `flow_outputs.py`, that loads them by task and parameters, such as
    /// `flow_outputs.load("Backtest", symbols=["AAPL", "MSFT"])`. A parameter may also be one of an upstream task; if
    /// several of these have one of that name, with different values, Python code passes the qualified name,
    /// `{"Prices.symbols": ["AAPL"]}`.
    ///
    /// The files are copies, so that recipients may change them. If the folder has outputs of earlier exports, new
    /// ones are added, and an output of the same instance is replaced under the same name. The export never
    /// overwrites a file that no export has written, or that was changed since: it fails instead. A value in memory
    /// is listed in the manifest, and has no file. External files are not copied. Concurrent exports into
    /// one folder wait for each other.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[derive(Task)]
    /// #[task(target = Json<Vec<u64>>)]
    /// struct Squares {
    ///     n: u64,
    /// }
    ///
    /// #[tracked]
    /// impl Run for Squares {
    ///     fn run(&self, _cx: &Cx<Self>) -> Result<Vec<u64>> {
    ///         Ok((1..=self.n).map(|i| i * i).collect())
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let flow = Flow::open(folder.join("data"))?.quiet().with(Squares::N, 3);
    /// flow.run::<Squares>()?;
    /// flow.export::<Squares>(folder.join("exported"))?;
    /// assert_eq!(std::fs::read_to_string(folder.join("exported/Squares/n=3.json"))?, "[1,4,9]");
    ///
    /// // Another store imports them.
    /// let other = Flow::open(folder.join("other"))?.with(Squares::N, 3);
    /// other.import(folder.join("exported"))?;
    /// assert_eq!(*other.load::<Squares>()?, [1, 4, 9]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A root is not complete or stores no output, the export would overwrite a file that no export has written, or
    /// a file cannot be read or written. After an error the folder still has its earlier manifest, which is replaced
    /// last.
    pub fn export<R: Roots>(&self, folder: impl AsRef<Path>) -> Result<ExportSummary, Error> {
        self.export_plan(&self.plan::<R>()?, folder.as_ref(), Form::Files)
    }

    /// Exports the outputs of these roots, as [`export`](Self::export) does, as a crate.
    ///
    /// With the crate, users load the outputs with Rust types, without the code of the tasks. It has an
    /// `external` task for each exported task, with the parameters that distinguish its outputs, and a struct for
    /// the rows of each table, with a field for each column. If a column is missing or has another type after the
    /// next export, code that uses it does not compile.
    ///
    /// ```no_run
    /// # use std::path::Path;
    /// # use flow::prelude::*;
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Total { shop: String, turnover: f64 }
    /// # #[derive(Task)]
    /// # #[task(target = Csv<Vec<Total>>)]
    /// # struct Report { discount: u32 }
    /// # #[tracked]
    /// # impl Run for Report { fn run(&self, _cx: &Cx<Self>) -> Result<Vec<Total>> { Ok(vec![]) } }
    /// # fn main() -> Result<()> {
    /// # let flow = Flow::open("data")?;
    /// for discount in [0, 10] {
    ///     flow.with(Report::DISCOUNT, discount).export_crate::<Report>("sales-outputs")?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Another program uses the crate with `sales-outputs = { path = "../sales-outputs" }` in its `Cargo.toml`. It must
    /// use the same release of this library. If that is not from crates.io, the program needs a line such as
    /// `typed-flow = { path = "../typed-flow" }` in `[patch.crates-io]`.
    ///
    /// ```ignore
    /// use sales_outputs::{Report, ReportRow};
    ///
    /// let totals = flow.with(Report::DISCOUNT, 10).load::<Report>()?; // a Vec<ReportRow>
    /// let turnover: f64 = totals.iter().map(|row| row.turnover).sum();
    ///
    /// #[derive(Task)]
    /// #[task(requires = Report { discount: 10 }, target = Json<f64>)]
    /// struct Forecast;
    /// ```
    ///
    /// An output without known columns has no struct. A task whose output is JSON or MessagePack is generic over
    /// the type that it is read as, such as `Summary<Mine>`; `Summary` alone is `serde_json::Value`. An output in
    /// a custom format, or a folder, is loaded as a path, as a [`File`](crate::File) is. Dates, times and
    /// decimals are text. A parameter has the Rust type that fits its values in JSON: enum variants without data
    /// are text, and values other than numbers, booleans and text are the text of their JSON.
    ///
    /// Later exports into the folder, including those by [`Subgraph::export`], update the crate. The crate looks for
    /// the files in the folder where it was compiled, or in the folder that an environment variable named
    /// after the crate contains, such as `SALES_OUTPUTS_DIR`.
    ///
    /// # Errors
    ///
    /// The same as [`export`](Self::export); and [`Error::Unlike`] if no type reads all exported outputs of a
    /// task, for instance because their columns differ. Outputs of earlier exports that do not fit the new
    /// types are no error: they are left out of the crate, and listed in [`ExportSummary::outdated`].
    pub fn export_crate<R: Roots>(&self, folder: impl AsRef<Path>) -> Result<ExportSummary, Error> {
        self.export_plan(&self.plan::<R>()?, folder.as_ref(), Form::Crate)
    }

    /// Copies the outputs of an [export](Self::export) into the store and verifies each file by its digest.
    ///
    /// The program need not have the tasks: outputs are found by their fingerprints later. An imported output is
    /// complete if the plan of a flow has the same fingerprint for its instance.
    ///
    /// If an instance has another output already, that stays the current one, and the import adds an earlier version.
    /// The next run reuses it if it has the present fingerprint.
    ///
    /// Digests detect damage, not forgery: the export itself states what an output was computed from. Import only
    /// from sources that you trust.
    ///
    /// # Errors
    ///
    /// The folder has no export or one without outputs, a file in it is damaged, or the store cannot be written.
    /// Outputs that were imported before the error stay in the store.
    pub fn import(&self, folder: impl AsRef<Path>) -> Result<ExportSummary, Error> {
        let named = folder.as_ref();
        let folder = &*std::path::absolute(named).during("open", named)?;
        let fs = Confined::new(Arc::clone(&self.fs), folder);
        let none = |why| Error::NoExport { folder: named.to_owned(), why };
        let no_manifest = "it has no `manifest.json`, which every export writes; check the path";
        let manifest = read_manifest(&fs, folder)?.ok_or_else(|| none(no_manifest))?;
        if manifest.outputs.is_empty() {
            return Err(none("its `manifest.json` lists no outputs"));
        }
        let _underway = self.store.begin()?;
        self.store.refresh();
        let mut summary = ExportSummary::new("imported", named);
        let mut importer = Importer::new(&self.store, &fs, folder);
        for output in &manifest.outputs {
            match importer.take(output)? {
                Imported::New => {
                    summary.instances.push(output.instance.clone());
                    let files = output.record.output.contents();
                    files.for_each(|file| summary.copied(file.bytes));
                }
                Imported::Present => summary.present += 1,
            }
        }
        Ok(summary)
    }

    /// Exports the outputs of these roots, which are those of the variants of a sweep.
    pub(crate) fn export_roots(
        &self,
        roots: &[Root<'_>],
        folder: &Path,
    ) -> Result<ExportSummary, Error> {
        self.export_plan(&self.as_is(roots)?, folder, Form::Files)
    }

    /// Exports the outputs of the roots of a plan.
    fn export_plan(
        &self,
        plan: &Arc<Plan>,
        folder: &Path,
        form: Form,
    ) -> Result<ExportSummary, Error> {
        let nodes = with_gathered(plan, &plan.graph.roots);
        nodes.iter().try_for_each(|&node| check_complete(plan, node))?;
        check_some(plan, &nodes)?;
        write(self, &of_plan(plan, nodes), folder, form)
    }
}

impl<R> Subgraph<R> {
    /// Exports the outputs of the roots and of all instances upstream, as [`Flow::export`] does.
    ///
    /// Instances that a task required while it ran are included. Outputs upstream whose files are missing are left
    /// out.
    ///
    /// # Errors
    ///
    /// The same as [`Flow::export`].
    pub fn export(&self, folder: impl AsRef<Path>) -> Result<ExportSummary, Error> {
        let plan = self.plan()?;
        let roots = with_gathered(&plan, &plan.graph.roots);
        roots.iter().try_for_each(|&node| check_complete(&plan, node))?;
        // Upstream first: instances that were required during a run come before those that required them.
        let mut plans = plan.required_in_run()?;
        plans.reverse();
        plans.push(Arc::clone(&plan));
        let mut seen = HashSet::new();
        let mut nodes = Vec::new();
        for plan in &plans {
            let is_exported = |&node: &NodeIndex| {
                plan.graph.kind(node) == Kind::Made
                    && plan.verdicts.status(node).is_complete()
                    && seen.insert(plan.graph.node(node).key)
            };
            let exported = plan.graph.nodes().filter(is_exported).collect();
            nodes.extend(of_plan(plan, exported));
        }
        check_some(&plan, &nodes)?;
        write(&self.flow, &nodes, folder.as_ref(), Form::Files)
    }
}

/// Returns an error if there is nothing to export.
fn check_some(plan: &Plan, nodes: &[impl Sized]) -> Result<(), Error> {
    let (verb, root) = ("export", plan.graph.root_names());
    match nodes.is_empty() {
        true => Err(Error::Nothing { verb, root, incomplete: Vec::new() }),
        false => Ok(()),
    }
}

/// Pairs each node with its plan.
fn of_plan(plan: &Arc<Plan>, nodes: Vec<NodeIndex>) -> Vec<(Arc<Plan>, NodeIndex)> {
    nodes.into_iter().map(|node| (Arc::clone(plan), node)).collect()
}

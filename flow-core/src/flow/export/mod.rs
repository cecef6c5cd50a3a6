//! Exports for people, and their import.
//!
//! Which [`output`]s there are, and under which names, is known before anything is [written](write); what
//! was done is [`ExportSummary`].

mod output;
mod summary;
mod write;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use daggy::NodeIndex;

use self::write::{As, write};
use crate::base::error::IoContext;
use crate::base::fs::Confined;
use crate::export::folder::read_manifest;
use crate::export::import::{Imported as What, Importer};
use crate::flow::error::Error;
pub use crate::flow::export::summary::ExportSummary;
use crate::flow::load::check_complete;
use crate::flow::reset::with_gathered;
use crate::flow::{Flow, Roots, Subgraph};
use crate::plan::Plan;
use crate::store::output::OutputFile;
use crate::task::Kind;

impl Flow {
    /// Writes the outputs of these roots into a folder for people: under names that say what they are,
    /// such as `Train/model=Logistic.parquet`, with a `manifest.json` that tells parameters, columns,
    /// what each was made from and its digest; a `README.md` with lines that load each, and a Python
    /// module, `flow_outputs.py`, that loads them by task and parameters.
    ///
    /// The files are copies, so that whoever gets them may do with them what they want. Into a folder
    /// that was exported to before, outputs are added, and those of the same instances replaced, under
    /// the names that they have. What no export has written, or somebody has changed since, is never
    /// touched, but an error. A value in memory is told of, and has no file; what is made elsewhere is
    /// left where it is. Several exports into one folder at once take turns.
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
    /// flow.export::<Squares>(folder.join("handed"))?;
    /// assert_eq!(std::fs::read_to_string(folder.join("handed/Squares/n=3.json"))?, "[1,4,9]");
    ///
    /// // A store takes them over, whoever has made them.
    /// let other = Flow::open(folder.join("other"))?.with(Squares::N, 3);
    /// other.import(folder.join("handed"))?;
    /// assert_eq!(*other.load::<Squares>()?, [1, 4, 9]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A root is not complete or stores no output, a file of the folder is not one's own, or something cannot be read or
    /// written. The folder then is as good as before: its manifest is replaced last.
    pub fn export<R: Roots>(&self, folder: impl AsRef<Path>) -> Result<ExportSummary, Error> {
        self.export_roots::<R>(folder.as_ref(), As::Files)
    }

    /// Exports the outputs of these roots, as [`export`](Self::export) does, and makes the folder a
    /// crate: for somebody who has not the code of the tasks, and loads their outputs by types. Each task
    /// is there as an `external` one, with the parameters that tell its outputs apart. Of a table there
    /// is a struct with a field for each column, so that a column that is gone, or of another type, after
    /// the next export is an error of the compiler wherever it is used.
    ///
    /// ```no_run
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
    /// and in another program, whose `Cargo.toml` has `sales-outputs = { path = "../sales-outputs" }`, and
    /// the same release of this library; where that is not from crates.io, a line in `[patch.crates-io]`
    /// says where from, `typed-flow = { path = "../typed-flow" }`:
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
    /// What no columns are known of has no struct: a task whose output is JSON or MessagePack is generic
    /// over the type that it is read as, such as `Summary<Mine>`, and `Summary` alone is
    /// `serde_json::Value`. An output in a format of one's own, or a folder, is its path, as is a
    /// [`File`](crate::File). Dates, times and decimals are text. A parameter is of the type that its
    /// values have in JSON: variants without data are text, and what is neither a number, a truth value
    /// nor text is the text of its JSON.
    ///
    /// Whatever is exported into that folder afterwards is in the crate, by
    /// [`Subgraph::export`] too. The files of the outputs are found where the crate
    /// was compiled, or in the folder that the variable `SALES_OUTPUTS_DIR` names, after the crate.
    ///
    /// # Errors
    ///
    /// As [`export`](Self::export); and no type reads all outputs of a task, for their columns differ. If
    /// these were exported before, they are no error but left out of the crate, and
    /// [told](ExportSummary::outdated).
    pub fn export_crate<R: Roots>(&self, folder: impl AsRef<Path>) -> Result<ExportSummary, Error> {
        self.export_roots::<R>(folder.as_ref(), As::Crate)
    }

    /// Takes the outputs of an [export](Self::export) into the store, each file verified by its digest.
    /// The tasks need not be known: what is taken is found by what it was made from, and is complete
    /// for those whose plan would make it from the same now.
    ///
    /// An instance that has another output already keeps it. What is imported then is one of its
    /// earlier versions, and the next run takes it over if it is what it would make.
    ///
    /// Digests tell what was damaged, and not who made it: what an output was made from is what the
    /// export says. Take one from those whose outputs you would use.
    ///
    /// # Errors
    ///
    /// The folder has no export, or one without outputs, a file in it is not what was exported, or the store cannot be written. What
    /// has been imported before that is there.
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
        let mut handed = ExportSummary::new("imported", named);
        let mut importer = Importer::new(&self.store, &fs, folder);
        for output in &manifest.outputs {
            match importer.take(output)? {
                What::New => {
                    handed.instances.push(output.instance.clone());
                    let files = output.record.output.files.iter().flat_map(OutputFile::contents);
                    files.for_each(|file| handed.copied(file.bytes));
                }
                What::Present => handed.present += 1,
            }
        }
        Ok(handed)
    }

    fn export_roots<R: Roots>(&self, folder: &Path, form: As) -> Result<ExportSummary, Error> {
        let plan = self.plan::<R>()?;
        let nodes = with_gathered(&plan, &plan.graph.roots);
        nodes.iter().try_for_each(|&node| check_complete::<R>(&plan, node))?;
        check_some::<R>(&nodes)?;
        write(self, &of_plan(&plan, nodes), folder, form)
    }
}

impl<R: Roots> Subgraph<R> {
    /// Exports the outputs of the roots and of all that they require, as [`Flow::export`]
    /// does: what a task has required while it ran, too. What is upstream and has no file any more is
    /// left out.
    ///
    /// # Errors
    ///
    /// As [`Flow::export`].
    pub fn export(&self, folder: impl AsRef<Path>) -> Result<ExportSummary, Error> {
        let plan = self.flow.plan::<R>()?;
        let roots = with_gathered(&plan, &plan.graph.roots);
        roots.iter().try_for_each(|&node| check_complete::<R>(&plan, node))?;
        // What an instance has required while it ran was found after it.
        let mut plans = plan.required_in_run()?;
        plans.reverse();
        plans.push(plan);
        let mut seen = HashSet::new();
        let mut nodes = Vec::new();
        for plan in &plans {
            let there = |&node: &NodeIndex| {
                plan.graph.kind(node) == Kind::Made
                    && plan.verdicts.status(node).is_complete()
                    && seen.insert(plan.graph.node(node).key)
            };
            let there = plan.graph.nodes().filter(there).collect();
            nodes.extend(of_plan(plan, there));
        }
        check_some::<R>(&nodes)?;
        write(&self.flow, &nodes, folder.as_ref(), As::Files)
    }
}

/// Refuses to export nothing.
fn check_some<R: Roots>(nodes: &[impl Sized]) -> Result<(), Error> {
    let (verb, root) = ("export", crate::base::names::short_name::<R>());
    match nodes.is_empty() {
        true => Err(Error::Nothing { verb, root, incomplete: Vec::new() }),
        false => Ok(()),
    }
}

/// Some nodes of a plan.
fn of_plan(plan: &Arc<Plan>, nodes: Vec<NodeIndex>) -> Vec<(Arc<Plan>, NodeIndex)> {
    nodes.into_iter().map(|node| (Arc::clone(plan), node)).collect()
}

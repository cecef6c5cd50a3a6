//! Exports for people, and their import.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use daggy::NodeIndex;

use crate::engine::Made;
use crate::error::{Error, LoadError};
use crate::export::folder::{ExportFolder, read_manifest};
use crate::export::import::Imported as What;
use crate::export::manifest::{Exported, ExportedFile, Lineage, MANIFEST};
use crate::export::names::{self, Names};
use crate::export::{consumer, python, readme};
use crate::flow::gc::Bytes;
use crate::flow::{Flow, Roots};
use crate::input::Handle;
use crate::key::{Digest, Key, digest_bytes};
use crate::plan::Plan;
use crate::plan::judge::Upstream;
use crate::plan::label::Show;
use crate::plan::verdicts::Status;
use crate::store::Folder;
use crate::store::error::IoContext;
use crate::store::record::Record;
use crate::target::Description;

impl Flow {
    /// Writes the outputs of these roots into a folder for people: under names that say what they are,
    /// such as `Train/model=Logistic.parquet`, with a `manifest.json` that tells parameters, columns,
    /// what each was made from and its digest; a `README.md` with lines that load each, and a Python
    /// module, `flow_outputs.py`, that loads them by task and parameters.
    ///
    /// The files are copies, so that whoever gets them may do with them what they want. Into a folder
    /// that was exported to before, outputs are added, and those of the same instances replaced. What
    /// no export has written, or somebody has changed since, is never touched, but an error. A value
    /// in memory is told of, and has no file.
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
    /// A root is not complete, a file of the folder is not one's own, or something cannot be read or
    /// written. The folder then is as good as before: its manifest is replaced last.
    pub fn export<R: Roots>(&self, folder: impl AsRef<Path>) -> Result<Handed, Error> {
        let plan = self.plan::<R>()?;
        self.export_nodes::<R>(&plan, &plan.graph.roots, folder.as_ref(), As::Files)
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
    /// and in another program, whose `Cargo.toml` has `sales-outputs = { path = "../sales-outputs" }`:
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
    /// [`export_upstream`](Self::export_upstream) too. The files of the outputs are found where the crate
    /// was compiled, or in the folder that the variable `SALES_OUTPUTS_DIR` names, after the crate.
    ///
    /// # Errors
    ///
    /// As [`export`](Self::export); and no type reads all outputs of a task, for their columns differ. If
    /// these were exported before, they are no error but left out of the crate, and
    /// [told](Handed::outdated).
    pub fn export_crate<R: Roots>(&self, folder: impl AsRef<Path>) -> Result<Handed, Error> {
        let plan = self.plan::<R>()?;
        self.export_nodes::<R>(&plan, &plan.graph.roots, folder.as_ref(), As::Crate)
    }

    /// Exports the outputs of these roots and of all that they require, as [`export`](Self::export)
    /// does. What is upstream and has no file any more is left out.
    ///
    /// # Errors
    ///
    /// As [`export`](Self::export).
    pub fn export_upstream<R: Roots>(&self, folder: impl AsRef<Path>) -> Result<Handed, Error> {
        let plan = self.plan::<R>()?;
        let there = |&node: &NodeIndex| {
            plan.graph.roots.contains(&node) || plan.verdicts.status(node) == Status::Complete
        };
        let nodes: Vec<_> = plan.graph.nodes().filter(there).collect();
        self.export_nodes::<R>(&plan, &nodes, folder.as_ref(), As::Files)
    }

    /// Takes the outputs of an [export](Self::export) into the store, each file verified by its digest.
    /// The tasks need not be known: what is taken is found by what it was made from, and is complete
    /// for those whose plan would make it from the same now.
    ///
    /// An instance that has another output already keeps it. What is imported then is one of its
    /// earlier versions, and the next run takes it over if it is what it would make.
    ///
    /// # Errors
    ///
    /// There is no export, a file in it is not what was exported, or the store cannot be written. What
    /// has been imported before that is there.
    pub fn import(&self, folder: impl AsRef<Path>) -> Result<Handed, Error> {
        let folder = folder.as_ref();
        let path = folder.join(MANIFEST);
        let absent = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let manifest =
            read_manifest(&*self.fs, folder)?.ok_or_else(absent).during("read", &path)?;
        let _underway = self.store.begin();
        self.store.refresh();
        let mut handed = Handed::new("imported", folder);
        for output in &manifest.outputs {
            match self.store.import(folder, output)? {
                What::New => handed.add(output, output.files.len()),
                What::Present => handed.present += 1,
            }
        }
        Ok(handed)
    }

    fn export_nodes<R: Roots>(
        &self,
        plan: &Arc<Plan>,
        nodes: &[NodeIndex],
        root: &Path,
        form: As,
    ) -> Result<Handed, Error> {
        let mut folder = ExportFolder::open(&*self.fs, root)?;
        let mut manifest = folder.before.clone();
        let mut outputs = Vec::new();
        for node in crate::flow::reset::with_gathered(plan, nodes) {
            crate::flow::load::check_complete::<R>(plan, node)?;
            let handle = Handle::outside(Arc::clone(plan), node);
            outputs.push((node, self.exported(&handle)?));
        }
        // The instances that are exported again keep the names that they have.
        let mut names = Names::default();
        let now: HashSet<Key> = outputs.iter().map(|(_, (output, _))| output.key).collect();
        manifest.outputs.retain(|output| !now.contains(&output.key));
        manifest.outputs.iter().for_each(|output| names.take(&stem(output)));
        let mut copies = Vec::new();
        for (node, (mut output, at)) in outputs {
            let shown: Vec<_> = plan.graph.shown(node).into_iter().collect();
            let shown: Vec<_> =
                shown.iter().map(|(name, v)| (name.clone(), v.to_string())).collect();
            let task = &plan.graph.task(node).folder.name;
            let stem = names.give(task, &shown, output.key.short());
            let kept = output.record.output.files.iter().enumerate();
            for (file, (place, kept)) in output.files.iter_mut().zip(kept) {
                file.path = names::path(&stem, kept, place);
                let within = kept.contents().map(|content| {
                    let inner = content.path.strip_prefix(&kept.file).unwrap_or(&content.path);
                    let inner = inner.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
                    let name = match inner.as_str() {
                        "" => file.path.clone(),
                        inner => format!("{}/{inner}", file.path),
                    };
                    (name, at.join(&content.path), (content.digest, content.bytes))
                });
                copies.extend(within);
            }
            manifest.outputs.push(output);
        }
        // What was a crate once is one with what is added.
        let is_crate = form == As::Crate || manifest.written.contains_key(consumer::SOURCE);
        let library = is_crate.then(|| consumer::library(root));
        let mut texts = vec![
            (readme::README.to_owned(), readme::readme(&manifest, library.as_deref())),
            (python::MODULE.to_owned(), python::module(&manifest)),
        ];
        let mut outdated = Vec::new();
        if is_crate {
            let crated = consumer::consumer(&manifest, root, &now)?;
            texts.extend(crated.files);
            outdated = crated.outdated;
        }
        let written =
            texts.iter().map(|(name, text)| (name.clone(), digest_bytes(text.as_bytes())));
        manifest.written = written.collect();
        let mut files: BTreeMap<String, Digest> =
            copies.iter().map(|(name, _, (digest, _))| (name.clone(), *digest)).collect();
        files.extend(manifest.written.clone());
        folder.begin(&files)?;
        let mut handed = Handed { outdated, ..Handed::new("exported", root) };
        for output in manifest.outputs.iter().filter(|output| !is_as_before(&folder, output)) {
            for file in &output.files {
                let folders = file.within.iter().flatten().filter(|(_, digest)| digest.is_none());
                for (name, _) in folders {
                    folder.folder(&format!("{}/{name}", file.path))?;
                }
                if file.within.is_some() {
                    folder.folder(&file.path)?;
                }
            }
            handed.add(output, 0);
        }
        for (name, from, content) in &copies {
            if folder.copy(name, &self.store.root().join(from), *content)? {
                handed.files += 1;
                handed.bytes += content.1;
            }
        }
        for (name, text) in &texts {
            folder.write(name, text.as_bytes())?;
        }
        folder.finish(&manifest)?;
        Ok(handed)
    }

    /// What a manifest says of an output, but for the names of its files; and where they are.
    fn exported(&self, handle: &Handle) -> Result<(Exported, Folder), Error> {
        let Handle { plan, node, .. } = handle;
        let (graph, entry) = (&plan.graph, plan.graph.task(*node));
        let folder = graph.folder(*node, &self.store)?;
        let gone = || handle.error(LoadError::Gone);
        let record: Record = match self.store.record(&folder, graph.node(*node).key)? {
            crate::store::Found::Record(record) => *record,
            _ => return Err(gone()),
        };
        if plan.verdicts.digest(*node) != Some(record.output.digest) {
            return Err(handle.error(LoadError::Changed));
        }
        let made = Made::new(folder.clone(), record.clone());
        let files = crate::keep::Files { of: handle, made: &made };
        let described = (entry.task.describe)(&files).map_err(|source| {
            handle.error(LoadError::Unreadable { path: handle.path_of(&made), source })
        })?;
        let mut described: BTreeMap<&str, Description> = described.into_iter().collect();
        let files = record.output.files.iter().map(|file| ExportedFile {
            part: file.part.clone(),
            path: String::new(),
            digest: file.digest,
            bytes: file.bytes,
            within: file
                .folder
                .as_ref()
                .map(|within| within.iter().map(|item| (item.path.clone(), item.digest)).collect()),
            description: described.remove(file.part.as_str()).unwrap_or_default(),
        });
        let files = files.collect();
        let inputs =
            graph.inputs(*node).iter().zip(&record.made_from.inputs).map(|(&of, input)| {
                let (name, instance) = (input.role.clone(), graph.label(of, Show::Full));
                Lineage { name, instance, key: graph.node(of).key, digest: input.digest }
            });
        let parts = folder.iter().map(|part| part.to_string_lossy().into_owned());
        let output = Exported {
            task: entry.decl.name.to_string(),
            instance: graph.label(*node, Show::Full),
            key: graph.node(*node).key,
            parameters: graph.recorded_parameters(*node),
            target: entry.decl.target.to_owned(),
            files,
            inputs: inputs.collect(),
            code: record.made_from.code,
            started: record.started,
            seconds: record.seconds,
            meta: record.meta.clone(),
            stored: entry.decl.identity().to_owned(),
            folder: parts.collect::<Vec<_>>().join("/"),
            record,
        };
        Ok((output, folder))
    }
}

/// What an export makes of its folder.
#[derive(Clone, Copy, PartialEq)]
enum As {
    /// The outputs, and what tells what they are.
    Files,
    /// A crate as well.
    Crate,
}

/// Whether an output was in the manifest before, as it is.
fn is_as_before(folder: &ExportFolder<'_>, output: &Exported) -> bool {
    let is_it = |before: &Exported| before.key == output.key && before.record == output.record;
    folder.before.outputs.iter().any(is_it)
}

/// The name of an output without its extension, as it was given.
fn stem(output: &Exported) -> String {
    let Some(file) = output.files.first() else { return String::new() };
    match (file.part.as_str(), output.record.output.files.first()) {
        ("", Some(kept)) => {
            let extension = names::path("", kept, 0);
            file.path.strip_suffix(&extension).unwrap_or(&file.path).to_owned()
        }
        _ => file.path.rsplit_once('/').map_or("", |(stem, _)| stem).to_owned(),
    }
}

/// What was exported or imported: made by [`Flow::export`] and [`Flow::import`].
#[derive(Clone, Debug)]
pub struct Handed {
    verb: &'static str,
    folder: PathBuf,
    instances: Vec<String>,
    present: usize,
    files: usize,
    bytes: u64,
    outdated: Vec<String>,
}

impl Handed {
    fn new(verb: &'static str, folder: &Path) -> Self {
        let (instances, folder) = (Vec::new(), folder.to_owned());
        let outdated = Vec::new();
        Self { verb, folder, instances, present: 0, files: 0, bytes: 0, outdated }
    }

    fn add(&mut self, output: &Exported, files: usize) {
        self.instances.push(output.instance.clone());
        self.files += files;
        if files > 0 {
            self.bytes += output.files.iter().map(|file| file.bytes).sum::<u64>();
        }
    }

    /// The folder of the export.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The instances whose outputs were not there as they are now, such as `Train {model: Logistic}`.
    pub fn instances(&self) -> &[String] {
        &self.instances
    }

    /// How many outputs of an import were there already.
    pub fn present(&self) -> usize {
        self.present
    }

    /// The instances that were exported before and are left out of the [crate](Flow::export_crate): no
    /// type reads them as well as what was exported now.
    pub fn outdated(&self) -> &[String] {
        &self.outdated
    }

    /// How many files were copied.
    pub fn files(&self) -> usize {
        self.files
    }

    /// How large those files are, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl fmt::Display for Handed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outputs = if self.instances.len() == 1 { "output" } else { "outputs" };
        let files = if self.files == 1 { "file" } else { "files" };
        let (n, folder) = (self.instances.len(), self.folder.display());
        write!(f, "{n} {outputs} {}, {} {files} of {}", self.verb, self.files, Bytes(self.bytes))?;
        write!(f, ": {folder}")?;
        for instance in &self.outdated {
            write!(
                f,
                "\n  left out of the crate, for no type reads it and what is new: {instance}"
            )?;
        }
        Ok(())
    }
}

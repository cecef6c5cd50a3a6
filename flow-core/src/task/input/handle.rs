//! A handle on the output of one instance, whatever its task is.

use std::path::PathBuf;
use std::sync::Arc;

use daggy::NodeIndex;
use serde::de::DeserializeOwned;

use crate::base::panics;
use crate::engine::{Execution, Made};
use crate::files::{Named, Stamp, is_absent};
use crate::flow::error::{Error, LoadError};
use crate::plan::Plan;
use crate::plan::judge::Upstream;
use crate::plan::label::Show;
use crate::plan::reads::digest_meta;
use crate::plan::trust::Trust;
use crate::store::Found;
use crate::store::output::Look;
use crate::store::record::{Read, Record};
use crate::task::cx::{Reads, meta_from_json};
use crate::task::decl::Kind;
use crate::task::keep::Files;

/// A handle on the output of one instance, whatever its task is.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) plan: Arc<Plan>,
    pub(crate) node: NodeIndex,
    /// The execution in which it is an input, or the instance that is run.
    pub(crate) execution: Option<Arc<Execution>>,
    /// Where it is noted what a running task reads of it.
    pub(crate) reads: Option<Arc<Reads>>,
    /// Its place among the inputs of the running task; several, if those are inputs of an input.
    place: Vec<usize>,
    /// As which it, or what it is an input of, was required while the task runs, from 1; 0 if it was
    /// not.
    required: u32,
}

impl Handle {
    /// A handle for somebody who is no task.
    pub(crate) fn outside(plan: Arc<Plan>, node: NodeIndex) -> Self {
        Self { plan, node, execution: None, reads: None, place: Vec::new(), required: 0 }
    }

    /// The instance that is run, whose inputs note what is read of them.
    pub(crate) fn running(execution: &Arc<Execution>, node: NodeIndex, reads: &Arc<Reads>) -> Self {
        Self {
            plan: Arc::clone(&execution.plan),
            node,
            execution: Some(Arc::clone(execution)),
            reads: Some(Arc::clone(reads)),
            place: Vec::new(),
            required: 0,
        }
    }

    /// The root of an execution that the running task waited for, required as that.
    pub(crate) fn required(
        execution: &Arc<Execution>,
        root: NodeIndex,
        reads: &Arc<Reads>,
        required: u32,
    ) -> Self {
        Self { required, ..Self::running(execution, root, reads) }
    }

    /// A handle on one of its inputs.
    pub(crate) fn input(&self, place: usize) -> Self {
        let node = self.plan.graph.inputs(self.node)[place];
        let place = self.place.iter().copied().chain([place]).collect();
        Self { node, place, ..self.clone() }
    }

    /// Reads the files of the output, or that of one part. If they are gone, another process has put
    /// new ones in their place: the record is read again, once.
    pub(crate) fn read<V>(
        &self,
        part: &str,
        read: impl Fn(&Files<'_>) -> anyhow::Result<V>,
    ) -> Result<V, Error> {
        let mut first = true;
        loop {
            let made = self.made()?;
            // An external file may be written while it is read.
            let external = (self.plan.graph.kind(self.node) == Kind::External)
                .then(|| self.plan.graph.external(self.node));
            let stamp = || {
                let stamp = |path| self.plan.contents.stamp(path, Named::Exactly);
                external.map(stamp).transpose()
            };
            let before = stamp()?;
            before.iter().for_each(Stamp::settle);
            // It was whole when the plan was made, or when it was written.
            match self.look(&made, part)? {
                Look::Whole => {}
                Look::Modified => return Err(self.error(LoadError::Changed)),
                Look::Gone if first => {
                    first = false;
                    continue;
                }
                Look::Gone => return Err(self.error(LoadError::Gone)),
            }
            let files = Files { of: self, made: &made };
            let loaded = panics::catch(|| read(&files))
                .unwrap_or_else(|message| Err(anyhow::anyhow!("the target panicked: {message}")));
            if let Some(before) = before
                && !stamp()?.is_some_and(|after| before.is(&after))
            {
                return Err(self.error(LoadError::Changed));
            }
            let source = match panics::catch_error(|| loaded) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let store = made.store(&self.plan.store);
            let fs = match self.plan.graph.kind(self.node) {
                Kind::External => store.unconfined(),
                _ => store.fs(),
            };
            let paths = store.output_paths(&made.folder, &made.output);
            let gone = paths.iter().any(|path| fs.stat(path).is_err_and(|error| is_absent(&error)));
            if !gone {
                let path = self.path_of(&made);
                return Err(self.error(match self.plan.graph.kind(self.node) {
                    Kind::External => LoadError::External { path, source },
                    _ => LoadError::Unreadable { path, source },
                }));
            }
            if !first {
                return Err(self.error(LoadError::Gone));
            }
            first = false;
        }
    }

    /// Whether the output still is what the plan, or the execution, knows.
    fn look(&self, made: &Made, part: &str) -> Result<Look, Error> {
        let store = made.store(&self.plan.store);
        Ok(match self.plan.graph.kind(self.node) {
            Kind::Aggregate => Look::Whole,
            Kind::External => {
                match self.plan.contents.digest(self.plan.graph.external(self.node))? {
                    Some(digest) if digest == made.output.digest => Look::Whole,
                    Some(_) => Look::Modified,
                    None => Look::Gone,
                }
            }
            Kind::Made if part.is_empty() => {
                store.look_at(&made.folder, &made.output, Trust::Stamps)?.look
            }
            // There may be many other files.
            Kind::Made => match made.output.only(part) {
                Some(output) => store.look_at(&made.folder, &output, Trust::Stamps)?.look,
                None => Look::Gone,
            },
        })
    }

    /// The record, and where it lies: of the output that the plan or the execution knows.
    pub(crate) fn made(&self) -> Result<Arc<Made>, Error> {
        let execution = self.execution.as_ref();
        if let Some(made) = execution.and_then(|execution| execution.held.made(self.node)) {
            return Ok(made);
        }
        let (graph, store) = (&self.plan.graph, &self.plan.store);
        let known = self.plan.verdicts.digest(self.node);
        if graph.kind(self.node) != Kind::Made {
            let digest = known.ok_or_else(|| self.error(LoadError::Gone))?;
            return Ok(Arc::new(graph.not_made(self.node, digest)));
        }
        if let Some(kept) = self.plan.verdicts.kept(self.node) {
            let made = Made::new(kept.folder.clone(), Record::clone(&kept.record));
            return Ok(Arc::new(Made { from: kept.from.clone(), ..made }));
        }
        let folder = graph.folder(self.node, store)?;
        let record = match store.record(&folder, graph.node(self.node).key)? {
            Found::Record(record) => *record,
            Found::Nothing => return Err(self.error(LoadError::Gone)),
            Found::Damaged(reason) => return Err(self.error(LoadError::Record { reason })),
        };
        if known != Some(record.output.digest) {
            return Err(self.error(LoadError::Changed));
        }
        Ok(Arc::new(Made::new(folder, record)))
    }

    pub(crate) fn error(&self, source: LoadError) -> Error {
        Error::Load { instance: self.label(), source }
    }

    pub(crate) fn label(&self) -> String {
        self.plan.graph.label(self.node, Show::Clipped)
    }

    /// Notes that the parameters of the instance were read.
    pub(crate) fn read_task(&self) {
        if let Some(reads) = &self.reads {
            let digest = self.plan.graph.parameters_digest(self.node, &self.plan.store);
            let (input, required) = (self.place.clone(), self.required);
            reads.add(Read::Task { input, required, digest });
        }
    }

    /// A metadata entry of the output.
    pub(crate) fn meta<V: DeserializeOwned>(&self, name: &str) -> Result<V, Error> {
        let made = self.made()?;
        let json = made.meta.get(name);
        if let Some(reads) = &self.reads {
            let (name, digest) = (name.to_owned(), digest_meta(json));
            let (input, required) = (self.place.clone(), self.required);
            reads.add(Read::Meta { input, required, name, digest });
        }
        let missing = || {
            let known = made.meta.keys().cloned().collect();
            LoadError::NoMeta { name: name.to_owned(), known }
        };
        let json = json.ok_or_else(missing).map_err(|error| self.error(error))?;
        let wrong = |source| LoadError::Meta { name: name.to_owned(), source };
        meta_from_json(json).map_err(wrong).map_err(|error| self.error(error))
    }

    /// Where the output lies, for users: an error if it has no file.
    pub(crate) fn path(&self) -> Result<PathBuf, Error> {
        let made = self.made()?;
        if made.output.is_in_memory() {
            let why = match self.plan.graph.kind(self.node) {
                Kind::Aggregate => "it is an aggregate, and stands for what it requires",
                Kind::Made | Kind::External => "it is kept in memory",
            };
            return Err(self.error(LoadError::NoFile { why }));
        }
        Ok(self.path_of(&made))
    }

    /// Where the output lies: its file or, if there are several or none, their folder.
    pub(crate) fn path_of(&self, made: &Made) -> PathBuf {
        let store = made.store(&self.plan.store);
        match made.output.files.as_slice() {
            [file] => store.path(&made.folder, &file.file),
            _ => store.root().join(&made.folder),
        }
    }
}

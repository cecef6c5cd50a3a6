//! A handle on the output of one instance, without the type of its task.
//!
//! A handle finds the output through its [`Origin`] or, in a running task, among the [`RunOutputs`]. It checks that the
//! files have the content that the plan or the run knows, and lets the target read them. The handle of a running task
//! also records what is read.

use std::path::PathBuf;
use std::sync::Arc;

use daggy::NodeIndex;
use serde::de::DeserializeOwned;

use crate::base::error::StoreError;
use crate::base::key::Digest;
use crate::base::panics;
use crate::files::{Named, is_absent};
use crate::store::figures::{Figure, Notes, figures_and_notes};
use crate::store::log_text::TaskLog;
use crate::store::made::Made;
use crate::store::output::Look;
use crate::store::record::{Read, digest_meta};
use crate::target::{ColumnDigests, Selection};
use crate::task::Kind;
use crate::task::cx::{Reads, meta_from_json};
use crate::task::error::{LoadError, LoadErrorKind};
use crate::task::input::{Origin, RunOutputs};
use crate::task::keep::Files;
use crate::value::AnyValue;

/// A handle on the output of one instance, without the type of its task.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) origin: Arc<dyn Origin>,
    /// The outputs that take precedence over those of the plan: those of the run. `None` outside a run.
    run: Option<Arc<dyn RunOutputs>>,
    pub(crate) node: NodeIndex,
    /// The reads of the running task that owns the handle; `None` outside a task.
    reads: Option<Arc<Reads>>,
    /// The path to the instance: its index among the inputs of the running task, or, for a member of an aggregate, the
    /// index among the inputs of that, and so on.
    place: Vec<usize>,
    /// The number of the dynamic requirement that the path starts from, counted from 1; 0 if it starts from
    /// the running task.
    required: u32,
}

impl Handle {
    /// Returns a handle for use outside a task.
    pub(crate) fn outside(origin: Arc<dyn Origin>, node: NodeIndex) -> Self {
        Self { origin, run: None, node, reads: None, place: Vec::new(), required: 0 }
    }

    /// Returns a handle on this output of an instance, which need not be the one that the plan knows.
    pub(crate) fn on_output(origin: Arc<dyn Origin>, node: NodeIndex, made: Made) -> Self {
        let run = Some(Arc::new(FixedOutput { node, made: Arc::new(made) }) as _);
        Self { run, ..Self::outside(origin, node) }
    }

    /// Returns a handle on a running instance, whose inputs add to `reads`.
    pub(crate) fn running(
        origin: Arc<dyn Origin>,
        run: Arc<dyn RunOutputs>,
        node: NodeIndex,
        reads: &Arc<Reads>,
    ) -> Self {
        let reads = Some(Arc::clone(reads));
        Self { run: Some(run), reads, ..Self::outside(origin, node) }
    }

    /// Returns the handle on an instance that the running task required as the `required`th one.
    pub(crate) fn required(self, required: u32) -> Self {
        Self { required, ..self }
    }

    /// Returns the number of the dynamic requirement that the handle starts from, counted from 1; 0 if there is none.
    pub(crate) fn number(&self) -> u32 {
        self.required
    }

    /// Returns a handle on one of the instance's inputs.
    pub(crate) fn input(&self, place: usize) -> Self {
        let node = self.origin.inputs(self.node)[place];
        let place = self.place.iter().copied().chain([place]).collect();
        Self { node, place, ..self.clone() }
    }

    /// Reads the files of the output, or that of one part.
    ///
    /// If the files are missing, another process may have replaced the output: the record is read again, once.
    ///
    /// # Errors
    ///
    /// The output is missing, has other content than the plan knows, or cannot be read.
    pub(crate) fn read<V>(
        &self,
        part: &str,
        read: impl Fn(&Files<'_>) -> anyhow::Result<V>,
    ) -> Result<V, LoadError> {
        self.read_extent(part, Extent::Whole, read)
    }

    /// Does what [`read`](Self::read) does, and checks only the files that are read.
    pub(super) fn read_extent<V>(
        &self,
        part: &str,
        extent: Extent<'_>,
        read: impl Fn(&Files<'_>) -> anyhow::Result<V>,
    ) -> Result<V, LoadError> {
        let mut value = None;
        self.read_with(part, extent, &mut |files| {
            value = Some(read(files)?);
            Ok(())
        })?;
        Ok(value.expect("the reader returned"))
    }

    /// Does what [`read`](Self::read) does, without the type of the value: it is compiled once, and not for each task.
    fn read_with(
        &self,
        part: &str,
        extent: Extent<'_>,
        read: &mut dyn FnMut(&Files<'_>) -> anyhow::Result<()>,
    ) -> Result<(), LoadError> {
        let named = self.origin.task_type(self.node).named();
        let mut first = true;
        loop {
            let made = self.made()?;
            // An external file may be written while it is read: its stamp must be the same before and after.
            let external = (self.origin.kind(self.node) == Kind::External)
                .then(|| self.origin.external(self.node));
            let contents = self.origin.contents();
            let before = external.map(|path| contents.stamp_and_content(path, named)).transpose();
            let (before, content) = before.map_err(|error| self.error(error))?.unzip();
            // The output was whole when the plan was made, or when it was written.
            let look = self.check_output(&made, part, extent, content.flatten());
            match look.map_err(|error| self.error(error))? {
                Look::Whole => {}
                Look::Modified => return Err(self.error(LoadErrorKind::Changed)),
                Look::Gone if first => {
                    first = false;
                    continue;
                }
                Look::Gone => return Err(self.error(LoadErrorKind::Gone)),
            }
            let files = Files { of: self, made: &made };
            let loaded = panics::catch_panic("the target", || read(&files))
                .unwrap_or_else(|panic| Err(panic.into()));
            if let (Some(before), Some(path)) = (before, external) {
                let after = contents.stamp(path, named).map_err(|error| self.error(error))?;
                if !before.is(&after) {
                    return Err(self.error(LoadErrorKind::Changed));
                }
            }
            let source = match panics::catch_error(|| loaded) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let store = made.store(self.origin.store());
            let fs = match self.origin.kind(self.node) {
                Kind::External => store.unconfined(),
                _ => store.fs(),
            };
            let paths = store.output_paths(&made.folder, &made.output);
            let is_gone = |path: &PathBuf| fs.stat(path).is_err_and(|error| is_absent(&error));
            // No file has the name of a pattern. Its files have been checked before.
            let gone = (external.is_none() || named == Named::Exactly) && paths.iter().any(is_gone);
            if !gone {
                let path = self.path_of(&made);
                return Err(self.error(match self.origin.kind(self.node) {
                    Kind::External => LoadErrorKind::External { path, source },
                    _ => LoadErrorKind::Unreadable { path, source },
                }));
            }
            if !first {
                return Err(self.error(LoadErrorKind::Gone));
            }
            first = false;
        }
    }

    /// Checks whether the output still is the one that the plan or the run knows. `content` is that of an external file.
    fn check_output(
        &self,
        made: &Made,
        part: &str,
        extent: Extent<'_>,
        content: Option<Digest>,
    ) -> Result<Look, StoreError> {
        let store = made.store(self.origin.store());
        Ok(match self.origin.kind(self.node) {
            Kind::Aggregate => Look::Whole,
            Kind::External => match content {
                Some(digest) if digest == made.output.digest => Look::Whole,
                Some(_) => Look::Modified,
                None => Look::Gone,
            },
            Kind::Made if extent.is_selected() => match (extent, made.output.file(part)) {
                (Extent::Selected(selection), Some(file)) => {
                    let look = store.look_at_selected(&made.folder, file, selection)?;
                    store.unless_forged(look, &store.path(&made.folder, &file.file))?
                }
                (_, Some(_)) => Look::Whole,
                (_, None) => Look::Gone,
            },
            Kind::Made if part.is_empty() => store.look_to_read(&made.folder, &made.output)?,
            // Only the file of this part is checked, because the output may have many.
            Kind::Made => match made.output.only(part) {
                Some(output) => store.look_to_read(&made.folder, &output)?,
                None => Look::Gone,
            },
        })
    }

    /// Records what the running task has read of the content of a part: these columns alone, or all of it if there are
    /// no digests.
    pub(crate) fn read_content(&self, part: &str, columns: Option<ColumnDigests>) {
        let Some(reads) = &self.reads else { return };
        match columns {
            Some(columns) => reads.add_columns(self.required, &self.place, part, columns),
            None => reads.add_whole(self.required, &self.place),
        }
    }

    /// Returns whether the handle belongs to a running task, whose reads are recorded.
    pub(crate) fn is_of_task(&self) -> bool {
        self.reads.is_some()
    }

    /// Returns the output that the plan or the run knows, and where it lies.
    pub(crate) fn made(&self) -> Result<Arc<Made>, LoadError> {
        let made = self.run.as_ref().and_then(|run| run.made(self.node));
        made.map_or_else(|| self.origin.made(self.node), Ok).map_err(|kind| self.error(kind))
    }

    /// Returns the value of the output, if the run has it in memory.
    pub(super) fn value(&self) -> Option<AnyValue> {
        self.run.as_ref()?.value(self.node)
    }

    /// Shares the value of the output with other tasks of the run as long as it is in use.
    pub(super) fn share(&self, value: &AnyValue) {
        if let Some(run) = &self.run {
            run.share(self.node, value);
        }
    }

    /// Returns an error of this kind for the instance.
    pub(crate) fn error(&self, kind: impl Into<LoadErrorKind>) -> LoadError {
        LoadError { instance: self.label(), kind: kind.into() }
    }

    pub(crate) fn label(&self) -> String {
        self.origin.label(self.node, false)
    }

    /// Records that the running task has read the parameters of the instance.
    pub(crate) fn read_task(&self) {
        if let Some(reads) = &self.reads {
            let digest = self.origin.parameters_digest(self.node);
            let (input, required) = (self.place.clone(), self.required);
            reads.add(Read::Task { input, required, digest });
        }
    }

    /// Returns a metadata entry of the output, and records that it was read.
    pub(crate) fn meta<V: DeserializeOwned>(&self, name: &str) -> Result<V, LoadError> {
        let made = self.made()?;
        let json = made.meta.get(name);
        if let Some(reads) = &self.reads {
            let (name, digest) = (name.to_owned(), digest_meta(json));
            let (input, required) = (self.place.clone(), self.required);
            reads.add(Read::Meta { input, required, name, digest });
        }
        let missing = || {
            let known = made.meta.keys().cloned().collect();
            LoadErrorKind::NoMeta { name: name.to_owned(), known }
        };
        let json = json.ok_or_else(missing).map_err(|error| self.error(error))?;
        let wrong = |source| LoadErrorKind::Meta { name: name.to_owned(), source };
        meta_from_json(json).map_err(wrong).map_err(|error| self.error(error))
    }

    /// Returns the log of the last run of the instance, if it logged anything.
    pub(crate) fn log(&self) -> Result<Option<TaskLog>, LoadError> {
        if self.reads.is_some() {
            return Err(self.error(LoadErrorKind::LogInTask));
        }
        if self.origin.kind(self.node) != Kind::Made {
            return Ok(None);
        }
        let made = self.made()?;
        let store = made.store(self.origin.store());
        store.log_of_output(&made.folder).map_err(|error| self.error(error))
    }

    /// Returns the figures and notes of the output.
    pub(crate) fn figures_and_notes(&self) -> Result<(Vec<Figure>, Notes), LoadError> {
        if self.reads.is_some() {
            return Err(self.error(LoadErrorKind::FiguresInTask));
        }
        if self.origin.kind(self.node) != Kind::Made {
            return Ok((Vec::new(), Notes::default()));
        }
        let made = self.made()?;
        let store = made.store(self.origin.store());
        Ok(figures_and_notes(store, &made.folder, &made.output.figures))
    }

    /// Returns the path of the output, or an error if it has no file.
    pub(crate) fn path(&self) -> Result<PathBuf, LoadError> {
        let made = self.made()?;
        if made.output.is_in_memory() {
            let why = match self.origin.kind(self.node) {
                Kind::Aggregate => "it is an aggregate, and stands for what it requires",
                Kind::Made | Kind::External => "it is kept in memory",
            };
            return Err(self.error(LoadErrorKind::NoFile { why }));
        }
        self.check_path(&made, "")?;
        Ok(self.path_of(&made))
    }

    /// Returns an error if the content of a part is checked and is not as recorded: who asks for the path reads the file.
    pub(crate) fn check_path(&self, made: &Made, part: &str) -> Result<(), LoadError> {
        let store = made.store(self.origin.store());
        if self.origin.kind(self.node) != Kind::Made || !store.checks_content() {
            return Ok(());
        }
        let look = self.check_output(made, part, Extent::Whole, None);
        match look.map_err(|error| self.error(error))? {
            Look::Whole => Ok(()),
            Look::Modified => Err(self.error(LoadErrorKind::Changed)),
            Look::Gone => Err(self.error(LoadErrorKind::Gone)),
        }
    }

    /// Returns the path of the output: its file or, if there are several or none, the folder.
    pub(crate) fn path_of(&self, made: &Made) -> PathBuf {
        let store = made.store(self.origin.store());
        match made.output.files.as_slice() {
            [file] => store.path(&made.folder, &file.file),
            _ => store.root().join(&made.folder),
        }
    }
}

/// How much of a part is read, and so is checked before.
#[derive(Clone, Copy)]
pub(super) enum Extent<'a> {
    /// All files.
    Whole,
    /// The files of these partitions.
    Selected(&'a Selection),
    /// The names of files, which the record has.
    Names,
}

impl Extent<'_> {
    fn is_selected(self) -> bool {
        !matches!(self, Self::Whole)
    }
}

/// One output of an instance, such as an earlier version.
struct FixedOutput {
    node: NodeIndex,
    made: Arc<Made>,
}

impl RunOutputs for FixedOutput {
    fn made(&self, node: NodeIndex) -> Option<Arc<Made>> {
        (node == self.node).then(|| Arc::clone(&self.made))
    }

    fn value(&self, _: NodeIndex) -> Option<AnyValue> {
        None
    }

    fn share(&self, _: NodeIndex, _: &AnyValue) {}
}

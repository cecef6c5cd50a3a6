//! The outputs of an export: their entries in the manifest, and the names of their files.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::key::{Digest, Key};
use crate::base::panics;
use crate::export::manifest::{Exported, ExportedFile, Lineage};
use crate::export::names::{self, Names};
use crate::flow::Flow;
use crate::flow::error::Error;
use crate::plan::Plan;
use crate::plan::judge::Upstream;
use crate::plan::stored::Place;
use crate::plan::view::View;
use crate::store::Store;
use crate::store::made::Made;
use crate::store::record::Record;
use crate::target::Description;
use crate::task::error::LoadErrorKind;
use crate::task::input::Handle;

/// A file to copy into an export.
pub(super) struct FileCopy {
    /// Its path in the export.
    pub(super) name: String,
    /// The store that it is copied from.
    pub(super) store: Arc<Store>,
    /// Its path in that store.
    pub(super) from: PathBuf,
    pub(super) content: (Digest, u64),
    pub(super) is_executable: bool,
}

/// Returns the manifest entries of these instances and the files to copy.
///
/// An output that an earlier export wrote keeps its name, even if outputs with similar names were added since:
/// `before` has the entries of the earlier exports.
pub(super) fn outputs(
    flow: &Flow,
    nodes: &[(Arc<Plan>, NodeIndex)],
    before: &HashMap<Key, &Exported>,
) -> Result<(Vec<Exported>, Vec<FileCopy>), Error> {
    let mut names = Names::default();
    before.values().for_each(|output| names.take(&stem(output)));
    let view = View::of_nodes(nodes.iter().map(|(plan, node)| (&plan.graph, *node)));
    let (mut outputs, mut copies) = (Vec::with_capacity(nodes.len()), Vec::new());
    for (plan, node) in nodes {
        let (mut output, at) = exported(flow, plan, *node)?;
        let stem = before.get(&output.key).map(|before| stem(before));
        let stem = stem.filter(|stem| !stem.is_empty()).unwrap_or_else(|| {
            let mut shown = plan.graph.shown_in_folder(*node);
            if !names::is_whole(&shown) {
                view.put_telling_first(&plan.graph, *node, &mut shown);
            }
            let shown = shown.into_iter().map(|one| (one.name, one.value.to_string()));
            let shown: Vec<_> = shown.collect();
            names.give(&plan.graph.task(*node).folder.name, &shown, output.key.short())
        });
        copies.extend(place(&mut output, &stem, &at));
        outputs.push(output);
    }
    Ok((outputs, copies))
}

/// Sets the paths of the files of an output and returns the files to copy.
fn place(output: &mut Exported, stem: &str, at: &Place) -> Vec<FileCopy> {
    let mut copies = Vec::new();
    let kept = output.record.output.files.iter().enumerate();
    for (file, (place, kept)) in output.files.iter_mut().zip(kept) {
        file.path = names::path(stem, kept, place);
        copies.extend(kept.contents().map(|content| {
            let inner = content.path.strip_prefix(&kept.file).unwrap_or(&content.path);
            let inner = inner.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
            let name = match inner.as_str() {
                "" => file.path.clone(),
                inner => format!("{}/{inner}", file.path),
            };
            let (from, is_executable) = (at.folder.join(&content.path), content.executable);
            let (store, content) = (Arc::clone(&at.store), (content.digest, content.bytes));
            FileCopy { name, store, from, content, is_executable }
        }));
    }
    let kept = output.record.output.figures.iter().enumerate();
    for (file, (place, kept)) in output.figures.iter_mut().zip(kept) {
        file.path = names::figure_path(stem, kept, place);
        copies.push(FileCopy {
            name: file.path.clone(),
            store: Arc::clone(&at.store),
            from: at.folder.join(&kept.file),
            content: (kept.digest, kept.bytes),
            is_executable: false,
        });
    }
    copies
}

/// Returns the path of an exported output without its extension.
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

/// Returns the manifest entry of an output, without the paths of its files, and the place of its files.
fn exported(flow: &Flow, plan: &Arc<Plan>, node: NodeIndex) -> Result<(Exported, Place), Error> {
    let handle = Handle::outside(Arc::clone(plan) as _, node);
    let (graph, entry) = (&plan.graph, plan.graph.task(node));
    let gone = || handle.error(LoadErrorKind::Gone);
    // An output of a remote is fetched by this, so that its record has the names of its files here.
    let at = plan.output_place(node)?;
    let mut record: Record = match plan.output_record(node)? {
        crate::store::Found::Record(record) => *record,
        _ => return Err(gone().into()),
    };
    if plan.verdicts.digest(node) != Some(record.output.digest) {
        return Err(handle.error(LoadErrorKind::Changed).into());
    }
    at.store.without_lost_figures(&at.folder, &mut record.output);
    let folder = graph.folder(node, &flow.store)?;
    let from = Some(Arc::clone(&at.store));
    let made = Made { from, ..Made::new(at.folder.clone(), record.clone()) };
    let files = crate::task::keep::Files { of: &handle, made: &made };
    let described = panics::catch_error(|| (entry.task.describe)(&files)).map_err(|source| {
        handle.error(LoadErrorKind::Unreadable { path: handle.path_of(&made), source })
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
    let figures = record.output.figures.iter().map(|figure| ExportedFile {
        part: figure.part.clone(),
        path: String::new(),
        digest: figure.digest,
        bytes: figure.bytes,
        within: None,
        description: Description::default(),
    });
    let figures = figures.collect();
    let inputs = graph.inputs(node).iter().zip(&record.made_from.inputs).map(|(&of, input)| {
        let (name, instance) = (input.role.clone(), graph.label_apart(of));
        Lineage { name, instance, key: graph.node(of).key, digest: input.digest }
    });
    let parts = folder.iter().map(|part| part.to_string_lossy().into_owned());
    let output = Exported {
        task: entry.decl.name.to_string(),
        instance: graph.label_apart(node),
        key: graph.node(node).key,
        parameters: graph.recorded_parameters(node),
        target: entry.decl.target.to_owned(),
        files,
        figures,
        inputs: inputs.collect(),
        code: record.made_from.code,
        started: record.started,
        seconds: record.seconds,
        meta: record.meta.clone(),
        stored: entry.decl.identity().to_owned(),
        folder: parts.collect::<Vec<_>>().join("/"),
        record,
        seal: None,
    };
    Ok((output, at))
}

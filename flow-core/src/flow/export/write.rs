//! Writes the folder of an export.
//!
//! The steps are: open and lock the folder; decide all files and their content; check that none of them would replace
//! a foreign file, and record their names; copy the outputs; write the texts; replace the manifest, which is the
//! commit.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use daggy::NodeIndex;

use super::output::outputs;
use crate::base::key::{Key, digest_bytes};
use crate::export::folder::ExportFolder;
use crate::export::manifest::{Content, Exported, Manifest};
use crate::export::{consumer, python, readme};
use crate::flow::Flow;
use crate::flow::error::Error;
use crate::flow::export::summary::ExportSummary;
use crate::plan::Plan;

/// The form of an export.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Form {
    /// The outputs with a manifest, a README and a Python module.
    Files,
    /// The same, and a crate.
    Crate,
}

/// The generated text files of an export, except for the manifest.
struct Texts {
    /// The name and the content of each file.
    texts: Vec<(String, String)>,
    /// The instances that are left out of the crate.
    outdated: Vec<String>,
}

/// Writes the outputs of these instances into the folder.
pub(super) fn write(
    flow: &Flow,
    nodes: &[(Arc<Plan>, NodeIndex)],
    root: &Path,
    form: Form,
) -> Result<ExportSummary, Error> {
    check_outside(flow, root)?;
    let mut folder = ExportFolder::open(&flow.fs, root)?;
    let before: HashMap<Key, &Exported> =
        folder.before.outputs.iter().map(|output| (output.key, output)).collect();
    let (mut outputs, copies) = outputs(flow, nodes, &before)?;
    let is_new = |output: &&Exported| {
        before.get(&output.key).is_none_or(|before| before.record != output.record)
    };
    let new: HashSet<Key> = outputs.iter().filter(is_new).map(|output| output.key).collect();
    let now: HashSet<Key> = outputs.iter().map(|output| output.key).collect();
    // A store whose secret key cannot be read or written exports without seals.
    let key = flow.store.secret_key().ok();
    let mut manifest = folder.before.clone();
    manifest.outputs.retain(|output| !now.contains(&output.key));
    let mut without_code = Vec::new();
    for output in &mut manifest.outputs {
        let is_own = key.is_some_and(|key| output.seal == Some(output.sealed_by(key)));
        if !is_own && output.remove_code() {
            without_code.push(output.instance.clone());
        }
    }
    outputs.iter_mut().for_each(|output| output.seal = key.map(|key| output.sealed_by(key)));
    manifest.outputs.extend(outputs);
    // A folder that is a crate stays one.
    let is_crate = form == Form::Crate || manifest.written.contains_key(consumer::SOURCE);
    let Texts { texts, outdated } = Texts::of(&manifest, root, is_crate, &now)?;
    let written = texts.iter().map(|(name, text)| (name.clone(), digest_bytes(text.as_bytes())));
    manifest.written = written.collect();

    let mut files: BTreeMap<String, Content> = BTreeMap::new();
    for copy in &copies {
        let (digest, at_most) = copy.content;
        files.insert(copy.name.clone(), Content { digest, at_most });
    }
    files.extend(manifest.written.iter().map(|(name, of)| (name.clone(), Content::text(*of))));
    folder.begin(&files)?;
    let mut summary =
        ExportSummary { outdated, without_code, ..ExportSummary::new("exported", root) };
    for output in manifest.outputs.iter().filter(|output| new.contains(&output.key)) {
        create_folders(&folder, output)?;
        summary.instances.push(output.instance.clone());
    }
    for copy in &copies {
        if folder.copy(&copy.name, (&copy.store, &copy.from), copy.content)? {
            summary.copied(copy.content.1);
        }
        if copy.is_executable {
            folder.make_executable(&copy.name)?;
        }
    }
    for (name, text) in &texts {
        folder.write(name, text.as_bytes())?;
    }
    folder.finish(&manifest)?;
    Ok(summary)
}

/// Creates the folders of an output. Copying files creates none that is empty.
fn create_folders(folder: &ExportFolder, output: &Exported) -> Result<(), Error> {
    for file in &output.files {
        let Some(within) = &file.within else { continue };
        let folders = within.iter().filter(|(_, digest)| digest.is_none());
        for (name, _) in folders {
            folder.folder(&format!("{}/{name}", file.path))?;
        }
        folder.folder(&file.path)?;
    }
    Ok(())
}

impl Texts {
    fn of(
        manifest: &Manifest,
        root: &Path,
        is_crate: bool,
        now: &HashSet<Key>,
    ) -> Result<Self, Error> {
        let library = is_crate.then(|| consumer::library(root));
        let texts = vec![
            (readme::README.to_owned(), readme::readme(manifest, library.as_deref())),
            (python::MODULE.to_owned(), python::module(manifest)),
        ];
        let mut all = Self { texts, outdated: Vec::new() };
        if is_crate {
            let crated = consumer::consumer(manifest, root, now)?;
            all.texts.extend(crated.files);
            all.outdated = crated.outdated;
        }
        Ok(all)
    }
}

/// Returns an error if the folder is that of the store: both have folders that are named after tasks.
fn check_outside(flow: &Flow, folder: &Path) -> Result<(), Error> {
    let canonical = |path: &Path| flow.fs.canonical(path).ok();
    match canonical(folder).is_some_and(|folder| canonical(flow.store.root()) == Some(folder)) {
        true => Err(Error::Occupied { path: folder.to_owned(), why: "it is the store" }),
        false => Ok(()),
    }
}

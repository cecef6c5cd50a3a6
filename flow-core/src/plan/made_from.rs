//! The parts of a fingerprint: everything that an output is computed from.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::{Digest, Hasher};
use crate::plan::Graph;
use crate::plan::judge::Judge;
use crate::plan::param_value::{digest_value, param_value};
use crate::store::Store;
use crate::store::record::{FileContent, InputContent, MadeFrom};
use crate::task::param::ParamDecl;
use crate::value::{Paths, Value};

impl Judge<'_> {
    /// Returns the parts of an instance's fingerprint, if the content of all inputs is known.
    pub(crate) fn made_from(&self, node: NodeIndex) -> Result<Option<MadeFrom>, StoreError> {
        let inputs = self.graph.inputs(node).iter();
        let contents: Option<Vec<_>> = inputs.map(|&input| self.upstream.digest(input)).collect();
        contents.map(|contents| self.made_from_contents(node, contents)).transpose()
    }

    /// Returns an instance's fingerprint, if the content of all inputs is known.
    ///
    /// It needs no memory for each input.
    pub(super) fn fingerprint(&self, node: NodeIndex) -> Result<Option<Digest>, StoreError> {
        let inputs = self.graph.inputs(node);
        if inputs.iter().any(|&input| self.upstream.digest(input).is_none()) {
            return Ok(None);
        }
        let roles = self.graph.each_role(node, self.store);
        let contents = roles.zip(inputs).map(|(role, &input)| {
            let digest = self.upstream.digest(input).expect("content is known");
            (role.text, role.key, digest)
        });
        let others = MadeFrom { targets: self.targets(node), ..self.made_from_itself(node)? };
        let task = self.graph.task(node).decl.identity();
        Ok(Some(others.fingerprint_with(task, inputs.len(), contents)))
    }

    /// Returns the parts of an instance's fingerprint if its inputs have this content.
    pub(crate) fn made_from_contents(
        &self,
        node: NodeIndex,
        contents: Vec<Digest>,
    ) -> Result<MadeFrom, StoreError> {
        let roles = self.graph.roles(node, self.store).into_iter();
        let inputs = roles.zip(contents).map(|(role, digest)| {
            let (role, key) = (role.text, role.key);
            InputContent { role, key, instance: String::new(), of: None, digest }
        });
        let (inputs, targets) = (inputs.collect(), self.targets(node));
        Ok(MadeFrom { inputs, targets, ..self.made_from_itself(node)? })
    }

    /// Returns the digest of the target of each required task, by task name.
    pub(super) fn targets(&self, node: NodeIndex) -> BTreeMap<String, Digest> {
        let graph = self.graph;
        let required: BTreeSet<_> =
            graph.inputs(node).iter().map(|&input| graph.node(input).task).collect();
        let targets = required.into_iter().map(|task| {
            let entry = graph.types.get(task);
            (entry.decl.identity().to_owned(), entry.target_digest)
        });
        targets.collect()
    }

    /// Returns the parts of an instance's fingerprint without its inputs.
    pub(crate) fn made_from_itself(&self, node: NodeIndex) -> Result<MadeFrom, StoreError> {
        let entry = self.graph.task(node);
        Ok(MadeFrom {
            parameters: self.graph.node(node).parameters,
            code: entry.code_digest,
            version: entry.decl.version,
            target: entry.decl.target.to_owned(),
            files: self.files(node)?,
            refresh: self.refreshed(node)?,
            inputs: Vec::new(),
            targets: BTreeMap::new(),
        })
    }

    /// Returns the content of each parameter that is a file.
    pub(super) fn files(
        &self,
        node: NodeIndex,
    ) -> Result<BTreeMap<String, FileContent>, StoreError> {
        let mut files = BTreeMap::new();
        for (name, path) in self.graph.file_parameters(node) {
            let known = self.seen.and_then(|seen| seen.files.borrow().get(&path).copied());
            let digest = match known {
                Some(digest) => digest,
                None => self.contents.meant(Path::new(&path))?,
            };
            if let Some(seen) = self.seen {
                seen.files.borrow_mut().insert(path.clone(), digest);
            }
            files.insert(name, FileContent { path, digest });
        }
        Ok(files)
    }
}

impl Graph {
    /// Returns the parameters that are files, with their paths.
    ///
    /// If a parameter holds several paths, each has a name like `name[0]`.
    pub(crate) fn file_parameters(&self, node: NodeIndex) -> Vec<(String, String)> {
        let entry = self.task(node);
        // A task that a stand-in replaces does not run, and reads no files.
        if self.stand_in(node).is_some() {
            return Vec::new();
        }
        let files = entry.task.params.iter().enumerate().filter(|(_, param)| param.file);
        files
            .flat_map(|(place, param)| {
                let paths = paths_in(param, self.field(node, place));
                let several = paths.len() > 1;
                paths.into_iter().enumerate().map(move |(i, path)| match several {
                    true => (format!("{}[{i}]", param.name), path),
                    false => (param.name.to_owned(), path),
                })
            })
            .collect()
    }

    /// Returns the digest of an instance's own significant parameters, as `Input::task` shows them.
    pub(crate) fn parameters_digest(&self, node: NodeIndex, store: &Store) -> Digest {
        let entry = self.task(node);
        let mut hasher = Hasher::new("task");
        let params = entry.task.params.iter().enumerate();
        for (place, param) in params.filter(|(_, param)| param.significant) {
            let value = param_value(&entry.decl.name, param, self.field(node, place));
            // A value without a digest has no key either, and was refused by the builder.
            let digest = value.and_then(|value| digest_value(store, &value));
            hasher.text(param.name).part(digest.unwrap_or(Digest(0)));
        }
        hasher.digest()
    }
}

/// Returns the paths in the value of a parameter.
pub(crate) fn paths_in(param: &ParamDecl, value: &dyn Any) -> Vec<String> {
    let mut paths = Vec::new();
    // A value that cannot be converted has no key either, and was refused by the builder.
    if let Ok((value, among)) = (param.kind.to_value_with_paths)(value) {
        collect_paths(&value, &among, &mut paths);
    }
    paths
}

/// Collects the paths among the texts of a value. Keys of maps do not count as paths.
fn collect_paths(value: &Value, among: &Paths, paths: &mut Vec<String>) {
    let mut collect = |value| collect_paths(value, among, paths);
    match value {
        Value::Str(text) if among.contains(text) => paths.push(text.to_string()),
        Value::Some(inner) => collect(inner),
        Value::Seq(items) => items.iter().for_each(collect),
        Value::Struct(fields) => fields.iter().for_each(|(_, value)| collect(value)),
        Value::Map(items) => items.iter().for_each(|(_, value)| collect(value)),
        Value::OrderedMap(items) => items.iter().for_each(|(_, value)| collect(value)),
        Value::Variant(variant) => collect(&variant.1),
        _ => {}
    }
}

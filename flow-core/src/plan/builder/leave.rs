//! Last visit of a required task, when its dependencies are built: computes its key and adds its node.

use std::path::PathBuf;

use daggy::NodeIndex;

use super::walk::Frame;
use super::{Builder, BuiltNode};
use crate::base::key::{Digest, Hasher, Key};
use crate::plan::Node;
use crate::plan::draws::{DrawIndex, Fixer, SetIndex, Settled};
use crate::plan::error::PlanErrorKind;
use crate::plan::made_from::paths_in;
use crate::plan::param_value::param_value;
use crate::plan::resolve::{self, From, Resolved};
use crate::plan::types::TypeIndex;
use crate::task::requirement::Entry;
use crate::value::Value;

/// Returns the hasher whose digest is the key of an instance.
///
/// It hashes the name that the task is stored under, its significant parameters, and the values that its
/// dependencies draw from outside it. Names are those of `was`, if it is given, so that a renamed task or
/// parameter keeps its keys.
pub(crate) fn instance_key(task: &str, parameters: Digest, draws: Digest) -> Hasher {
    let mut hasher = Hasher::new("key");
    hasher.text(task).part(parameters).part(draws);
    hasher
}

/// Returns the digest of a task's own significant parameters, whatever the order of its fields.
pub(crate) fn parameters_digest(mut significant: Vec<(&str, Digest)>) -> Digest {
    significant.sort_unstable();
    let mut hasher = Hasher::new("parameters");
    for (name, digest) in significant {
        hasher.text(name).part(digest);
    }
    hasher.digest()
}

impl Builder<'_> {
    /// Adds the node of a task whose dependencies are built, or finds the node with the same key.
    pub(super) fn leave(&mut self, frame: Frame) -> Result<BuiltNode, PlanErrorKind> {
        let Frame { memo, index, instance, resolved, external, stand_in, entries, .. } = frame;
        let (inputs, draws) = (frame.inputs, frame.draws);
        let outside = self.draws.union(&[], draws);
        let outside = self.settle(outside, index, &resolved);
        let parameters = self.parameters_digest(index, &resolved);
        let parameters = stand_in.as_ref().map_or(parameters, |it| it.mark(parameters));
        let drawn = self.draws.digest(outside, &self.types);
        let task = self.types.get(index).decl.identity();
        let mut hasher = instance_key(task, parameters, drawn.digest);
        if drawn.is_ambiguous {
            hasher.text("inputs");
            for &input in &inputs {
                hasher.part(Digest(self.dag[input].key.0));
            }
        }
        if self.problems.is_some() {
            // Another task may have the same name.
            hasher.number(u64::from(index));
        }
        if frame.is_incomplete {
            // With all of its dependencies it might be a different instance, so its key must be unique.
            hasher.number(self.incomplete.len() as u64);
        }
        let key = hasher.key();

        let node = match self.by_key.get(&key) {
            Some(&node) if self.inputs_of(node) == inputs => {
                if stand_in.is_none() {
                    self.check_same_files(node, index, instance)?;
                }
                node
            }
            Some(_) => {
                let task = self.types.get(index).decl.name.to_string();
                return Err(PlanErrorKind::SameKey { task });
            }
            None => {
                let given = self.given(index, &resolved);
                self.add(index, instance, given, key, parameters, outside, &inputs, entries)?
            }
        };
        if let Some(path) = external {
            // All parameters of a node are those of the first instance with its key, and so is its path.
            self.externals.entry(node).or_insert(path);
        }
        if frame.is_incomplete {
            self.incomplete.insert(node);
        }
        self.stand_ins.extend(stand_in.map(|stand_in| (node, stand_in)));
        let own = self.own_draws(index, &resolved);
        let released = self.draws.release(outside);
        let built = BuiltNode { node, draws: self.draws.union(&own, vec![released]) };
        self.memo.insert(memo, Some(built));
        Ok(built)
    }

    /// Refuses an instance that has the key of another one and reads other files.
    ///
    /// The path of a file may be insignificant, and so not part of the key; but a plan holds one instance for
    /// each key.
    fn check_same_files(
        &self,
        node: NodeIndex,
        index: TypeIndex,
        instance: u32,
    ) -> Result<(), PlanErrorKind> {
        let entry = self.types.get(index);
        let instances = &self.instances[index as usize];
        let params = entry.task.params.iter().enumerate();
        for (place, param) in params.filter(|(_, param)| param.file && !param.significant) {
            let paths = |instance| {
                let paths = paths_in(param, instances.field(instance, place)).into_iter();
                paths.map(|path| std::path::absolute(&path).unwrap_or_else(|_| path.into()))
            };
            let (first, second) = (paths(self.dag[node].instance), paths(instance));
            let (first, second): (Vec<_>, Vec<_>) = (first.collect(), second.collect());
            let none = PathBuf::new();
            for place in 0..first.len().max(second.len()) {
                let at = |paths: &[PathBuf]| paths.get(place).unwrap_or(&none).clone();
                if at(&first) != at(&second) {
                    return Err(PlanErrorKind::SameKeyOtherFile {
                        task: entry.decl.name.to_string(),
                        param: param.name,
                        first: at(&first),
                        second: at(&second),
                    });
                }
            }
        }
        Ok(())
    }

    /// Returns the digest of the task's own significant parameters.
    fn parameters_digest(&self, index: TypeIndex, resolved: &[Resolved]) -> Digest {
        let params = self.types.get(index).task.params.iter().zip(resolved);
        let significant = params
            .filter(|(param, _)| param.significant)
            .map(|(param, resolved)| (param.identity(), resolved.value.digest));
        parameters_digest(significant.collect())
    }

    /// Returns a bit for each of the first 32 parameters that differs from its default.
    fn given(&mut self, index: TypeIndex, resolved: &[Resolved]) -> u32 {
        let mut given = 0;
        for (place, resolved) in resolved.iter().enumerate().take(u32::BITS as usize) {
            let entry = self.types.get(index);
            let is_default = match resolved.from {
                resolve::From::Default => true,
                // A value that a dependency sets counts as given: its default may never have been evaluated.
                resolve::From::Literal | resolve::From::With(..) => false,
                _ => self.resolver.is_default(entry, place, resolved.value.digest),
            };
            given |= u32::from(!is_default) << place;
        }
        given
    }

    /// Compares the draws of a task's dependencies with its own parameters.
    fn settle(&mut self, set: SetIndex, index: TypeIndex, resolved: &[Resolved]) -> SetIndex {
        let (types, resolver) = (&self.types, &mut self.resolver);
        let entry = types.get(index);
        self.draws.settle(set, types.names(index), |name| {
            let places = types.names(index).iter();
            let place = { places }.position(|&other| other == name).expect("one of its names");
            let (param, Resolved { value, from }) = (entry.param(place), &resolved[place]);
            Settled {
                name,
                digest: value.digest,
                travels: param.significant && !param.local,
                is_default: resolver.is_default(entry, place, value.digest),
                fixer: match *from {
                    From::Literal => Some(Fixer::InheritedLiteral),
                    From::With(source) => Some(Fixer::InheritedWith(source)),
                    From::Flow | From::Inherited | From::Named | From::Default => None,
                },
            }
        })
    }

    /// Returns the task's own parameters as draws of its consumers.
    fn own_draws(&mut self, index: TypeIndex, resolved: &[Resolved]) -> Vec<DrawIndex> {
        let mut own = Vec::new();
        for (place, resolved) in resolved.iter().enumerate() {
            let entry = self.types.get(index);
            let param = entry.param(place);
            let fixer = match resolved.from {
                // The consumer sets the value itself.
                From::Literal => continue,
                From::With(source) => Some(Fixer::With(source)),
                From::Flow | From::Inherited | From::Named | From::Default => None,
            };
            if !param.significant {
                continue;
            }
            let details = || {
                // A value that cannot be converted has no digest either, and was refused.
                let value = param_value(&entry.decl.name, param, &*resolved.value.value);
                let is_default = self.resolver.is_default(entry, place, resolved.value.digest);
                (value.unwrap_or(Value::None), is_default)
            };
            let name = self.types.names(index)[place];
            own.push(self.draws.draw((index, place), name, resolved.value.digest, fixer, details));
        }
        own
    }

    #[expect(clippy::too_many_arguments, reason = "a node's parts")]
    fn add(
        &mut self,
        index: TypeIndex,
        instance: u32,
        given: u32,
        key: Key,
        parameters: Digest,
        draws: SetIndex,
        inputs: &[NodeIndex],
        entries: Vec<Entry>,
    ) -> Result<NodeIndex, PlanErrorKind> {
        let limit = u32::MAX - 1;
        let places = [self.dag.node_count(), self.inputs.len(), self.entries.len()];
        if places.into_iter().any(|place| place + inputs.len() >= limit as usize) {
            return Err(PlanErrorKind::TooMany { limit });
        }
        let node = self.dag.add_node(Node {
            key,
            parameters,
            task: index,
            given,
            instance,
            draws,
            inputs: self.inputs.len() as u32..(self.inputs.len() + inputs.len()) as u32,
            entries: self.entries.len() as u32..(self.entries.len() + entries.len()) as u32,
        });
        self.inputs.extend(inputs);
        self.entries.extend(entries.into_iter().map(|e| (e.role, e.form, e.len as u32)));
        // A new node has no consumers, so its edges cannot close a cycle. Daggy knows this and does not
        // search for one.
        let edges = inputs.iter().map(|&input| (input, node, ()));
        self.dag.add_edges(edges).expect("a new node is in no cycle");
        self.by_key.insert(key, node);
        Ok(node)
    }
}

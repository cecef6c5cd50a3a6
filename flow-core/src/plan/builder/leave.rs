//! On the way up: the key of an instance whose requirements are there, and its node.

use std::path::PathBuf;

use daggy::NodeIndex;

use super::walk::Frame;
use super::{Builder, Grown};
use crate::base::key::{Digest, Hasher, Key};
use crate::plan::Node;
use crate::plan::draws::{DrawIndex, Fixer, SetIndex, Settled};
use crate::plan::error::PlanErrorKind;
use crate::plan::made_from::paths_in;
use crate::plan::resolve::{self, From, Resolved};
use crate::plan::types::TypeIndex;
use crate::task::requirement::Entry;
use crate::value::Value;

/// The hasher whose digest is the key of an instance: the name that its task is stored under, its own
/// significant parameters, and what its requirements draw from outside it.
pub(crate) fn instance_key(task: &str, parameters: Digest, draws: Digest) -> Hasher {
    let mut hasher = Hasher::new("key");
    hasher.text(task).part(parameters).part(draws);
    hasher
}

/// The digest of a task's own significant parameters, in an order that fields do not have.
pub(crate) fn parameters_digest(mut significant: Vec<(&str, Digest)>) -> Digest {
    significant.sort_unstable();
    let mut hasher = Hasher::new("parameters");
    for (name, digest) in significant {
        hasher.text(name).part(digest);
    }
    hasher.digest()
}

impl Builder<'_> {
    pub(super) fn leave(&mut self, frame: Frame) -> Result<Grown, PlanErrorKind> {
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
            // Another task may have its name.
            hasher.number(u64::from(index));
        }
        if frame.lacks {
            // With all that it requires it might be another one than it seems to be.
            hasher.number(self.lacking.len() as u64);
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
            // It is that of the first instance with this key, as all its parameters are.
            self.externals.entry(node).or_insert(path);
        }
        if frame.lacks {
            self.lacking.insert(node);
        }
        self.stand_ins.extend(stand_in.map(|stand_in| (node, stand_in)));
        let own = self.own_draws(index, &resolved);
        let released = self.draws.release(outside);
        let grown = Grown { node, draws: self.draws.union(&own, vec![released]) };
        self.memo.insert(memo, Some(grown));
        Ok(grown)
    }

    /// Refuses an instance that has the key of another one and reads other files: the path of a file
    /// may be no part of the key, and the plan holds one instance for each key.
    fn check_same_files(
        &self,
        node: NodeIndex,
        index: TypeIndex,
        instance: u32,
    ) -> Result<(), PlanErrorKind> {
        let entry = self.types.get(index);
        let params = entry.task.params.iter().enumerate();
        for (place, param) in params.filter(|(_, param)| param.file && !param.significant) {
            let paths = |instance| {
                let paths = paths_in(param, entry.instances.field(instance, place)).into_iter();
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

    /// The digest of the task's own significant parameters.
    fn parameters_digest(&self, index: TypeIndex, resolved: &[Resolved]) -> Digest {
        let params = self.types.get(index).task.params.iter().zip(resolved);
        let significant = params
            .filter(|(param, _)| param.significant)
            .map(|(param, resolved)| (param.identity(), resolved.digest));
        parameters_digest(significant.collect())
    }

    /// The places of the first parameters that differ from their defaults, a bit each.
    fn given(&mut self, index: TypeIndex, resolved: &[Resolved]) -> u32 {
        let mut given = 0;
        for (place, resolved) in resolved.iter().enumerate().take(u32::BITS as usize) {
            let entry = self.types.get(index);
            let is_default = match resolved.from {
                resolve::From::Default => true,
                // What a requirement sets is given there, and its default may never have been asked for.
                resolve::From::Literal | resolve::From::With(..) => false,
                _ => self.resolver.is_default(entry, place, resolved.digest),
            };
            given |= u32::from(!is_default) << place;
        }
        given
    }

    /// What the task draws, compared with its own parameters.
    fn settle(&mut self, set: SetIndex, index: TypeIndex, resolved: &[Resolved]) -> SetIndex {
        let (types, resolver) = (&self.types, &mut self.resolver);
        let entry = types.get(index);
        self.draws.settle(set, types.names(index), |name| {
            let places = types.names(index).iter();
            let place = { places }.position(|&other| other == name).expect("one of its names");
            let (param, Resolved { digest, from, .. }) = (entry.param(place), &resolved[place]);
            Settled {
                name,
                digest: *digest,
                travels: param.significant && !param.local,
                is_default: resolver.is_default(entry, place, *digest),
                fixer: match *from {
                    From::Literal => Some(Fixer::InheritedLiteral),
                    From::With(source) => Some(Fixer::InheritedWith(source)),
                    From::Flow | From::Inherited | From::Named | From::Default => None,
                },
            }
        })
    }

    /// The task's own parameters, as its consumers draw them.
    fn own_draws(&mut self, index: TypeIndex, resolved: &[Resolved]) -> Vec<DrawIndex> {
        let mut own = Vec::new();
        for (place, resolved) in resolved.iter().enumerate() {
            let entry = self.types.get(index);
            let param = entry.param(place);
            let fixer = match resolved.from {
                // The consumer has said it.
                From::Literal => continue,
                From::With(source) => Some(Fixer::With(source)),
                From::Flow | From::Inherited | From::Named | From::Default => None,
            };
            if !param.significant {
                continue;
            }
            let details = || {
                // A value without this form has no digest either, and was refused.
                let value = resolve::param_value(&entry.decl.name, param, &*resolved.value);
                let is_default = self.resolver.is_default(entry, place, resolved.digest);
                (value.unwrap_or(Value::None), is_default)
            };
            let name = self.types.names(index)[place];
            own.push(self.draws.draw((index, place), name, resolved.digest, fixer, details));
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
        // A new node has no consumers, so that no edge to it can close a cycle and daggy, which
        // knows that, looks for none.
        let edges = inputs.iter().map(|&input| (input, node, ()));
        self.dag.add_edges(edges).expect("a new node is in no cycle");
        self.by_key.insert(key, node);
        Ok(node)
    }
}

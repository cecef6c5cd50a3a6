//! The walk over the graph.
//!
//! It picks the next dependency, adds the values of its `with` to the scope, and reports errors with their
//! path.

use std::path::PathBuf;
use std::rc::Rc;

use daggy::NodeIndex;

use super::{Builder, BuiltNode};
use crate::base::key::Digest;
use crate::base::panics;
use crate::plan::alias::disagree;
use crate::plan::draws::SetIndex;
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::param_value::{ParamValue, text};
use crate::plan::resolve::Resolved;
use crate::plan::scope::Scope;
use crate::plan::stand_in::StandIn;
use crate::plan::types::{SourceIndex, TypeIndex};
use crate::task::TaskType;
use crate::task::param::{ParamId, full_name};
use crate::task::requirement::{Dependency, Entry};

/// A task whose dependencies are being walked.
pub(super) struct Frame {
    pub(super) memo: Digest,
    pub(super) index: TypeIndex,
    pub(super) instance: u32,
    pub(super) resolved: Vec<Resolved>,
    /// The path of an external task.
    pub(super) external: Option<PathBuf>,
    /// The output that a test provides for it.
    pub(super) stand_in: Option<StandIn>,
    pub(super) scope: Rc<Scope>,
    pub(super) entries: Vec<Entry>,
    pub(super) dependencies: std::vec::IntoIter<Dependency>,
    /// The parameters that `with` sets for the dependency being walked.
    pub(super) with: Box<[SourceIndex]>,
    pub(super) inputs: Vec<NodeIndex>,
    pub(super) draws: Vec<SetIndex>,
    /// Whether a dependency could not be built.
    pub(super) is_incomplete: bool,
}

/// The result of the first visit of a dependency.
pub(super) enum Entered {
    Known(BuiltNode),
    /// It could not be built, and the errors are collected.
    Failed,
    New(Box<Frame>),
    /// It is being walked already, so that it requires itself.
    Cycle(Digest),
}

/// The scope of a dependency with the values that its `with` sets, and the sources of these.
pub(super) type With = (Scope, Box<[SourceIndex]>);

impl Builder<'_> {
    /// Builds a dependency; returns `None` if that failed and errors are collected.
    pub(super) fn build_dependency(
        &mut self,
        root: Dependency,
        scope: Rc<Scope>,
    ) -> Result<Option<BuiltNode>, Box<PlanError>> {
        let mut stack: Vec<Frame> = Vec::new();
        let mut next = Some((root, scope));
        loop {
            let built = if let Some((dependency, scope)) = next.take() {
                let task = dependency.task;
                let entered = panics::catch(|| self.enter(dependency, &scope, stack.len()));
                for kind in std::mem::take(&mut self.resolver.errors) {
                    self.report(self.at(kind, &stack, Some(task)))?;
                }
                match entered.unwrap_or_else(|message| Err(panicked(task, message))) {
                    Ok(Entered::Known(built)) => Some(built),
                    Ok(Entered::New(frame)) => {
                        stack.push(*frame);
                        next = self.next_dependency(&mut stack)?;
                        continue;
                    }
                    Ok(Entered::Failed) => None,
                    Ok(Entered::Cycle(memo)) => self.report(self.cycle(memo, &stack))?,
                    Err(kind) => self.report(self.at(kind, &stack, Some(task)))?,
                }
            } else {
                let frame = stack.pop().expect("stack not empty");
                let (task, memo) = (self.types.get(frame.index).task, frame.memo);
                let left = panics::catch(|| self.leave(frame));
                match left.unwrap_or_else(|message| Err(panicked(task, message))) {
                    Ok(built) => Some(built),
                    Err(kind) => {
                        // It is no longer being walked.
                        self.memo.remove(&memo);
                        self.report(self.at(kind, &stack, Some(task)))?
                    }
                }
            };
            let Some(consumer) = stack.last_mut() else { return Ok(built) };
            let with = std::mem::take(&mut consumer.with);
            if let Some(built) = built {
                consumer.inputs.push(built.node);
                consumer.draws.push(self.draws.outside(built.draws, &with));
                consumer.is_incomplete |= self.incomplete.contains(&built.node);
            } else {
                consumer.is_incomplete = true;
            }
            next = self.next_dependency(&mut stack)?;
        }
    }

    /// Records an error, if errors are collected; otherwise returns it.
    fn report(&mut self, problem: Box<PlanError>) -> Result<Option<BuiltNode>, Box<PlanError>> {
        match &mut self.problems {
            Some(problems) => problems.push(*problem),
            None => return Err(problem),
        }
        Ok(None)
    }

    /// Returns the next valid dependency of the task on top of the stack, and its scope.
    fn next_dependency(
        &mut self,
        stack: &mut [Frame],
    ) -> Result<Option<(Dependency, Rc<Scope>)>, Box<PlanError>> {
        loop {
            let task = stack.last().map(|frame| self.types.get(frame.index).task);
            let taken = panics::catch(|| self.take_dependency(stack))
                .unwrap_or_else(|message| Err(panicked(task.expect("stack not empty"), message)));
            match taken {
                Ok(next) => return Ok(next),
                Err(kind) => self.report(self.at(kind, stack, None))?,
            };
            stack.last_mut().expect("stack not empty").is_incomplete = true;
        }
    }

    /// Takes the next dependency of the task on top of the stack, and returns it with its scope.
    fn take_dependency(
        &mut self,
        stack: &mut [Frame],
    ) -> Result<Option<(Dependency, Rc<Scope>)>, PlanErrorKind> {
        let frame = stack.last_mut().expect("stack not empty");
        let Some(mut dependency) = frame.dependencies.next() else { return Ok(None) };
        let scope = Rc::clone(&frame.scope);
        let by = self.types.get(frame.index).decl.name.clone();
        let Some((scope, with)) = self.with(&scope, &by, &mut dependency)? else {
            return Ok(Some((dependency, scope)));
        };
        frame.with = with;
        Ok(Some((dependency, Rc::new(scope))))
    }

    /// Adds the values that a dependency sets by `with` to the scope; returns `None` if it sets none.
    pub(super) fn with(
        &mut self,
        scope: &Scope,
        by: &str,
        dependency: &mut Dependency,
    ) -> Result<Option<With>, PlanErrorKind> {
        if dependency.with.is_empty() {
            return Ok(None);
        }
        let mut scope = Scope::clone(scope);
        let required = self.types.index(dependency.task);
        let reach = self.types.reach(required);
        let mut set: Vec<(SourceIndex, &'static TaskType, usize)> = Vec::new();
        for (task, place, value) in std::mem::take(&mut dependency.with) {
            let source = self.types.find_source(task, place);
            let Some(source) = source.filter(|&source| reach.has_source(source)) else {
                return Err(PlanErrorKind::WithReachesNothing {
                    task: by.to_owned(),
                    required: self.types.get(required).decl.name.to_string(),
                    param: full_name(task, place),
                });
            };
            let digest = self.digest(task, place, &value)?;
            let before = set.iter().find(|(other, ..)| *other == source);
            if let Some(&(_, other, at)) = before
                && let Some(one) = scope.with(source)
                && one.digest != digest
                && ParamId::new(other, at) != ParamId::new(task, place)
            {
                let one = (full_name(other, at), text(&other.params[at], &one.value));
                let other = (full_name(task, place), text(&task.params[place], &value));
                return Err(disagree((task, place), [one, other]));
            }
            scope.set_with(source, ParamValue { value, digest });
            set.push((source, task, place));
        }
        let mut keys: Vec<_> = set.into_iter().map(|(source, ..)| source).collect();
        keys.sort_unstable();
        keys.dedup();
        Ok(Some((scope, keys.into())))
    }

    fn at(
        &self,
        kind: PlanErrorKind,
        stack: &[Frame],
        last: Option<&'static TaskType>,
    ) -> Box<PlanError> {
        let way = stack.iter().map(|frame| self.types.get(frame.index).decl.name.to_string());
        let last = last.map(|task| (task.decl)().name.to_string());
        Box::new(PlanError::new(kind, way.chain(last).collect()))
    }

    /// Returns the error of a cycle: the part of the stack from the frame of this dependency on.
    fn cycle(&self, memo: Digest, stack: &[Frame]) -> Box<PlanError> {
        let way: Vec<_> =
            stack.iter().map(|frame| self.types.get(frame.index).decl.name.to_string()).collect();
        let start = stack.iter().position(|frame| frame.memo == memo).expect("it is walked");
        let mut cycle = way[start..].to_vec();
        let task = way[start].clone();
        cycle.push(task.clone());
        Box::new(PlanError::new(PlanErrorKind::Cycle { task, cycle }, way))
    }
}

/// Returns the error of a panic in a user's types: a clone, a comparison, or a destructor.
pub(super) fn panicked(task: &'static TaskType, message: String) -> PlanErrorKind {
    PlanErrorKind::Panicked { task: (task.decl)().name.into_owned(), message }
}

//! The walk itself: which dependency is next, whose way it is on, and what is wrong there.

use std::path::PathBuf;
use std::rc::Rc;

use daggy::NodeIndex;

use super::{Builder, Grown};
use crate::base::key::Digest;
use crate::base::panics;
use crate::plan::draws::SetIndex;
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::resolve::{Resolved, disagree, full_name, text};
use crate::plan::scope::{PassedValue, Scope};
use crate::plan::stand_in::StandIn;
use crate::plan::types::{SourceIndex, TypeIndex};
use crate::task::TaskType;
use crate::task::requirement::{Dependency, Entry};

/// A task whose requirements are being walked.
pub(super) struct Frame {
    pub(super) memo: Digest,
    pub(super) index: TypeIndex,
    pub(super) instance: u32,
    pub(super) resolved: Vec<Resolved>,
    /// Where the output lies, if it is made elsewhere.
    pub(super) external: Option<PathBuf>,
    /// The output, if a test gave one.
    pub(super) stand_in: Option<StandIn>,
    pub(super) scope: Rc<Scope>,
    pub(super) entries: Vec<Entry>,
    pub(super) dependencies: std::vec::IntoIter<Dependency>,
    /// What was set by `with` for the dependency being walked.
    pub(super) with: Box<[SourceIndex]>,
    pub(super) inputs: Vec<NodeIndex>,
    pub(super) draws: Vec<SetIndex>,
    /// Whether something that it requires could not be built.
    pub(super) lacks: bool,
}

pub(super) enum Entered {
    Known(Grown),
    /// It could not be built, which has been noted.
    Missed,
    New(Box<Frame>),
    /// It is being walked: what it requires leads back to it.
    Again(Digest),
}

/// What is set by `with` for a dependency, and the scope with that in it.
pub(super) type With = (Scope, Box<[SourceIndex]>);

impl Builder<'_> {
    /// Fulfils a dependency; `None` if that is not possible and why has been noted.
    pub(super) fn grow(
        &mut self,
        root: Dependency,
        scope: Rc<Scope>,
    ) -> Result<Option<Grown>, Box<PlanError>> {
        let mut stack: Vec<Frame> = Vec::new();
        let mut next = Some((root, scope));
        loop {
            let grown = if let Some((dependency, scope)) = next.take() {
                let task = dependency.task;
                let entered = panics::catch(|| self.enter(dependency, &scope, stack.len()));
                for kind in std::mem::take(&mut self.resolver.wrong) {
                    self.miss(self.at(kind, &stack, Some(task)))?;
                }
                match entered.unwrap_or_else(|message| Err(panicked(task, message))) {
                    Ok(Entered::Known(grown)) => Some(grown),
                    Ok(Entered::New(frame)) => {
                        stack.push(*frame);
                        next = self.next_wish(&mut stack)?;
                        continue;
                    }
                    Ok(Entered::Missed) => None,
                    Ok(Entered::Again(memo)) => self.miss(self.cycle(memo, &stack))?,
                    Err(kind) => self.miss(self.at(kind, &stack, Some(task)))?,
                }
            } else {
                let frame = stack.pop().expect("a frame whose dependencies are fulfilled");
                let (task, memo) = (self.types.get(frame.index).task, frame.memo);
                let left = panics::catch(|| self.leave(frame));
                match left.unwrap_or_else(|message| Err(panicked(task, message))) {
                    Ok(grown) => Some(grown),
                    Err(kind) => {
                        // It is not being walked any more.
                        self.memo.remove(&memo);
                        self.miss(self.at(kind, &stack, Some(task)))?
                    }
                }
            };
            let Some(consumer) = stack.last_mut() else { return Ok(grown) };
            let with = std::mem::take(&mut consumer.with);
            if let Some(grown) = grown {
                consumer.inputs.push(grown.node);
                consumer.draws.push(self.draws.outside(grown.draws, &with));
                consumer.lacks |= self.lacking.contains(&grown.node);
            } else {
                consumer.lacks = true;
            }
            next = self.next_wish(&mut stack)?;
        }
    }

    /// Notes a mistake, if all of them are to be told, and leaves out what has it.
    fn miss(&mut self, problem: Box<PlanError>) -> Result<Option<Grown>, Box<PlanError>> {
        match &mut self.problems {
            Some(problems) => problems.push(*problem),
            None => return Err(problem),
        }
        Ok(None)
    }

    /// The next dependency of the task on top of the stack that can be requested.
    fn next_wish(
        &mut self,
        stack: &mut [Frame],
    ) -> Result<Option<(Dependency, Rc<Scope>)>, Box<PlanError>> {
        loop {
            let task = stack.last().map(|frame| self.types.get(frame.index).task);
            let taken = panics::catch(|| self.take_wish(stack)).unwrap_or_else(|message| {
                Err(panicked(task.expect("a task that dependencies"), message))
            });
            match taken {
                Ok(next) => return Ok(next),
                Err(kind) => self.miss(self.at(kind, stack, None))?,
            };
            stack.last_mut().expect("a task that dependencies").lacks = true;
        }
    }

    /// The next dependency of the task on top of the stack, and the scope in which it is requested.
    fn take_wish(
        &mut self,
        stack: &mut [Frame],
    ) -> Result<Option<(Dependency, Rc<Scope>)>, PlanErrorKind> {
        let frame = stack.last_mut().expect("a task that dependencies");
        let Some(mut dependency) = frame.dependencies.next() else { return Ok(None) };
        let scope = Rc::clone(&frame.scope);
        let by = self.types.get(frame.index).decl.name.clone();
        let Some((scope, with)) = self.with(&scope, &by, &mut dependency)? else {
            return Ok(Some((dependency, scope)));
        };
        frame.with = with;
        Ok(Some((dependency, Rc::new(scope))))
    }

    /// Takes what a dependency sets by `with` into the scope; `None` if it sets nothing.
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
                && ((other.id)(), at) != ((task.id)(), place)
            {
                let one = (full_name(other, at), text(&other.params[at], &one.value));
                let other = (full_name(task, place), text(&task.params[place], &value));
                return Err(disagree((task, place), [one, other]));
            }
            scope.set_with(source, PassedValue { value, digest });
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

    /// The part of the stack that forms a cycle: all from the frame of that dependency.
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

/// A panic in the code of a user's types: a clone, a comparison, or a destructor.
pub(super) fn panicked(task: &'static TaskType, message: String) -> PlanErrorKind {
    PlanErrorKind::Panicked { task: (task.decl)().name.into_owned(), message }
}

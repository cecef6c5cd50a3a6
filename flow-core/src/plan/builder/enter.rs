//! First visit of a required task: resolves its parameters and evaluates its `requires`.

use std::path::PathBuf;
use std::rc::Rc;

use super::walk::{Entered, Frame};
use super::{Builder, DEEPEST};
use crate::base::key::{Digest, Hasher};
use crate::base::panics;
use crate::plan::error::PlanErrorKind;
use crate::plan::scope::Scope;
use crate::plan::types::TypeIndex;
use crate::plan::{resolve, stand_in};
use crate::task::Kind;
use crate::task::requirement::{Dependency, Requirements};
use crate::value::AnyValue;

impl Builder<'_> {
    /// Returns the node of a dependency that was built before, or a frame to walk its own dependencies.
    pub(super) fn enter(
        &mut self,
        dependency: Dependency,
        scope: &Rc<Scope>,
        depth: usize,
    ) -> Result<Entered, PlanErrorKind> {
        let index = self.types.index(dependency.task);
        let memo = self.memo_key(index, &dependency, scope)?;
        let name = |builder: &Self| builder.types.get(index).decl.name.to_string();
        match self.memo.get(&memo) {
            Some(Some(built)) => return Ok(Entered::Known(*built)),
            Some(None) => return Ok(Entered::Cycle(memo)),
            None if depth >= DEEPEST => {
                return Err(PlanErrorKind::TooDeep { task: name(self), depth });
            }
            None => {}
        }
        let resolved = self.resolver.resolve(&self.types, index, &dependency, scope)?;
        if resolved.len() < dependency.task.params.len() {
            return Ok(Entered::Failed);
        }
        let values: Vec<AnyValue> =
            resolved.iter().map(|param| param.value.value.clone()).collect();
        let instances = &mut self.instances[index as usize];
        let instance = instances.push(&values);
        let given = &self.resolver.givens.stand_ins;
        let stand_in = stand_in::find(given, (dependency.task.id)(), instances.get(instance));
        let required = match &stand_in {
            Some(_) => Requirements::default(),
            None => panics::catch_error(|| instances.requires(instance))
                .map_err(|source| PlanErrorKind::Requires { task: name(self), source })?,
        };
        self.resolver.load_secret_key_for(&required.entries)?;
        let entry = self.types.get(index);
        let external = match entry.task.kind {
            _ if stand_in.is_some() => None,
            Kind::External => Some(self.external(index, instance)?),
            Kind::Made | Kind::Aggregate => None,
        };
        let scope = if resolved.is_empty() || required.dependencies.is_empty() {
            Rc::clone(scope)
        } else {
            let mut scope = Scope::clone(scope);
            resolve::pass_on(&self.types, index, &resolved, &mut scope);
            Rc::new(scope)
        };
        self.memo.insert(memo, None);
        Ok(Entered::New(Box::new(Frame {
            memo,
            index,
            instance,
            resolved,
            external,
            stand_in,
            scope,
            inputs: Vec::with_capacity(required.dependencies.len()),
            draws: Vec::with_capacity(required.dependencies.len()),
            entries: required.entries,
            dependencies: required.dependencies.into_iter(),
            is_incomplete: false,
            with: Box::default(),
        })))
    }

    /// Returns the digest of everything that the required task can see: its settings and the scope.
    fn memo_key(
        &mut self,
        index: TypeIndex,
        dependency: &Dependency,
        scope: &Scope,
    ) -> Result<Digest, PlanErrorKind> {
        let mut hasher = Hasher::new("dependency");
        hasher.number(u64::from(index)).number(dependency.own.len() as u64);
        let mut hidden = Vec::with_capacity(dependency.own.len());
        for (place, value) in &dependency.own {
            hasher.number(*place as u64).part(self.digest(dependency.task, *place, value)?);
            hidden.push(self.types.names(index)[*place]);
        }
        let reach = self.types.reach(index);
        scope.hash(&reach, &hidden, &mut hasher);
        if let Some(digest) = self.variant.as_mut().and_then(|v| v.digest(index, &reach)) {
            hasher.text("variant").part(digest);
        }
        Ok(hasher.digest())
    }

    /// Returns the absolute path of an external instance.
    fn external(&self, index: TypeIndex, instance: u32) -> Result<PathBuf, PlanErrorKind> {
        let instances = &self.instances[index as usize];
        let path = panics::catch_error(|| instances.path(instance)).and_then(|path| {
            anyhow::ensure!(path.to_str().is_some(), "{path:?} is not Unicode");
            anyhow::ensure!(!path.as_os_str().is_empty(), "it is empty");
            Ok(std::path::absolute(path)?)
        });
        path.map_err(|source| {
            let task = self.types.get(index).decl.name.to_string();
            PlanErrorKind::ExternalPath { task, source }
        })
    }
}

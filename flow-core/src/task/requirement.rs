//! Requirements: the tasks that an instance depends on, before they are resolved to instances.
//!
//! The derive turns `#[task(requires ...)]` into calls of [`Requirements`], one for each entry, in
//! order. A [`Dependency`] is one required task, with the [`Settings`] that the entry gives it; the
//! planner resolves its parameters and finds or creates its instance. The dependencies of one entry form
//! an [`Entry`], which holds the form that the entry was written in.

use std::any::Any;
use std::collections::HashSet;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::task::param::{IntoParam, Param, Parameter};
use crate::task::{Task, TaskType};
use crate::value::AnyValue;
use crate::value::{self, Value};

/// The requirements of one instance.
#[doc(hidden)]
#[derive(Default)]
pub struct Requirements {
    pub(crate) entries: Vec<Entry>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One entry of `requires`.
pub(crate) struct Entry {
    /// The name of the entry; empty if it has none.
    pub(crate) role: &'static str,
    pub(crate) form: Form,
    /// The number of its dependencies.
    pub(crate) len: usize,
}

/// The form that an entry was written in.
#[derive(Clone)]
pub(crate) enum Form {
    /// `A`
    One,
    /// `A if cond`
    Optional,
    /// `[A for x in xs]`
    List,
    /// `{k => A for k in ks}`, with the keys.
    Map(Arc<dyn MapKeys>),
}

/// One required task.
pub(crate) struct Dependency {
    pub(crate) task: &'static TaskType,
    /// Values of the required task's parameters, each with the index of the parameter.
    pub(crate) own: Vec<(usize, AnyValue)>,
    /// Values of parameters of tasks further upstream.
    pub(crate) with: Vec<(&'static TaskType, usize, AnyValue)>,
}

/// The values that an entry of `requires` gives to the required task, and to tasks further upstream.
///
/// It is a [`Dependency`] that knows the type of its task. All functions with the type are thin, because the compiler
/// generates them for each task.
#[doc(hidden)]
pub struct Settings<K> {
    dependency: Dependency,
    task: PhantomData<fn() -> K>,
}

impl<K: Task> Settings<K> {
    #[expect(clippy::new_without_default, reason = "written by the derive alone")]
    pub fn new() -> Self {
        let task = TaskType::of::<K>();
        Self {
            dependency: Dependency { task, own: Vec::new(), with: Vec::new() },
            task: PhantomData,
        }
    }

    /// `K { key: value }`
    pub fn set<T: Parameter>(mut self, key: Param<K, T>, value: impl IntoParam<T>) -> Self {
        self.dependency.set(key.index(), Arc::new(value.into_param()));
        self
    }

    /// `K with A::KEY = value`
    pub fn with<A: Task, T: Parameter>(
        mut self,
        key: Param<A, T>,
        value: impl IntoParam<T>,
    ) -> Self {
        self.dependency.with(TaskType::of::<A>(), key.index(), Arc::new(value.into_param()));
        self
    }
}

impl Dependency {
    fn set(&mut self, place: usize, value: AnyValue) {
        self.own.push((place, value));
    }

    fn with(&mut self, task: &'static TaskType, place: usize, value: AnyValue) {
        self.with.push((task, place, value));
    }
}

impl Requirements {
    pub fn one<K: Task>(&mut self, role: &'static str, settings: Settings<K>) {
        self.push(settings.dependency);
        self.end(role, Form::One, 1);
    }

    pub fn optional<K: Task>(&mut self, role: &'static str, settings: Option<Settings<K>>) {
        let len = usize::from(settings.is_some());
        if let Some(settings) = settings {
            self.push(settings.dependency);
        }
        self.end(role, Form::Optional, len);
    }

    pub fn list<K: Task>(&mut self, role: &'static str, items: Vec<Settings<K>>) {
        let len = items.len();
        for item in items {
            self.push(item.dependency);
        }
        self.end(role, Form::List, len);
    }

    /// # Errors
    ///
    /// Two items have the same key, or keys that are serialized alike, or a key cannot be serialized.
    pub fn map<K: Task, M: Parameter + Ord>(
        &mut self,
        role: &'static str,
        mut items: Vec<(M, Settings<K>)>,
    ) -> anyhow::Result<()> {
        items.sort_by(|(a, _), (b, _)| a.cmp(b));
        if let Some(pair) = items.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let key = value::to_parameter(&pair[0].0)?;
            let map = if role.is_empty() { "the map" } else { role };
            anyhow::bail!("{map} has two items with the key {key}");
        }
        let mut seen = HashSet::with_capacity(items.len());
        for (key, _) in &items {
            let key = value::to_parameter(key)?;
            if let Some(key) = seen.replace(key) {
                let map = if role.is_empty() { "the map" } else { role };
                anyhow::bail!(
                    "{map} has two different keys that are both serialized as {key}; a key is \
                     identified by what it is serialized as"
                );
            }
        }
        let mut keys: Vec<M> = Vec::with_capacity(items.len());
        for (key, item) in items {
            keys.push(key);
            self.push(item.dependency);
        }
        let len = keys.len();
        self.end(role, Form::Map(Arc::new(keys)), len);
        Ok(())
    }

    fn push(&mut self, dependency: Dependency) {
        self.dependencies.push(dependency);
    }

    /// Ends an entry, to which the last `len` dependencies belong.
    fn end(&mut self, role: &'static str, form: Form, len: usize) {
        self.entries.push(Entry { role, form, len });
    }
}

/// The keys of an entry that is a map: a `Vec` of the key type.
pub(crate) trait MapKeys: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    /// Returns the key at `index`. [`Requirements::map`] has rejected keys that cannot be serialized.
    fn value(&self, index: usize) -> Value;
}

impl<M: Parameter> MapKeys for Vec<M> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn value(&self, index: usize) -> Value {
        value::to_parameter(&self[index]).unwrap_or(Value::None)
    }
}

/// The keys of a map that another process has sent, before their type is known.
pub(crate) struct ReceivedKeys(pub(crate) Vec<Value>);

impl MapKeys for ReceivedKeys {
    fn as_any(&self) -> &dyn Any {
        &self.0
    }

    fn value(&self, index: usize) -> Value {
        self.0[index].clone()
    }
}

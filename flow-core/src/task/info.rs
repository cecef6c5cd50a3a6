//! Tasks as values: the declarations of a program's tasks, for tools that do not know their Rust types.
//!
//! The derive registers each task without type parameters, so that a command line or a page can list the tasks of the
//! program that it is linked into ([`tasks`]), and find one by its name ([`TaskInfo::named`]).
//! [`Flow::graph_of`](crate::Flow::graph_of) plans and runs such tasks.

use std::any::TypeId;
use std::collections::HashSet;
use std::fmt;

use crate::base::names::{nearest, short};
use crate::base::panics;
use crate::task::param::ParamDecl;
use crate::task::{Kind, Task, TaskType, registry};
use crate::value::{AnyValue, Value, escaped_text};

/// A task of the program, without its Rust type: its name, documentation, parameters and requirements.
///
/// ```standalone_crate
/// use flow::prelude::*;
/// use flow::task::TaskInfo;
///
/// /// Daily prices of a share.
/// #[derive(Task)]
/// #[task(target = Json<Vec<f64>>)]
/// struct Prices {
///     /// The number of days.
///     #[param(default = 30, range = 1..=365)]
///     days: u32,
/// }
/// # #[tracked]
/// # impl Run for Prices {
/// #     fn run(&self, _cx: &Cx<Self>) -> Result<Vec<f64>> { Ok(vec![1.0; self.days as usize]) }
/// # }
///
/// # fn main() -> Result<()> {
/// let prices = TaskInfo::named("Prices")?;
/// assert_eq!(prices.doc(), "Daily prices of a share.");
/// let days = &prices.parameters()[0];
/// assert_eq!((days.name(), days.type_name(), days.doc()), ("days", "u32".to_owned(), "The number of days."));
/// assert_eq!((days.default().as_deref(), days.range().as_deref()), (Some("30"), Some("1..=365")));
///
/// let error = TaskInfo::named("Price").unwrap_err().to_string();
/// assert!(error.starts_with("this program has no task `Price`: did you mean `Prices`?"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct TaskInfo {
    pub(crate) task: &'static TaskType,
}

/// Returns all tasks of the program, sorted by name.
///
/// A task is part of the program if it is linked in: a task of a library crate is, once the program names that crate,
/// as by `use my_tasks as _;`. A generic task has a type for each argument, such as `Fit<Ols>`. It is listed if another
/// task requires it, or if [`register!`](crate::register) names it.
pub fn tasks() -> Vec<TaskInfo> {
    let all = registry::with_generic(registry::all());
    all.into_iter().map(|task| TaskInfo { task }).collect()
}

impl TaskInfo {
    /// Returns the information of a task whose type is known.
    pub fn of<T: Task>() -> Self {
        Self { task: TaskType::of::<T>() }
    }

    /// Returns the task of this program with a name, as [`name`](Self::name) returns it.
    ///
    /// If tasks of several modules have the name, write the module, too: `my_crate::prices::Fetch`.
    ///
    /// # Errors
    ///
    /// No task has the name, or several have it.
    pub fn named(name: &str) -> Result<Self, UnknownTask> {
        let all = tasks();
        let is_it = |task: &&Self| task.name() == name || task.full_name() == name;
        let found: Vec<_> = all.iter().filter(is_it).collect();
        match found.as_slice() {
            [one] => Ok(**one),
            [] => {
                let known: Vec<_> = all.iter().map(Self::name).collect();
                let texts: Vec<_> = known.iter().map(String::as_str).collect();
                let nearest = nearest(name, &texts);
                Err(UnknownTask { name: name.to_owned(), nearest, known, several: Vec::new() })
            }
            several => {
                let several = several.iter().map(|task| task.full_name()).collect();
                Err(UnknownTask {
                    name: name.to_owned(),
                    nearest: None,
                    known: Vec::new(),
                    several,
                })
            }
        }
    }

    /// Returns the name, with the type arguments of a generic task: `Train`, `Fit<Ols>`.
    pub fn name(&self) -> String {
        (self.task.decl)().name.into_owned()
    }

    /// Returns the module that declares the task: `my_crate::prices`.
    pub fn module(&self) -> &'static str {
        (self.task.decl)().module
    }

    fn full_name(&self) -> String {
        format!("{}::{}", self.module(), self.name())
    }

    /// Returns the doc comment; empty if there is none.
    pub fn doc(&self) -> &'static str {
        (self.task.decl)().doc
    }

    /// Returns the target as it is declared: `Parquet<Vec<Row>>`. Empty for an aggregate.
    pub fn target(&self) -> &'static str {
        (self.task.decl)().target
    }

    /// Returns the group, whose folder holds the folders of its tasks.
    pub fn group(&self) -> Option<&'static str> {
        (self.task.decl)().group
    }

    /// Returns the type of the output, without the paths of modules.
    pub fn output_type(&self) -> String {
        short((self.task.output)())
    }

    /// Returns whether another program produces the output.
    pub fn is_external(&self) -> bool {
        self.task.kind == Kind::External
    }

    /// Returns whether the task only groups others, and has no output of its own.
    pub fn is_aggregate(&self) -> bool {
        self.task.kind == Kind::Aggregate
    }

    /// Returns the parameters, in the order of their declaration.
    pub fn parameters(&self) -> Vec<ParameterInfo> {
        let places = 0..self.task.params.len();
        places.map(|place| ParameterInfo { task: self.task, place }).collect()
    }

    /// Returns the parameter with a name.
    pub fn parameter(&self, name: &str) -> Option<ParameterInfo> {
        self.parameters().into_iter().find(|parameter| parameter.name() == name)
    }

    /// Returns the tasks that it may require, whatever its parameters are, each once.
    ///
    /// Those that it requires only while it runs are not included.
    pub fn requires(&self) -> Vec<Self> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        (self.task.requirement_types)(&mut |task| {
            if seen.insert((task.id)()) {
                found.push(Self { task });
            }
        });
        found
    }

    /// Returns the tasks that it may require, directly or not, each once. The nearest ones come first.
    pub fn upstream(&self) -> Vec<Self> {
        let mut seen: HashSet<TypeId> = HashSet::from([(self.task.id)()]);
        let mut found: Vec<Self> = Vec::new();
        let mut next = vec![*self];
        while !next.is_empty() {
            let required = next.iter().flat_map(Self::requires).collect::<Vec<_>>();
            next = required.into_iter().filter(|task| seen.insert((task.task.id)())).collect();
            found.extend(next.iter().copied());
        }
        found
    }
}

impl PartialEq for TaskInfo {
    fn eq(&self, other: &Self) -> bool {
        (self.task.id)() == (other.task.id)()
    }
}

impl Eq for TaskInfo {}

impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl fmt::Debug for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskInfo").field(&self.full_name()).finish()
    }
}

/// A parameter of a task, without its Rust type. [`TaskInfo::parameters`] returns it.
#[derive(Clone, Copy)]
pub struct ParameterInfo {
    pub(crate) task: &'static TaskType,
    pub(crate) place: usize,
}

impl ParameterInfo {
    pub(crate) fn decl(&self) -> &'static ParamDecl {
        &self.task.params[self.place]
    }

    /// Returns the task.
    pub fn task(&self) -> TaskInfo {
        TaskInfo { task: self.task }
    }

    /// Returns the name: `model`.
    pub fn name(&self) -> &'static str {
        self.decl().name
    }

    /// Returns the name with that of the task, as [`Flow::with_named`](crate::Flow::with_named) takes it: `Train.model`.
    pub fn full_name(&self) -> String {
        crate::task::param::full_name(self.task, self.place)
    }

    /// Returns the doc comment; empty if there is none.
    pub fn doc(&self) -> &'static str {
        self.decl().doc
    }

    /// Returns the Rust type, without the paths of modules.
    pub fn type_name(&self) -> String {
        short((self.decl().kind.name)())
    }

    /// Returns a text that the type accepts: `0.5` for an `f64`.
    pub fn example(&self) -> Option<String> {
        (self.decl().kind.example)()
    }

    /// Returns the default as text. `None` if there is none, or if its expression panics.
    ///
    /// The expression is evaluated. A secret is not shown.
    pub fn default(&self) -> Option<String> {
        self.default_value().map(|value| escaped_text(value.to_string().chars()))
    }

    /// Returns whether the parameter has a default.
    pub fn has_default(&self) -> bool {
        self.decl().default.is_some()
    }

    fn default_value(&self) -> Option<Value> {
        let value: AnyValue = panics::catch(self.decl().default?).ok()?;
        (self.decl().kind.to_value)(&*value).ok()
    }

    /// Returns the range of the values, as it is declared.
    pub fn range(&self) -> Option<String> {
        self.decl().range.map(|rule| rule.shown())
    }

    /// Returns the list of the values that it may have.
    pub fn choices(&self) -> Option<String> {
        self.decl().choices.map(|rule| rule.shown())
    }

    /// Returns whether the parameter is a path whose content is tracked.
    pub fn is_file(&self) -> bool {
        self.decl().file
    }

    /// Returns whether values given to it reach no other task.
    pub fn is_local(&self) -> bool {
        self.decl().local
    }

    /// Returns whether another value is another instance. Otherwise the parameter has no effect on the output.
    pub fn is_significant(&self) -> bool {
        self.decl().significant
    }

    /// Returns the parameter whose value it has, if it is declared with `from`.
    pub fn from(&self) -> Option<Self> {
        self.decl().from.map(|from| {
            let (task, place) = from();
            Self { task, place }
        })
    }
}

impl fmt::Debug for ParameterInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ParameterInfo").field(&self.full_name()).finish()
    }
}

/// No task of the program has a name, or several have it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownTask {
    /// The name.
    pub name: String,
    /// The most similar name of a task, if there is a similar one.
    pub nearest: Option<String>,
    /// The names of all tasks, if none has the name.
    pub known: Vec<String>,
    /// The tasks that have the name, with their modules.
    pub several: Vec<String>,
}

/// The most tasks that an error lists.
const LISTED: usize = 20;

impl std::error::Error for UnknownTask {}

impl fmt::Display for UnknownTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = escaped_text(self.name.chars());
        if !self.several.is_empty() {
            let several = self.several.join("`, `");
            return write!(f, "several tasks are called `{name}`: write one of `{several}`");
        }
        write!(f, "this program has no task `{name}`: ")?;
        match (&self.nearest, self.known.as_slice()) {
            (Some(nearest), _) => write!(f, "did you mean `{nearest}`?"),
            (None, []) => f.write_str(
                "no tasks are linked in; name the crate that declares them, as by `use my_tasks as _;`",
            ),
            (None, known) => {
                let shown = known.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
                let more = if known.len() > LISTED { ", …" } else { "" };
                write!(f, "its tasks are {shown}{more}")
            }
        }
    }
}

/// Adds generic tasks to the [`tasks`] of the program, each with its type arguments.
///
/// The derive registers a task without type parameters. A generic task has a type for each argument, so that tools find
/// it by name only if another task requires it, or if the program registers it.
///
/// ```standalone_crate
/// use std::marker::PhantomData;
///
/// use flow::prelude::*;
/// use flow::task::TaskInfo;
///
/// trait Model: Tracked + Send + Sync + 'static {
///     const NAME: &'static str;
/// }
///
/// #[derive(Tracked)]
/// struct Ols;
///
/// impl Model for Ols {
///     const NAME: &'static str = "ols";
/// }
///
/// #[derive(Task)]
/// #[task(target = Json<String>)]
/// struct Describe<M: Model> {
///     of: PhantomData<M>,
/// }
///
/// #[tracked]
/// impl<M: Model> Run for Describe<M> {
///     fn run(&self, _cx: &Cx<Self>) -> Result<String> {
///         Ok(M::NAME.to_owned())
///     }
/// }
///
/// flow::register!(Describe<Ols>);
///
/// # fn main() -> Result<()> {
/// assert_eq!(TaskInfo::named("Describe<Ols>")?, TaskInfo::of::<Describe<Ols>>());
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! register {
    ($($task:ty),+ $(,)?) => {
        $($crate::__private::inventory::submit! {
            $crate::__private::Registered(|| $crate::__private::TaskType::of::<$task>())
        })+
    };
}

//! Errors of a flow that are found before anything runs.

use std::fmt;
use std::path::PathBuf;

use crate::base::bytes::Bytes;
use crate::base::error::StoreError;
use crate::plan::policy::MEMORY;
use crate::plan::sweep_error::SweepError;
use crate::value::escaped_text;

/// An error that was found while planning, before anything ran.
///
/// The message names the task, the parameter and the fix, and the path from the root to the task.
#[derive(Debug, thiserror::Error)]
#[error("{kind}{}{}", RequiredBy(way), InVariant(variant))]
#[non_exhaustive]
pub struct PlanError {
    /// The error itself. It is part of the message, and so not the `source()` of this error.
    pub kind: PlanErrorKind,
    /// The names of the tasks from the root to the one with the error, both included.
    ///
    /// Empty if the error belongs to no task.
    pub way: Vec<String>,
    /// The variant of a sweep that has the error.
    pub variant: Option<String>,
}

impl PlanError {
    pub(crate) fn new(kind: PlanErrorKind, way: Vec<String>) -> Self {
        Self { kind, way, variant: None }
    }
}

/// Displays the variant that has the error.
struct InVariant<'a>(&'a Option<String>);

impl fmt::Display for InVariant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.iter().map(|name| escaped_text(name.chars()));
        name.into_iter().try_for_each(|name| write!(f, "\n  in the variant `{name}`"))
    }
}

/// Displays the path from the root to the task with the error.
struct RequiredBy<'a>(&'a [String]);

/// The number of tasks of a long path that are shown at each end.
const ENDS: usize = 3;

impl fmt::Display for RequiredBy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = self.0;
        if way.len() < 2 {
            return Ok(());
        }
        f.write_str("\n  required by: ")?;
        if way.len() <= 2 * ENDS + 1 {
            return f.write_str(&way.join(" → "));
        }
        let (first, last) = (&way[..ENDS], &way[way.len() - ENDS..]);
        let between = way.len() - 2 * ENDS;
        write!(f, "{} → … {between} more … → {}", first.join(" → "), last.join(" → "))
    }
}

/// The kinds of errors of a plan.
///
/// Each message includes all causes.
// A field `r#source` is displayed with its causes, and is not the `source()` of the error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message says what the fields are")]
pub enum PlanErrorKind {
    /// A parameter without a default has no value.
    #[error("`{task}.{param}` has no value{advice}")]
    NoValue { task: String, param: &'static str, advice: String },

    /// A value given by name does not fit a parameter of that name.
    #[error(
        "the value given for `{name}` does not fit `{task}.{param}`: {reason}; the parameter has type \
         {expected}{}",
        fits_every(name, task)
    )]
    WrongType {
        name: String,
        task: String,
        param: &'static str,
        /// The type, and a text that fits.
        expected: String,
        reason: String,
    },

    /// Values were given together, and not as a map or a struct.
    #[error(
        "cannot take parameters from `with_params`: {found}; give a map or a struct whose keys are the names \
         of parameters, such as `BTreeMap::from([(\"c\", \"0.1\")])`"
    )]
    NotParams { found: String },

    /// A value was given by a name that no required task has.
    #[error(
        "no task that is required here has a parameter `{name}`{}",
        suggest(nearest, known, other)
    )]
    UnknownName {
        name: String,
        nearest: Option<String>,
        known: Vec<String>,
        /// A task of the program that has the parameter and is not required here.
        other: Option<String>,
    },

    /// Parameters that are one through `from` have two values.
    #[error("{}", disagreement(task, param, origin, values))]
    Disagree {
        task: String,
        param: &'static str,
        /// The parameter that all of them are, as `Task.parameter`.
        origin: String,
        /// Both values, each with `Task.parameter` or the name by which it is given.
        values: Box<[(String, String); 2]>,
    },

    /// A value is not in the range or the choices of the parameter.
    #[error("`{task}.{param}` is {value}, which is not in {allowed}")]
    NotAllowed { task: String, param: &'static str, value: String, allowed: String },

    /// A significant parameter inherits from an insignificant one.
    #[error(
        "`{task}.{param}` is inherited from `{from}`, which is insignificant, but counts itself: mark both \
         `#[param(insignificant)]`, or the first `#[param(local)]`"
    )]
    Insignificant { task: String, param: &'static str, from: String },

    /// A significant parameter is, through `from`, an insignificant one.
    #[error(
        "`{task}.{param}` is `{from}`, which is insignificant, but counts itself: mark both \
         `#[param(insignificant)]`, or neither"
    )]
    InsignificantFrom { task: String, param: &'static str, from: String },

    /// Parameters form a cycle of `from`.
    #[error(
        "`{}` is itself: {}; give one of them a default instead of `from`", cycle[0], cycle.join(" → ")
    )]
    FromItself { cycle: Vec<String> },

    /// A value cannot be serialized, so that it has no key.
    #[error("`{task}.{param}` has no key: {reason}")]
    NoKey { task: String, param: &'static str, reason: String },

    /// `#[param(default = ...)]` panicked.
    #[error("the default of `{task}.{param}` panicked: {message}")]
    Default { task: String, param: &'static str, message: String },

    /// An expression in `#[task(requires ...)]` failed.
    #[error("evaluating `requires` of `{task}` failed: {source:#}")]
    Requires { task: String, r#source: anyhow::Error },

    /// `requires ... with Task::PARAM = value` names a task that the dependency does not require.
    #[error(
        "`{task}` sets `{param}` for `{required}`, which does not require that task: leave the `with` out"
    )]
    WithReachesNothing { task: String, required: String, param: String },

    /// The variants of a sweep give a parameter that no variant uses.
    #[error(
        "the sweep gives values for `{param}`, and they reach nothing in any variant of `{root}`: {why}"
    )]
    VariantsReachNothing { param: String, root: String, why: String },

    /// An instance requires itself.
    #[error("`{task}` requires itself: {}", cycle.join(" → "))]
    Cycle { task: String, cycle: Vec<String> },

    /// A chain of dependencies is so long that it is taken for infinite.
    #[error(
        "`{task}` is required through a chain of {depth} tasks: if it requires itself, write the condition \
         under which it no longer does, such as `{task} {{ n: self.n - 1 }} if self.n > 0`"
    )]
    TooDeep { task: String, depth: usize },

    /// Two parameters of one task have the same name and type for inheritance.
    #[error(
        "`{task}.{}` and `{task}.{}` are both the parameter `{name}` that is passed on: leave one of \
         them out, or give it a type of its own", params[0], params[1]
    )]
    SameParameter { task: String, params: [&'static str; 2], name: &'static str },

    /// User code panicked while the flow was planned.
    #[error("`{task}` panicked while it was planned: {message}")]
    Panicked { task: String, message: String },

    /// Evaluating the path of an external task failed.
    #[error("evaluating `path` of external task `{task}` failed: {source:#}")]
    ExternalPath { task: String, r#source: anyhow::Error },

    /// A task that has to run uses a type that the flow does not provide.
    #[error("`{task}` uses a `{ty}`, and the flow has none: give it one with `flow.provide(...)`")]
    NotProvided { task: String, ty: &'static str },

    /// A task cannot run in a child process, although it declares `isolate` or the flow isolates all tasks.
    #[error("`{task}` cannot run in a child process: {reason}")]
    NotIsolated { task: String, reason: String },

    /// A task cannot run in a process on another machine, although the flow has an executor that runs tasks there.
    #[error("`{task}` cannot run elsewhere, by the executor `{executor}`: {reason}")]
    NotElsewhere { task: String, executor: String, reason: String },

    /// The executor of the flow can run nothing: a setting of it is wrong, or its scheduler is not installed here.
    #[error("the executor `{executor}` cannot run tasks: {reason}")]
    NoExecutor { executor: String, reason: String },

    /// An option of a task's execution, such as `timeout`, cannot be evaluated.
    #[error("evaluating `{option}` of `{instance}` failed: {reason}")]
    TaskOption { instance: String, option: &'static str, reason: String },

    /// A task that has to run needs more of a resource than the flow offers.
    #[error("{}", unavailable(instance, resource, *attempt, *demand, *offer))]
    Unavailable {
        instance: String,
        resource: String,
        /// The attempt that needs it: 1 for the first one.
        attempt: u32,
        /// The amount that it needs.
        demand: u64,
        /// The amount that the flow offers; `None` if it offers nothing of it.
        offer: Option<u64>,
    },

    /// The amount that the flow offers of a resource is not an amount.
    #[error("the flow offers a wrong amount of `{resource}`: {reason}")]
    WrongOffer { resource: String, reason: String },

    /// A file that a parameter names does not exist.
    #[error(
        "{what}, which is `{task}.{param}`: create the file, or give the parameter another value"
    )]
    NoFile { task: String, param: String, what: String },

    /// An external file does not exist.
    #[error("external file {path:?}, the output of `{task}`, does not exist")]
    NotMade { task: String, path: std::path::PathBuf },

    /// A value does not reach a dependency's parameter of the same name, because that has another type.
    #[error(
        "`{task}.{param}` is a `{ty}`, and `{required}.{param}`, which is required there, a \
         `{required_ty}`: a value given to the one does not reach the other; give both one type, rename \
         one, or mark one `#[param(local)]`"
    )]
    OtherType {
        task: String,
        param: &'static str,
        ty: String,
        required: String,
        required_ty: String,
    },

    /// The target of a task can never store the type that the task returns.
    #[error("`{task}` returns what its target `{target}` can never store: {reason}")]
    Unstorable { task: String, target: &'static str, reason: String },

    /// Two tasks are stored in one folder.
    #[error(
        "`{}` and `{}` are both stored in the folder {folder:?}: give one of them another \
         `#[task(dir = \"...\")]`", tasks[0], tasks[1]
    )]
    SameFolder { folder: String, tasks: [String; 2] },

    /// Two instances write to one place outside of the store, such as a table of a database.
    #[error(
        "`{}` and `{}` both write {place}, and each would replace what the other one wrote: {advice}",
        instances[0], instances[1]
    )]
    SamePlace { place: String, instances: [String; 2], advice: &'static str },

    /// Two tasks have one name.
    #[error(
        "two tasks are called `{name}`, one in `{}` and one in `{}`: give one of them \
         `#[task(name = \"...\")]`", modules[0], modules[1]
    )]
    SameName { name: String, modules: [String; 2] },

    /// The store has outputs of another program's task with this name.
    #[error(
        "the store in {folder} has outputs of {there}, and this is {here}: give one of them \
         `#[task(name = \"...\")]`, or use another folder; if it is the same task, say \
         `flow.store().claim::<{task}>()` once"
    )]
    Claimed { folder: String, there: String, here: String, task: String },

    /// The dependencies of an instance do not follow from its parameters.
    #[error(
        "`{task}` requires other tasks than the same instance elsewhere in this flow: what it requires must \
         follow from its significant parameters alone"
    )]
    SameKey { task: String },

    /// Two instances that differ in an insignificant parameter have one key, and read different files.
    #[error(
        "two instances of `{task}` have one key and read different files, {first:?} and {second:?}: remove \
         `insignificant` from `{task}.{param}`, or add a parameter that tells them apart"
    )]
    SameKeyOtherFile { task: String, param: &'static str, first: PathBuf, second: PathBuf },

    /// The variants of a sweep are wrong.
    #[error(transparent)]
    Sweep(SweepError),

    /// The plan has more instances than it can hold.
    #[error("a flow cannot have more than {limit} instances")]
    TooMany { limit: u32 },

    /// The store cannot be read.
    #[error("{}", in_full(.0))]
    Store(StoreError),
}

impl From<StoreError> for PlanErrorKind {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Returns an error and its causes as one message.
fn in_full(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn disagreement(task: &str, param: &str, origin: &str, values: &[(String, String); 2]) -> String {
    let [(one, value), (other, other_value)] = values;
    let this = format!("{task}.{param}");
    let same = match this == origin {
        true => format!("`{origin}` is one parameter with those that are declared `from` it"),
        false => format!("`{this}` is the parameter `{origin}`, by `from`"),
    };
    format!(
        "{same}, and has two values here: `{one}` is {value} and `{other}` is {other_value}; give the \
         value to one of them alone, or replace `from` by `#[param(default = ...)]`"
    )
}

/// Returns what an instance needs, what the flow offers, and how to offer enough.
fn unavailable(
    instance: &str,
    resource: &str,
    attempt: u32,
    demand: u64,
    offer: Option<u64>,
) -> String {
    let in_attempt = match attempt {
        1 => String::new(),
        attempt => format!(" in attempt {attempt}"),
    };
    let fix = format!("say `flow.offer({resource:?}, {demand})`");
    match offer {
        None => format!(
            "`{instance}` needs {} of `{resource}`{in_attempt}, and the flow offers none: {fix}",
            amount(resource, demand)
        ),
        Some(offer) => format!(
            "`{instance}` needs {} of `{resource}`{in_attempt}, and the flow offers {}: demand less, or {fix}",
            amount(resource, demand),
            amount(resource, offer)
        ),
    }
}

/// Returns an amount for display: of memory in a fitting unit.
fn amount(resource: &str, amount: u64) -> String {
    if resource == MEMORY { Bytes(amount).to_string() } else { amount.to_string() }
}

/// Returns which tasks a value given by name must fit, unless the name is that of one task's parameter.
fn fits_every(name: &str, task: &str) -> String {
    if name.contains('.') {
        return String::new();
    }
    format!(
        "; the value must fit every task that has `{name}`: for this task alone, write \
         `with_named(\"{task}.{name}\", ...)`"
    )
}

fn suggest(nearest: &Option<String>, known: &[String], other: &Option<String>) -> String {
    if let Some(task) = other {
        return format!(": `{task}` has it, and is not required here");
    }
    match nearest {
        Some(name) => format!(": did you mean `{name}`?"),
        None if known.is_empty() => ": none of these tasks has parameters".to_owned(),
        None => format!(": they have `{}`", known.join("`, `")),
    }
}

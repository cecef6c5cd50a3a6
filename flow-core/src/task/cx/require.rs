//! What a task requires while it runs.

use super::{Cx, Over, Variants, With};
use crate::task::error::RequireError;
use crate::task::input::Input;
use crate::task::param::{IntoParam, Param, Parameter};
use crate::task::registry;
use crate::task::setting::Setting;
use crate::task::{Task, TaskType};

/// # What is required while it runs
///
/// Some tasks know what they require only when they run: which settings are worth trying depends on
/// the score of those before. They [`require`](Self::require) it then, and wait.
///
/// ```
/// use flow::prelude::*;
///
/// /// How far a guess is from what is looked for.
/// #[derive(Task)]
/// #[task(target = Json<f64>)]
/// struct Distance {
///     guess: f64,
///     #[param(default = 2.0)]
///     of: f64,
/// }
///
/// #[tracked]
/// impl Run for Distance {
///     fn run(&self, _cx: &Cx<Self>) -> Result<f64> {
///         Ok(self.guess * self.guess - self.of)
///     }
/// }
///
/// /// Its square root, by halving.
/// #[derive(Task)]
/// #[task(target = Json<f64>)]
/// struct Root {
///     #[param(default = 2.0)]
///     of: f64,
/// }
///
/// #[tracked]
/// impl Run for Root {
///     fn run(&self, cx: &Cx<Self>) -> Result<f64> {
///         let (mut low, mut high) = (0.0, self.of);
///         while high - low > 0.1 {
///             let guess = (low + high) / 2.0;
///             let distance = cx.with(Distance::GUESS, guess).require::<Distance>()?;
///             *(if *distance.load()? < 0.0 { &mut low } else { &mut high }) = guess;
///         }
///         Ok(high)
///     }
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// assert_eq!(flow.run::<Root>()?.ran().len(), 6); // `Root`, and five guesses
/// assert!((*flow.load::<Root>()? - 2_f64.sqrt()).abs() < 0.1);
/// assert!(flow.is_complete::<Root>()?); // as long as all guesses give the same
///
/// // A value that was given to the task reaches what it requires.
/// let three = flow.with(Root::OF, 3.0);
/// three.run::<Root>()?;
/// assert!((*three.load::<Root>()? - 3_f64.sqrt()).abs() < 0.1);
/// # Ok(())
/// # }
/// ```
///
/// What is not complete runs on the workers of the run, of which the task takes none while it waits;
/// of what several require, each instance runs once.
///
/// It is recorded what was required, and what came of it. When a flow is planned, all of that is
/// looked at again, in the same order: if it is the same, the output is what running the task would
/// give. If something has to run before that can be told, a run does so first.
///
/// **Which values reach it** follows from the instance that requires it, so that it is found again
/// whatever the flow was given otherwise:
///
/// 1. what [`with`](Self::with) sets, for the task required or for tasks further up;
/// 2. what the tasks that are required by `#[task(requires ...)]` have drawn from outside the
///    instance, and that is no default, for the same parameters;
/// 3. the instance's own values, by name and type, if they are not `local`, and not their defaults;
/// 4. defaults.
///
/// A value that was given to a flow and is none of these does not reach it: give the task that
/// requires it a parameter of that name.
///
/// **A failure** is an error that a task may handle, and so is a cycle: to require a task that waits
/// for the one that runs. An output that was made although something required had failed is never
/// complete: tasks that require it in the same run get it, it is not loaded afterwards, and the next run
/// runs its task again. A task whose failure is a result like others returns it as a value, such as
/// `Json<Option<f64>>`.
///
/// **Planning again** finds the tasks by their names. Those without type parameters are known if
/// their crate is linked into the program; of a crate that has nothing else that the program uses, say
/// `use that_crate as _;`. Of those with type parameters, such as `Fit<Ols>`, the ones are known that
/// a task in the flow names in `requires` or `may_require(Fit<Ols>)`, or that were required in this
/// process. What is not known is a reason to run.
impl<T: Task> Cx<T> {
    /// Requires a task, and waits until its output is there.
    ///
    /// # Errors
    ///
    /// It failed or requires the running task itself, its parameters or requirements are wrong, or
    /// the execution was stopped.
    pub fn require<A: Task>(&self) -> Result<Input<A>, RequireError> {
        self.settings().require()
    }

    /// Sets a parameter for what is required next: of that task, or of one that it requires.
    pub fn with<K: Task, V: Parameter>(
        &self,
        key: Param<K, V>,
        value: impl IntoParam<V>,
    ) -> With<'_, T> {
        self.settings().with(key, value)
    }

    /// Sets a parameter to one value after the other.
    ///
    /// ```
    /// # use flow::prelude::*;
    /// # #[derive(Task)]
    /// # #[task(target = Json<f64>)]
    /// # struct Fit { c: f64, degree: u32 }
    /// # #[tracked]
    /// # impl Run for Fit {
    /// #     fn run(&self, _cx: &Cx<Self>) -> Result<f64> { Ok(self.c * f64::from(self.degree)) }
    /// # }
    /// # #[derive(Task)]
    /// # #[task(target = Json<f64>)]
    /// # struct Best;
    /// # #[tracked]
    /// # impl Run for Best {
    /// #     fn run(&self, cx: &Cx<Self>) -> Result<f64> {
    /// // All six, in parallel.
    /// let fits = cx.over(Fit::C, [0.1, 1.0]).over(Fit::DEGREE, 1..=3).require::<Fit>()?;
    /// let scores: Vec<f64> = fits.iter().map(|fit| Ok(*fit.load()?)).collect::<Result<_>>()?;
    /// # assert_eq!(scores, [0.1, 0.2, 0.1 * 3.0, 1.0, 2.0, 3.0]);
    /// #         Ok(scores.into_iter().fold(0.0, f64::max))
    /// #     }
    /// # }
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let flow = Flow::open(folder.path())?.quiet();
    /// # assert_eq!(flow.run::<Best>()?.ran().len(), 7);
    /// # assert_eq!(*flow.load::<Best>()?, 3.0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn over<K: Task, V: Parameter, I: IntoParam<V>>(
        &self,
        key: Param<K, V>,
        values: impl IntoIterator<Item = I>,
    ) -> Over<'_, T> {
        self.settings().over(key, values)
    }

    /// Names a setting of several parameters, beside which others are required.
    ///
    /// ```
    /// # use flow::prelude::*;
    /// # #[derive(Task)]
    /// # #[task(target = Json<f64>)]
    /// # struct Fit { #[param(default = 1.0)] c: f64, #[param(default = 1)] degree: u32 }
    /// # #[tracked]
    /// # impl Run for Fit {
    /// #     fn run(&self, _cx: &Cx<Self>) -> Result<f64> { Ok(self.c * f64::from(self.degree)) }
    /// # }
    /// # #[derive(Task)]
    /// # #[task(target = Json<f64>)]
    /// # struct Difference;
    /// # #[tracked]
    /// # impl Run for Difference {
    /// #     fn run(&self, cx: &Cx<Self>) -> Result<f64> {
    /// let fits = cx
    ///     .variant("line", |fit| fit)
    ///     .variant("curve", |fit| fit.with(Fit::DEGREE, 3).with(Fit::C, 0.5))
    ///     .require::<Fit>()?;
    /// let difference = *fits["curve"].load()? - *fits["line"].load()?;
    /// # assert_eq!(difference, 0.5);
    /// #         Ok(difference)
    /// #     }
    /// # }
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let flow = Flow::open(folder.path())?.quiet();
    /// # assert_eq!(flow.run::<Difference>()?.ran().len(), 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn variant(
        &self,
        name: &str,
        set: impl FnOnce(With<'_, T>) -> With<'_, T>,
    ) -> Variants<'_, T> {
        self.settings().variant(name, set)
    }

    fn settings(&self) -> With<'_, T> {
        With { cx: self, setting: Setting::default() }
    }

    /// Requires instances of one task, with these settings, and waits for them.
    pub(super) fn require_all<A: Task>(
        &self,
        settings: Vec<Setting>,
    ) -> Vec<Result<Input<A>, RequireError>> {
        let task = TaskType::of::<A>();
        registry::remember(task);
        if settings.is_empty() {
            return Vec::new();
        }
        let required =
            self.host.require(task, settings.into_iter().map(|setting| setting.typed).collect());
        required.into_iter().map(|handle| handle.map(Input::new)).collect()
    }
}

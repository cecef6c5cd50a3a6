//! Dynamic requirements: tasks that a task requires while it runs.

use super::{Cx, Over, Variants, With};
use crate::task::error::RequireError;
use crate::task::input::Input;
use crate::task::param::{IntoParam, ParamKey};
use crate::task::registry;
use crate::task::setting::Setting;
use crate::task::{Task, TaskType};

/// # Dynamic requirements
///
/// Some tasks know their requirements only while they run. An example is a search: which parameter values it tries next
/// depends on the scores of earlier ones. Such a task calls [`require`](Self::require) while it runs, and waits for the
/// output.
///
/// ```
/// use flow::prelude::*;
///
/// /// How far the square of a guess is from a number.
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
/// /// The square root of a number, by bisection.
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
/// assert!(flow.is_complete::<Root>()?); // as long as the outputs of all guesses are unchanged
///
/// // A value that was given to the task reaches the tasks that it requires.
/// let three = flow.with(Root::OF, 3.0);
/// three.run::<Root>()?;
/// assert!((*three.load::<Root>()? - 3_f64.sqrt()).abs() < 0.1);
/// # Ok(())
/// # }
/// ```
///
/// Instances that are not complete run on the workers of the run. The waiting task occupies no worker. An instance
/// that several tasks require runs once.
///
/// The record of the output lists the required instances and the digests of their outputs. A later plan
/// checks them in the same order. If all are unchanged, the output is complete. If one of them has to run before
/// that can be decided, a run runs it first.
///
/// **The parameters of a required task** follow from the instance that requires it, so that a later plan can
/// resolve them in the same way. Each parameter takes the first of:
///
/// 1. the value that [`with`](Self::with) sets, for the required task or for tasks further upstream;
/// 2. the value that the same parameter has upstream of the running instance, among the tasks of
///    `#[task(requires ...)]`, if it comes from outside the instance and is not the default;
/// 3. the instance's own value of the same name and type, if it is neither `local` nor the default;
/// 4. the parameter's default.
///
/// Other values that were given to the flow do not reach the required task. To pass one on, declare a parameter of the
/// same name on the task that requires it.
///
/// **A failure** of a required task is an error that the running task may handle. So is a cycle: a required task that
/// itself waits for the running one. An output that was computed although a required task had failed is never
/// complete: tasks that require it in the same run get it, but it cannot be loaded afterwards, and the next run
/// runs its task again. If a failure is a result like any other, return it as a value, such as
/// `Json<Option<f64>>`.
///
/// **A later plan** finds the required tasks by their names. A task without type parameters is known if
/// its crate is linked into the program; if the program uses nothing else of that crate, write
/// `use that_crate as _;`. A task with type parameters, such as `Fit<Ols>`, is known if
/// a task in the flow names it in `requires` or `may_require(Fit<Ols>)`, or if it was required in this
/// process. A required task that is not known is a reason to run.
impl<T: Task> Cx<T> {
    /// Requires a task, and waits for its output.
    ///
    /// # Errors
    ///
    /// The task failed or requires the running task, its parameters or requirements cannot be resolved, or
    /// the execution was stopped.
    pub fn require<A: Task>(&self) -> Result<Input<A>, RequireError> {
        self.settings().require()
    }

    /// Sets a parameter of the task that is required next, or of a task upstream of it.
    pub fn with<P: ParamKey>(&self, key: P, value: impl IntoParam<P::Value>) -> With<'_, T> {
        self.settings().with(key, value)
    }

    /// Sets a parameter to each of several values, to require one instance for each.
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
    pub fn over<P: ParamKey, I: IntoParam<P::Value>>(
        &self,
        key: P,
        values: impl IntoIterator<Item = I>,
    ) -> Over<'_, T> {
        self.settings().over(key, values)
    }

    /// Adds a named setting of parameters, to require one instance for each of several settings.
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

    /// Requires instances of one task, one for each of the settings, and waits for all of them.
    pub(super) fn require_all<A: Task>(
        &self,
        settings: Vec<Setting>,
    ) -> Vec<Result<Input<A>, RequireError>> {
        let task = TaskType::of::<A>();
        registry::remember(task);
        if settings.is_empty() {
            return Vec::new();
        }
        let required = self
            .base
            .host
            .require(task, settings.into_iter().map(|setting| setting.typed).collect());
        required.into_iter().map(|handle| handle.map(Input::new)).collect()
    }
}

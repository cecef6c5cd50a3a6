//! A flow for tests, which accepts outputs as values.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use flow_core::__private::{HasOutput, Scratch};
use flow_core::{IntoParam, Output, ParamKey, Task};
use serde::Serialize;

use super::disk;

/// A [flow](crate::Flow) in a temporary folder, for which outputs can be given instead of computed.
///
/// It has all methods of a flow. Those listed here return a `testing::Flow` again.
#[derive(Clone)]
pub struct Flow(Scratch);

/// Defines methods of a flow that return a new one, by their names and arguments.
macro_rules! as_flow {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $ty:ty),*);)*) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(&self, $($argument: $ty),*) -> Self {
            Self(self.0.map(|flow| flow.$name($($argument),*)))
        })*
    };
}

impl Flow {
    pub(super) fn new() -> Self {
        // In a child that runs isolated tasks, this call does not return, and no folder is created.
        flow_core::process::take_over();
        let folder = tempfile::tempdir().expect("a temporary folder for a test");
        let store = folder.path().join("data");
        let fs = Arc::new(disk::Scratch::new(folder));
        let flow = crate::Flow::open_on(store, fs).expect("a store in a temporary folder");
        Self(Scratch::new(flow.quiet()))
    }

    /// Gives the output of all instances of a task, which then do not run.
    ///
    /// Nothing upstream of these instances is planned. Tasks that require them load this value,
    /// which is saved and loaded by the task's target, so that a loss in the target's format shows
    /// in the test, too.
    ///
    /// If several values are given, the last one applies. The task's own parameters still need
    /// values, because downstream tasks may read them. [`with_input_meta`](Self::with_input_meta)
    /// gives the metadata of the output. If the target is [`File`](crate::File), the value is the
    /// path of a file or folder, which is copied.
    ///
    /// A given output is stored under another key than a computed one, so that the two are never
    /// confused. Tasks downstream keep their keys.
    ///
    /// ```
    /// use flow::prelude::*;
    /// use flow::testing;
    ///
    /// #[derive(Task)]
    /// #[task(external, path = "data/words.txt", target = Text)]
    /// struct Words;
    ///
    /// #[derive(Task)]
    /// #[task(requires = Words, target = Json<usize>)]
    /// struct Count;
    ///
    /// #[tracked]
    /// impl Run for Count {
    ///     fn run(&self, cx: &Cx<Self>) -> Result<usize> {
    ///         Ok(cx.input().load()?.split_whitespace().count())
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// let flow = testing::flow().with_input::<Words>("to be or not".to_owned());
    /// flow.run::<Count>()?;
    /// assert_eq!(*flow.load::<Count>()?, 4);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_input<A: Task<__Kind: HasOutput>>(&self, value: Output<A>) -> Self {
        Self(self.0.with_output::<A>(None, value))
    }

    /// Gives the output of those instances of a task for which `applies` returns `true`.
    ///
    /// ```
    /// # use flow::prelude::*;
    /// # use flow::testing;
    /// #[derive(Task)]
    /// #[task(target = Json<f64>)]
    /// struct Price {
    ///     symbol: String,
    /// }
    /// # #[tracked]
    /// # impl Run for Price {
    /// #     fn run(&self, _cx: &Cx<Self>) -> Result<f64> { bail!("no network") }
    /// # }
    ///
    /// #[derive(Task)]
    /// #[task(requires(a = Price { symbol: "A" }, b = Price { symbol: "B" }), target = Json<f64>)]
    /// struct Spread;
    /// # #[tracked]
    /// # impl Run for Spread {
    /// #     fn run(&self, cx: &Cx<Self>) -> Result<f64> {
    /// #         Ok(*cx.input().a.load()? - *cx.input().b.load()?)
    /// #     }
    /// # }
    ///
    /// # fn main() -> Result<()> {
    /// let flow = testing::flow()
    ///     .with_input_for::<Price>(|price| price.symbol == "A", 5.0)
    ///     .with_input_for::<Price>(|price| price.symbol == "B", 3.0);
    /// flow.run::<Spread>()?;
    /// assert_eq!(*flow.load::<Spread>()?, 2.0);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_input_for<A: Task<__Kind: HasOutput>>(
        &self,
        applies: impl Fn(&A) -> bool + Send + Sync + 'static,
        value: Output<A>,
    ) -> Self {
        Self(self.0.with_output::<A>(Some(Box::new(applies)), value))
    }

    /// Records metadata of the output of `A` that was given last, like `cx.meta` in `A`.
    ///
    /// # Panics
    ///
    /// Panics if no output of `A` was given, or if the value cannot be serialized as JSON.
    #[must_use]
    #[track_caller]
    pub fn with_input_meta<A: Task>(&self, name: &str, value: impl Serialize) -> Self {
        let task = flow_core::__private::short_name::<A>();
        match self.0.with_meta::<A>(name, value) {
            Ok(Some(scratch)) => Self(scratch),
            Ok(None) => {
                panic!("no output of `{task}` was given: call `with_input::<{task}>(...)` first")
            }
            Err(error) => panic!("cannot record the metadata `{name}` of `{task}`: {error}"),
        }
    }

    /// Like [`Flow::with`](crate::Flow::with).
    #[must_use]
    pub fn with<P: ParamKey>(&self, key: P, value: impl IntoParam<P::Value>) -> Self {
        Self(self.0.map(|flow| flow.with(key, value)))
    }

    /// Like [`Flow::with_named`](crate::Flow::with_named).
    #[must_use]
    pub fn with_named(&self, name: &str, value: impl Serialize) -> Self {
        Self(self.0.map(|flow| flow.with_named(name, value)))
    }

    /// Like [`Flow::with_params`](crate::Flow::with_params).
    #[must_use]
    pub fn with_params(&self, params: impl Serialize) -> Self {
        Self(self.0.map(|flow| flow.with_params(params)))
    }

    /// Like [`Flow::provide`](crate::Flow::provide).
    #[must_use]
    pub fn provide<C: Send + Sync + 'static>(&self, handle: C) -> Self {
        Self(self.0.map(|flow| flow.provide(handle)))
    }

    /// Like [`Flow::force`](crate::Flow::force).
    #[must_use]
    pub fn force<A: Task>(&self) -> Self {
        Self(self.0.map(crate::Flow::force::<A>))
    }

    as_flow! {
        /// Like [`Flow::workers`](crate::Flow::workers).
        workers(workers: usize);
        /// Like [`Flow::retries`](crate::Flow::retries).
        retries(retries: u32);
        /// Like [`Flow::backoff`](crate::Flow::backoff).
        backoff(backoff: impl Into<crate::Backoff>);
        /// Like [`Flow::timeout`](crate::Flow::timeout).
        timeout(timeout: Duration);
        /// Like [`Flow::offer`](crate::Flow::offer).
        offer(resource: &str, amount: impl crate::Amount);
        /// Like [`Flow::on_failure`](crate::Flow::on_failure).
        on_failure(on_failure: crate::OnFailure);
        /// Like [`Flow::allow_failures`](crate::Flow::allow_failures).
        allow_failures();
        /// Like [`Flow::force_roots`](crate::Flow::force_roots).
        force_roots();
        /// Like [`Flow::force_all`](crate::Flow::force_all).
        force_all();
        /// Like [`Flow::namespace`](crate::Flow::namespace).
        namespace(name: &str);
        /// Like [`Flow::reuse_from`](crate::Flow::reuse_from).
        reuse_from(source: impl Into<crate::store::ReuseSource>);
        /// Like [`Flow::trust`](crate::Flow::trust).
        trust(trust: crate::Trust);
        /// Like [`Flow::observe`](crate::Flow::observe).
        observe(observer: impl Fn(&crate::Event) + Send + Sync + 'static);
    }
}

impl Deref for Flow {
    type Target = crate::Flow;

    fn deref(&self) -> &crate::Flow {
        self.0.flow()
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

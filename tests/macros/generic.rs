//! Tasks with type parameters and constants.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use wf::__private::Declared;
use wf::prelude::*;
use wf::testing::{self, assert_ran};

/// No bound beyond `Tracked`, which implies `Send`, `Sync` and `'static`.
trait Model: Tracked {
    type Fitted: Serialize + DeserializeOwned + Send + Sync + 'static;
    fn fit() -> Self::Fitted;
}

#[tracked]
#[derive(Clone)]
struct Ols;

impl Model for Ols {
    type Fitted = u64;
    fn fit() -> u64 {
        1
    }
}

/// A bound of its own, a default for each parameter, and a where-clause.
#[derive(Task)]
#[task(target = Json<M::Fitted>, name = "Fit")]
struct Fit<M: Model + Tracked = Ols, const N: usize = 2>
where
    M::Fitted: Clone,
{
    #[param(default = 0.5, range = 0.0..=1.0)]
    c: f64,
    #[param(default = N)]
    n: usize,
    of: PhantomData<M>,
}

#[tracked]
impl<M: Model + Tracked, const N: usize> Run for Fit<M, N>
where
    M::Fitted: Clone,
{
    fn run(&self, _: &Cx<Self>) -> Result<M::Fitted> {
        ensure!(self.c > 0.0 && self.n > 0, "nothing to fit: {:?}", self.of);
        Ok(M::fit())
    }
}

#[derive(Task)]
#[task(requires(fit = Fit<M> { c: 0.25 } with Fit::<M>::N = 3), target = Json<u8>)]
struct Score<M: Model>
where
    M::Fitted: Clone,
{
    of: PhantomData<M>,
}

#[tracked]
impl<M: Model> Run for Score<M>
where
    M::Fitted: Clone,
{
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        let fit: &Input<Fit<M>> = &cx.input().fit;
        ensure!(fit.task().n == 3, "the requirement sets `n`");
        Ok(1)
    }
}

#[derive(Task)]
#[task(
    requires(Score<Ols>, Fit<Ols, 4> { n: 3 }),
    may_require(Fit<Ols, 5>, Fit),
    target = Json<u64>,
)]
struct ReportOfFits;

#[tracked]
impl Run for ReportOfFits {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let (score, fit): &(Input<Score<Ols>>, Input<Fit<Ols, 4>>) = cx.input();
        let required = *cx.require::<Fit<Ols, 5>>()?.load()?;
        Ok(u64::from(*score.load()?) + *fit.load()? + required)
    }
}

/// A bound inline, and a where-clause about another parameter.
#[derive(Task)]
#[task(target = Json<u8>)]
struct InlineAndWhere<A: Model + Clone, B, const N: u8>
where
    B: Model + Clone,
    B::Fitted: Clone,
{
    models: PhantomData<fn() -> (A, B)>,
}

#[tracked]
impl<A: Model + Clone, B, const N: u8> Run for InlineAndWhere<A, B, N>
where
    B: Model + Clone,
    B::Fitted: Clone,
{
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(N)
    }
}

#[derive(Clone, Tracked)]
struct Ridge<M: Model = Ols>(PhantomData<M>);

impl<M: Model> Model for Ridge<M> {
    type Fitted = M::Fitted;
    fn fit() -> M::Fitted {
        M::fit()
    }
}

/// Renamed: the name of each type has its arguments.
#[derive(Task)]
#[task(target = Json<usize>, was = "Fit")]
struct TrainOfSize<const N: usize>;

#[tracked]
impl<const N: usize> Run for TrainOfSize<N> {
    fn run(&self, _cx: &Cx<Self>) -> Result<usize> {
        Ok(N)
    }
}

#[test]
fn the_name_has_the_arguments() {
    assert_eq!(<Fit<Ols> as Declared>::__decl().name, "Fit<Ols, 2>");
    assert_eq!(<Fit<Ols, 4> as Declared>::__decl().name, "Fit<Ols, 4>");
    assert_eq!(<Score<Ols> as Declared>::__decl().name, "Score<Ols>");
    assert_eq!(<Score<Ols> as Declared>::__decl().target, "Json<u8>");
    assert_eq!(<TrainOfSize<3> as Declared>::__decl().was.as_deref(), Some("Fit<3>"));
}

#[test]
fn a_generic_task_is_declared_for_each_type() {
    assert_eq!(<ReportOfFits as Declared>::task_requires_itself, 3);
    assert_eq!(Fit::<Ols>::C.name(), "c");
    let mut may = 0;
    <ReportOfFits as Declared>::__may_require(&mut |_| may += 1);
    assert_eq!(may, 2);
}

#[test]
fn generic_tasks_run() -> Result<()> {
    let flow = testing::flow();
    let run = flow.run::<ReportOfFits>()?;
    let tasks = ["ReportOfFits", "Score<Ols>", "Fit<Ols, 2>", "Fit<Ols, 4>", "Fit<Ols, 5>"];
    assert_ran(&run, tasks);
    assert_eq!(*flow.load::<ReportOfFits>()?, 3);
    let graph = flow.graph::<ReportOfFits>();
    assert_eq!(graph.instance::<Fit<Ols, 4>>()?.n, 3);
    assert_eq!(graph.instance::<Fit>()?.n, 3);
    Ok(())
}

#[test]
fn bounds_stand_in_both_places() -> Result<()> {
    let flow = testing::flow();
    flow.run::<(InlineAndWhere<Ridge, Ridge<Ols>, 7>, Fit<Ridge>, TrainOfSize<3>)>()?;
    assert_eq!(*flow.load::<InlineAndWhere<Ridge, Ridge<Ols>, 7>>()?, 7);
    assert_eq!(*flow.load::<Fit<Ridge>>()?, 1);
    assert_eq!(*flow.load::<TrainOfSize<3>>()?, 3);
    Ok(())
}

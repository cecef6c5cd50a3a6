//! Tasks with type parameters and constants.
#![deny(warnings)]

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

use std::marker::PhantomData;

trait Model: Tracked + Send + Sync + 'static {
    type Fitted: Send + Sync + 'static;
    fn fit() -> Self::Fitted;
}

#[tracked]
struct Ols;

impl Model for Ols {
    type Fitted = f64;
    fn fit() -> f64 {
        1.0
    }
}

#[derive(Task)]
#[task(target = Keep<M::Fitted>, name = "Fit")]
struct Fit<M: Model, const N: usize = 2>
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
impl<M: Model, const N: usize> Run for Fit<M, N>
where
    M::Fitted: Clone,
{
    fn run(&self, _: &Cx<Self>) -> Result<M::Fitted> {
        let _ = (self.c, self.n, self.of);
        Ok(M::fit())
    }
}

#[derive(Task)]
#[task(requires(fit = Fit<M> { c: 0.25 } with Fit<Ols, 3>::C = 1.0, Fit::<Ols>::N = 3), target = Keep<u8>)]
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
        let _: &Input<Fit<M>> = &cx.input().fit;
        let _ = self.of;
        Ok(1)
    }
}

#[derive(Task)]
#[task(
    requires(Score<Ols>, Fit<Ols, 4> { n: 3 }),
    may_require(Fit<Ols, 5>, Report),
    target = Keep<u8>,
)]
struct Report;

#[tracked]
impl Run for Report {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        let _: &(Input<Score<Ols>>, Input<Fit<Ols, 4>>) = cx.input();
        Ok(1)
    }
}

fn main() {
    assert_eq!(<Fit<Ols> as flow::__private::Declared>::__decl().name, "Fit<Ols, 2>");
    assert_eq!(<Fit<Ols, 4> as flow::__private::Declared>::__decl().name, "Fit<Ols, 4>");
    assert_eq!(<Score<Ols> as flow::__private::Declared>::__decl().name, "Score<Ols>");
    assert_eq!(<Score<Ols> as flow::__private::Declared>::__decl().target, "Keep<u8>");
    assert_eq!(<Report as flow::__private::Declared>::task_requires_itself, 3);
    assert_eq!(Fit::<Ols>::C.name(), "c");
    let mut may = 0;
    <Report as flow::__private::Declared>::__may_require(&mut |_| may += 1);
    assert_eq!(may, 2);
}

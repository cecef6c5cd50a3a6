//! Tasks for sweeps: a model with a parameter upstream, and metadata that is not always a number.

use flow::page::PageOptions;
use flow::prelude::*;

use crate::Page;

/// Prepares the data.
#[derive(Task)]
#[task(target = Json<u64>)]
pub(crate) struct Prepare {
    #[param(default = true)]
    pub(crate) scale: bool,
}

#[tracked]
impl Run for Prepare {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let rows = if self.scale { 10 } else { 20 };
        cx.meta("rows", rows)?;
        Ok(rows)
    }
}

/// Fits a model.
#[derive(Task)]
#[task(requires = Prepare, target = Json<f64>)]
pub(crate) struct Fit {
    #[param(default = 1.0)]
    pub(crate) c: f64,
    #[param(default = "ols")]
    pub(crate) model: String,
}

#[tracked]
impl Run for Fit {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        let of_model = if self.model == "gbm" { 0.0 } else { 0.25 };
        let of_rows = if *cx.input().load()? == 10 { 0.0 } else { 0.125 };
        let loss = (self.c.log10() - 0.5).abs() + of_model + of_rows;
        cx.meta("loss", loss)?;
        Ok(loss)
    }
}

/// Records a score of another kind for each number.
#[derive(Task)]
#[task(target = Json<u32>)]
pub(crate) struct Odd {
    #[param(default = 4)]
    pub(crate) n: u32,
}

#[tracked]
impl Run for Odd {
    fn run(&self, cx: &Cx<Self>) -> Result<u32> {
        ensure!(self.n < 9, "{} is too large", self.n);
        match self.n {
            0 => cx.meta("score", f64::NAN)?,
            1 => cx.meta("score", f64::INFINITY)?,
            2 => cx.meta("score", "bad")?,
            3 => cx.meta("other", 1)?,
            _ => cx.meta("score", 1.5)?,
        };
        Ok(self.n)
    }
}

/// Returns the page of a sweep with twelve variants.
pub(crate) fn fits() -> Page {
    let page = Page::new::<Fit>(PageOptions::new(), |flow| flow);
    let sweep = page.flow.sweep::<Fit>().over(Prepare::SCALE, [true, false]);
    let sweep = sweep.over(Fit::C, [0.01, 1.0, 100.0]).over(Fit::MODEL, ["gbm", "ols"]);
    sweep.run().expect("they run");
    page
}

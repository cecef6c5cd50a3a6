//! Name collisions: two tasks of one name, two fields for one parameter, and task names that are equal
//! only after they are escaped.

use std::marker::PhantomData;

use flow::prelude::*;

use crate::support::{flow, preview};

trait Model: Tracked + Send + Sync + 'static {
    const VALUE: u64;
}

mod first {
    #[flow::tracked]
    pub(super) struct Ols;
    impl super::Model for Ols {
        const VALUE: u64 = 1;
    }
}

mod second {
    #[flow::tracked]
    pub(super) struct Ols;
    impl super::Model for Ols {
        const VALUE: u64 = 2;
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Fit<M: Model> {
    model: PhantomData<M>,
}

#[tracked]
impl<M: Model> Run for Fit<M> {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(M::VALUE)
    }
}

#[test]
fn two_tasks_of_one_name_in_a_store_are_an_error() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Fit<first::Ols>>()?;
    let error = flow.is_complete::<Fit<second::Ols>>().expect_err("the name is taken");
    assert!(error.to_string().starts_with("two tasks are called `Fit<Ols>`"), "{error}");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Source {
    #[param(default = 0)]
    x: u64,
}

#[tracked]
impl Run for Source {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.x)
    }
}

#[derive(Task)]
#[task(target = Json<(u64, u64)>)]
struct Two {
    x: u64,
    #[param(from = Source::X)]
    y: u64,
}

#[tracked]
impl Run for Two {
    fn run(&self, _cx: &Cx<Self>) -> Result<(u64, u64)> {
        Ok((self.x, self.y))
    }
}

#[test]
fn two_fields_for_one_parameter_are_an_error() {
    let (flow, _folder) = flow();
    let error = flow.with(Two::X, 1).preview::<Two>().expect_err("both are `x`");
    assert_eq!(
        error.to_string(),
        "`Two.x` and `Two.y` are both the parameter `x` that is passed on: leave one of them out, or \
         give it a type of its own"
    );
}

#[derive(Task)]
#[task(target = Json<u32>)]
struct Letter<const C: char>;

#[tracked]
impl<const C: char> Run for Letter<C> {
    fn run(&self, _cx: &Cx<Self>) -> Result<u32> {
        Ok(C.into())
    }
}

#[test]
fn a_reset_spares_a_task_whose_name_escapes_to_the_same_text() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<(Letter<'/'>, Letter<':'>)>()?;
    assert_eq!(flow.store().clear_task::<Letter<'/'>>()?.instances.len(), 1);
    assert!(flow.is_complete::<Letter<':'>>()?);
    assert!(!flow.is_complete::<Letter<'/'>>()?);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Count {
    c: u64,
}

#[tracked]
impl Run for Count {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.c)
    }
}

#[derive(Task)]
#[task(requires = Count { c: 3 }, target = Json<String>)]
struct Text {
    #[param(default = "a")]
    c: String,
}

#[tracked]
impl Run for Text {
    fn run(&self, cx: &Cx<Self>) -> Result<String> {
        Ok(self.c.repeat(*cx.input().load()? as usize))
    }
}

#[test]
fn a_named_value_must_fit_parameters_that_it_does_not_reach() -> Result<()> {
    let (flow, _folder) = flow();
    assert!(preview::<Text>(&flow).starts_with("Text {c: a} PENDING"));
    let error = flow.with_named("c", "text").preview::<Text>().expect_err("`Count.c` is a number");
    assert!(
        error.to_string().starts_with("the value given for `c` does not fit `Count.c`: "),
        "{error}"
    );
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u32>)]
struct Unwritten;

#[tracked]
impl Run for Unwritten {
    fn run(&self, _cx: &Cx<Self>) -> Result<u32> {
        Ok(1)
    }
}

#[derive(Task)]
#[task(requires = Unwritten, target = Json<u32>, name = "the-root")]
struct Root;

#[tracked]
impl Run for Root {
    fn run(&self, cx: &Cx<Self>) -> Result<u32> {
        Ok(*cx.input().load()?)
    }
}

#[test]
fn loading_a_pending_output_names_the_root_to_run() {
    let (flow, _folder) = flow();
    let remedy = |error: flow::Error| error.to_string();
    assert_eq!(
        remedy(flow.graph::<Root>().load::<Unwritten>().expect_err("nothing has run")),
        "Unwritten is not complete (never run): run it with `flow.run::<Root>()`"
    );
    assert_eq!(
        remedy(flow.graph::<(Root, Unwritten)>().load::<Root>().expect_err("nothing has run")),
        "the-root is not complete (never run): run it with `flow.run::<(Root, Unwritten)>()`"
    );
}

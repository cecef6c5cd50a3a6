//! The facade under a path of the user's: each macro takes `crate = ...`.

use std::marker::PhantomData;

use wf::prelude::*;
use wf::testing::{self, assert_ran};

#[derive(Task)]
#[task(target = Json<u8>, crate = crate::reexport::flow)]
struct OfReexport;

#[tracked(crate = crate::reexport::flow)]
impl Run for OfReexport {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

#[derive(Outputs)]
#[outputs(crate = crate::reexport::flow)]
struct Halves {
    #[output(Json)]
    left: u8,
    #[output(Json)]
    right: u8,
}

#[task(requires = OfReexport, outputs = Halves, crate = crate::reexport::flow)]
fn halves_of_reexport(input: u8, #[param(default = 3, range = 1..4)] n: u8) -> Halves {
    Halves { left: input, right: n }
}

#[derive(Tracked)]
#[tracked(crate = crate::reexport::flow)]
struct Derived;

#[tracked(crate = crate::reexport::flow)]
struct Attributed;

#[derive(Task)]
#[task(requires(load = OfReexport), target = Json<u8>, crate = ::wf)]
struct OfRenamed<M: Tracked> {
    #[param(default = 3, range = 1..4)]
    n: u8,
    of: PhantomData<M>,
}

#[tracked(crate = ::wf)]
impl<M: Tracked> Run for OfRenamed<M> {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        Ok(self.n + *cx.input().load.load()?)
    }
}

#[test]
fn the_path_of_the_facade_can_be_written() -> Result<()> {
    let flow = testing::flow();
    assert_ran(&flow.run::<halves_of_reexport>()?, ["OfReexport", "halves_of_reexport"]);
    let halves = flow.output::<halves_of_reexport>()?;
    assert_eq!((*halves.load_one(Halves::LEFT)?, *halves.load_one(Halves::RIGHT)?), (1, 3));
    flow.run::<(OfRenamed<Derived>, OfRenamed<Attributed>)>()?;
    assert_eq!(*flow.load::<OfRenamed<Derived>>()?, 4);
    assert_eq!(*flow.load::<OfRenamed<Attributed>>()?, 4);
    Ok(())
}

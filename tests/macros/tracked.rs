//! `#[tracked]` with each of its options, and above each item that it accepts.
#![allow(dead_code)]

use std::marker::PhantomData;

use wf::prelude::*;
use wf::testing::{self, assert_ran};

trait Model: Send + Sync + 'static {
    fn fit() -> u8;
}

#[tracked]
struct Ols;

#[derive(Tracked)]
enum Ridge {
    Weak,
    Strong,
}

#[tracked]
union Bits {
    whole: u8,
}

#[derive(Tracked)]
struct Boosted<'a, M: Model, const N: usize>(PhantomData<&'a M>);

#[tracked]
struct WithWhere<M>
where
    M: Model,
{
    of: PhantomData<M>,
}

impl Model for Ols {
    fn fit() -> u8 {
        1
    }
}

impl<M: Model, const N: usize> Model for Boosted<'static, M, N> {
    fn fit() -> u8 {
        M::fit()
    }
}

impl<M: Model> Model for WithWhere<M> {
    fn fit() -> u8 {
        M::fit() + 1
    }
}

#[derive(Task)]
#[task(target = Json<u8>)]
struct TrainTracked<M: Model + Tracked, const N: usize> {
    model: PhantomData<M>,
}

#[tracked]
impl<M, const N: usize> Run for TrainTracked<M, N>
where
    M: Model + Tracked,
{
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(M::fit())
    }
}

#[derive(Task)]
#[task(target = Json<u8>)]
struct WholeCrate;

// The crate has functions that no configuration compiles and that name no type, which cannot be followed.
#[allow(deprecated)]
#[tracked(crate, lock)]
impl Run for WholeCrate {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

#[derive(Task)]
#[task(target = Json<u8>)]
struct BodyAlone<T: Send> {
    of: PhantomData<T>,
}

// The body alone needs no code of its type argument.
#[tracked(body, lock)]
impl<T: Send + Sync + 'static> Run for BodyAlone<T> {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

#[allow(deprecated)]
#[task(target = Json<u8>, tracked(crate))]
fn whole_crate_of_function() -> u8 {
    1
}

#[task(target = Json<u8>, tracked(body,))]
fn body_of_function() -> u8 {
    1
}

fn has_code<T: Tracked>() {}

macro_rules! task {
    ($name:ident, $value:expr) => {
        #[derive(Task)]
        #[task(target = Json<u8>)]
        struct $name;

        #[tracked]
        impl Run for $name {
            fn run(&self, _: &Cx<Self>) -> Result<u8> {
                Ok($value)
            }
        }
    };
}

task!(OneOfMacro, 1);
task!(TwoOfMacro, 1 + 1);

macro_rules! described {
    ($visibility:vis $name:ident, $file:literal, $model:ty) => {
        #[task(target = Json<(String, u8)>)]
        $visibility fn $name() -> (String, u8) {
            (include_str!($file).trim().to_owned(), <$model>::fit() + Described::LIMIT)
        }
    };
}

macro_rules! limited {
    ($($name:ident),*) => {
        $(
            struct $name;

            impl $name {
                const LIMIT: u8 = 1;
            }
        )*
    };
}

limited!(Unused, Described);
// The values of `$visibility`, `$file` and `$model` come in groups without brackets.
described!(of_three, "data/3.json", Ols);
described!(pub of_seven, "data/7.json", WithWhere<Ols>);

#[task(target = Json<u8>)]
fn inside() -> u8 {
    limited!(First, Second);
    First::LIMIT + Second::LIMIT
}

#[test]
fn functions_of_macros_are_followed_without_a_warning() -> Result<()> {
    let flow = testing::flow();
    flow.run::<(of_three, of_seven, inside)>()?;
    assert_eq!(*flow.load::<of_three>()?, ("3".to_owned(), 2));
    assert_eq!(*flow.load::<of_seven>()?, ("7".to_owned(), 3));
    assert_eq!(*flow.load::<inside>()?, 2);
    assert_ne!(<of_three as Run>::CODE, <of_seven as Run>::CODE);
    Ok(())
}

#[test]
fn types_have_code() {
    has_code::<TrainTracked<Boosted<'static, Ols, 3>, 2>>();
    has_code::<Vec<(Ridge, Option<[Bits; 2]>)>>();
    has_code::<(WholeCrate, OneOfMacro, TwoOfMacro)>();
    has_code::<(body_of_function, WithWhere<Ols>)>();
    assert_ne!(<OneOfMacro as Run>::CODE, <TwoOfMacro as Run>::CODE);
}

#[test]
fn tracked_tasks_run() -> Result<()> {
    let flow = testing::flow();
    let run = flow.run::<(WholeCrate, BodyAlone<u8>, TrainTracked<WithWhere<Ols>, 1>)>()?;
    assert_ran(&run, ["WholeCrate", "BodyAlone<u8>", "TrainTracked<WithWhere<Ols>, 1>"]);
    assert_eq!(*flow.load::<TrainTracked<WithWhere<Ols>, 1>>()?, 2);
    let run = flow.run::<(whole_crate_of_function, body_of_function)>()?;
    assert_ran(&run, ["whole_crate_of_function", "body_of_function"]);
    Ok(())
}

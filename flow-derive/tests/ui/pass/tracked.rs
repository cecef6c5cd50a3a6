//! `#[tracked]` with all that it takes, and above all that it may stand.

#![deny(warnings)]
#![allow(dead_code)]

#[path = "../prelude.rs"]
mod prelude;
use std::marker::PhantomData;

use prelude::*;

trait Model: Send + Sync + 'static {
    fn fit() -> u8;
}

#[tracked]
struct Ols;

#[derive(Tracked)]
pub(crate) enum Ridge {
    Weak,
    Strong,
}

#[tracked]
union Bits {
    whole: u8,
}

#[derive(Tracked)]
struct Boosted<'a, M: Model, const N: usize>(PhantomData<&'a M>);

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

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Train<M: Model + Tracked, const N: usize> {
    model: PhantomData<M>,
}

#[tracked]
impl<M, const N: usize> Run for Train<M, N>
where
    M: Model + Tracked,
{
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(M::fit())
    }
}

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Whole;

#[tracked(crate, lock)]
impl Run for Whole {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Body<T: Send> {
    of: PhantomData<T>,
}

// The impl alone needs no code of its type argument.
#[tracked(body, lock)]
impl<T: Send + Sync + 'static> Run for Body<T> {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

fn has_code<T: Tracked>() {}

macro_rules! task {
    ($name:ident, $value:expr) => {
        #[derive(Task)]
        #[task(target = Keep<u8>)]
        struct $name;

        #[tracked]
        impl Run for $name {
            fn run(&self, _: &Cx<Self>) -> Result<u8> {
                Ok($value)
            }
        }
    };
}

task!(One, 1);
task!(Two, 1 + 1);

fn main() {
    has_code::<Train<Boosted<'static, Ols, 3>, 2>>();
    has_code::<Vec<(Ridge, Option<[Bits; 2]>)>>();
    has_code::<(Whole, One, Two)>();

    #[derive(Task)]
    #[task(target = Keep<u8>)]
    struct Inside;

    #[tracked]
    impl Run for Inside {
        fn run(&self, _: &Cx<Self>) -> Result<u8> {
            Ok(1)
        }
    }
    has_code::<Inside>();
}

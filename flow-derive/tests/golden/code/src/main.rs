//! All kinds of items and of syntax, which tasks reach in all kinds of ways.
//!
//! The tables of these tasks are kept by a test of `flow-derive`. This file is never compiled, but
//! it is Rust.

#[macro_use]
mod macros;
#[path = "odd/weighing.rs"]
mod weights;
mod kinds;
mod parts;
mod values;

use std::collections::BTreeMap as Map;

use beside::Wide;
use flow::prelude::*;
use kinds::{Model, Shape, Shape::*, fit_all};
use parts::prelude::*;
use weights::weigh as by_place;

use self::values::{LIMIT, TABLE as STEPS};

/// Functions, constants and what they lead to.
#[derive(Task)]
#[task(target = Json<f64>)]
struct Functions {
    #[param(default = 3)]
    times: u32,
}

#[tracked]
impl Run for Functions {
    fn run(&self, _cx: &Cx<Self>) -> Result<f64> {
        let mut all = Vec::with_capacity(LIMIT);
        'outer: for i in 0..self.times {
            for (place, step) in STEPS.iter().enumerate() {
                let Some(x) = step(f64::from(i)) else { continue 'outer };
                if let 1.. = place
                    && x > 1e-3
                {
                    break 'outer;
                }
                all.push(x * by_place(place) + values::closure()(x) as f64);
            }
        }
        // A comment, /* and one in it. */
        Ok(all.into_iter().sum::<f64>() + beside::shallow(0.5) + unsafe { values::raw() })
    }
}

/// Types, traits, impls and objects.
#[derive(Task)]
#[task(requires = Functions, target = Json<Row>)]
struct Types;

#[tracked]
impl Run for Types {
    fn run(&self, cx: &Cx<Self>) -> Result<Row> {
        let x = *cx.input().load()?;
        let models: [Box<dyn Model>; 2] = [Box::new(kinds::Mean), Box::new(kinds::Line { x })];
        let shape = match x {
            x if x < 0.0 => Circle(x),
            0.0..=1.0 => Square { side: x },
            _ => Shape::r#Nothing,
        };
        let wide = Wide::default() + Wide { x: [x; beside::WIDTH] };
        let row = Row { area: shape.area(), fitted: fit_all(&models), ..Row::default() };
        Ok(row.normalised::<2>(wide.x[0] as _))
    }
}

/// Macros, files, features and the environment.
#[derive(Task)]
#[task(target = Json<String>)]
struct Macros;

#[tracked]
impl Run for Macros {
    fn run(&self, _cx: &Cx<Self>) -> Result<String> {
        let counts: Map<_, _> = counts!("one" => 1, "two" => 2);
        let table = include_str!("../data/table.csv");
        let codes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/codes.bin"));
        let sum: u8 = include!("../data/sum.in");
        let width = doubled(thumbs());
        let shown = format!("{table}{width:>1$}{LIMIT}{:?}", counts, 3);
        let set = option_env!("GOLDEN_IS_NEVER_SET").is_some();
        if cfg!(feature = "fast") { Ok(shown) } else { Ok(format!("{codes:?}{sum}{set}")) }
    }
}

/// Generic over a type, whose code is its own.
#[derive(Task)]
#[task(target = Json<f64>)]
struct Generic<M: Model> {
    model: PhantomData<M>,
}

#[tracked]
impl<M> Run for Generic<M>
where
    M: Model + Tracked + Default,
{
    fn run(&self, _cx: &Cx<Self>) -> Result<f64> {
        Ok(<M as Model>::fit(&M::default(), &[1.0; 3]))
    }
}

#[tracked]
struct Ols {
    rate: f32,
}

impl Model for Ols {
    const NAME: &'static str = "ols";

    fn fit(&self, xs: &[f64]) -> f64 {
        xs.iter().copied().map(f64::from).fold(f64::from(self.rate), f64::max)
    }
}

/// Its body alone.
#[derive(Task)]
#[task(target = Json<u8>)]
struct Body;

#[tracked(body)]
impl Run for Body {
    fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
        Ok(helper_of_nobody())
    }
}

/// Everything.
#[derive(Task)]
#[task(target = Json<u8>)]
struct Whole;

#[tracked(crate)]
impl Run for Whole {
    fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
        Ok(0b1010_0001 ^ 0xff_u8 & !0o17)
    }
}

fn helper_of_nobody() -> u8 {
    b'\''
}

fn main() {}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_no_code() {}
}

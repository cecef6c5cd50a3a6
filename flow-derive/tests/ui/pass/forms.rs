//! Every form of `requires`.
#![deny(warnings)]

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

use std::collections::{BTreeMap, BTreeSet};

/// The prices of one symbol.
#[derive(Task)]
#[task(target = Keep<u8>)]
struct Price {
    /// The symbol.
    symbol: String,
    #[param(default = 1)]
    n: usize,
}

#[tracked]
impl Run for Price {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(1)
    }
}

#[derive(Task)]
#[task(target = Keep<u8>(level = 3))]
struct Weather;

#[tracked]
impl Run for Weather {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(2)
    }
}

#[derive(Task)]
#[task(requires = Weather, target = Keep<u8>)]
struct One {}

#[tracked]
impl Run for One {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        let _: &Input<Weather> = cx.input();
        Ok(0)
    }
}

#[derive(Task)]
#[task(requires(Weather), target = Keep<u8>)]
struct OneInParentheses {}

#[tracked]
impl Run for OneInParentheses {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        let _: &Input<Weather> = cx.input();
        Ok(0)
    }
}

#[derive(Task)]
#[task(
    requires(Weather, Price { symbol: "A", n: 4 } with Other::A = false, Other::B = 3, Weather if self.a),
    target = Keep<u8>,
)]
struct Several {
    a: bool,
}

#[tracked]
impl Run for Several {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        let _: &(Input<Weather>, Input<Price>, Option<Input<Weather>>) = cx.input();
        Ok(0)
    }
}

#[derive(Task)]
#[task(target = Keep<u8>)]
struct Other {
    a: bool,
    b: u64,
}

#[tracked]
impl Run for Other {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(0)
    }
}

struct Pair {
    first: bool,
}

fn fallible(text: &str) -> Result<usize> {
    Ok(text.parse()?)
}

#[derive(Task)]
#[task(
    requires(
        one = Weather,
        set = Price { symbol: self.symbols[0].clone(), n: fallible("3")? } with Other::A = true,
        list = [Price { symbol } for symbol in &self.symbols if !symbol.is_empty()],
        map = {symbol => Price { symbol } for symbol in &self.symbols},
        owned = {symbol => Price { symbol, n: 3 } for symbol in self.symbols.clone()},
        days = {n => Price { symbol: "x", n } for n in 0..self.days},
        set_of = {id => Price { n: id as usize, symbol: "x" } for &id in self.ids.iter()},
        told = {format!("{symbol}!"): String => Price { symbol } for symbol in &self.symbols},
        maybe = Weather if Pair { first: true }.first,
        found = Price { symbol: "A", n } if let Some(n) = self.n,
        r#type = [Weather for _ in 0..fallible("2")?],
    ),
    target = Keep<u8>,
)]
struct Named {
    symbols: Vec<String>,
    days: usize,
    ids: BTreeSet<u8>,
    n: Option<usize>,
}

#[tracked]
impl Run for Named {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        let input = cx.input();
        let _: &Input<Weather> = &input.one;
        let _: &Input<Price> = &input.set;
        let _: &Vec<Input<Price>> = &input.list;
        let _: &BTreeMap<String, Input<Price>> = &input.map;
        let _: &BTreeMap<String, Input<Price>> = &input.owned;
        let _: &BTreeMap<usize, Input<Price>> = &input.days;
        let _: &BTreeMap<u8, Input<Price>> = &input.set_of;
        let _: &BTreeMap<String, Input<Price>> = &input.told;
        let _: &Option<Input<Weather>> = &input.maybe;
        let _: &Option<Input<Price>> = &input.found;
        let _: &Vec<Input<Weather>> = &input.r#type;
        Ok(0)
    }
}

#[derive(Task)]
#[task(requires = [Weather for _ in 0..3], target = Keep<u8>)]
struct List;

#[tracked]
impl Run for List {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        let _: &Vec<Input<Weather>> = cx.input();
        Ok(0)
    }
}

#[derive(Task)]
#[task(requires = {n: u8 => Weather for n in 0..3}, target = Keep<u8>)]
struct Map;

#[tracked]
impl Run for Map {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        let _: &BTreeMap<u8, Input<Weather>> = cx.input();
        Ok(0)
    }
}

/// A task may require itself while that comes to an end.
#[derive(Task)]
#[task(requires = Day { n: self.n - 1 } if self.n > 0, target = Keep<u8>)]
struct Day {
    n: u32,
}

#[tracked]
impl Run for Day {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        let _: &Option<Input<Day>> = cx.input();
        Ok(0)
    }
}

#[derive(Task)]
#[task(requires(before = Self { n: self.n - 1 } if self.n > 0), target = Keep<u8>)]
struct Night {
    n: u32,
}

#[tracked]
impl Run for Night {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        let _: &Option<Input<Night>> = &cx.input().before;
        Ok(0)
    }
}

fn main() {}

fn _used() {
    let _ = (Several { a: true }, One {}, OneInParentheses {});
}

//! Every form of an entry of `requires` above a struct.

use std::collections::{BTreeMap, BTreeSet};

use wf::prelude::*;
use wf::testing::{self, assert_ran};

/// The price of one symbol.
#[derive(Task)]
#[task(target = Json<usize>)]
struct Price {
    /// The symbol.
    symbol: String,
    #[param(default = 1)]
    factor: usize,
}

#[tracked]
impl Run for Price {
    fn run(&self, _: &Cx<Self>) -> Result<usize> {
        Ok(self.symbol.len() * self.factor)
    }
}

#[derive(Task)]
#[task(target = Json<u8>(max_bytes = 1_000))]
struct Weather;

#[tracked]
impl Run for Weather {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(2)
    }
}

#[derive(Task)]
#[task(requires = Weather, target = Json<u8>)]
struct One {}

#[tracked]
impl Run for One {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        let input: &Input<Weather> = cx.input();
        Ok(*input.load()?)
    }
}

#[derive(Task)]
#[task(requires(Weather), target = Json<u8>)]
struct OneInParentheses {}

#[tracked]
impl Run for OneInParentheses {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        let input: &Input<Weather> = cx.input();
        Ok(*input.load()?)
    }
}

/// A task that is far upstream.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Far {
    is_high: bool,
    #[param(default = 1)]
    height: u64,
}

#[tracked]
impl Run for Far {
    fn run(&self, _: &Cx<Self>) -> Result<u64> {
        Ok(if self.is_high { self.height * 10 } else { self.height })
    }
}

#[derive(Task)]
#[task(requires = Far, target = Json<u64>)]
struct Middle {
    #[param(default = 0)]
    offset: u64,
}

#[tracked]
impl Run for Middle {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()? + self.offset)
    }
}

#[derive(Task)]
#[task(
    requires(
        Weather,
        Middle { offset: 4 } with Far::IS_HIGH = true, Far::HEIGHT = 3,
        Weather if self.is_wet,
    ),
    target = Json<u64>,
)]
struct Several {
    is_wet: bool,
}

#[tracked]
impl Run for Several {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let (weather, middle, wet): &(Input<Weather>, Input<Middle>, Option<Input<Weather>>) =
            cx.input();
        Ok(u64::from(*weather.load()?) + *middle.load()? + if wet.is_some() { 100 } else { 0 })
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
        set = Price { symbol: self.symbols[0].clone(), factor: fallible("3")? },
        empty_literal = Weather {},
        list = [Price { symbol } for symbol in &self.symbols if !symbol.is_empty()],
        map = {symbol => Price { symbol } for symbol in &self.symbols},
        owned = {symbol => Price { symbol, factor: 3 } for symbol in self.symbols.clone()},
        days = {n => Price { symbol: "x", factor: n } for n in 0..self.days},
        set_of = {id => Price { factor: usize::from(id), symbol: "x" } for &id in self.ids.iter()},
        typed = {format!("{symbol}!"): String => Price { symbol } for symbol in &self.symbols},
        pairs = [Price { symbol, factor } for (factor, symbol) in self.symbols.iter().enumerate()],
        maybe = Weather if Pair { first: true }.first,
        never = Weather if !Pair { first: true }.first,
        found = Price { symbol: "A", factor } if let Some(factor) = self.factor_of_a,
        r#type = [Weather for _ in 0..fallible("2")?],
    ),
    target = Json<Vec<usize>>,
)]
struct Named {
    symbols: Vec<String>,
    days: usize,
    ids: BTreeSet<u8>,
    factor_of_a: Option<usize>,
}

#[tracked]
impl Run for Named {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<usize>> {
        let input = cx.input();
        let map: &BTreeMap<String, Input<Price>> = &input.map;
        let owned: &BTreeMap<String, Input<Price>> = &input.owned;
        let days: &BTreeMap<usize, Input<Price>> = &input.days;
        let set_of: &BTreeMap<u8, Input<Price>> = &input.set_of;
        let typed: &BTreeMap<String, Input<Price>> = &input.typed;
        let list: &Vec<Input<Price>> = &input.list;
        let found: &Option<Input<Price>> = &input.found;
        let counts = [list.len(), map.len(), owned.len(), days.len(), set_of.len(), typed.len()];
        let mut counts = counts.to_vec();
        counts.push(input.pairs.len());
        counts.push(input.r#type.len());
        counts.push(usize::from(input.maybe.is_some()) + usize::from(input.never.is_some()));
        counts.push(match found {
            Some(price) => *price.load()?,
            None => 0,
        });
        counts.push(*input.set.load()? + usize::from(*input.one.load()?));
        counts.push(usize::from(*input.empty_literal.load()?));
        Ok(counts)
    }
}

#[derive(Task)]
#[task(requires = [Weather for _ in 0..3], target = Json<usize>)]
struct List;

#[tracked]
impl Run for List {
    fn run(&self, cx: &Cx<Self>) -> Result<usize> {
        Ok(cx.input().len())
    }
}

#[derive(Task)]
#[task(requires = {n: u8 => Weather for n in 0..3}, target = Json<Vec<u8>>)]
struct Map;

#[tracked]
impl Run for Map {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<u8>> {
        let input: &BTreeMap<u8, Input<Weather>> = cx.input();
        Ok(input.keys().copied().collect())
    }
}

/// A condition as the only entry, which may lead to the task itself.
#[derive(Task)]
#[task(requires = Self { day: self.day - 1 } if self.day > 0, target = Json<u32>)]
struct Day {
    day: u32,
}

#[tracked]
impl Run for Day {
    fn run(&self, cx: &Cx<Self>) -> Result<u32> {
        match cx.input() {
            Some(before) => Ok(*before.load()? + self.day),
            None => Ok(0),
        }
    }
}

#[derive(Task)]
#[task(requires(before = Self { night: self.night - 1 } if self.night > 0,), target = Json<u32>)]
struct Night {
    night: u32,
}

#[tracked]
impl Run for Night {
    fn run(&self, cx: &Cx<Self>) -> Result<u32> {
        let before: &Option<Input<Self>> = &cx.input().before;
        Ok(self.night + u32::from(before.is_some()))
    }
}

/// As many entries as can stand without names.
#[derive(Task)]
#[task(
    requires(
        Weather, Weather, Weather, Weather, Weather, Weather, Weather, Weather,
        Weather, Weather, Weather, Weather, Weather, Weather, Weather, Weather,
    ),
    target = Json<u8>,
)]
struct Sixteen;

#[tracked]
impl Run for Sixteen {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        Ok(*cx.input().0.load()? + *cx.input().15.load()?)
    }
}

#[test]
fn one_entry_is_an_input() -> Result<()> {
    let flow = testing::flow();
    assert_ran(&flow.run::<(One, OneInParentheses)>()?, ["One", "OneInParentheses", "Weather"]);
    assert_eq!((*flow.load::<One>()?, *flow.load::<OneInParentheses>()?), (2, 2));
    Ok(())
}

#[test]
fn several_entries_are_a_tuple() -> Result<()> {
    let dry = testing::flow().with(Several::IS_WET, false);
    assert_ran(&dry.run::<Several>()?, ["Several", "Middle", "Far", "Weather"]);
    assert_eq!(*dry.load::<Several>()?, 2 + 34);
    let far = dry.graph::<Several>().instance::<Far>()?;
    assert_eq!((far.is_high, far.height), (true, 3));
    let wet = dry.with(Several::IS_WET, true);
    wet.run::<Several>()?;
    assert_eq!(*wet.load::<Several>()?, 2 + 34 + 100);
    Ok(())
}

#[test]
fn named_entries_are_a_struct() -> Result<()> {
    let flow = testing::flow()
        .with(Named::SYMBOLS, ["A", "BB"])
        .with(Named::DAYS, 3)
        .with(Named::IDS, BTreeSet::from([7, 8]))
        .with(Named::FACTOR_OF_A, Some(5));
    flow.run::<Named>()?;
    assert_eq!(*flow.load::<Named>()?, [2, 2, 2, 3, 2, 2, 2, 2, 1, 5, 5, 2]);
    assert!(!flow.graph::<Named>().at(Price::FACTOR, 8).instances()?.is_empty());
    Ok(())
}

#[test]
fn lists_and_maps_stand_alone() -> Result<()> {
    let flow = testing::flow();
    assert_ran(&flow.run::<(List, Map, Sixteen)>()?, ["List", "Map", "Sixteen", "Weather"]);
    assert_eq!(*flow.load::<List>()?, 3);
    assert_eq!(*flow.load::<Map>()?, [0, 1, 2]);
    assert_eq!(*flow.load::<Sixteen>()?, 4);
    Ok(())
}

#[test]
fn a_task_can_require_itself_under_a_condition() -> Result<()> {
    let flow = testing::flow().with(Day::DAY, 3).with(Night::NIGHT, 1);
    assert_ran(
        &flow.run::<Day>()?,
        ["Day {day: 0}", "Day {day: 1}", "Day {day: 2}", "Day {day: 3}"],
    );
    assert_eq!(*flow.load::<Day>()?, 6);
    flow.run::<Night>()?;
    assert_eq!(*flow.load::<Night>()?, 2);
    Ok(())
}

//! Every form of `requires`: which instances it yields, and how a task receives them.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use flow::prelude::*;

use crate::support::{flow, preview, ran};

mod prices {
    use super::*;

    /// Its fields are private, so that only typed keys can set them.
    #[derive(Task, Clone)]
    #[task(target = Json<String>)]
    pub(super) struct Price {
        #[param(default = "none")]
        symbol: String,
        #[param(default = 1)]
        r#type: u8,
    }

    runs!(Price: String = |self, _cx| Ok(format!("{}{}", self.symbol, self.r#type)));

    pub(super) mod inner {
        use super::*;

        #[derive(Task)]
        #[task(requires(super::Price { symbol: "i" }), target = Json<String>)]
        pub(in crate::requires_forms) struct Inner;

        runs!(Inner: String = |self, cx| Ok(cx.input().load()?.into_owned()));
    }
}

use prices::Price;

/// Runs the root, and returns its output and the tasks that ran.
fn run_and_load<R: Task<Target = Json<String>>>(flow: &Flow) -> (String, Vec<String>) {
    let summary = flow.run::<R>().expect("it runs");
    (flow.load::<R>().expect("it is complete").into_owned(), ran(&summary))
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[derive(Task)]
#[task(target = Json<String>)]
struct Nothing;

runs!(Nothing: String = |self, cx| {
    let _ = cx.input();
    Ok("nothing".into())
});

#[test]
fn nothing() {
    assert_eq!(run_and_load::<Nothing>(&flow().0), ("nothing".into(), names(&["Nothing"])));
}

#[derive(Task)]
#[task(requires = Price, target = Json<String>)]
struct One;

runs!(One: String = |self, cx| Ok(cx.input().load()?.into_owned()));

#[test]
fn one() {
    assert_eq!(run_and_load::<One>(&flow().0), ("none1".into(), names(&["One", "Price"])));
}

#[derive(Task)]
#[task(requires(Price, One, Price { symbol: "b" }, Price if false), target = Json<String>)]
struct Tuple;

runs!(Tuple: String = |self, cx| {
    let (a, b, c, d) = cx.input();
    Ok(format!("{} {} {} {}", *a.load()?, *b.load()?, *c.load()?, d.is_some()))
});

#[test]
fn a_tuple_of_requirements() {
    let expected = names(&["One", "Price", "Price", "Tuple"]);
    assert_eq!(run_and_load::<Tuple>(&flow().0), ("none1 none1 b1 false".into(), expected));
}

#[derive(Task)]
#[task(
    requires(
        r#type = Price { symbol: "a", r#type: self.r#type },
        fixed = Price { r#type: 7 },
        far = One with Price::SYMBOL = "w", Price::TYPE = 3,
        inner = prices::inner::Inner,
    ),
    target = Json<String>,
)]
struct Named {
    #[param(default = 4)]
    r#type: u8,
}

runs!(Named: String = |self, cx| {
    let input = cx.input();
    let (one, two) = (input.r#type.load()?, input.fixed.load()?);
    Ok(format!("{} {} {} {}", *one, *two, *input.far.load()?, *input.inner.load()?))
});

#[test]
fn named_requirements_with_literals_and_with() {
    let (flow, _folder) = flow();
    let all = ["Inner", "Named", "One", "Price", "Price", "Price", "Price"];
    assert_eq!(run_and_load::<Named>(&flow), ("a4 none7 w3 i1".into(), names(&all)));
    // Fields that a literal does not list are resolved as usual.
    let given = flow.with(Price::SYMBOL, "g").with(Named::TYPE, 9);
    assert_eq!(run_and_load::<Named>(&given).0, "a9 g7 w3 i9");
    assert_eq!(
        preview::<Named>(&given),
        "Named {type: 9, Price.symbol: g} COMPLETE\n\
         ├─ Price {symbol: a, type: 9} COMPLETE\n\
         ├─ Price {symbol: g, type: 7} COMPLETE\n\
         ├─ One {Price.symbol: w, Price.type: 3} COMPLETE\n\
         │  └─ Price {symbol: w, type: 3} COMPLETE\n\
         └─ Inner {Price.type: 9} COMPLETE\n   \
            └─ Price {symbol: i, type: 9} COMPLETE"
    );
}

#[derive(Task)]
#[task(
    requires = [Price { symbol } for symbol in &self.symbols if !symbol.is_empty()],
    target = Json<String>,
)]
struct List {
    #[param(default = ["b", "", "a", "c", "a"])]
    symbols: Vec<String>,
}

runs!(List: String = |self, cx| {
    let loaded: Result<Vec<_>, _> = cx.input().iter().map(|input| input.load()).collect();
    let symbols: Vec<_> = cx.input().iter().map(|input| input.path()).collect::<Result<_, _>>()?;
    assert_eq!(symbols.len(), cx.input().len());
    Ok(loaded?.iter().map(|price| (**price).clone()).collect::<Vec<_>>().join(" "))
});

#[test]
fn a_list_keeps_its_order_and_duplicates() {
    let (flow, _folder) = flow();
    let expected = names(&["List", "Price", "Price", "Price"]);
    assert_eq!(run_and_load::<List>(&flow), ("b1 a1 c1 a1".into(), expected));
    // Another order of the list is another input.
    let sorted = flow.with(List::SYMBOLS, ["a", "b"]);
    assert_eq!(run_and_load::<List>(&sorted), ("a1 b1".into(), names(&["List"])));
    let empty = flow.with(List::SYMBOLS, [""; 0]);
    assert_eq!(run_and_load::<List>(&empty), (String::new(), names(&["List"])));
}

#[derive(Task)]
#[task(requires = {symbol => Price { symbol } for symbol in &self.symbols}, target = Json<String>)]
struct Map {
    #[param(default = ["b", "c", "a"])]
    symbols: Vec<String>,
}

runs!(Map: String = |self, cx| {
    let input: &BTreeMap<String, Input<Price>> = cx.input();
    let items = input.iter().map(|(key, input)| Ok(format!("{key}={}", *input.load()?)));
    Ok(items.collect::<Result<Vec<_>>>()?.join(" "))
});

#[test]
fn a_map_is_ordered_by_its_keys() {
    let (flow, _folder) = flow();
    let expected = names(&["Map", "Price", "Price", "Price"]);
    assert_eq!(run_and_load::<Map>(&flow), ("a=a1 b=b1 c=c1".into(), expected));
    // The same map from a list in another order has the same inputs and another parameter.
    let other = flow.with(Map::SYMBOLS, ["c", "a", "b"]);
    assert_eq!(run_and_load::<Map>(&other), ("a=a1 b=b1 c=c1".into(), names(&["Map"])));
}

#[derive(Task)]
#[task(
    requires(weather = Price { symbol: "w" } if self.with_weather, extra = Price { symbol } if let Some(symbol) = &self.extra),
    target = Json<String>,
)]
struct Maybe {
    #[param(default = false)]
    with_weather: bool,
    #[param(default = None)]
    extra: Option<String>,
}

runs!(Maybe: String = |self, cx| {
    let text = |input: &Option<Input<Price>>| match input {
        Some(input) => Ok::<_, anyhow::Error>(input.load()?.into_owned()),
        None => Ok("-".to_owned()),
    };
    Ok(format!("{} {}", text(&cx.input().weather)?, text(&cx.input().extra)?))
});

#[test]
fn optional_requirements() {
    let (flow, _folder) = flow();
    assert_eq!(run_and_load::<Maybe>(&flow), ("- -".into(), names(&["Maybe"])));
    let both = flow.with(Maybe::WITH_WEATHER, true).with(Maybe::EXTRA, Some("e".to_owned()));
    assert_eq!(run_and_load::<Maybe>(&both), ("w1 e1".into(), names(&["Maybe", "Price", "Price"])));
}

#[derive(Task)]
#[task(requires(Price, Price), target = Json<String>)]
struct Twice;

runs!(Twice: String = |self, cx| {
    let (one, two) = cx.input();
    Ok(format!("{} {}", *one.load()?, *two.load()?))
});

#[test]
fn an_instance_required_twice_runs_once() {
    let (flow, _folder) = flow();
    assert_eq!(run_and_load::<Twice>(&flow), ("none1 none1".into(), names(&["Price", "Twice"])));
    assert_eq!(
        preview::<Twice>(&flow),
        "Twice COMPLETE\n└─ Price {symbol: \"none\", type: 1} COMPLETE"
    );
}

trait Model: Tracked + Send + Sync + 'static {
    const NAME: &'static str;
}

#[tracked]
struct Ols;

impl Model for Ols {
    const NAME: &'static str = "ols";
}

#[tracked]
struct Gbm;

impl Model for Gbm {
    const NAME: &'static str = "gbm";
}

#[derive(Task)]
#[task(target = Json<String>)]
struct Fit<M: Model> {
    #[param(default = 1)]
    c: u8,
    of: PhantomData<M>,
}

#[tracked]
impl<M: Model> Run for Fit<M> {
    fn run(&self, _cx: &Cx<Self>) -> Result<String> {
        let _ = self.of;
        Ok(format!("{}{}", M::NAME, self.c))
    }
}

#[derive(Task)]
#[task(requires(ols = Fit<Ols>, gbm = Fit<Gbm> { c: 2 }), target = Json<String>)]
struct Compare;

runs!(Compare: String = |self, cx| {
    Ok(format!("{} {}", *cx.input().ols.load()?, *cx.input().gbm.load()?))
});

#[test]
fn a_generic_task_is_one_task_for_each_type() {
    let (flow, _folder) = flow();
    let expected = names(&["Compare", "Fit<Gbm>", "Fit<Ols>"]);
    assert_eq!(run_and_load::<Compare>(&flow), ("ols1 gbm2".into(), expected));
    let given = flow.with(Fit::<Ols>::C, 5);
    assert_eq!(
        run_and_load::<Compare>(&given),
        ("ols5 gbm2".into(), names(&["Compare", "Fit<Ols>"]))
    );
}

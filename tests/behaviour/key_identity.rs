//! Equal parameter values have equal keys, in whichever way they are given. Different values have
//! different keys.

use std::collections::HashMap;

use flow::prelude::*;

use crate::random_graph::scramble;
use crate::support::{flow, get, key, preview, ran};

#[derive(Task)]
#[task(target = Json<i64>)]
struct Get {
    start: i64,
}

runs!(Get: i64 = |self, _cx| Ok(self.start));

#[derive(Task)]
#[task(requires = Get, target = Json<i64>)]
struct Px {
    #[param(from = Get::START)]
    start: i64,
}

runs!(Px: i64 = |self, cx| Ok(self.start + *cx.input().load()?));

/// Like `Px`, but the parameter only has the same name.
#[derive(Task)]
#[task(requires = Get, target = Json<i64>)]
struct Same {
    start: i64,
}

runs!(Same: i64 = |self, cx| Ok(self.start + *cx.input().load()?));

#[derive(Task)]
#[task(requires = Px, target = Json<i64>)]
struct Root;

runs!(Root: i64 = |self, cx| Ok(*cx.input().load()?));

/// Sets the same value with a literal.
#[derive(Task)]
#[task(requires = Px { start: 1 }, target = Json<i64>)]
struct ByLiteral;

runs!(ByLiteral: i64 = |self, cx| Ok(*cx.input().load()?));

/// Sets the same value through `with`.
#[derive(Task)]
#[task(requires = Px with Get::START = 1, target = Json<i64>)]
struct ByWith;

runs!(ByWith: i64 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn a_value_given_in_different_ways_selects_one_instance() -> Result<()> {
    let (flow, _folder) = flow();
    let ways = [flow.with(Get::START, 1), flow.with(Px::START, 1), flow.with_named("start", 1)];
    assert_eq!(ran(&ways[0].run::<Root>()?), ["Get", "Px", "Root"]);
    let shown = preview::<Root>(&ways[0]);
    assert_eq!(
        shown,
        "Root {Px.start: 1} COMPLETE\n└─ Px {start: 1} COMPLETE\n   └─ Get {start: 1} COMPLETE"
    );
    for way in &ways {
        assert_eq!(preview::<Root>(way), shown);
        assert_eq!((*way.load::<Px>()?, *way.graph::<Root>().load::<Px>()?), (2, 2));
        assert_eq!(key::<Px>(way), key::<Px>(&ways[0]));
        assert_eq!(way.output::<Px>()?.path()?, ways[0].output::<Px>()?.path()?);
        assert!(ran(&way.run::<Root>()?).is_empty());
    }
    // Tasks that set the value for their own requirement share these instances.
    assert_eq!(ran(&flow.run::<(ByLiteral, ByWith)>()?), ["ByLiteral", "ByWith"]);

    for reset_by in 0..3 {
        assert_eq!(ways[reset_by].reset::<Px>()?.instances, ["Px {start: 1}"]);
        for way in &ways {
            assert!(!way.is_complete::<Px>()?);
        }
        assert_eq!(ran(&ways[(reset_by + 1) % 3].run::<Root>()?), ["Px"]);
    }
    Ok(())
}

#[test]
fn an_inherited_value_equals_one_given_to_both_tasks() {
    let (flow, _folder) = flow();
    let inherited = flow.with(Same::START, 1);
    let both = inherited.with(Get::START, 1);
    assert_eq!(key::<Same>(&inherited), key::<Same>(&both));
    assert_eq!(preview::<Same>(&inherited), preview::<Same>(&both));
    let other = inherited.with(Get::START, 2);
    assert_ne!(key::<Same>(&inherited), key::<Same>(&other));
    assert!(preview::<Same>(&other).starts_with("Same {start: 1, Get.start: 2} PENDING"));
}

/// The default of this task is a value that `Below` may be given.
#[derive(Task)]
#[task(requires = Below, target = Json<u64>)]
struct Over {
    #[param(default = 5)]
    n: u64,
}

runs!(Over: u64 = |self, cx| Ok(self.n * 10 + *cx.input().load()?));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Below {
    #[param(default = 3)]
    n: u64,
}

runs!(Below: u64 = |self, _cx| Ok(self.n));

#[test]
fn a_given_value_equal_to_the_default_is_inherited_upstream() -> Result<()> {
    let (flow, _folder) = flow();
    let given = flow.with(Over::N, 5);
    assert_ne!(key::<Over>(&flow), key::<Over>(&given));
    assert_eq!(key::<Over>(&given), key::<Over>(&flow.with(Below::N, 5)));
    assert!(preview::<Over>(&flow).starts_with("Over {n: 5} PENDING"));
    assert!(preview::<Over>(&given).starts_with("Over {n: 5, Below.n: 5} PENDING"));
    // One sweep holds both variants, each with its own value.
    let sweep = flow.sweep::<Over>();
    let sweep =
        sweep.variant("default", |over| over).variant("given", |over| over.with(Over::N, 5));
    sweep.run()?;
    let loaded = sweep.load::<Over>()?;
    assert_eq!((*loaded["default"], *loaded["given"]), (53, 55));
    Ok(())
}

macro_rules! one_of_two {
    ($task:ident) => {
        #[derive(Task)]
        #[task(requires = Below, target = Json<u64>)]
        struct $task {
            #[param(default = 7)]
            n: u64,
        }

        runs!($task: u64 = |self, cx| Ok(self.n * 10 + *cx.input().load()?));
    };
}

one_of_two!(Left);
one_of_two!(Right);

#[derive(Task)]
#[task(requires(Left, Right), target = Json<(u64, u64)>)]
struct Two;

runs!(Two: (u64, u64) = |self, cx| Ok((*cx.input().0.load()?, *cx.input().1.load()?)));

#[test]
fn equal_values_on_different_instances_have_different_keys() -> Result<()> {
    let (flow, _folder) = flow();
    // In both flows, `Left.n` and `Right.n` are 7. One `Below.n` is 3 and the other is 7.
    let (left, right) = (flow.with(Left::N, 7), flow.with(Right::N, 7));
    assert_ne!(key::<Two>(&left), key::<Two>(&right));
    assert_eq!((*get::<Two>(&left)?, *get::<Two>(&right)?), ((77, 73), (73, 77)));
    assert_eq!((*left.load::<Two>()?, *right.load::<Two>()?), ((77, 73), (73, 77)));
    Ok(())
}

/// A text that lists everything an instance is computed from.
type Tree = String;

#[derive(Task)]
#[task(target = Json<Tree>)]
struct Leaf {
    #[param(default = 1)]
    n: u64,
    #[param(default = 1)]
    m: u64,
}

runs!(Leaf: Tree = |self, _cx| Ok(format!("leaf {} {}", self.n, self.m)));

#[derive(Task)]
#[task(requires = Leaf, target = Json<Tree>)]
struct Mid {
    #[param(default = 2)]
    n: u64,
}

runs!(Mid: Tree = |self, cx| Ok(format!("mid {} ({})", self.n, cx.input().load()?)));

#[derive(Task)]
#[task(requires = Mid, target = Json<Tree>)]
struct Local {
    #[param(default = 1, local)]
    n: u64,
    #[param(default = 2)]
    m: u64,
}

runs!(Local: Tree = |self, cx| {
    Ok(format!("local {} {} ({})", self.n, self.m, cx.input().load()?))
});

#[derive(Task)]
#[task(requires(Leaf, Mid), target = Json<Tree>)]
struct Alias {
    #[param(from = Leaf::M)]
    k: u64,
}

runs!(Alias: Tree = |self, cx| {
    Ok(format!("alias {} ({}) ({})", self.k, cx.input().0.load()?, cx.input().1.load()?))
});

#[derive(Task)]
#[task(
    requires(literal = Mid { n: 5 }, set = Local with Leaf::M = 3, far = Local with Mid::N = 1),
    target = Json<Tree>
)]
struct Fixes;

runs!(Fixes: Tree = |self, cx| {
    let input = cx.input();
    let (literal, with) = (input.literal.load()?, input.set.load()?);
    Ok(format!("fixes ({literal}) ({with}) ({})", input.far.load()?))
});

#[derive(Task)]
#[task(requires(Alias, Fixes, Local), target = Json<Tree>)]
struct Top {
    #[param(default = 5)]
    n: u64,
}

runs!(Top: Tree = |self, cx| {
    let (alias, fixes) = (cx.input().0.load()?, cx.input().1.load()?);
    Ok(format!("top {} ({alias}) ({fixes}) ({})", self.n, cx.input().2.load()?))
});

/// Gives random values to some parameters, each in one of several ways.
fn give_random_values(flow: &Flow, seed: u64) -> Flow {
    let mut flow = flow.clone();
    for way in 0..9 {
        let bits = scramble(seed * 100 + way);
        if !bits.is_multiple_of(3) {
            continue;
        }
        let value = [1, 2, 3, 5][(bits >> 8) as usize % 4];
        flow = match way {
            0 => flow.with(Leaf::N, value),
            1 => flow.with(Mid::N, value),
            2 => flow.with(Top::N, value),
            3 => flow.with(Local::N, value),
            4 => flow.with(Local::M, value),
            5 => flow.with(Leaf::M, value),
            6 => flow.with(Alias::K, value),
            7 => flow.with_named("n", value),
            _ => flow.with_named("m", value),
        };
    }
    flow
}

/// The key of each tree, and the tree of each key.
#[derive(Default)]
struct Seen(HashMap<Tree, String>, HashMap<String, Tree>);

impl Seen {
    fn add(&mut self, key: String, tree: &Tree) {
        let known = self.0.entry(tree.clone()).or_insert_with(|| key.clone());
        assert_eq!(*known, key, "the same values have two keys: {tree}");
        let known = self.1.entry(key).or_insert_with(|| tree.clone());
        assert_eq!(known, tree, "different values have one key");
    }
}

#[test]
fn random_values_have_equal_keys_exactly_if_they_are_equal() -> Result<()> {
    let (flow, _folder) = flow();
    let mut seen = Seen::default();
    let mut refused = 0;
    for seed in 0..60 {
        let given = give_random_values(&flow, seed);
        match given.run::<(Top, Fixes, Alias, Local, Mid)>() {
            Ok(_) => {}
            Err(flow::Error::Plan(error)) => {
                let kind = &error.kind;
                assert!(matches!(kind, flow::error::PlanErrorKind::Disagree { .. }), "{error}");
                refused += 1;
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        seen.add(key::<Top>(&given), &*given.load::<Top>()?);
        seen.add(key::<Fixes>(&given), &*given.load::<Fixes>()?);
        seen.add(key::<Alias>(&given), &*given.load::<Alias>()?);
        seen.add(key::<Local>(&given), &*given.load::<Local>()?);
        seen.add(key::<Mid>(&given), &*given.load::<Mid>()?);
    }
    assert!(refused > 0 && refused < 30, "{refused}");
    assert!(seen.0.len() > 50 && seen.0.len() < 5 * (60 - refused), "{}", seen.0.len());
    Ok(())
}

#[test]
fn dynamic_requirements_resolve_values_like_static_ones() -> Result<()> {
    #[derive(Task)]
    #[task(requires = Below, may_require(Below), target = Json<(u64, u64)>)]
    struct Twice {
        #[param(default = 5)]
        n: u64,
    }

    runs!(Twice: (u64, u64) = |self, cx| {
        let _ = self.n;
        Ok((*cx.input().load()?, *cx.require::<Below>()?.load()?))
    });

    let (flow, _folder) = flow();
    assert_eq!(*get::<Twice>(&flow)?, (3, 3));
    assert_eq!(*get::<Twice>(&flow.with(Twice::N, 7))?, (7, 7));
    assert_eq!(*get::<Twice>(&flow.with(Twice::N, 5))?, (5, 5));
    // The given value equals the default and differs from the value that would be inherited.
    assert_eq!(*get::<Twice>(&flow.with(Twice::N, 7).with(Below::N, 3))?, (3, 3));
    Ok(())
}

//! The instances of a variant of a sweep have the same keys as those of the equivalent single flow.

use std::collections::BTreeSet;

use flow::Roots;
use flow::prelude::*;
use flow::sweep::{Setting, Sweep};

use crate::random_graph::scramble;
use crate::support::flow;

/// Returns the keys of all instances that a flow needs.
fn keys<R: Roots>(flow: &Flow) -> Result<BTreeSet<String>> {
    Ok(flow.preview::<R>()?.instances().map(|instance| instance.key().to_string()).collect())
}

/// Asserts that the plan of a sweep has exactly the instances that the flows of its variants have,
/// each once.
fn assert_same_keys<R: Roots>(sweep: &Sweep<R>) -> Result<()> {
    let mut of_each = BTreeSet::new();
    for (_, flow) in sweep.iter()? {
        of_each.extend(keys::<R>(flow)?);
    }
    let preview = sweep.preview()?;
    let of_all: Vec<_> = preview.instances().map(|instance| instance.key().to_string()).collect();
    assert_eq!(of_all.iter().cloned().collect::<BTreeSet<_>>(), of_each);
    assert_eq!(of_all.len(), of_each.len(), "an instance stands once in a plan");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Ground {
    #[param(default = 1)]
    n: u64,
    #[param(default = 1)]
    depth: u64,
}

runs!(Ground: u64 = |self, _cx| Ok(self.n * 10 + self.depth));

/// Passes a given `n` on to `Ground`, and has a default of its own.
#[derive(Task)]
#[task(requires = Ground, target = Json<u64>)]
struct Wall {
    #[param(default = 2)]
    n: u64,
    #[param(local, default = 5)]
    depth: u64,
}

runs!(Wall: u64 = |self, cx| Ok(self.n + self.depth + *cx.input().load()?));

/// Has `Wall.n` under another name.
#[derive(Task)]
#[task(requires = Ground, target = Json<u64>)]
struct Window {
    #[param(from = Wall::N)]
    panes: u64,
}

runs!(Window: u64 = |self, cx| Ok(self.panes * *cx.input().load()?));

/// Sets `n` with a literal for one requirement, and through `with` further upstream for another.
#[derive(Task)]
#[task(
    requires(
        plain = Wall,
        literal = Wall { n: 7 },
        further = Window with Ground::N = self.height,
    ),
    target = Json<u64>
)]
struct House {
    #[param(default = 3)]
    height: u64,
    #[param(default = 1, insignificant)]
    threads: u64,
}

runs!(House: u64 = |self, cx| {
    let (plain, literal) = (*cx.input().plain.load()?, *cx.input().literal.load()?);
    Ok(plain + 10 * literal + 100 * *cx.input().further.load()?)
});

/// Asserts that the sweep produces the same outputs as the flows of its variants.
fn assert_same_outputs(sweep: &Sweep<House>) -> Result<()> {
    sweep.run()?;
    let houses = sweep.load::<House>()?;
    for (name, flow) in sweep.iter()? {
        assert!(flow.is_complete::<House>()?, "{name}");
        assert_eq!(*houses[name], *flow.load::<House>()?, "{name}");
        // The outputs also equal those of a flow in an empty store.
        let (alone, _folder) = crate::support::flow();
        let alone = match name.split_once('=') {
            Some(("by name", n)) => alone.with_named("n", n.parse::<u64>()?),
            _ => continue,
        };
        alone.run::<House>()?;
        assert_eq!(*houses[name], *alone.load::<House>()?, "{name}");
    }
    Ok(())
}

#[test]
fn values_given_to_one_task_yield_the_keys_of_their_flows() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow
        .sweep::<House>()
        .variant("base", |house| house)
        .variant("ground", |house| house.with(Ground::N, 4))
        .variant("wall", |house| house.with(Wall::N, 4))
        .variant("wall by default", |house| house.with(Wall::N, 2))
        .variant("window", |house| house.with(Window::PANES, 4))
        .variant("local", |house| house.with(Wall::DEPTH, 4))
        .variant("depth", |house| house.with(Ground::DEPTH, 4))
        .variant("height", |house| house.with(House::HEIGHT, 4))
        .variant("two", |house| house.with(Ground::N, 4).with(Wall::N, 5))
        .variant("the other way round", |house| house.with(Wall::N, 5).with(Ground::N, 4))
        .variant("threads", |house| house.with(House::THREADS, 4));
    assert_same_keys(&sweep)?;
    assert_same_outputs(&sweep)
}

#[test]
fn values_given_by_name_yield_the_keys_of_their_flows() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow
        .sweep::<House>()
        .variant("by name=4", |house| house.with_named("n", 4))
        .variant("by name=5", |house| house.with_named("n", 5))
        .variant("as text", |house| house.with_named("n", "4"))
        .variant("by another name", |house| house.with_named("panes", 4))
        .variant("both", |house| house.with_named("n", 4).with_named("depth", 6))
        .variant("one goes first", |house| house.with_named("n", 4).with(Wall::N, 9));
    assert_same_keys(&sweep)?;
    assert_same_outputs(&sweep)
}

#[test]
fn values_of_the_flow_apply_unless_a_variant_overrides_them() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Wall::N, 6).with_named("depth", 8).with(House::THREADS, 2);
    let sweep = flow
        .sweep::<House>()
        .variant("base", |house| house)
        .variant("another", |house| house.with(Wall::N, 7))
        .variant("another name", |house| house.with_named("depth", 9))
        .variant("the same", |house| house.with(Wall::N, 6));
    assert_same_keys(&sweep)?;
    assert_eq!(keys::<House>(&sweep["base"])?, keys::<House>(&flow)?);
    assert_eq!(keys::<House>(&sweep["another"])?, keys::<House>(&flow.with(Wall::N, 7))?);
    assert_same_outputs(&sweep)
}

#[test]
fn a_grid_equals_nested_loops() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<House>().over(Ground::N, 1..=2).over(Wall::N, 1..=3);
    let sweep = sweep.over(House::HEIGHT, [3, 4]);
    let mut names = Vec::new();
    for ground in 1..=2 {
        for wall in 1..=3 {
            for height in [3, 4] {
                let name = format!("Ground.n={ground},Wall.n={wall},height={height}");
                let by_hand = flow.with(Ground::N, ground).with(Wall::N, wall);
                let by_hand = by_hand.with(House::HEIGHT, height);
                assert_eq!(keys::<House>(&sweep[&name])?, keys::<House>(&by_hand)?, "{name}");
                names.push(name);
            }
        }
    }
    assert_eq!(sweep.names()?, names);
    assert_same_keys(&sweep)
}

/// A task of a random graph. Most tasks have its parameters, and few are given a value.
#[derive(Task)]
#[task(
    requires = [
        Numbered { id } with Numbered::A = self.a + 1 for id in before(self.id, 0)
    ],
    target = Json<u64>,
)]
struct Numbered {
    id: u64,
    #[param(default = 1)]
    a: u64,
    #[param(default = 2)]
    b: u64,
}

runs!(Numbered: u64 = |self, _cx| Ok(self.id));

fn before(id: u64, salt: u64) -> Vec<u64> {
    if id == 0 {
        return Vec::new();
    }
    let random = scramble(salt + id);
    (0..random % 3).map(|i| id - 1 - scramble(random + i) % id.min(4)).collect()
}

/// Sets some parameters of its requirements with a literal, and leaves the others to be resolved.
#[derive(Task)]
#[task(
    requires(
        Numbered { id: self.id },
        [Mixed { id } for id in before(self.id, 1000)],
        [Numbered { id, b: 3 } for id in before(self.id, 2000)],
    ),
    target = Json<u64>,
)]
struct Mixed {
    #[param(local)]
    id: u64,
    #[param(from = Numbered::B)]
    c: u64,
    #[param(default = 1)]
    a: u64,
}

runs!(Mixed: u64 = |self, _cx| Ok(self.id + self.c + self.a));

#[test]
fn random_variants_have_the_keys_of_their_flows() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Mixed::ID, 8);
    let random = |setting: Setting, n: u64| {
        let bits = scramble(n);
        let value = |at: u32| (bits >> at) % 3;
        let mut setting = setting;
        if bits & 1 > 0 {
            setting = setting.with(Numbered::A, 10 + value(10));
        }
        if bits & 2 > 0 {
            setting = setting.with(Numbered::B, 20 + value(20));
        }
        if bits & 4 > 0 {
            setting = setting.with(Mixed::A, 30 + value(30));
        }
        // `Mixed.c` is an alias of `Numbered.b`, so that only one of them may be given.
        if bits & (8 | 2) == 8 {
            setting = setting.with(Mixed::C, 40 + value(40));
        }
        if bits & 16 > 0 {
            setting = setting.with_named("a", 50 + value(50));
        }
        if bits & 32 > 0 {
            setting = setting.with_named("b", 60 + value(51));
        }
        setting
    };
    for salt in 0..6 {
        let sweep = flow.sweep::<Mixed>().settings(0..40, |mixed, n| random(mixed, salt * 100 + n));
        assert_eq!(sweep.len()?, 40);
        assert_same_keys(&sweep)?;
    }
    Ok(())
}

#[test]
fn a_given_value_equal_to_the_default_has_other_keys() -> Result<()> {
    let (flow, _folder) = flow();
    // A given value is inherited upstream, so that the key differs although the value equals the
    // default.
    let given = flow.with(Ground::N, 1);
    let house =
        |flow: &Flow| flow.preview::<House>().map(|p| p.instances().next_back().unwrap().key());
    assert_ne!(house(&flow)?, house(&given)?);
    let sweep = flow.sweep::<House>().variant("base", |house| house);
    let sweep = sweep.variant("given", |house| house.with(Ground::N, 1));
    assert_same_keys(&sweep)?;
    assert_same_outputs(&sweep)?;
    assert_same_keys(&flow.sweep::<House>().over(Ground::N, [1, 2]))
}

#[test]
fn requirements_must_not_depend_on_insignificant_parameters() -> Result<()> {
    #[derive(Task)]
    #[task(requires = [Ground { n } for n in 0..self.many], target = Json<u64>)]
    struct Depends {
        #[param(default = 1, insignificant)]
        many: u64,
    }

    runs!(Depends: u64 = |self, _cx| Ok(self.many));

    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Depends>().over(Depends::MANY, 1..=2);
    let error = sweep.preview().unwrap_err().to_string();
    assert!(error.starts_with("`Depends` requires other tasks than the same instance"), "{error}");
    assert!(error.ends_with("\n  in the variant `many=2`"), "{error}");
    Ok(())
}

#[test]
fn a_value_of_an_absent_task_reaches_its_aliases() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Window>().over(Wall::N, 1..=3);
    for (name, variant) in sweep.iter()? {
        let by_hand = flow.with(Wall::N, name.rsplit_once('=').expect("a value").1.parse::<u64>()?);
        assert_eq!(keys::<Window>(variant)?, keys::<Window>(&by_hand)?, "{name}");
    }
    sweep.run()?;
    let panes: Vec<u64> = sweep.load::<Window>()?.values().map(|loaded| **loaded).collect();
    // `Wall.n` is called `n`, so that `Ground` inherits it.
    assert_eq!(panes, [11, 2 * 21, 3 * 31]);
    Ok(())
}

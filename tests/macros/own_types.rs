//! Parameters of the user's own types, which may have the names of types that cannot be stored, and of maps.

use std::collections::{BTreeMap, HashMap, HashSet};

use wf::prelude::*;
use wf::testing;

/// Types of the user's with names from the standard library.
mod own {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Cell(pub u8);

    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Mutex {
        pub name: String,
    }

    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct OrderedHashMap(pub Vec<(String, u8)>);

    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Arc<T>(pub T);

    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct ArcName;

    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub enum Rc {
        #[default]
        Weak,
        Strong(u8),
    }
}

use own::{Arc, ArcName, Cell, Mutex, OrderedHashMap, Rc};

#[derive(Debug, Clone, PartialEq, Eq, Task)]
#[task(target = Json<usize>)]
struct OfOwnTypes {
    #[param(default = Cell(1))]
    cell: Cell,
    #[param(default)]
    mutex: Mutex,
    #[param(default = OrderedHashMap(vec![("a".into(), 1)]))]
    ordered: OrderedHashMap,
    #[param(default = Arc(vec![1]))]
    shared: Arc<Vec<u8>>,
    #[param(default = ArcName)]
    name: ArcName,
    #[param(default = Rc::Strong(1), choices = [Rc::Weak, Rc::Strong(1)])]
    rc: Rc,
}

#[tracked]
impl Run for OfOwnTypes {
    fn run(&self, _: &Cx<Self>) -> Result<usize> {
        Ok(usize::from(self.cell.0) + self.ordered.0.len() + self.shared.0.len())
    }
}

/// Their references, as arguments.
#[task(target = Json<usize>)]
fn of_own_references(
    #[param(default)] mutex: &Mutex,
    #[param(default)] ordered: &OrderedHashMap,
    #[param(default = Rc::Weak)] rc: Rc,
) -> usize {
    mutex.name.len() + ordered.0.len() + usize::from(rc == Rc::Strong(1))
}

/// Collections without an order.
#[derive(Task)]
#[task(target = Json<usize>)]
struct OfMaps {
    #[param(default)]
    counts: HashMap<String, u8>,
    #[param(default = HashSet::from([1, 2]))]
    set: HashSet<u8>,
    #[param(default = Some(HashMap::new()))]
    maybe: Option<HashMap<u8, Vec<HashSet<u8>>>>,
    #[param(default = BTreeMap::from([(1, "a".to_owned())]))]
    sorted: BTreeMap<u8, String>,
}

#[tracked]
impl Run for OfMaps {
    fn run(&self, _: &Cx<Self>) -> Result<usize> {
        let maybe = self.maybe.as_ref().map_or(0, HashMap::len);
        Ok(self.counts.len() + self.set.len() + maybe + self.sorted.len())
    }
}

/// Maps as arguments, and as a key of the requirements.
#[task(
    requires = {name => OfMaps { counts: HashMap::from([(name, 1)]) } for name in self.sets.clone()},
    target = Json<usize>,
)]
fn of_sets(
    maps: &BTreeMap<String, usize>,
    #[param(default = HashSet::from(["a".to_owned()]))] sets: &HashSet<String>,
) -> usize {
    maps.values().sum::<usize>() + sets.len()
}

#[test]
fn types_of_the_user_are_parameters() -> Result<()> {
    let flow = testing::flow().with(OfOwnTypes::RC, Rc::Weak);
    flow.run::<(OfOwnTypes, of_own_references)>()?;
    assert_eq!(*flow.load::<OfOwnTypes>()?, 3);
    assert_eq!(*flow.load::<of_own_references>()?, 0);
    let instance = flow.graph::<OfOwnTypes>().instance::<OfOwnTypes>()?;
    assert_eq!((instance.cell, instance.rc, instance.name), (Cell(1), Rc::Weak, ArcName));
    Ok(())
}

#[test]
fn equal_maps_give_equal_keys() -> Result<()> {
    let flow = testing::flow();
    let letters = ('a'..='z').map(|letter| (letter.to_string(), 1));
    let map: HashMap<String, u8> = letters.clone().collect();
    let reversed: HashMap<String, u8> = letters.rev().collect();
    let key = |map: &HashMap<String, u8>| -> Result<_> {
        let instances = flow.with(OfMaps::COUNTS, map).graph::<OfMaps>().instances()?;
        Ok(instances.first().context("an instance")?.key())
    };
    assert_eq!(key(&map)?, key(&reversed)?);
    assert_ne!(key(&map)?, key(&HashMap::new())?);
    Ok(())
}

#[test]
fn maps_are_resolved() -> Result<()> {
    let flow = testing::flow();
    flow.run::<(OfMaps, of_sets)>()?;
    assert_eq!(*flow.load::<OfMaps>()?, 3);
    assert_eq!(*flow.load::<of_sets>()?, 4 + 1);
    Ok(())
}

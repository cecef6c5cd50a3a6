//! Equal sets in a parameter have one key, whatever order they iterate in.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use flow::prelude::*;

use crate::support::flow;

static RUNS: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone, Serialize, Deserialize)]
struct Tags {
    tags: HashSet<String>,
    groups: Vec<HashSet<u32>>,
}

#[task(target = Json<usize>)]
fn tagged(tags: Tags) -> usize {
    RUNS.fetch_add(1, Ordering::Relaxed);
    tags.tags.len() + tags.groups.len()
}

#[test]
fn equal_sets_are_one_parameter() -> Result<()> {
    let (flow, _folder) = flow();
    for _ in 0..8 {
        // Each set has an order of its own.
        let tags = Tags {
            tags: ["a", "b", "c", "d", "e"].map(String::from).into(),
            groups: vec![(0..9).collect(), (0..7).collect()],
        };
        flow.with(tagged::TAGS, tags).run::<tagged>()?;
    }
    assert_eq!(RUNS.load(Ordering::Relaxed), 1);
    Ok(())
}

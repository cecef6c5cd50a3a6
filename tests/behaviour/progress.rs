//! The events of a run are numbered without gaps.

use std::sync::{Arc, Mutex};

use flow::Event;
use flow::prelude::*;

use crate::support::{failed, flow, not_run};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Good {
    n: u64,
}
runs!(Good: u64 = |self, cx| Ok(self.n));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Bad;
runs!(Bad: u64 = |self, cx| bail!("it fails"));

#[derive(Task)]
#[task(requires = Bad, target = Json<u64>)]
struct Middle;
runs!(Middle: u64 = |self, cx| Ok(*cx.input().load()?));

#[derive(Task)]
#[task(requires(middle = Middle, goods = [Good { n } for n in 0..3u64]), target = Json<u64>)]
struct Top;
runs!(Top: u64 = |self, cx| Ok(0));

#[test]
fn an_instance_that_cannot_run_has_no_number() -> Result<()> {
    let (flow, _folder) = flow();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let observed = Arc::clone(&seen);
    let summary = flow
        .workers(1)
        .allow_failures()
        .observe(move |event| {
            if let Event::Settled { settled, of, .. } = event {
                observed.lock().expect("no panic").push((*settled, *of));
            }
        })
        .run::<Top>()?;
    assert_eq!((failed(&summary), not_run(&summary).len()), (vec!["Bad".to_owned()], 2));
    let seen = seen.lock().expect("no panic");
    let numbers: Vec<usize> = seen.iter().map(|(settled, _)| *settled).collect();
    assert_eq!(numbers, [1, 2, 3, 4], "{seen:?}");
    assert!(seen.iter().all(|(settled, of)| settled <= of && *of <= 6), "{seen:?}");
    Ok(())
}

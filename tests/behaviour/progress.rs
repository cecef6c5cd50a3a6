//! What tasks report while they run: numbers and texts; and the numbers of settled instances, which have no gaps.

use flow::Event;
use flow::prelude::*;

use crate::events::observed;
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
    let (summary, events) = observed(&flow.workers(1).allow_failures(), Flow::run::<Top>);
    let summary = summary?;
    assert_eq!((failed(&summary), not_run(&summary).len()), (vec!["Bad".to_owned()], 2));
    let numbers = events.iter().filter_map(|event| match event {
        Event::Finished { settled, of, .. } | Event::Failed { settled, of, .. } => {
            Some((*settled, *of))
        }
        _ => None,
    });
    let numbers: Vec<_> = numbers.collect();
    let settled: Vec<usize> = numbers.iter().map(|(settled, _)| *settled).collect();
    assert_eq!(settled, [1, 2, 3, 4], "{numbers:?}");
    assert!(numbers.iter().all(|(settled, of)| settled <= of && *of <= 6), "{numbers:?}");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Reports;
runs!(Reports: u64 = |self, cx| {
    cx.status("reading \u{1b}[31ma.csv\n");
    for done in 0..3 {
        cx.progress(done, 2);
    }
    cx.progress(7, 0);
    Ok(1)
});

#[test]
fn reports_of_a_task_are_events_in_their_order() -> Result<()> {
    let (flow, _folder) = flow();
    let (summary, events) = observed(&flow, Flow::run::<Reports>);
    summary?;
    let reports = events.iter().filter_map(|event| match event {
        Event::Progress { instance, done, total, .. } => {
            assert_eq!(instance.task(), "Reports");
            Some(format!("{done} of {total}"))
        }
        Event::Status { message, .. } => Some(message.clone()),
        _ => None,
    });
    let reports: Vec<_> = reports.collect();
    assert_eq!(reports, ["reading \u{1b}[31ma.csv\n", "0 of 2", "1 of 2", "2 of 2", "7 of 0"]);
    // As text, an event is one line that a terminal shows as it is.
    let texts: Vec<_> = events.iter().map(ToString::to_string).collect();
    assert!(texts.contains(&r"Reports: reading \u{1b}[31ma.csv\n".to_owned()), "{texts:?}");
    assert!(texts.contains(&"Reports: 2 of 2".to_owned()), "{texts:?}");
    assert!(texts.contains(&"Reports: 7".to_owned()), "{texts:?}");
    Ok(())
}

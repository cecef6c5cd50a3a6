//! Runs: the critical path, waits, retries, and the schemas of two runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use flow::page::PageOptions;
use flow::prelude::*;

use crate::Page;

/// Takes a known time.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Sleep {
    ms: u64,
}

#[tracked]
impl Run for Sleep {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        thread::sleep(Duration::from_millis(self.ms));
        Ok(self.ms)
    }
}

/// Waits for a short and a long input.
#[derive(Task)]
#[task(requires(short = Sleep { ms: 30 }, long = Sleep { ms: 200 }), target = Json<u64>)]
struct Join;

#[tracked]
impl Run for Join {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        thread::sleep(Duration::from_millis(5));
        Ok(*cx.input().short.load()? + *cx.input().long.load()?)
    }
}

static ATTEMPTS: AtomicU32 = AtomicU32::new(0);

/// Fails the first time.
#[derive(Task)]
#[task(target = Json<u64>, retries = 2, backoff = 0.001)]
struct Flaky;

#[tracked]
impl Run for Flaky {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        ensure!(ATTEMPTS.fetch_add(1, Ordering::SeqCst) > 0, "the first attempt fails");
        Ok(1)
    }
}

/// A table whose columns a file names.
#[derive(Task)]
#[task(target = Parquet<RecordBatch>)]
struct Named {
    names: PathBuf,
}

#[tracked]
impl Run for Named {
    fn run(&self, cx: &Cx<Self>) -> Result<RecordBatch> {
        let names = std::fs::read_to_string(cx.file(&self.names)?)?;
        let columns = names.split_whitespace().map(|name| {
            let values: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
            (name.to_owned(), values)
        });
        Ok(RecordBatch::try_from_iter(columns)?)
    }
}

/// Returns the view of the latest run.
fn latest(page: &Page) -> String {
    let runs = page.flow.store().runs().expect("a history");
    page.view(&format!("/run/{}", runs[0].id))
}

#[test]
fn the_critical_path_leads_to_the_instance_that_ended_last() {
    let page = Page::new::<Join>(PageOptions::new(), |flow| flow);
    page.run();
    let html = latest(&page);
    let (_, path) = html.split_once("<h3>Critical path</h3>").expect("a critical path");
    let path = path.split("</ol>").next().unwrap_or_default();
    let places = ["Sleep {ms: 200}", "Join"].map(|name| path.find(name));
    assert!(places[0].is_some() && places[0] < places[1], "{path}");
    assert!(!path.contains("Sleep {ms: 30}") && path.matches("<li>").count() == 2, "{path}");
    assert_eq!(html.matches("class=\"bar ran critical\"").count(), 2, "{html}");
    assert_eq!(html.matches("class=\"bar ran\"").count(), 1, "{html}");
}

#[test]
fn instances_that_wait_for_a_worker_are_listed() {
    let page = Page::new::<Join>(PageOptions::new(), |flow| flow.workers(1));
    page.run();
    let html = latest(&page);
    let (_, waits) = html.split_once("<h3>Waits and retries</h3>").expect("waits");
    let waits = waits.split("</table>").next().unwrap_or_default();
    // One of the two inputs runs after the other, although both are ready from the beginning.
    let inputs = ["Sleep {ms: 30}", "Sleep {ms: 200}"];
    assert_eq!(inputs.into_iter().filter(|name| waits.contains(name)).count(), 1, "{waits}");
    assert!(html.contains("<line class=\"wait\""), "{html}");
    assert!(html.contains("All instances together waited"), "{html}");
}

#[test]
fn retries_are_shown() {
    let page = Page::new::<Flaky>(PageOptions::new(), |flow| flow);
    page.run();
    let html = latest(&page);
    assert!(html.contains("×2</text>") && html.contains("retried\""), "{html}");
    let (_, listed) = html.split_once("<h3>Waits and retries</h3>").expect("the retry is listed");
    assert!(listed.contains("Flaky") && listed.contains("<td class=\"number\">2</td>"), "{listed}");
}

#[test]
fn the_schemas_of_two_runs_are_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = folder.path().join("names.txt");
    let write = |text: &str| std::fs::write(&names, text).expect("a file");
    write("price volume");
    let page = Page::new::<Named>(PageOptions::new(), |flow| flow.with(Named::NAMES, &names));
    page.run();
    write("price <b>day</b>");
    page.run();
    let runs = page.flow.store().runs().expect("a history");
    let html = page.view(&format!("/compare?before={}&after={}", runs[1].id, runs[0].id));
    let (_, schemas) = html.split_once("<h2>Schemas</h2>").expect("schemas");
    let none = "<span class=\"null\">none</span>";
    for text in [
        format!("volume</th><td class=\"removed\">Int64</td><td class=\"added\">{none}</td>"),
        format!(
            "&lt;b&gt;day&lt;/b&gt;</th><td class=\"removed\">{none}</td><td class=\"added\">Int64</td>"
        ),
    ] {
        assert!(schemas.contains(&text), "{text}: {schemas}");
    }
    assert!(!schemas.contains("price"), "{schemas}");

    let versions = page.view(&format!("{}/versions", page.instance("Named")));
    assert!(
        versions.contains("Changes of the schema") && versions.contains("volume"),
        "{versions}"
    );
    assert!(versions.contains("times as long as in the median of the earlier runs"), "{versions}");
}

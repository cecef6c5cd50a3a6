//! What each action does, after its plan was shown and confirmed: which tasks ran, or what was removed.

mod parameters;
mod refused;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::StatusCode;
use flow::Event;
use flow::page::PageOptions;
use flow::prelude::*;

use crate::tasks::{Mean, Points};
use crate::{HOST, Page, Reply, assert_harmless};

/// The longest time that a test waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// Fails while there is no file.
#[derive(Task)]
#[task(requires = Points, target = Json<u64>)]
struct Flaky {
    /// The file, which is not tracked.
    path: PathBuf,
}

#[tracked]
impl Run for Flaky {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        ensure!(self.path.exists(), "there is no file");
        Ok(1)
    }
}

#[derive(Task)]
#[task(requires = Flaky, target = Json<u64>)]
struct Report;

#[tracked]
impl Run for Report {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()?)
    }
}

/// The names of the tasks that ran since it was last asked.
#[derive(Clone, Default)]
struct Ran(Arc<Mutex<Vec<String>>>);

impl Ran {
    fn observe(&self, flow: &Flow) -> Flow {
        let ran = Arc::clone(&self.0);
        flow.observe(move |event| {
            if let Event::Finished { instance, .. } = event {
                ran.lock().expect("not poisoned").push(instance.task().to_owned());
            }
        })
    }

    fn take(&self) -> Vec<String> {
        let mut ran = std::mem::take(&mut *self.0.lock().expect("not poisoned"));
        ran.sort();
        ran
    }
}

/// A page of a root, and what runs.
fn page<R: Task>() -> (Page, Ran) {
    let ran = Ran::default();
    let page = Page::new::<R>(PageOptions::new(), |flow| ran.observe(&flow));
    (page, ran)
}

impl Page {
    /// Sends a form of the page.
    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(fields).finish();
        let request = self
            .request("POST", path)
            .header("origin", format!("http://{HOST}"))
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).expect("a request"))
    }

    /// Asks for an action, and returns its plan.
    fn plan(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let reply = self.post(path, fields);
        assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text);
        assert_harmless(path, &reply.text);
        reply
    }

    /// Sends the form of a plan with more fields.
    fn send_again(&self, path: &str, plan: &Reply, more: &[(&str, &str)]) -> Reply {
        let hidden = hidden(&plan.text);
        let fields = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields: Vec<_> = fields.chain(more.iter().copied()).collect();
        self.post(path, &fields)
    }

    /// Confirms the plan of a run, and waits for its end.
    fn confirm(&self, path: &str, plan: &Reply) {
        let reply = self.send_again(path, plan, &[]);
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{path}: {}", reply.text);
        assert_eq!(reply.headers["location"], "/live");
        self.wait();
    }

    fn wait(&self) {
        let begun = Instant::now();
        while self.view("/actions").contains("A run is in progress") {
            assert!(begun.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Returns the stored instances, sorted.
    fn stored(&self) -> Vec<String> {
        let list = self.flow.store().list().expect("a list");
        let mut stored: Vec<_> = list.into_iter().map(|stored| stored.instance).collect();
        stored.sort();
        stored
    }
}

/// Returns the hidden fields of a page.
fn hidden(html: &str) -> Vec<(String, String)> {
    let text = |text: &str| {
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
        text.replace("&amp;", "&")
    };
    let fields = html.split("<input type=\"hidden\" name=\"").skip(1);
    let fields = fields.map(|rest| {
        let (name, rest) = rest.split_once("\" value=\"").expect("a value");
        (text(name), text(rest.split_once('"').expect("the end of the value").0))
    });
    fields.collect()
}

#[test]
fn a_run_is_shown_first_and_runs_what_is_not_complete() {
    let (page, ran) = page::<Mean>();
    let plan = page.plan("/actions/run", &[]);
    for text in ["Run Mean", "Points", "never run", "up to 2 tasks"] {
        assert!(plan.text.contains(text), "{text}: {}", plan.text);
    }
    assert!(page.stored().is_empty() && ran.take().is_empty());

    page.confirm("/actions/run", &plan);
    assert_eq!(ran.take(), ["Mean", "Points"]);
    let live = page.view("/live");
    assert!(live.contains("Run Mean") && live.contains("Ended after"), "{live}");

    let nothing = page.plan("/actions/run", &[]);
    assert!(nothing.text.contains("Nothing would run"), "{}", nothing.text);
    assert!(hidden(&nothing.text).is_empty());
}

#[test]
fn a_run_up_to_a_task_runs_nothing_downstream() {
    let (page, ran) = page::<Mean>();
    let plan = page.plan("/actions/run", &[("task", "Points")]);
    assert!(plan.text.contains("up to 1 task,"), "{}", plan.text);
    page.confirm("/actions/run", &plan);
    assert_eq!(ran.take(), ["Points"]);
}

#[test]
fn a_forced_task_runs_although_it_is_complete() {
    let (page, ran) = page::<Mean>();
    page.run();
    ran.take();
    let plan = page.plan("/actions/force", &[("task", "Points")]);
    assert!(plan.text.contains("Force Points") && plan.text.contains("forced"), "{}", plan.text);
    page.confirm("/actions/force", &plan);
    // It gives the same points again.
    assert_eq!(ran.take(), ["Points"]);

    let plan = page.plan("/actions/force", &[]);
    page.confirm("/actions/force", &plan);
    assert_eq!(ran.take(), ["Mean"]);
}

#[test]
fn a_retry_runs_what_failed_and_nothing_downstream() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    let ran = Ran::default();
    let page = Page::new::<Report>(PageOptions::new(), |flow| {
        ran.observe(&flow.with(Flaky::PATH, file.clone()))
    });
    assert!(page.view("/actions").contains("No task failed last time."));
    let nothing = page.plan("/actions/retry", &[]);
    assert!(nothing.text.contains("No task failed last time."), "{}", nothing.text);

    page.run();
    assert_eq!(ran.take(), ["Points"]);
    assert!(page.view("/actions").contains("what they require: Flaky."));
    std::fs::write(&file, "").expect("a file");
    let plan = page.plan("/actions/retry", &[]);
    let text = &plan.text;
    assert!(text.contains("Retry Flaky") && text.contains("there is no file"), "{text}");
    page.confirm("/actions/retry", &plan);
    assert_eq!(ran.take(), ["Flaky"]);
    assert!(page.view("/actions").contains("No task failed last time."));
}

#[test]
fn a_reset_removes_outputs_after_a_check_mark() {
    let (page, ran) = page::<Mean>();
    let empty = page.plan("/actions/reset", &[]);
    assert!(empty.text.contains("There is nothing to remove."), "{}", empty.text);
    page.run();
    let all = page.stored();
    assert_eq!(all.len(), 2);

    let plan = page.plan("/actions/reset", &[]);
    let text = &plan.text;
    assert!(
        text.contains("the outputs of 1 instance,") && text.contains("<li>Mean</li>"),
        "{text}"
    );
    let unsure = page.send_again("/actions/reset", &plan, &[]);
    assert_eq!(unsure.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unsure.text.contains("set the check mark first"), "{}", unsure.text);
    // A check mark confirms nothing that was not shown.
    let unseen = page.post("/actions/reset", &[("sure", "yes")]);
    assert_eq!(unseen.status, StatusCode::OK);
    assert_eq!(page.stored(), all);

    let done = page.send_again("/actions/reset", &unsure, &[("sure", "yes")]);
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(done.headers["location"], "/actions");
    assert!(page.view("/actions").contains("removed the output of Mean"));
    assert_eq!(page.stored(), [all[1].clone()]);
    assert!(page.view("/").contains("1 pending"));

    ran.take();
    let plan = page.plan("/actions/run", &[]);
    page.confirm("/actions/run", &plan);
    assert_eq!(ran.take(), ["Mean"]);
}

#[test]
fn a_reset_reaches_a_task_or_everything_upstream() {
    let (page, _) = page::<Mean>();
    page.run();
    let plan = page.plan("/actions/reset", &[("task", "Points")]);
    assert!(!plan.text.contains("<li>Mean</li>"), "{}", plan.text);
    page.send_again("/actions/reset", &plan, &[("sure", "yes")]);
    assert_eq!(page.stored(), ["Mean"]);

    page.run();
    let plan = page.plan("/actions/reset", &[("upstream", "yes")]);
    assert!(plan.text.contains("the outputs of 2 instances,"), "{}", plan.text);
    page.send_again("/actions/reset", &plan, &[("sure", "yes")]);
    assert!(page.stored().is_empty());
}

#[test]
fn a_plan_that_has_changed_is_shown_again() {
    let (page, ran) = page::<Mean>();
    let plan = page.plan("/actions/run", &[]);
    // As another program does.
    page.flow.run::<Points>().expect("it runs");
    ran.take();
    let again = page.send_again("/actions/run", &plan, &[]);
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.text.contains("the plan has changed since you saw it"), "{}", again.text);
    assert!(again.text.contains("up to 1 task,"), "{}", again.text);
    assert!(ran.take().is_empty());
    page.confirm("/actions/run", &again);
    assert_eq!(ran.take(), ["Mean"]);

    let plan = page.plan("/actions/reset", &[("upstream", "yes")]);
    page.flow.reset::<Mean>().expect("it is reset");
    let again = page.send_again("/actions/reset", &plan, &[("sure", "yes")]);
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.text.contains("the outputs have changed since you saw the plan"));
    assert_eq!(page.stored().len(), 1);
}

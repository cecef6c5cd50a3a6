//! Jobs of an executor: on the live run, on the view of a run, and in a report.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use flow::executor::{Job, JobEvent, JobEvents, JobExecutor, JobQueue, RunOfJobs, SubmittedJob};
use flow::page::{PageOptions, PageServer, ReportOptions};
use flow::prelude::*;

use crate::Page;

/// The longest time that a test waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// The parameter of the job, and the name of a worker.
const NAME: &str = "<b>far</b>";
const HOSTILE: &str = "<img src=x onerror=alert(1)> \"node\"";

/// Keeps each job until the test says what becomes of it.
#[derive(Clone, Default)]
struct Held(Arc<Mutex<Vec<JobEvents>>>);

impl Held {
    fn send(&self, event: &JobEvent) {
        self.0.lock().expect("no panic").iter().for_each(|events| events.send(event.clone()));
    }

    fn begin(&self) {
        let worker = format!("{HOSTILE} (process 7)");
        self.send(&JobEvent::Begun { worker, is_adopted: false });
    }

    fn cancel(&self) {
        self.send(&JobEvent::Cancelled(format!("by request of {HOSTILE}")));
    }
}

impl JobExecutor for Held {
    fn name(&self) -> &str {
        "held"
    }

    fn begin(&self, _run: &RunOfJobs) -> Result<Arc<dyn JobQueue>> {
        Ok(Arc::new(self.clone()))
    }
}

impl JobQueue for Held {
    fn submit(&self, _job: Job, events: JobEvents) -> Result<Arc<dyn SubmittedJob>> {
        self.0.lock().expect("no panic").push(events);
        Ok(Arc::new(Nothing))
    }

    fn end(&self) {}
}

struct Nothing;

impl SubmittedJob for Nothing {
    fn send(&self, _message: String) {}

    fn cancel(&self) {}
}

/// Its job never runs.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Far {
    name: String,
}

#[tracked]
impl Run for Far {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(1)
    }
}

/// Returns a view of a server, which has nothing that runs.
fn view(page: &PageServer, path: &str) -> String {
    let token = page.url().split_once("?token=").expect("a token").1.to_owned();
    let mut stream = TcpStream::connect(page.address()).expect("a connection");
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n",
        page.address()
    );
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    let (_, html) = response.split_once("\r\n\r\n").expect("a body");
    html[html.find('<').unwrap_or_default()..].to_owned()
}

/// Waits until the live run shows a text.
fn wait_for(page: &PageServer, text: &str) -> String {
    let begun = Instant::now();
    loop {
        let html = view(page, "/live");
        if html.contains(text) {
            return html;
        }
        assert!(begun.elapsed() < PATIENCE, "{text}: {html}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_live_run_shows_jobs_that_wait_that_run_and_that_have_ended() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let held = Held::default();
    let flow = Flow::open(folder.path())?.quiet().workers(2).executor(held.clone());
    let flow = flow.with(Far::NAME, NAME.to_owned());
    let page = flow.serve::<Far>(PageOptions::new())?;
    assert!(!view(&page, "/live").contains("<h2>Jobs</h2>"), "nothing is submitted");
    page.start_run()?;
    let html = wait_for(&page, "0 run on workers, 1 wait in the queue.");
    let (_, jobs) = html.split_once("<h2>Jobs</h2>").expect("jobs");
    assert!(jobs.contains("<span class=\"badge waiting\">waiting</span>"), "{jobs}");
    assert!(jobs.contains("&lt;b&gt;far&lt;/b&gt;") && !html.contains("<b>"), "{html}");
    held.begin();
    let html = wait_for(&page, "1 run on workers, 0 wait in the queue.");
    let (_, jobs) = html.split_once("<h2>Jobs</h2>").expect("jobs");
    assert!(jobs.contains("<span class=\"badge running\">running</span>"), "{jobs}");
    assert!(jobs.contains("&lt;img src=x") && !html.contains("<img src=x"), "{html}");
    held.cancel();
    page.wait_for_run();
    let html = wait_for(&page, "0 run on workers, 0 wait in the queue.");
    let (_, jobs) = html.split_once("<h2>Jobs</h2>").expect("jobs");
    assert!(jobs.contains("<span class=\"badge failed\">failed</span>"), "{jobs}");
    assert!(html.contains("it was cancelled: by request of &lt;img"), "{html}");
    Ok(())
}

#[test]
fn a_run_shows_the_worker_of_a_job_and_its_time_in_the_queue() -> Result<()> {
    let held = Held::default();
    let executor = held.clone();
    let set = |flow: Flow| flow.executor(executor).with(Far::NAME, NAME.to_owned());
    let page = Page::new::<Far>(PageOptions::new(), set);
    let driver = thread::spawn(move || {
        let begun = Instant::now();
        while held.0.lock().expect("no panic").is_empty() && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_millis(100));
        held.begin();
        thread::sleep(Duration::from_millis(50));
        held.cancel();
    });
    page.run();
    driver.join().expect("no panic");
    let runs = page.flow.store().runs()?;
    let html = page.view(&format!("/run/{}", runs[0].id));
    let (timeline, jobs) = html.split_once("<h3>Jobs</h3>").expect("jobs");
    assert!(jobs.contains("1 job on 1 worker."), "{jobs}");
    for header in ["Worker", "In the queue", "Ran"] {
        assert!(jobs.contains(&format!("<th scope=\"col\">{header}</th>")), "{jobs}");
    }
    assert!(jobs.contains("&lt;img src=x onerror=alert(1)&gt;"), "{jobs}");
    // The lane has the name of the worker, and the time in the queue is a line before the bar.
    assert!(
        timeline.contains("<line class=\"wait\"") && timeline.contains("&lt;img src=x"),
        "{timeline}"
    );
    assert!(!timeline.contains(">worker 1<"), "{timeline}");
    let report = page.flow.report::<Far>(ReportOptions::new())?;
    let html = report.html();
    assert!(
        html.contains("<h3>Jobs</h3>") && html.contains("&lt;img src=x"),
        "the report has it, too"
    );
    assert!(!html.contains("<img src=x"), "texts are escaped");
    Ok(())
}

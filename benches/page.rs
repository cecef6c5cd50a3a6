//! Measures the page: how long its views take, and what those who watch a run cost.
//!
//! - `RESULT page iris ms=... plan_ms=... kb=...`: the first page of a flow like that of the example `iris`, three complete tasks with
//!   tables of 150 rows, from the request to a program that has just begun to serve it to the end of the response. The floor is a
//!   plan of the same flow, opened anew, which the view needs. The aim is 50 ms. `kb` counts the page with its style sheet and
//!   scripts; the aim is 100.
//! - `RESULT page graph_1000 ms=... plan_ms=... again_ms=... request_ms=... kb=...`: the graph of a thousand pending instances, and
//!   `instances_1000`, the first page of their list; so with 10,000 and 100,000. `again_ms` is the same request a second time, for
//!   which the plan is kept. Its floor, `request_ms`, is a request of a small file.
//! - `RESULT page watchers_10 ratio=... ms=... floor_ms=...`: a run of 400 tasks of some milliseconds each, on two workers, while
//!   ten browsers watch it. The floor is the same run with the same server and without a watcher. The aim is 1.05.
//!
//! Each figure is a median; what is compared takes turns. A connection is opened for each request, as by a browser that comes
//! for the first time.

use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use flow::page::{PageOptions, PageServer};
use flow::prelude::*;
use kit::args::Args;
use kit::disk::settle;
use kit::{median, table};
use tempfile::TempDir;

/// The number of rows of the tables of the small flow.
const ROWS: u64 = 150;

/// The number of leaves of each part of the large flow.
const PART: u64 = 500;

/// The numbers of instances, about.
const SIZES: [u64; 3] = [1_000, 10_000, 100_000];

/// How often a view is measured.
const VIEW_ROUNDS: usize = 9;

/// The number of tasks of the run that is watched.
const TASKS: u64 = 400;

/// The number of those who watch.
const WATCHERS: usize = 10;

/// How often the run is measured.
const RUN_ROUNDS: usize = 11;

#[derive(Task)]
#[task(target = Parquet<RecordBatch>)]
struct GetData;

#[tracked]
impl Run for GetData {
    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        Ok(table::rows(&table::schema(), 0, ROWS))
    }
}

#[derive(Task)]
#[task(requires = GetData, target = Parquet<RecordBatch>)]
struct Preprocess {
    #[param(default = true)]
    scale: bool,
}

#[tracked]
impl Run for Preprocess {
    fn run(&self, cx: &Cx<Self>) -> Result<RecordBatch> {
        let data = cx.input().load()?.into_owned();
        Ok(if self.scale { data } else { data.slice(0, 0) })
    }
}

#[derive(Task)]
#[task(requires = Preprocess, target = Json<u64>)]
struct Train {
    #[param(default = "logistic")]
    model: String,
}

#[tracked]
impl Run for Train {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.meta("model", &self.model)?;
        Ok(cx.input().load()?.num_rows() as u64)
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Leaf {
    n: u64,
}

#[tracked]
impl Run for Leaf {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.n)
    }
}

#[derive(Task)]
#[task(requires = [Leaf { n } for n in self.k * PART..(self.k + 1) * PART], target = Json<u64>)]
struct Part {
    k: u64,
}

#[tracked]
impl Run for Part {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.input().iter().map(|leaf| Ok(*leaf.load()?)).sum()
    }
}

#[derive(Task)]
#[task(requires = [Part { k } for k in 0..self.leaves / PART], target = Json<u64>)]
struct Sum {
    #[param(local)]
    leaves: u64,
}

#[tracked]
impl Run for Sum {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.input().iter().map(|part| Ok(*part.load()?)).sum()
    }
}

/// Computes for some milliseconds, and reports how far it is.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Busy {
    n: u64,
}

#[tracked]
impl Run for Busy {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let mut value = self.n;
        for step in 0..10 {
            cx.progress(step, 10);
            for _ in 0..500_000 {
                value = black_box(value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
            }
        }
        Ok(value)
    }
}

#[derive(Task)]
#[task(requires = [Busy { n } for n in 0..TASKS], target = Json<u64>)]
struct AllBusy;

#[tracked]
impl Run for AllBusy {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(cx.input().len() as u64)
    }
}

fn main() -> Result<()> {
    let args = Args::read();
    let root = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    if args.selects("iris") {
        first_page(&root.path().join("iris"))?;
    }
    for size in SIZES {
        let folder = root.path().join(size.to_string());
        for (name, path) in [("graph", "/"), ("instances", "/instances")] {
            let case = format!("{name}_{size}");
            if args.selects(&case) {
                view(&case, path, &folder, size)?;
            }
        }
    }
    if args.selects(&format!("watchers_{WATCHERS}")) {
        watched(root.path())?;
    }
    Ok(())
}

/// Measures the first page of the small flow, which is complete.
fn first_page(folder: &Path) -> Result<()> {
    Flow::open(folder)?.quiet().run::<Train>()?;
    settle();
    let (mut times, mut plans, mut bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..VIEW_ROUNDS {
        plans.push(plan::<Train>(&Flow::open(folder)?.quiet(), 3)?);
        let page = Flow::open(folder)?.quiet().serve::<Train>(PageOptions::new())?;
        let (time, body) = ask(&page, "/")?;
        ensure!(body.matches("class=\"node complete\"").count() == 3, "{body}");
        times.push(time);
        bytes = body.len();
        for file in ["page.css", "page.js", "graph.js"] {
            bytes += ask(&page, &format!("/assets/{file}"))?.1.len();
        }
    }
    println!(
        "RESULT page iris ms={:.2} plan_ms={:.2} kb={:.1}",
        median(&times) * 1e3,
        median(&plans) * 1e3,
        bytes as f64 / 1e3
    );
    Ok(())
}

/// Measures a view of a large graph in an empty store.
fn view(case: &str, path: &str, folder: &Path, size: u64) -> Result<()> {
    let flow = || Ok::<_, anyhow::Error>(Flow::open(folder)?.quiet().with(Sum::LEAVES, size));
    let instances = (size + size / PART + 1) as usize;
    let (mut times, mut plans) = (Vec::new(), Vec::new());
    let (mut again, mut requests, mut bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..VIEW_ROUNDS {
        plans.push(plan::<Sum>(&flow()?, instances)?);
        let page = flow()?.serve::<Sum>(PageOptions::new())?;
        let (time, body) = ask(&page, path)?;
        ensure!(body.contains(&format!("{instances} instances")), "{body}");
        times.push(time);
        again.push(ask(&page, path)?.0);
        requests.push(ask(&page, "/assets/icon.svg")?.0);
        bytes = body.len();
    }
    println!(
        "RESULT page {case} ms={:.2} plan_ms={:.2} again_ms={:.2} request_ms={:.2} kb={:.1}",
        median(&times) * 1e3,
        median(&plans) * 1e3,
        median(&again) * 1e3,
        median(&requests) * 1e3,
        bytes as f64 / 1e3
    );
    Ok(())
}

/// Plans a root of a flow that was just opened, and returns the time in seconds.
fn plan<R: Task>(flow: &Flow, instances: usize) -> Result<f64> {
    let begun = Instant::now();
    let planned = flow.preview::<R>()?.instances().count();
    let took = begun.elapsed().as_secs_f64();
    ensure!(planned == instances, "{planned} instances");
    Ok(took)
}

/// Measures a run that is watched and one that is not, in turns.
fn watched(root: &Path) -> Result<()> {
    let (mut times, mut floors) = (Vec::new(), Vec::new());
    for round in 0..=RUN_ROUNDS {
        let order = if round % 2 == 0 { [0, WATCHERS] } else { [WATCHERS, 0] };
        for watchers in order {
            let time = run(&root.join(format!("watched_{round}_{watchers}")), watchers)?;
            // The first round does not count.
            match (round, watchers) {
                (0, _) => {}
                (_, 0) => floors.push(time),
                _ => times.push(time),
            }
        }
    }
    let (time, floor) = (median(&times), median(&floors));
    println!(
        "RESULT page watchers_{WATCHERS} ratio={:.3} ms={:.1} floor_ms={:.1}",
        time / floor,
        time * 1e3,
        floor * 1e3
    );
    Ok(())
}

/// Runs the tasks in a new store while some watch, and returns the time in seconds.
fn run(folder: &Path, watchers: usize) -> Result<f64> {
    let flow = Flow::open(folder)?.quiet().workers(2);
    let page = flow.serve::<AllBusy>(PageOptions::new())?;
    let watchers: Vec<_> = (0..watchers).map(|_| Watcher::new(&page)).collect::<Result<_>>()?;
    settle();
    let begun = Instant::now();
    ensure!(page.start_run()?, "a run is in progress");
    page.wait_for_run();
    let took = begun.elapsed().as_secs_f64();
    ensure!(flow.is_complete::<AllBusy>()?, "the run has failed");
    for watcher in watchers {
        let seen = watcher.end()?;
        // There are at most four a second, and the first one was before the run.
        ensure!(seen >= 2, "a watcher has seen {seen} changes in {took:.2} seconds");
    }
    Ok(took)
}

/// Opens a connection, and sends a request.
fn send(page: &PageServer, path: &str) -> Result<TcpStream> {
    let url = page.url();
    let (_, token) = url.split_once("?token=").context("an address with a token")?;
    let mut stream = TcpStream::connect(page.address())?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n",
        page.address()
    );
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}

/// Sends a request, and returns the time in seconds until the response has ended, and its body.
fn ask(page: &PageServer, path: &str) -> Result<(f64, String)> {
    let begun = Instant::now();
    let mut response = String::new();
    send(page, path)?.read_to_string(&mut response)?;
    let took = begun.elapsed().as_secs_f64();
    let (head, body) = response.split_once("\r\n\r\n").context("a response")?;
    ensure!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
    Ok((took, body.to_owned()))
}

/// Reads the changes of a run, as a browser does that shows it.
struct Watcher {
    stream: TcpStream,
    thread: JoinHandle<u64>,
}

impl Watcher {
    /// Waits for the first message.
    fn new(page: &PageServer) -> Result<Self> {
        let stream = send(page, "/live/events")?;
        let mut reader = BufReader::new(stream.try_clone()?);
        ensure!(next_event(&mut reader), "the stream has no message");
        let thread = thread::spawn(move || {
            let mut seen = 1;
            while next_event(&mut reader) {
                seen += 1;
            }
            seen
        });
        Ok(Self { stream, thread })
    }

    /// Closes the connection, and returns the number of messages.
    fn end(self) -> Result<u64> {
        self.stream.shutdown(Shutdown::Both)?;
        self.thread.join().map_err(|_| anyhow!("a watcher has panicked"))
    }
}

/// Reads to the beginning of the next message. Returns `false` at the end of the stream.
fn next_event(reader: &mut BufReader<TcpStream>) -> bool {
    let mut line = String::new();
    loop {
        line.clear();
        match reader.read_line(&mut line) {
            Ok(1..) if line.starts_with("event:") => return true,
            Ok(1..) => {}
            Ok(0) | Err(_) => return false,
        }
    }
}

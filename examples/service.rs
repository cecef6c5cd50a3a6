//! A service that lives long: one flow answers many requests at the same time, and a client that leaves cancels its run.
//!
//! ```text
//! cargo run --example service
//! ```
//!
//! The store is the folder `data`, unless `FLOW_DATA` or `flow.toml` names another one.
//!
//! A client sends the name of a place and receives its mean temperature. The clients are a part of this program:
//!
//! 1. Three ask at the same time, two of them for the same place, which is measured once.
//! 2. One leaves while the instruments of `west` are not ready. Its run is canceled, and nothing is stored.
//! 3. When they are ready, another one asks for the same place, and gets its answer.
//!
//! After each run, its values are no longer in memory. The second time, all answers come from the store.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use flow::Summary;
use flow::prelude::*;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};

/// The number of [`Temperatures`] in memory.
static IN_MEMORY: AtomicUsize = AtomicUsize::new(0);

/// Counts one value from its creation until it is dropped.
struct Counted(());

impl Default for Counted {
    fn default() -> Self {
        IN_MEMORY.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        IN_MEMORY.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The temperatures of a day, in degrees Celsius. In a real service this is large.
#[derive(Serialize, Deserialize)]
struct Temperatures {
    celsius: Vec<f64>,
    #[serde(skip)]
    _counted: Counted,
}

/// The instruments of all places.
#[derive(Default)]
struct Instruments {
    /// Whether those of `west` are ready.
    is_west_ready: AtomicBool,
    measurements: AtomicUsize,
    canceled: AtomicUsize,
    /// Tells that a task waits for the instruments.
    waiting: Notify,
}

impl Instruments {
    /// Waits until the instruments are ready, or until the run is stopped.
    fn wait(&self, place: &str, cx: &Cx<Measured>) -> Result<()> {
        while place == "west" && !self.is_west_ready.load(Ordering::SeqCst) {
            self.waiting.notify_one();
            cx.checkpoint().inspect_err(|_| {
                self.canceled.fetch_add(1, Ordering::SeqCst);
            })?;
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

/// The temperatures at a place.
#[derive(Task)]
#[task(target = Json<Temperatures>, uses(Arc<Instruments>))]
struct Measured {
    place: String,
}

#[tracked]
impl Run for Measured {
    fn run(&self, cx: &Cx<Self>) -> Result<Temperatures> {
        let instruments = cx.provided::<Arc<Instruments>>();
        instruments.wait(&self.place, cx)?;
        instruments.measurements.fetch_add(1, Ordering::SeqCst);
        let first = self.place.bytes().map(f64::from).sum::<f64>() / 32.0;
        let celsius = (0..24).map(|hour| first + f64::from(hour % 12) / 4.0).collect();
        Ok(Temperatures { celsius, _counted: Counted::default() })
    }
}

/// Their mean.
#[derive(Task)]
#[task(requires = Measured, target = Json<f64>)]
struct Mean;

#[tracked]
impl Run for Mean {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        let celsius = &cx.input().load()?.celsius;
        Ok(celsius.iter().sum::<f64>() / celsius.len() as f64)
    }
}

/// What all requests share.
struct Service {
    flow: Flow,
    /// The workers of a flow are those of one run. So the service limits the runs.
    runs: Semaphore,
}

impl Service {
    /// Answers one request.
    async fn answer(&self, mut stream: TcpStream) -> Result<()> {
        let (read, mut write) = stream.split();
        let mut lines = BufReader::new(read).lines();
        let Some(place) = lines.next_line().await? else { return Ok(()) };
        let _permit = self.runs.acquire().await?;
        // A flow is cheap to clone. This one shares the store with all others.
        let flow = self.flow.with(Measured::PLACE, place);
        tokio::select! {
            ended = flow.spawn::<Mean>() => {
                let answer = answer(&flow, ended)?;
                write.write_all(format!("{answer}\n").as_bytes()).await?;
            }
            // The client has left: the handle of the run is dropped here, which stops the run.
            _ = lines.next_line() => {}
        }
        Ok(())
    }

    /// Answers requests at the returned address.
    async fn listen(self: Arc<Self>) -> Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = Arc::clone(&self);
                tokio::spawn(async move { service.answer(stream).await });
            }
        });
        Ok(address)
    }
}

/// Returns the answer after a run of this flow.
fn answer(flow: &Flow, ended: Result<Summary, flow::Error>) -> Result<String> {
    match ended {
        // Loading blocks the thread: large outputs are loaded in `spawn_blocking`.
        Ok(_) => Ok(format!("{:.2}", *flow.load::<Mean>()?)),
        Err(error) => Ok(format!("error: {}", error.to_string().replace('\n', "; "))),
    }
}

/// Sends a request.
async fn ask(service: SocketAddr, place: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(service).await?;
    stream.write_all(format!("{place}\n").as_bytes()).await?;
    Ok(stream)
}

/// Returns the answer to a request.
async fn receive(stream: TcpStream) -> Result<String> {
    let answer = BufReader::new(stream).lines().next_line().await?;
    answer.context("the service has not answered")
}

#[tokio::main]
async fn main() -> Result<()> {
    let instruments = Arc::<Instruments>::default();
    // A service reports by its own means, such as an observer, and handles signals itself.
    let flow = flow::open_configured()?.quiet().workers(2).provide(Arc::clone(&instruments));
    let service = Arc::new(Service { flow: flow.clone(), runs: Semaphore::new(8) });
    let service = service.listen().await?;

    let get = async |place: &str| receive(ask(service, place).await?).await;
    let (north, again, south) = tokio::try_join!(get("north"), get("north"), get("south"))?;
    println!("north: {north}, {again}\nsouth: {south}");

    let mut west = ask(service, "west").await?;
    tokio::select! {
        () = instruments.waiting.notified() => {
            west.shutdown().await?;
            while instruments.canceled.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            let is_complete = flow.with(Measured::PLACE, "west").is_complete::<Measured>()?;
            println!("west: canceled, complete: {is_complete}");
        }
        // An earlier run of this program has stored it.
        readable = west.readable() => println!("west: answered at once, {}", readable.is_ok()),
    }
    instruments.is_west_ready.store(true, Ordering::SeqCst);
    println!("west: {}", get("west").await?);

    println!("{} measurements", instruments.measurements.load(Ordering::SeqCst));
    println!("{} values in memory", IN_MEMORY.load(Ordering::SeqCst));
    Ok(())
}

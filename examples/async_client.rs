//! Async code in tasks: prices are fetched from a server by an async client, in an async program.
//!
//! ```text
//! cargo run --example async_client
//! ```
//!
//! The store is the folder `data`, unless `FLOW_DATA` or `flow.toml` names another one.
//!
//! The server is a part of this program, and counts its requests. The second run sends none.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flow::prelude::*;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

/// A client of the server, with the runtime that its sockets belong to.
struct Client {
    server: SocketAddr,
    runtime: Handle,
}

impl Client {
    /// Returns the closing prices of a symbol in a quarter.
    async fn prices(&self, symbol: &str, quarter: u32) -> Result<Vec<f64>> {
        let mut stream = TcpStream::connect(self.server).await?;
        stream.write_all(format!("{symbol} {quarter}\n").as_bytes()).await?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).await?;
        serde_json::from_str(&answer).with_context(|| format!("the server answers {answer:?}"))
    }
}

/// The closing prices of a symbol, a number for each week.
#[derive(Task)]
#[task(target = Json<Vec<f64>>, uses(Client))]
struct Quotes {
    symbol: String,
}

#[tracked]
impl Run for Quotes {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<f64>> {
        let client = cx.provided::<Client>();
        let _runtime = client.runtime.enter();
        // Two requests at the same time. If the run is stopped meanwhile, both are canceled.
        let halves = cx.block_on(async {
            tokio::try_join!(client.prices(&self.symbol, 1), client.prices(&self.symbol, 2))
        });
        let (first, second) = halves??;
        Ok([first, second].concat())
    }
}

/// The highest price of each symbol.
#[derive(Task)]
#[task(
    requires = [Quotes { symbol } for symbol in ["ACME", "BOLT", "CRUX"]],
    target = Json<BTreeMap<String, f64>>
)]
struct Highest;

#[tracked]
impl Run for Highest {
    fn run(&self, cx: &Cx<Self>) -> Result<BTreeMap<String, f64>> {
        let mut highest = BTreeMap::new();
        for input in cx.input() {
            let prices = input.load()?;
            let symbol = input.task().symbol.clone();
            highest.insert(symbol, prices.iter().copied().fold(f64::MIN, f64::max));
        }
        Ok(highest)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let (server, requests) = serve().await?;
    // The address is not a parameter: prices from another server would be the same.
    let client = Client { server, runtime: Handle::current() };
    let flow = flow::open_configured()?.provide(client);
    // The run has threads of its own, and this one serves requests while it waits.
    println!("{}", flow.spawn::<Highest>().await?);
    for (symbol, price) in flow.load::<Highest>()?.iter() {
        println!("{symbol}: {price}");
    }
    println!("{} requests", requests.load(Ordering::SeqCst));
    Ok(())
}

/// Starts the server. Returns its address and the number of requests.
async fn serve() -> Result<(SocketAddr, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (address, requests) = (listener.local_addr()?, Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(answer(stream));
        }
    });
    Ok((address, requests))
}

/// Answers one request, such as `ACME 2`.
async fn answer(mut stream: TcpStream) -> Result<()> {
    let mut request = String::new();
    BufReader::new(&mut stream).read_line(&mut request).await?;
    let (symbol, quarter) = request.trim().split_once(' ').context("a symbol and a quarter")?;
    let start = f64::from(symbol.bytes().map(u32::from).sum::<u32>());
    let weeks = (1..=13).map(|week| week + 13 * (quarter.parse::<i32>().unwrap_or(1) - 1));
    let prices: Vec<f64> = weeks.map(|week| start + f64::from(week * 7 % 23)).collect();
    stream.write_all(format!("{}\n", serde_json::to_string(&prices)?).as_bytes()).await?;
    Ok(())
}

//! Three trading strategies over one pipeline, which share most of its tasks.
//!
//! ```text
//! cargo run --example backtest -- run Pnl                                # the strategy of the defaults
//! cargo run --example backtest -- run Pnl --symbols ACME,BOLT,DUNE       # other symbols
//! cargo run --example backtest -- run Pnl --days 60                      # slower signals
//! cargo run --example backtest -- sweep Pnl --days 20,60 --max-by sharpe # a table of strategies
//! cargo run --example backtest -- graph Pnl --format svg > graph.svg     # a picture for a browser
//! ```
//!
//! `Index` and `News` are sources over one range of days, and `Signals` is computed from both. Each
//! symbol has its own instance of `Prices`. `Portfolio` follows the signals, and `Pnl` computes the
//! profit and loss. With another list of symbols, the signals and the prices of common symbols are
//! reused. With other signals, all prices are reused.

use std::collections::BTreeMap;
use std::process::ExitCode;

use flow::prelude::*;
use jiff::civil::{Date, Weekday, date};

/// A value of one day.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Point {
    day: Date,
    value: f64,
}

/// The index at the close of each day.
#[derive(Task)]
#[task(group = "sources", target = Parquet<Vec<Point>>)]
struct Index {
    #[param(default = date(2023, 1, 2))]
    start: Date,
    #[param(default = date(2023, 12, 29))]
    end: Date,
}

#[tracked]
impl Run for Index {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<Point>> {
        Ok(vendor::closes("INDEX", self.start, self.end))
    }
}

/// How good the news of the day are, from -1 to 1.
#[derive(Task)]
#[task(group = "sources", target = Parquet<Vec<Point>>)]
struct News {
    #[param(from = Index::START)] // one range for all sources, set in one place
    start: Date,
    #[param(from = Index::END)]
    end: Date,
}

#[tracked]
impl Run for News {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<Point>> {
        Ok(vendor::moods(self.start, self.end))
    }
}

/// The price of one symbol at the close of each day.
#[derive(Task)]
#[task(group = "sources", target = Parquet<Vec<Point>>)]
struct Prices {
    symbol: String,
    #[param(from = Index::START)]
    start: Date,
    #[param(from = Index::END)]
    end: Date,
}

#[tracked]
impl Run for Prices {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<Point>> {
        Ok(vendor::closes(&self.symbol, self.start, self.end))
    }
}

/// The share to invest from the close of each day on.
///
/// It is nothing if the index is below its mean of the last days, half if only the news are bad,
/// and everything otherwise.
#[derive(Task)]
#[task(requires(index = Index, news = News), target = Parquet<Vec<Point>>)]
struct Signals {
    #[param(default = 20, range = 5..)]
    days: usize,
}

#[tracked]
impl Run for Signals {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<Point>> {
        let (index, news) = (cx.input().index.load()?, cx.input().news.load()?);
        let mean = |last: &[Point]| last.iter().map(|p| p.value).sum::<f64>() / last.len() as f64;
        let windows = index.windows(self.days).zip(news.windows(self.days));
        let signals = windows.map(|(index, news)| {
            let Point { day, value: close } = index[self.days - 1];
            let trend = if close > mean(index) { 1.0 } else { 0.0 };
            Point { day, value: if mean(news) < 0.0 { trend / 2.0 } else { trend } }
        });
        Ok(signals.collect())
    }
}

/// The share of the capital in a symbol, from the close of a day on.
#[derive(Serialize, Deserialize)]
struct Holding {
    day: Date,
    symbol: String,
    share: f64,
}

/// A portfolio that follows the signals, with each symbol weighted by the inverse of its
/// volatility.
#[derive(Task)]
#[task(
    requires(
        signals = Signals,
        prices = {symbol => Prices { symbol } for symbol in &self.symbols},
    ),
    target = Parquet<Vec<Holding>>,
)]
struct Portfolio {
    #[param(default = ["ACME", "BOLT", "CRUX"].map(String::from).to_vec())]
    symbols: Vec<String>,
}

#[tracked]
impl Run for Portfolio {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<Holding>> {
        let mut returns = BTreeMap::new();
        for (symbol, prices) in &cx.input().prices {
            returns.insert(symbol, self::returns(&prices.load()?));
        }
        let mut holdings = Vec::new();
        for &Point { day, value } in cx.input().signals.load()?.iter() {
            // The volatility is that of the last month before the day.
            let calm = returns.iter().map(|(symbol, returns)| {
                let last = returns.range(..=day).rev().take(21);
                (symbol, 1.0 / deviation(&last.map(|(_, value)| *value).collect::<Vec<_>>()))
            });
            let calm: Vec<_> = calm.collect();
            let all: f64 = calm.iter().map(|(_, calm)| calm).sum();
            holdings.extend(calm.into_iter().map(|(symbol, calm)| Holding {
                day,
                symbol: symbol.to_string(),
                share: value * calm / all,
            }));
        }
        Ok(holdings)
    }
}

/// The profit or loss of each day, as a share of the capital.
#[derive(Task)]
#[task(
    requires(
        portfolio = Portfolio,
        prices = {symbol => Prices { symbol } for symbol in &self.symbols},
    ),
    target = Csv<Vec<Point>>,
)]
struct Pnl {
    #[param(from = Portfolio::SYMBOLS)]
    symbols: Vec<String>,
}

#[tracked]
impl Run for Pnl {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<Point>> {
        let mut returns = BTreeMap::new();
        for (symbol, prices) in &cx.input().prices {
            returns.insert(symbol, self::returns(&prices.load()?));
        }
        // A holding that is bought at one close earns the change of the price until the next close.
        let mut pnl: BTreeMap<Date, f64> = BTreeMap::new();
        for Holding { day, symbol, share } in cx.input().portfolio.load()?.iter() {
            if let Some((&next, earned)) = returns[symbol].range(day.tomorrow()?..).next() {
                *pnl.entry(next).or_default() += share * earned;
            }
        }
        let values: Vec<f64> = pnl.values().copied().collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        cx.meta("total", values.iter().map(|value| 1.0 + value).product::<f64>() - 1.0)?;
        cx.meta("sharpe", mean / deviation(&values) * 252_f64.sqrt())?;
        Ok(pnl.into_iter().map(|(day, value)| Point { day, value }).collect())
    }
}

/// Returns the change of each day, as a share of the previous value.
fn returns(prices: &[Point]) -> BTreeMap<Date, f64> {
    let pairs = prices.windows(2).map(|p| (p[1].day, p[1].value / p[0].value - 1.0));
    pairs.collect()
}

/// Returns the standard deviation.
fn deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}

fn main() -> ExitCode {
    flow::main!()
}

/// A stand-in for a data vendor, with made-up data that is always the same for a name and a day.
mod vendor {
    use super::{Date, Point, Weekday, date};

    /// Returns the closing prices of all trading days.
    pub(super) fn closes(name: &str, start: Date, end: Date) -> Vec<Point> {
        let mut price = 100.0;
        let all = days(date(2020, 1, 1), end).map(|day| {
            price *= 1.0004 + 0.02 * chance(name, day);
            Point { day, value: price }
        });
        all.filter(|point| point.day >= start).collect()
    }

    /// Returns how good the news of each day are.
    pub(super) fn moods(start: Date, end: Date) -> Vec<Point> {
        days(start, end).map(|day| Point { day, value: chance("news", day) }).collect()
    }

    fn days(start: Date, end: Date) -> impl Iterator<Item = Date> {
        let days = start.series(jiff::Span::new().days(1)).take_while(move |&day| day <= end);
        days.filter(|day| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday))
    }

    /// Returns a number from -1 to 1: FNV-1a of the name and the day, mixed like SplitMix64.
    fn chance(name: &str, day: Date) -> f64 {
        let text = format!("{name} {day}");
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (hash >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

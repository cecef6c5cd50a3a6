//! Sharing results: with a colleague who has the same program, one who does not, and one who works
//! in Python.
//!
//! Through a shared folder. Nothing runs at the other end, and nothing is copied twice:
//!
//! ```text
//! cargo run --example handoff -- run Report --discount 10
//! cargo run --example handoff -- push Report --discount 10 --to data/shared
//! cargo run --example handoff -- pull Report --discount 10 --from data/shared --data data/theirs
//! cargo run --example handoff -- run Report --discount 10 --data data/theirs
//! ```
//!
//! For people: files with readable names, a manifest, a README, and a Python module. They can be imported into another
//! store, and read by a program that knows only their columns, which here is the task `Handed`:
//!
//! ```text
//! cargo run --example handoff -- export Report --discount 10 --upstream --to data/handed
//! cargo run --example handoff -- import data/handed --data data/imported
//! cargo run --example handoff -- show Handed --folder data/handed
//! ```
//!
//! `Flow::export_crate` writes a crate for other Rust programs, with a struct for the rows of each table.

use std::path::PathBuf;
use std::process::ExitCode;

use flow::prelude::*;

/// A month's sales of an article in one shop.
#[derive(Serialize, Deserialize)]
struct Sale {
    day: u32,
    shop: String,
    pieces: u32,
    price: f64,
}

#[derive(Task)]
#[task(target = Parquet<Vec<Sale>>)]
struct Sales {
    #[param(default = 30)]
    days: u32,
}

#[tracked]
impl Run for Sales {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<Sale>> {
        let shops = ["Ulm", "Zürich"];
        let sale = |day, shop: &str| Sale {
            day,
            shop: shop.to_owned(),
            pieces: 3 + day * 7 % 5 + shop.len() as u32,
            price: 9.5 + f64::from(day % 3) / 4.0,
        };
        Ok((1..=self.days).flat_map(|day| shops.map(|shop| sale(day, shop))).collect())
    }
}

/// The total sales of a shop, in pieces and in money.
#[derive(Serialize, Deserialize)]
struct Total {
    shop: String,
    pieces: u32,
    turnover: f64,
}

#[derive(Task)]
#[task(requires = Sales, target = Csv<Vec<Total>>)]
struct Report {
    /// The discount on each price, in percent.
    #[param(default = 0)]
    discount: u32,
}

#[tracked]
impl Run for Report {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<Total>> {
        let mut totals: Vec<Total> = Vec::new();
        for sale in cx.input().load()?.iter() {
            let paid = sale.price * f64::from(100 - self.discount) / 100.0;
            let turnover = f64::from(sale.pieces) * paid;
            match totals.iter_mut().find(|total| total.shop == sale.shop) {
                Some(total) => {
                    total.pieces += sale.pieces;
                    total.turnover += turnover;
                }
                None => {
                    let (shop, pieces) = (sale.shop.clone(), sale.pieces);
                    totals.push(Total { shop, pieces, turnover });
                }
            }
        }
        cx.meta("shops", totals.len())?;
        Ok(totals)
    }
}

/// The task of a program that has the exported files but not the code, as the export's README shows
/// it.
#[derive(Task)]
#[task(external, path = self.folder.join("Report/discount=10.csv"), target = Csv<RecordBatch>)]
struct Handed {
    folder: PathBuf,
}

fn main() -> ExitCode {
    flow::main!()
}

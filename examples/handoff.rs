//! Sharing results: with a colleague who has the same program, one who does not, and one who works
//! in Python.
//!
//! ```sh
//! cargo run --example handoff -- [--data DIR]
//! ```

use std::fs;
use std::path::PathBuf;

use flow::prelude::*;
use flow::remote::RemoteFolder;

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

fn main() -> Result<()> {
    let folder = data_folder()?;
    let mine = Flow::open(folder.join("mine"))?;
    for discount in [0, 10] {
        mine.with(Report::DISCOUNT, discount).run::<Report>()?;
    }

    // Through a shared folder. Nothing runs at the other end, and nothing is copied twice.
    let shared = RemoteFolder::new(folder.join("shared"));
    println!("{}", mine.push::<Report>(&shared)?);
    println!("{}", mine.with(Report::DISCOUNT, 10).push::<Report>(&shared)?);
    let theirs = Flow::open(folder.join("theirs"))?.with(Report::DISCOUNT, 10);
    println!("{}", theirs.pull::<Report>(&shared)?);
    println!("{}\n", theirs.run::<Report>()?);

    // For people: files with readable names, a manifest, a README, and a Python module.
    let to = folder.join("handed");
    for discount in [0, 10] {
        mine.with(Report::DISCOUNT, discount).graph::<Report>().export(&to)?;
    }
    for name in ["Report/discount=0.csv", "Report/discount=10.csv", "Sales/days=30.parquet"] {
        println!("{name}: {} bytes", fs::metadata(to.join(name))?.len());
    }
    println!("{}", fs::read_to_string(to.join("Report/discount=10.csv"))?);

    // For other Rust programs: the folder is a crate, with a struct for the rows of each table.
    let outputs = folder.join("sales-outputs");
    println!("{}\n", mine.export_crate::<(Report, Sales)>(&outputs)?);
    let types = fs::read_to_string(outputs.join("src/lib.rs"))?;
    types.lines().filter(|line| line.starts_with("pub struct")).for_each(|line| println!("{line}"));
    println!();

    // Into another store, and into a program that knows only the columns.
    let imported = Flow::open(folder.join("imported"))?;
    println!("{} imported", imported.import(&to)?.instances().len());
    println!("complete: {}", imported.with(Report::DISCOUNT, 10).is_complete::<Report>()?);
    let batch = imported.with(Handed::FOLDER, to).load::<Handed>()?;
    println!("{} rows of {} columns", batch.num_rows(), batch.num_columns());
    Ok(())
}

/// Returns the folder after `--data`, or `data/handoff`.
fn data_folder() -> Result<PathBuf> {
    match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => Ok("data/handoff".into()),
        [flag, folder] if flag == "--data" => Ok(folder.into()),
        _ => bail!("usage: handoff [--data DIR]"),
    }
}

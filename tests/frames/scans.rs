//! A scan reads the columns that the query needs, and the task records them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use flow::frames::{COLUMNS_READ, columns_read, scan_parquet};
use flow::polars::df;
use flow::polars::prelude::{
    DataFrame, DataType, IntoLazy, LazyFrame, SortMultipleOptions, col, len, lit,
};
use flow::prelude::*;
use flow::target::Source;

use crate::{flow, message, ran};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Side {
    Buy,
    Sell,
}

/// A row with types that polars has as features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Trade {
    symbol: String,
    lot: u8,
    change: i16,
    side: Side,
    price: Option<f64>,
    note: String,
}

fn trade(n: u8) -> Trade {
    Trade {
        symbol: ["A", "B"][usize::from(n % 2)].to_owned(),
        lot: n,
        change: -i16::from(n),
        side: if n < 4 { Side::Buy } else { Side::Sell },
        price: (n != 3).then_some(f64::from(n)),
        note: format!("trade {n}"),
    }
}

#[task(target = Parquet<Vec<Trade>>)]
fn trades(#[param(default = 8)] count: u8) -> Vec<Trade> {
    (0..count).map(trade).collect()
}

#[task(requires = trades, target = ArrowIpc<Vec<Trade>>)]
fn copied_trades(trades: &[Trade]) -> Vec<Trade> {
    trades.to_vec()
}

/// The mean price of each symbol.
#[task(requires(trades = trades, copied = copied_trades), target = Json<BTreeMap<String, f64>>)]
fn mean_prices(
    trades: &Input<trades>,
    copied: &Input<copied_trades>,
    cx: &Cx<mean_prices>,
) -> Result<BTreeMap<String, f64>> {
    let query = |frame: LazyFrame| {
        let bought = frame.filter(col("lot").gt(lit(0)));
        let means = bought.group_by([col("symbol")]).agg([col("price").mean()]);
        means.sort(["symbol"], SortMultipleOptions::default())
    };
    let means = cx.collect(query(trades.scan()?))?;
    assert!(means.equals(&cx.collect(query(copied.scan()?))?));
    let (symbols, prices) = (means.column("symbol")?.str()?, means.column("price")?.f64()?);
    let rows = symbols.iter().zip(prices.iter());
    Ok(rows.filter_map(|(symbol, price)| Some((symbol?.to_owned(), price?))).collect())
}

#[test]
fn a_task_scans_rows_and_records_the_columns_that_it_reads() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<mean_prices>()?), ["copied_trades", "mean_prices", "trades"]);
    let means = flow.load::<mean_prices>()?;
    assert_eq!(*means, BTreeMap::from([("A".to_owned(), 4.0), ("B".to_owned(), 13.0 / 3.0)]));
    let read: BTreeMap<String, Vec<String>> = flow.output::<mean_prices>()?.meta(COLUMNS_READ)?;
    let columns = ["lot", "price", "symbol"].map(str::to_owned).to_vec();
    let expected = [("copied".to_owned(), columns.clone()), ("trades".to_owned(), columns)];
    assert_eq!(read, BTreeMap::from(expected));
    assert!(ran(&flow.run::<mean_prices>()?).is_empty());
    Ok(())
}

#[test]
fn a_scan_has_the_types_of_the_rows() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<copied_trades>()?;
    for mut frame in [flow.output::<trades>()?.scan()?, flow.output::<copied_trades>()?.scan()?] {
        let schema = frame.collect_schema()?;
        let of = |name: &str| schema.get(name).cloned();
        assert_eq!(of("lot"), Some(DataType::UInt8));
        assert_eq!(of("change"), Some(DataType::Int16));
        assert_eq!(of("price"), Some(DataType::Float64));
        let sides = frame.clone().select([col("side").cast(DataType::String)]).collect()?;
        assert_eq!(sides.column("side")?.str()?.get(5), Some("Sell"));
        let all = frame.collect()?;
        assert_eq!((all.height(), all.width()), (8, 6));
        assert_eq!(all.column("change")?.i16()?.get(7), Some(-7));
    }
    Ok(())
}

/// Returns the columns that a query reads of the only file.
fn read(frame: &LazyFrame) -> Vec<String> {
    let mut read = columns_read(frame).expect("files with paths");
    assert_eq!(read.len(), 1, "{read:?}");
    read.remove(0).columns
}

#[test]
fn the_columns_of_a_query_are_known_before_it_runs() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<trades>()?;
    let scan = || flow.output::<trades>().unwrap().scan().unwrap();
    assert_eq!(read(&scan()), ["symbol", "lot", "change", "side", "price", "note"]);
    assert_eq!(read(&scan().select([col("price"), col("lot")])), ["lot", "price"]);
    assert_eq!(
        read(&scan().filter(col("lot").gt(lit(3))).select([col("price")])),
        ["lot", "price"]
    );
    assert!(read(&scan().select([len()])).is_empty());
    let joined = scan().select([col("symbol"), col("lot")]).inner_join(
        scan().select([col("symbol"), col("price")]),
        col("symbol"),
        col("symbol"),
    );
    assert_eq!(read(&joined), ["symbol", "lot", "price"]);
    let path = flow.output::<trades>()?.path()?;
    assert_eq!(columns_read(&scan()).unwrap()[0].path, path);

    let in_memory = df!["n" => [1, 2]]?.lazy();
    assert_eq!(columns_read(&in_memory), Some(Vec::new()));
    assert_eq!(columns_read(&scan().select([col("missing")])), None);
    Ok(())
}

/// A file of another program.
#[derive(Task)]
#[task(external, path = &self.file, target = Parquet<DataFrame>)]
struct TradeFile {
    file: PathBuf,
}

#[task(requires = TradeFile, target = Json<u32>)]
fn rows_of_file(file: &Input<TradeFile>, cx: &Cx<rows_of_file>) -> Result<u32> {
    let counted = cx.collect(file.scan()?.select([len()]))?;
    counted.column("len")?.u32()?.get(0).context("one row")
}

#[test]
fn a_damaged_file_is_an_error_that_names_it() -> Result<()> {
    let (flow, folder) = flow();
    flow.run::<trades>()?;
    let file = folder.path().join("trades[1].parquet"); // polars would take it for a pattern
    fs::copy(flow.output::<trades>()?.path()?, &file)?;
    let flow = flow.with(TradeFile::FILE, &*file);
    assert_eq!(*flow.get::<rows_of_file>()?, 8);

    fs::write(&file, "no Parquet")?;
    let error = message(flow.run::<rows_of_file>().unwrap_err());
    assert!(error.contains("trades[1].parquet as Parquet"), "{error}");
    let missing =
        scan_parquet(&Source::file(folder.path().join("missing.parquet"))).err().expect("an error");
    assert!(format!("{missing:#}").contains("missing.parquet as Parquet"), "{missing:#}");
    Ok(())
}

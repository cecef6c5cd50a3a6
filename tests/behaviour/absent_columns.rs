//! A CSV file that lacks a column of the row type is an error, and is not read as rows of `None`.

use std::path::PathBuf;

use flow::prelude::*;

use crate::support::flow;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Row {
    id: i64,
    price: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Lenient {
    id: i64,
    #[serde(default)]
    price: Option<f64>,
}

#[derive(Task)]
#[task(external, path = &self.path, target = Csv<Vec<Row>>)]
struct Prices {
    path: PathBuf,
}

#[derive(Task)]
#[task(external, path = &self.path, target = Csv<Vec<Lenient>>)]
struct LenientPrices {
    path: PathBuf,
}

#[derive(Task)]
#[task(requires = Prices, target = Json<Vec<Option<f64>>>)]
struct Values;
runs!(Values: Vec<Option<f64>> = |self, cx| Ok(cx.input().load()?.iter().map(|row| row.price).collect()));

#[test]
fn a_misnamed_column_fails_the_task_that_reads_it() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("prices.csv");
    std::fs::write(&path, "id, price\n1,2.5\n")?;
    let flow = flow.with(Prices::PATH, &path).with(LenientPrices::PATH, &path);
    let error = format!("{:#}", anyhow!(flow.run::<Values>().unwrap_err()));
    assert!(error.contains("there is no column `price`"), "{error}");
    assert!(error.contains("did you mean ` price`?"), "{error}");
    assert_eq!(*flow.load::<LenientPrices>()?, [Lenient { id: 1, price: None }]);

    std::fs::write(&path, "id;price\n1;2.5\n")?;
    let error = format!("{:#}", anyhow!(flow.load::<Prices>().unwrap_err()));
    assert!(error.contains("the file seems to be separated by ';'"), "{error}");

    std::fs::write(&path, "id,price\n1,2.5\n")?;
    flow.run::<Values>()?;
    assert_eq!(*flow.load::<Values>()?, [Some(2.5)]);
    Ok(())
}

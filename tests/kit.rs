//! The testing kit without other tests: given inputs, assertions on the tasks that ran, and a check
//! of all tasks.

use flow::prelude::*;
use flow::testing::{self, assert_because, assert_ran};

#[task(target = Json<Vec<f64>>)]
fn prices() -> Result<Vec<f64>> {
    bail!("a server would be asked")
}

#[task(requires = prices, target = Json<f64>)]
fn highest(prices: &[f64]) -> Result<f64> {
    prices.iter().copied().reduce(f64::max).context("there are no prices")
}

#[test]
fn the_highest_price_needs_prices() -> flow::Result<()> {
    let flow = testing::flow().with_input::<prices>(vec![2.0, 3.5]); // what `prices` returns
    assert_ran(&flow.run::<highest>()?, ["highest"]); // nothing upstream is planned
    let none = flow.with_input::<prices>(vec![]);
    assert_because(&none.run::<highest>(), "highest", "there are no prices");
    Ok(())
}

flow::check_all!(); // all tasks that are linked in; in `tests/`, say `use my_pipeline as _;` above

//! Each option of `#[task(...)]` above a struct.

use wf::prelude::*;
use wf::testing::{self, assert_because, assert_ran};

/// A value that the flow provides.
struct Client {
    name: &'static str,
}

fn is_sorted(rows: &[u64]) -> Result<()> {
    ensure!(rows.is_sorted(), "not sorted: {rows:?}");
    Ok(())
}

#[derive(Task)]
#[task(
    target = Json<Vec<u64>>(max_bytes = 100),
    name = "rows-of-client",
    was = "old_rows",
    group = "inputs",
    dir = "rows/daily",
    version = 7,
    refresh = "1h 30m",
    uses(Client, String,),
    check = is_sorted,
    crate = ::wf,
)]
struct RowsOfClient {
    #[param(default = [1, 2])]
    rows: Vec<u64>,
}

#[tracked]
impl Run for RowsOfClient {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<u64>> {
        let length = cx.provided::<Client>().name.len() + cx.provided::<String>().len();
        let mut rows = self.rows.clone();
        rows.push(u64::try_from(length)?);
        Ok(rows)
    }
}

/// Several attributes are one, and an empty one is allowed.
#[derive(Task)]
#[task()]
#[task(requires = RowsOfClient)]
#[task(target = Json<usize>, check = self::checks::is_small)]
#[task(may_require(Extra))]
struct InSeveralAttributes;

mod checks {
    use wf::prelude::*;

    pub fn is_small(value: &dyn std::fmt::Debug) -> Result<()> {
        ensure!(format!("{value:?}").len() < 3, "too large");
        Ok(())
    }
}

#[tracked]
impl Run for InSeveralAttributes {
    fn run(&self, cx: &Cx<Self>) -> Result<usize> {
        let extra = cx.with(Extra::N, 5).require::<Extra>()?;
        Ok(cx.input().load()?.len() + *extra.load()?)
    }
}

#[derive(Task)]
#[task(target = Json<usize>, version = 0u32)]
struct Extra {
    n: usize,
}

#[tracked]
impl Run for Extra {
    fn run(&self, _: &Cx<Self>) -> Result<usize> {
        Ok(self.n)
    }
}

/// A name as long as a name can be.
#[derive(Task)]
#[task(target = Json<u8>, name = "n2345678901234567890123456789012345678901234567890123456789012345678901234567890")]
struct MeanOfAllMeasurementsOfAllStationsOfAllCountriesOnAllDaysOfAllMonthsOfAYearByHour {
    #[param(default = 1)]
    number_of_measurements_of_all_stations_of_all_countries_on_all_days_of_all_months: u8,
}

#[tracked]
impl Run for MeanOfAllMeasurementsOfAllStationsOfAllCountriesOnAllDaysOfAllMonthsOfAYearByHour {
    fn run(&self, _: &Cx<Self>) -> Result<u8> {
        Ok(self.number_of_measurements_of_all_stations_of_all_countries_on_all_days_of_all_months)
    }
}

type MeanByHour = MeanOfAllMeasurementsOfAllStationsOfAllCountriesOnAllDaysOfAllMonthsOfAYearByHour;

/// A required task by an alias, and a target by an alias.
type Numbers = Json<Vec<u64>>;

#[derive(Task)]
#[task(requires = MeanByHour, target = Numbers)]
struct ByAlias;

#[tracked]
impl Run for ByAlias {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<u64>> {
        let input: &Input<MeanByHour> = cx.input();
        Ok(vec![u64::from(*input.load()?)])
    }
}

fn flow() -> testing::Flow {
    testing::flow().provide(Client { name: "abc" }).provide("de".to_owned())
}

#[test]
fn options_apply() -> Result<()> {
    let flow = flow();
    let run = flow.run::<InSeveralAttributes>()?;
    assert_ran(&run, ["rows-of-client", "InSeveralAttributes", "Extra"]);
    assert_eq!(*flow.load::<RowsOfClient>()?, [1, 2, 5]);
    assert_eq!(*flow.load::<InSeveralAttributes>()?, 8);
    assert!(flow.folder().join("inputs/rows/daily").is_dir());
    let plan = flow.preview::<InSeveralAttributes>()?.to_string();
    assert!(plan.starts_with("InSeveralAttributes"), "{plan}");
    Ok(())
}

#[test]
fn an_output_is_checked() {
    let run = flow().with(RowsOfClient::ROWS, [2, 1]).run::<RowsOfClient>();
    assert_because(&run, "rows-of-client", "not sorted: [2, 1, 5]");
}

#[test]
fn names_can_be_long_or_aliases() -> Result<()> {
    let flow = flow();
    flow.run::<ByAlias>()?;
    assert_eq!(*flow.load::<ByAlias>()?, [1]);
    let instances = flow.graph::<ByAlias>().instances()?;
    assert!(instances.iter().any(|instance| instance.task().len() == 80));
    Ok(())
}

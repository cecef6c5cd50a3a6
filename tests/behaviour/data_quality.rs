//! Expectations on tables: each message, what a violated expectation does to the run and the stored output, and the
//! rejected rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use flow::Event;
use flow::arrow::array::{
    ArrayRef, Date32Array, DictionaryArray, Float64Array, Int64Array, StringArray,
};
use flow::arrow::datatypes::Int32Type;
use flow::expect::{self, CheckReport, Expectations, Severity};
use flow::plan::Warning;
use flow::prelude::*;
use flow::testing::{assert_because, assert_failed, assert_ran};

use crate::events::observed;
use crate::support::{files_below, flow};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: u32,
    price: f64,
    customer: Option<String>,
}

fn order(id: u32, price: f64, customer: Option<&str>) -> Order {
    Order { id, price, customer: customer.map(str::to_owned) }
}

/// Returns the expectations that are violated, as text.
fn violated(expectations: Expectations) -> Vec<String> {
    let report = expectations.report().expect("a report");
    let violated = report.results().iter().filter(|result| !result.holds());
    violated.map(ToString::to_string).collect()
}

fn three_orders() -> Vec<Order> {
    vec![order(1, 5.0, Some("Ada")), order(2, -1.0, None), order(1, f64::NAN, Some("Bob"))]
}

#[test]
fn each_expectation_says_which_rows_violate_it() {
    let orders = three_orders();
    let table = || expect::table(&orders);
    assert_eq!(
        violated(table().not_null(["id", "customer"])),
        ["`customer` not null: violated in 1 of 3 rows: row 1"]
    );
    assert_eq!(
        violated(table().in_range("price", 0.0..)),
        ["`price` in 0.0..: violated in 2 of 3 rows: row 1: -1.0; row 2: NaN"]
    );
    assert_eq!(
        violated(table().in_range("id", 2..=5)),
        ["`id` in 2..=5: violated in 2 of 3 rows: row 0: 1; row 2: 1"]
    );
    assert_eq!(
        violated(table().in_range("customer", "B"..)),
        ["`customer` in \"B\"..: violated in 1 of 3 rows: row 0: \"Ada\""]
    );
    assert_eq!(
        violated(table().one_of("customer", ["Ada", "Eve"])),
        ["`customer` one of \"Ada\", \"Eve\": violated in 1 of 3 rows: row 2: \"Bob\""]
    );
    assert_eq!(
        violated(table().one_of("id", [2, 3])),
        ["`id` one of 2, 3: violated in 2 of 3 rows: row 0: 1; row 2: 1"]
    );
    assert_eq!(
        violated(table().unique("id").unique(["id", "customer"])),
        ["`id` unique: violated in 1 of 3 rows: row 2: 1 (as row 0)"]
    );
    assert_eq!(
        violated(table().each("a price", |order: &Order| order.price > 0.0)),
        ["a price: violated in 2 of 3 rows: row 1: Order { id: 2, price: -1.0, customer: None }; \
             row 2: Order { id: 1, price: NaN, customer: Some(\"Bob\") }"]
    );
    assert_eq!(violated(table().rows(4..)), ["4.. rows: the table has 3 rows"]);
    assert_eq!(violated(table().rows(..=3).readable_as::<Order>()), [""; 0]);
}

#[test]
fn a_column_that_is_missing_or_of_another_type_violates_an_expectation() {
    let orders = three_orders();
    let table = || expect::table(&orders);
    assert_eq!(
        violated(table().not_null("day")),
        ["`day` not null: there is no column `day`; the columns are `id`, `price`, `customer`"]
    );
    assert_eq!(
        violated(table().in_range("customer", 1..)),
        ["`customer` in 1..: the range has numbers, and the column is LargeUtf8"]
    );
    assert_eq!(
        violated(table().in_range("price", "a"..)),
        ["`price` in \"a\"..: the range has texts, and the column is Float64"]
    );
    #[derive(Debug, Deserialize)]
    struct Day {
        #[expect(dead_code, reason = "it is not there")]
        day: u32,
    }
    let violated = violated(table().readable_as::<Day>());
    assert!(
        violated[0].starts_with("rows of `Day`: row 0 of 3 rows is not as expected"),
        "{violated:?}"
    );
}

#[test]
fn rows_refer_to_another_table() {
    #[derive(Serialize, Deserialize)]
    struct Customer {
        name: String,
    }
    let customers = vec![Customer { name: "Ada".to_owned() }];
    assert_eq!(
        violated(expect::table(&three_orders()).refers_to("customer", &customers, "name")),
        ["`customer` refers to `name`: violated in 1 of 3 rows: row 2: \"Bob\""]
    );
    // A table may refer to itself, with another type of integers.
    let parents: [(&str, ArrayRef); 2] = [
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("parent", Arc::new(flow::arrow::array::Int32Array::from(vec![None, Some(1), Some(9)]))),
    ];
    let parents = RecordBatch::try_from_iter(parents).expect("a batch");
    assert_eq!(
        violated(expect::table(&parents).refers_to("parent", &parents, "id")),
        ["`parent` refers to `id`: violated in 1 of 3 rows: row 2: 9"]
    );
}

#[test]
fn batches_with_dates_dictionaries_and_large_integers_are_tables() {
    let names = Arc::new(StringArray::from(vec![Some("a"), None]));
    let keys = flow::arrow::array::Int32Array::from(vec![0, 1, 0]);
    let dictionary = DictionaryArray::<Int32Type>::try_new(keys, names).expect("a dictionary");
    let columns: [(&str, ArrayRef); 3] = [
        ("name", Arc::new(dictionary)),
        ("day", Arc::new(Date32Array::from(vec![0, 1, 400]))),
        ("n", Arc::new(Int64Array::from(vec![1, (1 << 53) + 1, i64::MAX]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let table = || expect::table(&batch);
    assert_eq!(
        violated(table().not_null("name").unique("name")),
        [
            "`name` not null: violated in 1 of 3 rows: row 1",
            "`name` unique: violated in 1 of 3 rows: row 2: \"a\" (as row 0)"
        ]
    );
    assert_eq!(
        violated(table().in_range("day", "1970-01-02".."1971-01-01")),
        [
            "`day` in \"1970-01-02\"..\"1971-01-01\": violated in 2 of 3 rows: row 0: 1970-01-01; row 2: 1971-02-05"
        ]
    );
    // As a float, it would equal the limit.
    assert_eq!(
        violated(table().in_range("n", ..=(1_i64 << 53))),
        ["`n` in ..=9007199254740992: violated in 2 of 3 rows: row 1: 9007199254740993; row 2: \
             9223372036854775807"]
    );
    let two = vec![batch.slice(0, 1), batch.slice(2, 1)];
    assert_eq!(violated(expect::table(&two).rows(2..=2)), [""; 0]);
    let none: Vec<Order> = Vec::new();
    assert_eq!(violated(expect::table(&none).unique("id").in_range("price", 0.0..)), [""; 0]);
}

/// The orders in a file, whose content is a part of the fingerprint but not of the key.
#[derive(Task)]
#[task(target = Parquet<Vec<Order>>, check = are_orders)]
struct Orders {
    #[param(file)]
    file: PathBuf,
}

runs!(Orders: Vec<Order> = |self, cx| {
    let text = std::fs::read_to_string(&self.file)?;
    let orders = text.lines().map(|line| {
        let words: Vec<_> = line.split(' ').collect();
        Ok(order(words[0].parse()?, words[1].parse()?, words.get(2).copied()))
    });
    orders.collect()
});

fn are_orders(orders: &[Order]) -> Expectations {
    expect::table(orders)
        .unique("id")
        .in_range("price", 0.0..)
        .not_null("customer")
        .warn()
        .rows_since_last(0.5..=2.0)
        .mean_since_last("price", 0.5)
        .warn()
}

/// Returns a flow with a file of orders.
fn orders_flow(text: &str) -> (Flow, tempfile::TempDir, PathBuf) {
    let (flow, folder) = flow();
    let file = folder.path().join("orders");
    std::fs::write(&file, text).expect("a file");
    (flow.with(Orders::FILE, &file), folder, file)
}

fn rejected_files(folder: &Path) -> usize {
    files_below(folder).iter().filter(|file| file.ends_with("rejected.jsonl")).count()
}

#[test]
fn a_violated_expectation_leaves_the_earlier_output() -> Result<()> {
    let (flow, folder, file) = orders_flow("1 5 Ada\n2 7 Bob");
    assert_ran(&flow.run::<Orders>()?, ["Orders"]);
    assert_eq!(rejected_files(folder.path()), 0);
    assert_eq!(
        flow.quality::<Orders>()?.context("a report")?.to_string(),
        "5 of 5 expectations met"
    );

    std::fs::write(&file, "1 5 Ada\n1 -7 Bob")?;
    let failed = flow.run::<Orders>();
    assert_failed(&failed, ["Orders"]);
    assert_because(
        &failed,
        "Orders",
        "the output is not as expected: `id` unique: violated in 1 of 2 rows: row 1: 1 (as row 0); `price` in \
         0.0..: violated in 1 of 2 rows: row 1: -7.0 (rejected rows: ",
    );
    // The failure has the results and the rows.
    let quality = flow.quality::<Orders>()?.context("a report")?;
    assert_eq!(quality.to_string(), "2 of 5 expectations met, 1 rejected row");
    let fails: Vec<_> = quality.violated().map(|(_, one)| (one.severity, one.rows)).collect();
    assert_eq!(fails[..2], [(Severity::Fail, 1), (Severity::Fail, 1)]);
    let rejected = flow.rejected::<Orders>()?.context("a row")?;
    assert_eq!(
        rejected.text(),
        Some(
            "{\"row\":1,\"expectations\":[\"`id` unique\",\"`price` in 0.0..\"],\
             \"values\":{\"id\":1,\"price\":-7.0,\"customer\":\"Bob\"}}\n"
        )
    );
    let failures = flow.graph::<Orders>().instances()?;
    let failure = failures[0].failure()?.context("it failed")?.to_string();
    assert!(
        failure.contains(
            "expectations: 2 of 5 expectations met, 1 rejected row\n    fail `id` unique: "
        ),
        "{failure}"
    );

    // The earlier output is still there.
    std::fs::write(&file, "1 5 Ada\n2 7 Bob")?;
    assert!(flow.is_complete::<Orders>()?);
    assert_eq!(flow.load::<Orders>()?.len(), 2);
    assert_ran(&flow.run::<Orders>()?, []);
    flow.reset::<Orders>()?;
    assert_eq!(rejected_files(folder.path()), 0);
    Ok(())
}

#[test]
fn an_expectation_that_warns_lets_the_run_succeed_and_is_shown() -> Result<()> {
    let (flow, folder, _) = orders_flow("1 5 Ada\n2 7");
    let (summary, events) = observed(&flow, |flow| flow.run::<Orders>());
    let summary = summary?;
    assert_ran(&summary, ["Orders"]);
    let [Warning::NotAsExpected { instance, message, rejected }] = summary.warnings() else {
        panic!("{summary}");
    };
    assert!(instance.starts_with("Orders {file: "), "{instance}");
    let violation = "`customer` not null: violated in 1 of 2 rows: row 1";
    let path = flow.rejected::<Orders>()?.context("a row")?.path().to_owned();
    assert_eq!(*message, format!("{violation} (rejected rows: {})", path.display()));
    assert!(path.exists() && *rejected == 1);
    assert!(summary.to_string().contains(&format!("\nwarning: {instance}: {violation}")));

    let names: Vec<_> = events
        .iter()
        .filter(|event| event.instance().is_some() && !matches!(event, Event::Committed { .. }))
        .map(|event| event.to_string())
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names[1].ends_with(&format!(" is not as expected: {violation}")), "{names:?}");
    assert!(names[2].contains(" ran in "), "{names:?}");

    // The output has all rows, and the next run has nothing to do and does not warn.
    assert_eq!(flow.load::<Orders>()?[1], order(2, 7.0, None));
    let again = flow.run::<Orders>()?;
    assert_ran(&again, []);
    assert!(again.warnings().is_empty(), "{again}");
    assert_eq!(flow.output::<Orders>()?.meta::<expect::Quality>("expectations")?.rejected(), 1);
    assert_eq!(rejected_files(folder.path()), 1);
    Ok(())
}

#[test]
fn an_output_is_compared_with_the_last_version() -> Result<()> {
    let (flow, _folder, file) = orders_flow("1 10 A\n2 10 B\n3 10 C\n4 10 D");
    flow.run::<Orders>()?;
    // Half of the rows are allowed, and the mean only warns.
    std::fs::write(&file, "1 20 A\n2 20 B")?;
    let summary = flow.run::<Orders>()?;
    let warnings: Vec<_> = summary.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].ends_with(
            ": mean of `price` within 50 % of that of the last version: 20, and 10 before"
        ),
        "{warnings:?}"
    );
    std::fs::write(&file, "1 20 A\n2 20 B\n3 20 C\n4 20 D\n5 20 E")?;
    let text = "rows in 0.5..=2.0 times those of the last version: 5 rows, and 2 before";
    assert_because(&flow.run::<Orders>(), "Orders", text);
    // It failed, so that the last version is the same. Without one, all is allowed.
    assert_because(&flow.run::<Orders>(), "Orders", text);
    flow.reset::<Orders>()?;
    let summary = flow.run::<Orders>()?;
    assert_ran(&summary, ["Orders"]);
    assert!(summary.warnings().is_empty(), "{summary}");
    Ok(())
}

#[derive(Outputs)]
struct Shop {
    #[output(Parquet, check = are_named)]
    customers: Vec<Named>,
    #[output(Csv)]
    orders: Vec<Order>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Named {
    name: Option<String>,
}

fn are_named(customers: &[Named]) -> Expectations {
    expect::table(customers).not_null("name").warn()
}

fn are_of_customers(shop: &Shop) -> Result<CheckReport> {
    ensure!(!shop.orders.is_empty(), "there are no orders");
    expect::table(&shop.orders).refers_to("customer", &shop.customers, "name").warn().report()
}

#[derive(Task)]
#[task(outputs = Shop, check = are_of_customers)]
struct OpenShop {
    orders: usize,
}
runs!(OpenShop: Shop = |self, cx| Ok(Shop {
    customers: vec![Named { name: None }, Named { name: Some("Ada".to_owned()) }],
    orders: vec![order(7, 1.0, Some("Eve")); self.orders],
}));

#[test]
fn each_of_several_outputs_has_its_results() -> Result<()> {
    let (flow, _folder) = flow();
    let empty = flow.with(OpenShop::ORDERS, 0);
    assert_because(
        &empty.run::<OpenShop>(),
        "OpenShop",
        "the output is not as expected: there are no orders",
    );
    // The check of the part has reported before that.
    assert_eq!(empty.quality::<OpenShop>()?.context("a report")?.outputs[0].part, "customers");

    let flow = flow.with(OpenShop::ORDERS, 1);
    let summary = flow.run::<OpenShop>()?;
    let warning = summary.warnings()[0].to_string();
    let expected = "output `customers`: `name` not null: violated in 1 of 2 rows: row 0; `customer` refers to \
                    `name`: violated in 1 of 1 row: row 0: \"Eve\" (rejected rows: ";
    assert!(warning.contains(expected), "{warning}");
    let rejected = flow.rejected::<OpenShop>()?.context("rows")?;
    assert_eq!(rejected.rows(), 2);
    let lines: Vec<_> = rejected.text().context("a file")?.lines().collect();
    assert!(lines[0].starts_with("{\"output\":\"customers\",\"row\":0,"), "{lines:?}");
    assert!(lines[1].starts_with("{\"row\":0,"), "{lines:?}");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<Vec<Named>>, check = are_named)]
struct OwnMetadata;
runs!(OwnMetadata: Vec<Named> = |self, cx| {
    cx.meta("expectations", 1)?;
    Ok(Vec::new())
});

#[test]
fn the_name_of_the_results_is_taken() {
    let (flow, _folder) = flow();
    assert_because(
        &flow.run::<OwnMetadata>(),
        "OwnMetadata",
        "the metadata `expectations` has the results of `check`: give the value that the task records with \
         `cx.meta` another name",
    );
}

#[test]
fn the_number_of_rejected_rows_that_are_kept_is_limited() {
    let prices: Vec<f64> = (0..1000).map(|n| -f64::from(n) - 1.0).collect();
    let columns: [(&str, ArrayRef); 1] = [("price", Arc::new(Float64Array::from(prices)))];
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let expectations = expect::table(&batch).in_range("price", 0..).keep_rejected(3);
    assert_eq!(
        violated(expectations),
        [
            "`price` in 0..: violated in 1000 of 1000 rows: row 0: -1.0; row 1: -2.0; row 2: -3.0; row 3: \
             -4.0; row 4: -5.0; and 995 more"
        ]
    );
}

/// A row whose columns are those of its types.
#[derive(Clone, Debug, PartialEq, Row, Serialize, Deserialize)]
struct Visit {
    day: flow::jiff::civil::Date,
    at: flow::jiff::Timestamp,
    wait: Option<flow::jiff::SignedDuration>,
    kind: VisitKind,
}

#[derive(Clone, Debug, PartialEq, Row, Serialize, Deserialize)]
enum VisitKind {
    First,
    Later,
}

fn visits() -> Vec<Visit> {
    let visit = |day: &str, at: &str, wait: Option<i64>, kind| Visit {
        day: day.parse().expect("a date"),
        at: at.parse().expect("an instant"),
        wait: wait.map(flow::jiff::SignedDuration::from_secs),
        kind,
    };
    vec![
        visit("2024-02-29", "2024-02-29T12:00:00Z", Some(90), VisitKind::First),
        visit("2024-03-01", "2024-02-29T12:00:00.5Z", None, VisitKind::Later),
    ]
}

#[test]
fn rows_that_derive_row_have_columns_of_dates_and_times() {
    let visits = visits();
    let table = || expect::table(&visits);
    let schema = table().one_of("day", [1]);
    assert_eq!(
        violated(schema),
        ["`day` one of 1: the list has numbers, and the column is Date32"]
    );
    assert_eq!(
        violated(table().in_range("day", "2024-03-01"..)),
        ["`day` in \"2024-03-01\"..: violated in 1 of 2 rows: row 0: 2024-02-29"]
    );
    // As texts, `12:00:00.5Z` would be less than `12:00:00Z`.
    assert_eq!(violated(table().in_range("at", "2024-02-29T12:00:00Z"..)), [""; 0]);
    assert_eq!(
        violated(table().in_range("at", .."2024-02-29T13:00:00.5+01:00")),
        ["`at` in ..\"2024-02-29T13:00:00.5+01:00\": violated in 1 of 2 rows: row 1: \
          2024-02-29T12:00:00.500Z"]
    );
    assert_eq!(violated(table().in_range("at", "2024-02-29".."9999-12-31")), [""; 0]);
    assert_eq!(violated(table().in_range("wait", "PT1M"..="PT90S")), [""; 0]);
    assert_eq!(violated(table().one_of("day", ["2024-02-29", "2024-03-01"])), [""; 0]);
    assert_eq!(
        violated(table().one_of("kind", ["First"])),
        ["`kind` one of \"First\": violated in 1 of 2 rows: row 1: \"Later\""]
    );
    assert_eq!(
        violated(table().in_range("day", "soon"..)),
        [
            "`day` in \"soon\"..: \"soon\" is no value of the column, which is Date32; write it in ISO 8601"
        ]
    );
    assert_eq!(violated(table().each("a day", |visit: &Visit| visit.day.year() == 2024)), [""; 0]);
    assert_eq!(violated(table().readable_as::<Visit>()), [""; 0]);
    // A key of a time refers to its text in another table.
    #[derive(Serialize, Deserialize)]
    struct Text {
        at: String,
    }
    let other = vec![Text { at: "2024-02-29T13:00:00+01:00".to_owned() }];
    assert_eq!(
        violated(table().refers_to("at", &other, "at")),
        ["`at` refers to `at`: violated in 1 of 2 rows: row 1: 2024-02-29T12:00:00.500Z"]
    );
    let none: [Visit; 0] = [];
    assert_eq!(violated(expect::table(&none[..]).unique(["day", "at"]).not_null("wait")), [""; 0]);
}

#[task(target = Parquet<Vec<Visit>>, check = are_visits)]
fn recorded_visits() -> Vec<Visit> {
    visits()
}

fn are_visits(visits: &[Visit]) -> Expectations {
    expect::table(visits).not_null("wait").warn()
}

#[test]
fn rejected_rows_have_the_texts_of_dates_and_times() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<recorded_visits>()?;
    let rejected = flow.rejected::<recorded_visits>()?.context("a row")?;
    assert_eq!(
        rejected.text(),
        Some(
            "{\"row\":1,\"expectations\":[\"`wait` not null\"],\"values\":{\"day\":\"2024-03-01\",\
             \"at\":\"2024-02-29T12:00:00.500Z\",\"wait\":null,\"kind\":\"Later\"}}\n"
        )
    );
    Ok(())
}

#[test]
fn a_value_of_a_list_is_found_among_numbers_of_both_kinds() {
    let columns: [(&str, ArrayRef); 2] = [
        ("n", Arc::new(Int64Array::from(vec![1, (1 << 53) + 1, 3]))),
        ("x", Arc::new(Float64Array::from(vec![-0.0, f64::NAN, 3.0]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let table = || expect::table(&batch);
    assert_eq!(
        violated(table().one_of("n", [1, 3, 1_i64 << 53])),
        ["`n` one of 1, 3, 9007199254740992: violated in 1 of 3 rows: row 1: 9007199254740993"]
    );
    assert_eq!(
        violated(table().one_of("n", [1.0, 3.0])),
        ["`n` one of 1.0, 3.0: violated in 1 of 3 rows: row 1: 9007199254740993"]
    );
    for text in [violated(table().one_of("x", [0, 3])), violated(table().one_of("x", [0.0, 3.0]))] {
        assert!(text[0].ends_with(": violated in 1 of 3 rows: row 1: NaN"), "{text:?}");
    }
}

#[test]
fn a_mean_of_a_column_without_numbers_is_violated_at_once() {
    let orders = three_orders();
    let table = || expect::table(&orders);
    assert_eq!(
        violated(table().mean_since_last("prise", 0.1)),
        [
            "mean of `prise` near that of the last version: there is no column `prise`; the columns are `id`, \
          `price`, `customer`"
        ]
    );
    let violated = violated(table().mean_since_last("customer", 0.1));
    assert!(
        violated[0].ends_with(": a mean needs numbers, and the column is LargeUtf8"),
        "{violated:?}"
    );
}

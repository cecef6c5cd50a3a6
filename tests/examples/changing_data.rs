//! Files and data that change: `folder`, `external` and `fetch`.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::program::{Example, Printed, files, instances, library, parse_json, tasks};

/// Returns the rows of the ranking, with numbers as a person would write them.
fn ranking(csv: &str) -> Vec<String> {
    let number = |cell: &str| format!("{:.1}", cell.parse::<f64>().expect("a number"));
    let row = |line: &str| {
        let cells: Vec<_> = line.split(',').collect();
        format!("{} {} {} {}", cells[0], cells[1], number(cells[2]), number(cells[3]))
    };
    csv.lines().skip(1).map(row).collect()
}

#[test]
fn folder_reads_only_new_or_changed_files() {
    let example = Example::new("folder");
    let at = |name: &str| example.path(&format!("stations/{name}.csv"));
    fs::create_dir(example.path("stations")).expect("a folder");
    for name in ["bergen", "cairo", "quito"] {
        let source = library().join(format!("examples/data/stations/{name}.csv"));
        fs::copy(source, at(name)).expect("a copy");
    }
    let folder = example.path("stations");
    let root = format!("Ranking --folder {folder}");
    let station = |name: &str| format!("Station {{file: {}}}", at(name));
    let combined = format!("Ranking {{folder: {folder}}}");
    let rows = || ranking(&example.run(&format!("load {root}")));

    let all = [station("bergen"), station("cairo"), station("quito"), combined.clone()];
    assert_eq!(example.ran(&root), all);
    assert_eq!(rows(), ["cairo 5 35.9 37.3", "quito 5 18.0 18.9", "bergen 5 14.1 15.8"]);
    assert!(example.ran(&root).is_empty());

    // One more file, sorted between the others.
    fs::write(at("lima"), "day,celsius\n2024-07-01,16.5\n").expect("a new file");
    assert_eq!(example.ran(&root), [station("lima"), combined.clone()]);
    assert!(rows().contains(&"lima 1 16.5 16.5".to_owned()));

    // A file with other content.
    fs::write(at("quito"), "day,celsius\n2024-07-01,9.0\n").expect("a changed file");
    let plan = example.run(&format!("plan {root}"));
    let reason = format!("{} PENDING file: {} changed\n", station("quito"), at("quito"));
    assert!(plan.contains(&reason), "{plan}");
    assert_eq!(example.ran(&root), [station("quito"), combined.clone()]);
    assert_eq!(rows().last().map(String::as_str), Some("quito 1 9.0 9.0"));

    // A file is removed, and no file is read.
    fs::remove_file(at("cairo")).expect("a file");
    assert_eq!(example.ran(&root), [combined]);
    assert!(!rows().iter().any(|row| row.starts_with("cairo ")));

    let missing = example.path("nowhere");
    let error = example.fail(&format!("run Ranking --folder {missing}"));
    let what = format!("error: evaluating `requires` of `Ranking` failed: no folder {missing:?}: ");
    assert!(error.code == 2 && error.err.starts_with(&what), "{}", error.err);
}

#[test]
fn external_tracks_the_content_of_external_files() {
    let example = Example::new("external");
    let orders = example.path("orders.csv");
    let copy = library().join("examples/data/orders.csv");
    fs::copy(&copy, &orders).expect("a copy");
    let text = fs::read_to_string(&orders).expect("the orders");
    let given = format!("--orders {orders}");
    let root = format!("Revenue {given}");
    let revenue = format!("Revenue {{Orders.orders: {orders}}}");
    let count = || example.json(&format!("show Orders {given}"))["parts"][0]["total_rows"].clone();
    let of = |country: &str| {
        let revenue = parse_json(&example.run(&format!("load {root}")));
        format!("{:.2}", revenue[country].as_f64().expect("a number"))
    };

    assert_eq!(example.ran(&root), [revenue.as_str()]);
    assert_eq!(count(), 6);
    assert_eq!((of("DE"), of("EC")), ("89.90".to_owned(), "112.07".to_owned()));
    assert!(example.ran(&root).is_empty());

    // Written again with the same content.
    let file = fs::File::options().write(true).open(&orders).expect("the orders");
    file.set_modified(SystemTime::now() + Duration::from_secs(60)).expect("another time");
    assert!(example.ran(&root).is_empty());

    fs::write(&orders, text.clone() + "1007,2024-07-04,DE,EUR,10.1\n").expect("another order");
    let plan = example.run(&format!("plan {root}"));
    assert!(plan.contains("PENDING input orders: Orders gave other data\n"), "{plan}");
    assert_eq!(example.ran(&root), [revenue.as_str()]);
    assert_eq!((count(), of("DE")), (7.into(), "100.00".to_owned()));

    // A cell of the wrong type.
    fs::write(&orders, text.replace("120.5", "12O.5")).expect("a wrong order");
    let error = example.fail(&format!("run {root}"));
    let what = format!(
        "cannot read {orders} as CSV: line 4, as `external::Order`: column `amount`: \"12O.5\" is not a number"
    );
    assert!(error.code == 1 && error.out.contains(&what), "{}", error.out);

    // A missing file.
    fs::remove_file(&orders).expect("the orders");
    let error = parse_json(&example.fail(&format!("run {root} --json")).out);
    let missing = format!("Orders {{orders: {orders}}}");
    assert_eq!(instances(&error, "failed"), [missing.as_str()]);
    assert_eq!(error["failed"][0]["error"], format!("external file {orders} does not exist"));
    assert_eq!(instances(&error, "not_run"), [revenue.as_str()]);
    assert_eq!(error["not_run"][0]["error"], format!("{missing} failed"));

    // With the first content again, the earlier output is reused.
    fs::write(&orders, text).expect("the first orders");
    let back = example.json(&format!("run {root}"));
    assert_eq!(instances(&back, "reused"), [revenue.as_str()]);
}

/// Moves the recorded start of a task into the past by this number of hours.
fn age(store: &str, task: &str, hours: i64) {
    for (path, (_, bytes)) in files(Path::new(store).join(task)) {
        if path.ends_with("record.json") {
            let mut record: Value = serde_json::from_slice(&bytes).expect("a record");
            let started = record["started"].as_str().expect("a time");
            let started: jiff::Timestamp = started.parse().expect("a time");
            let earlier = started - jiff::SignedDuration::from_hours(hours);
            record["started"] = earlier.to_string().into();
            fs::write(&path, record.to_string()).expect("a record");
        }
    }
}

#[test]
fn fetch_refreshes_changed_or_outdated_data() {
    let example = Example::new("fetch");
    let (server, data) = (example.path("server"), example.path("data"));
    fs::create_dir_all(Path::new(&server).join("stations")).expect("a folder");
    for name in ["orders.csv", "rates.json", "stations/cairo.csv", "stations/quito.csv"] {
        let from = library().join("examples/data").join(name);
        fs::copy(from, Path::new(&server).join(name)).expect("a copy");
    }
    let root = format!("DayReport --server {server}");
    let of_server = |task: &str| format!("{task} {{server: {server}}}");
    let plan = || example.run(&format!("plan {root}"));
    let run = |currency: Option<&str>| {
        let mut command = example.command(&format!("run {root} --json"));
        command.envs(currency.map(|currency| ("REPORT_CURRENCY", currency)));
        parse_json(&Printed::of(command).ok())
    };
    let ran = || tasks(&run(None), "ran");
    // The report is never complete before a run, because the sensors are always fetched.
    let report = || example.run("load --stored DayReport");

    assert_eq!(ran(), ["FetchOrders", "FetchRates", "FetchSensors", "DayReport"]);
    assert_eq!(report(), "755.81 EUR up to 2024-07-03 from server, 2 sensors");

    // Refreshed, and unchanged.
    let shown = plan();
    let always = format!("{} PENDING refresh: always\n", of_server("FetchSensors"));
    assert!(shown.contains(&always), "{shown}");
    let same = run(None);
    assert_eq!(tasks(&same, "ran"), ["FetchSensors"]);
    assert_eq!(tasks(&same, "unchanged"), ["DayReport"]);

    // The server has a new tag.
    let file = Path::new(&server).join("orders.csv");
    let text = fs::read_to_string(&file).expect("the orders");
    fs::write(&file, text + "1007,2024-07-04,DE,EUR,10.12\n").expect("another order");
    let shown = plan();
    let tagged = format!("{} PENDING refresh: was \"", of_server("FetchOrders"));
    assert!(shown.contains(&tagged), "{shown}");
    assert_eq!(ran(), ["FetchOrders", "FetchSensors", "DayReport"]);
    assert_eq!(report(), "765.93 EUR up to 2024-07-04 from server, 2 sensors");

    // Refreshed because of its age, and unchanged.
    age(&data, "FetchRates", 23);
    assert_eq!(ran(), ["FetchSensors"]);
    age(&data, "FetchRates", 1);
    let shown = plan();
    let older = format!("{} PENDING refresh: older than 24h\n", of_server("FetchRates"));
    assert!(shown.contains(&older), "{shown}");
    assert_eq!(ran(), ["FetchRates", "FetchSensors"]);

    // The environment variable counts, and the output for its earlier value is reused.
    assert_eq!(tasks(&run(Some("USD")), "ran"), ["FetchSensors", "DayReport"]);
    assert!(report().starts_with("823.58 USD "), "{}", report());
    let euros = run(None);
    assert_eq!(tasks(&euros, "ran"), ["FetchSensors"]);
    assert_eq!(tasks(&euros, "reused"), ["DayReport"]);
    assert!(report().starts_with("765.93 EUR "), "{}", report());

    // A damaged output is found by `verify`, although its size and time are unchanged.
    fs::write(&file, "order,day,country,currency,amount\n1,2024-07-05,DE,EUR,1\n").expect("orders");
    assert_eq!(ran(), ["FetchOrders", "FetchSensors", "DayReport"]);
    let current = example.json("show --stored DayReport")["parts"][0]["path"].clone();
    let path = Path::new(current.as_str().expect("a path"));
    let time = path.metadata().and_then(|metadata| metadata.modified()).expect("a time");
    let bytes = fs::read(path).expect("the report");
    fs::write(path, [b"9", &bytes[1..]].concat()).expect("a report");
    let damaged = fs::File::options().append(true).open(path).expect("the report");
    damaged.set_modified(time).expect("its time");
    assert_eq!(tasks(&run(None), "ran"), ["FetchSensors"]);
    let damaged = example.fail("verify");
    assert!(damaged.out.contains("has other content than recorded"), "{}", damaged.out);
    example.run("verify --reset --yes");
    assert_eq!(ran(), ["FetchSensors", "DayReport"]);
    assert!(report().starts_with("1.00 EUR "), "{}", report());

    let error = example.fail(&format!("run DayReport --server {}", example.path("nowhere")));
    let refresh = "evaluating `refresh` of FetchOrders failed: no orders.csv there";
    assert!(error.err.contains(refresh), "{}{}", error.out, error.err);
}

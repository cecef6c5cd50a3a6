//! The examples print and do what their documentation says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

/// An example with a temporary folder for its store and other files.
struct Example {
    name: &'static str,
    folder: TempDir,
}

impl Example {
    fn new(name: &'static str) -> Self {
        Self { name, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// Returns a path beside the store.
    fn path(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        path.into_os_string().into_string().expect("a name in Unicode")
    }

    /// Runs the example in the folder of the library, and returns its standard output.
    fn run(&self, args: &[&str]) -> String {
        let data = self.path("data");
        run(self.name, library(), &[&["--data", &data], args].concat())
    }

    /// Runs the example, which must fail, and returns its error.
    fn fail(&self, args: &[&str]) -> String {
        let data = self.path("data");
        let output = output(self.name, library(), &[&["--data", &data], args].concat());
        let stderr = String::from_utf8(output.stderr).expect("text");
        assert!(!output.status.success(), "{stderr}");
        let start = stderr.find("Error: ").unwrap_or_else(|| panic!("no error in {stderr}"));
        stderr[start..].to_owned()
    }
}

/// Runs an example in this folder, and returns its standard output.
fn run(example: &str, folder: &Path, args: &[&str]) -> String {
    let output = output(example, folder, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).expect("text")
}

fn output(example: &str, folder: &Path, args: &[&str]) -> Output {
    command(example, folder, args).output().expect("the example starts")
}

fn command(example: &str, folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(built().join(example));
    command.args(args).current_dir(folder).env("RUST_BACKTRACE", "0");
    command
}

/// Returns the folder of the built examples. With the features of the whole workspace, which `cargo test
/// --workspace` has, they are built already.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--workspace", "--examples", "--manifest-path"])
            .arg(library().join("Cargo.toml"))
            .status();
        assert!(status.expect("cargo starts").success(), "the examples do not compile");
        let test = std::env::current_exe().expect("the path of this test");
        let profile = test.parent().and_then(Path::parent).expect("a folder of the target folder");
        profile.join("examples")
    })
}

fn library() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the instances that a printed summary lists below this title, without times.
fn listed<'a>(printed: &'a str, title: &str) -> Vec<&'a str> {
    let lines = printed.lines().skip_while(|line| line.trim() != title).skip(1);
    // A reason that does not fit is on a line of its own, which is indented further.
    let entries = lines.map_while(|line| line.strip_prefix("    "));
    let entries = entries.filter(|entry| !entry.starts_with(' '));
    entries.map(|entry| entry.split_once(" in ").map_or(entry, |(entry, _)| entry)).collect()
}

/// Returns all files below a folder, each with its time and content.
fn files(folder: impl AsRef<Path>) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder.as_ref()).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            let modified = path.metadata().and_then(|metadata| metadata.modified());
            let content = fs::read(&path).expect("a file");
            files.insert(path, (modified.expect("a time"), content));
        }
    }
    files
}

#[test]
fn minimal_runs_again_for_another_parameter() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let first = run("minimal", folder.path(), &[]);
    assert!(first.contains("sum: 55\n") && first.contains("sum: 385\n"), "{first}");
    assert_eq!(first.matches("2 ran\n").count(), 2, "{first}");
    let second = run("minimal", folder.path(), &[]);
    assert!(!second.contains("ran"), "{second}");
}

#[test]
fn iris_runs_pending_tasks_and_then_nothing() {
    let iris = Example::new("iris");

    let first = iris.run(&[]);
    assert!(first.starts_with("Train {model: Logistic} PENDING never run\n"), "{first}");
    assert!(first.contains("3 ran\n"), "{first}");
    // 146 of 150 are right, as with scikit-learn on the standardized data.
    assert!(first.contains("\naccuracy: 0.9733333333333334\n"), "{first}");
    let changed = "Train {model: Logistic, Preprocess.do_preprocess: false} PENDING never run\n\
                   └─ Preprocess {do_preprocess: false} PENDING never run\n   \
                      └─ GetData {source: examples/data/iris.csv} COMPLETE\n";
    assert!(first.contains(changed), "{first}");
    assert!(first.contains("1 complete already, 2 ran\n"), "{first}");

    let before = files(iris.path("data"));
    let second = iris.run(&[]);
    assert!(!second.contains("PENDING") && !second.contains("ran"), "{second}");
    assert_eq!(second.matches("3 complete already\n").count(), 2, "{second}");
    assert!(second.contains("\naccuracy: 0.9733333333333334\n"), "{second}");
    assert_eq!(files(iris.path("data")), before);
}

#[test]
fn iris_functions_are_tasks_and_functions() {
    let iris = Example::new("iris_functions");

    let first = iris.run(&[]);
    let preview = "confusion PENDING never run\n\
                   ├─ train {model: Logistic} PENDING never run\n\
                   │  └─ preprocess {do_preprocess: true} PENDING never run\n\
                   │     └─ get_data {source: examples/data/iris.csv} PENDING never run\n\
                   └─ preprocess {do_preprocess: true}";
    assert!(first.starts_with(preview), "{first}");
    assert!(first.contains("4 ran\n"), "{first}");
    // The same accuracy as `iris`: 4 of 150 are classified wrongly.
    assert!(first.contains("\naccuracy: 0.9733333333333334\n"), "{first}");
    assert!(first.contains("\nconfusion: [[50, 0, 0], [0, 47, 3], [0, 1, 49]]\n"), "{first}");
    assert!(first.contains("1 complete already, 3 ran\n"), "{first}");
    assert!(first.ends_with("of a tree: [[50, 0, 0], [0, 50, 0], [0, 0, 50]]\n"), "{first}");

    let second = iris.run(&[]);
    assert!(!second.contains("PENDING") && !second.contains("ran"), "{second}");
    assert_eq!(second.matches("4 complete already\n").count(), 2, "{second}");
}

#[test]
fn multi_output_has_a_file_for_each_output() {
    let example = Example::new("multi_output");
    let first = example.run(&[]);
    let prepare = "Prepare {source: examples/data/iris.csv, test_every: 5}";
    assert_eq!(listed(&first, "ran:"), [prepare, "Train", "Score"]);
    assert!(first.contains("120 flowers to train with, 30 to test with\n"), "{first}");
    assert!(first.contains("of each class: {0: 50, 1: 50, 2: 50}\n"), "{first}");
    assert!(first.contains("score: 0.967\n"), "{first}");

    // The files lie side by side, in formats that other programs read.
    let line = |start| first.lines().find_map(|line| line.strip_prefix(start)).expect("a path");
    let (plot, train) = (Path::new(line("plot: ")), Path::new(line("for other programs: ")));
    let svg = fs::read_to_string(plot).expect("the plot");
    assert!(svg.starts_with("<svg ") && svg.matches("<circle ").count() == 150, "{svg}");
    assert!(fs::read(train).expect("the table").starts_with(b"PAR1"));
    assert_eq!(plot.parent(), train.parent());
    let beside = files(plot.parent().expect("a folder"));
    let extensions = beside.keys().map(|path| path.extension().and_then(|e| e.to_str()));
    let mut extensions: Vec<_> = extensions.flatten().collect();
    extensions.sort_unstable();
    assert_eq!(extensions, ["json", "json", "parquet", "parquet", "svg"]); // one `.json` is the record

    let second = example.run(&[]);
    assert!(!second.contains("PENDING") && listed(&second, "ran:").is_empty(), "{second}");
    assert!(second.contains("score: 0.967\n"), "{second}");

    // With one file missing the output is missing, but the tasks that read it stay complete.
    fs::remove_file(plot).expect("the plot");
    let third = example.run(&[]);
    let name = plot.file_name().and_then(|name| name.to_str()).expect("a name");
    assert!(third.contains(&format!(" EVICTED output: {name} is gone\n")), "{third}");
    assert_eq!(listed(&third, "ran:"), [prepare]);
    assert_eq!(listed(&third, "complete already:"), ["Train", "Score"]);
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
    let args = ["--folder", folder.as_str()];
    let station = |name: &str| format!("Station {{file: {}}}", at(name));
    let ranking = format!("Ranking {{folder: {folder}}}");

    let first = example.run(&args);
    let all = [station("bergen"), station("cairo"), station("quito"), ranking.clone()];
    assert_eq!(listed(&first, "ran:"), all);
    let table = "station    readings   mean    max\n\
                 cairo             5   35.9   37.3\n\
                 quito             5   18.0   18.9\n\
                 bergen            5   14.1   15.8\n";
    assert!(first.ends_with(table), "{first}");
    assert!(listed(&example.run(&args), "ran:").is_empty());

    // One more file, sorted between the others.
    fs::write(at("lima"), "day,celsius\n2024-07-01,16.5\n").expect("a new file");
    let more = example.run(&args);
    assert_eq!(listed(&more, "ran:"), [station("lima"), ranking.clone()]);
    assert!(more.contains("\nlima              1   16.5   16.5\n"), "{more}");

    // A file with other content.
    fs::write(at("quito"), "day,celsius\n2024-07-01,9.0\n").expect("a changed file");
    let changed = example.run(&args);
    let reason = format!("{} PENDING file: {} changed\n", station("quito"), at("quito"));
    assert!(changed.contains(&reason), "{changed}");
    assert_eq!(listed(&changed, "ran:"), [station("quito"), ranking.clone()]);
    assert!(changed.ends_with("\nquito             1    9.0    9.0\n"), "{changed}");

    // A file is removed, and no file is read.
    fs::remove_file(at("cairo")).expect("a file");
    let less = example.run(&args);
    assert_eq!(listed(&less, "ran:"), [ranking]);
    assert!(!less.contains("\ncairo  "), "{less}");

    let missing = example.path("nowhere");
    let error = example.fail(&["--folder", &missing]);
    let what = format!("Error: evaluating `requires` of `Ranking` failed: no folder {missing:?}: ");
    assert!(error.starts_with(&what), "{error}");
}

#[test]
fn external_tracks_the_content_of_external_files() {
    let example = Example::new("external");
    let orders = example.path("orders.csv");
    let copy = library().join("examples/data/orders.csv");
    fs::copy(&copy, &orders).expect("a copy");
    let text = fs::read_to_string(&orders).expect("the orders");
    let args = ["--orders", orders.as_str()];
    let revenue = format!("Revenue {{Orders.orders: {orders}}}");

    let first = example.run(&args);
    assert_eq!(listed(&first, "ran:"), [revenue.as_str()]);
    assert!(first.contains("6 orders\nDE    89.90 €\nEC   112.07 €\n"), "{first}");
    assert!(listed(&example.run(&args), "ran:").is_empty());

    // Written again with the same content.
    let file = fs::File::options().write(true).open(&orders).expect("the orders");
    file.set_modified(SystemTime::now() + Duration::from_secs(60)).expect("another time");
    assert!(listed(&example.run(&args), "ran:").is_empty());

    fs::write(&orders, text.clone() + "1007,2024-07-04,DE,EUR,10.1\n").expect("another order");
    let more = example.run(&args);
    assert!(more.contains("PENDING input orders: Orders gave other data\n"), "{more}");
    assert_eq!(listed(&more, "ran:"), [revenue.as_str()]);
    assert!(more.contains("7 orders\nDE   100.00 €\n"), "{more}");

    // A cell of the wrong type.
    fs::write(&orders, text.replace("120.5", "12O.5")).expect("a wrong order");
    let error = example.fail(&args);
    let what = format!(
        "cannot read {orders} as CSV: line 4, as `external::Order`: column `amount`: \"12O.5\" is not a number"
    );
    assert!(error.contains(&what), "{error}");

    // A missing file.
    fs::remove_file(&orders).expect("the orders");
    let error = example.fail(&args);
    let failed = format!("Orders {{orders: {orders}}}: external file {orders} does not exist");
    assert_eq!(listed(&error, "failed:"), [failed]);
    let not_run = format!("{revenue}: Orders {{orders: {orders}}} failed");
    assert_eq!(listed(&error, "not run:"), [not_run]);

    // With the first content again, the earlier output is reused.
    fs::write(&orders, text).expect("the first orders");
    let back = example.run(&args);
    assert_eq!(listed(&back, "reused a stored output:"), [revenue.as_str()]);
}

/// Moves the recorded start of a task into the past by this number of hours.
fn age(store: &str, task: &str, hours: i64) {
    for (path, (_, bytes)) in files(Path::new(store).join(task)) {
        if path.ends_with("record.json") {
            let mut record: serde_json::Value = serde_json::from_slice(&bytes).expect("a record");
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
    let server = example.path("server");
    fs::create_dir_all(Path::new(&server).join("stations")).expect("a folder");
    for name in ["orders.csv", "rates.json", "stations/cairo.csv", "stations/quito.csv"] {
        let from = library().join("examples/data").join(name);
        fs::copy(from, Path::new(&server).join(name)).expect("a copy");
    }
    let args = ["--server", server.as_str()];
    let [orders, rates, sensors] =
        ["Orders", "Rates", "Sensors"].map(|task| format!("{task} {{server: {server}}}"));
    let ran = |printed: &str| -> Vec<String> {
        let ran = listed(printed, "ran:").into_iter();
        ran.map(|entry| entry.split(' ').next().unwrap_or_default().to_owned()).collect()
    };
    let last = |printed: &str| printed.trim_end().lines().last().unwrap_or_default().to_owned();

    let first = example.run(&args);
    assert_eq!(ran(&first), ["Orders", "Rates", "Sensors", "Report"]);
    assert_eq!(last(&first), "755.81 EUR up to 2024-07-03 from server, 2 sensors");

    // Refreshed, and unchanged.
    let same = example.run(&args);
    assert!(same.contains(&format!("{sensors} PENDING refresh: always\n")), "{same}");
    assert_eq!(ran(&same), ["Sensors"]);
    assert!(same.contains("1 with unchanged inputs"), "{same}");

    // The server has a new tag.
    let file = Path::new(&server).join("orders.csv");
    let text = fs::read_to_string(&file).expect("the orders");
    fs::write(&file, text + "1007,2024-07-04,DE,EUR,10.12\n").expect("another order");
    let more = example.run(&args);
    assert!(more.contains(&format!("{orders} PENDING refresh: was \"")), "{more}");
    assert_eq!(ran(&more), ["Orders", "Sensors", "Report"]);
    assert_eq!(last(&more), "765.93 EUR up to 2024-07-04 from server, 2 sensors");

    // Refreshed because of its age, and unchanged.
    age(&example.path("data"), "Rates", 23);
    assert_eq!(ran(&example.run(&args)), ["Sensors"]);
    age(&example.path("data"), "Rates", 1);
    let older = example.run(&args);
    assert!(older.contains(&format!("{rates} PENDING refresh: older than 24h\n")), "{older}");
    assert_eq!(ran(&older), ["Rates", "Sensors"]);

    // The environment variable counts, and the output for its earlier value is reused.
    let data = example.path("data");
    let all = [&["--data", &data], &args[..]].concat();
    let with = |value: Option<&str>| {
        let mut command = command("fetch", library(), &all);
        match value {
            Some(value) => command.env("REPORT_CURRENCY", value),
            None => command.env_remove("REPORT_CURRENCY"),
        };
        String::from_utf8(command.output().expect("cargo").stdout).expect("text")
    };
    let dollars = with(Some("USD"));
    assert_eq!(ran(&dollars), ["Sensors", "Report"]);
    assert!(last(&dollars).starts_with("823.58 USD "), "{dollars}");
    let euros = with(None);
    assert_eq!(ran(&euros), ["Sensors"]);
    assert!(euros.contains("1 reused") && last(&euros).starts_with("765.93 EUR "), "{euros}");

    // With `--trust records`, nothing upstream is checked, although something changed there.
    fs::write(&file, "order,day,country,currency,amount\n1,2024-07-05,DE,EUR,1\n").expect("orders");
    let trusting = example.run(&[&args[..], &["--trust", "records"]].concat());
    assert!(trusting.contains(&format!("{orders} UNCHECKED\n")), "{trusting}");
    assert!(ran(&trusting).is_empty() && last(&trusting) == last(&euros), "{trusting}");
    let after = example.run(&args);
    assert_eq!(ran(&after), ["Orders", "Sensors", "Report"]);

    // With `--trust content`, a damaged output is found, although its size and time are unchanged.
    let outputs = files(Path::new(&data).join("Report"));
    let (path, (time, bytes)) = outputs
        .into_iter()
        .find(|(_, (_, bytes))| bytes.starts_with(b"1.00 EUR"))
        .expect("the latest report");
    fs::write(&path, [b"9", &bytes[1..]].concat()).expect("a report");
    let report = fs::File::options().append(true).open(&path).expect("the report");
    report.set_modified(time).expect("its time");
    assert!(last(&example.run(&args)).starts_with("9.00 EUR"));
    let strict = example.run(&[&args[..], &["--trust", "content"]].concat());
    assert_eq!(ran(&strict), ["Sensors", "Report"]);
    assert!(last(&strict).starts_with("1.00 EUR"), "{strict}");

    let error = example.fail(&["--server", &example.path("nowhere")]);
    let refresh = "evaluating `refresh` of Orders failed: no orders.csv there";
    assert!(error.contains(refresh), "{error}");
}

#[test]
fn backtest_runs_only_the_tasks_that_a_strategy_affects() {
    let example = Example::new("backtest");
    let first = example.run(&[]);
    let ran = |strategy: &str| {
        let start = format!("{strategy}: ");
        let lines = first.lines().skip_while(|line| !line.starts_with(&start)).skip(1);
        lines.map_while(|line| line.strip_prefix("  ")).collect::<Vec<_>>()
    };
    let base = [
        "Index {start: 2023-01-02, end: 2023-12-29}",
        "News {start: 2023-01-02, end: 2023-12-29}",
        "Signals {days: 20}",
        "Prices {symbol: ACME, start: 2023-01-02, end: 2023-12-29}",
        "Prices {symbol: BOLT, start: 2023-01-02, end: 2023-12-29}",
        "Prices {symbol: CRUX, start: 2023-01-02, end: 2023-12-29}",
        "Portfolio {symbols: [ACME, BOLT, CRUX]}",
        "Pnl {symbols: [ACME, BOLT, CRUX]}",
    ];
    assert_eq!(ran("base"), base);
    let other_symbols = [
        "Prices {symbol: DUNE, start: 2023-01-02, end: 2023-12-29}",
        "Portfolio {symbols: [ACME, BOLT, DUNE]}",
        "Pnl {symbols: [ACME, BOLT, DUNE]}",
    ];
    assert_eq!(ran("other symbols"), other_symbols);
    let slower_signals = [
        "Signals {days: 60}",
        "Portfolio {symbols: [ACME, BOLT, CRUX], Signals.days: 60}",
        "Pnl {symbols: [ACME, BOLT, CRUX], Signals.days: 60}",
    ];
    assert_eq!(ran("slower signals"), slower_signals);

    let second = example.run(&[]);
    assert_eq!(second.matches(": 0 of 8 ran\n").count(), 3, "{second}");
    let table = |printed: &str| printed.split("\n\n").last().map(str::to_owned);
    assert_eq!(table(&second), table(&first));
    assert_eq!(table(&first).map(|table| table.lines().count()), Some(4), "{first}");
    let picture = fs::read_to_string(example.path("data.svg")).expect("a picture");
    assert_eq!(picture.matches(">COMPLETE</text>").count(), 8, "{picture}");
}

#[test]
fn custom_target_writes_files_that_numpy_reads() {
    let example = Example::new("custom_target");
    let first = example.run(&[]);
    assert_eq!(listed(&first, "ran:"), ["Tone {hertz: 44.0, samples: 256}", "Spectrum"]);
    assert!(first.contains("  44 Hz: 1.00\n  88 Hz: 0.50\nin Python"), "{first}");

    let files = files(example.path("data"));
    let arrays = files.iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "npy"));
    let mut lengths = Vec::new();
    for (path, (_, bytes)) in arrays {
        let header = String::from_utf8_lossy(&bytes[10..128]);
        assert_eq!(&bytes[..10], b"\x93NUMPY\x01\x00\x76\x00", "{path:?}");
        let length = (bytes.len() - 128) / 8;
        let shape = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({length},), }}");
        assert!(header.trim_end() == shape && header.ends_with('\n'), "{header:?}");
        lengths.push(length);
    }
    lengths.sort_unstable();
    assert_eq!(lengths, [128, 256]);

    let second = example.run(&[]);
    assert!(listed(&second, "ran:").is_empty(), "{second}");
    assert!(second.contains("  44 Hz: 1.00\n  88 Hz: 0.50\n"), "{second}");
}

#[test]
fn compare_trains_only_the_other_model() {
    let example = Example::new("compare");
    let printed = example.run(&[]);
    let parts: Vec<_> = printed.split("OLS does better\n").collect();
    let [first, second, variants] = parts[..] else {
        panic!("two reports, and variants: {printed}")
    };
    let data = [
        "GetFlowers {testing: false, source: examples/data/iris.csv}",
        "Prepare {testing: false, logarithms: false}",
        "GetFlowers {testing: true, source: examples/data/iris.csv}",
        "Prepare {testing: true, logarithms: false}",
    ];
    let (ols, ridge) = ("Train {method: Ols}", "Train {method: Ridge {alpha: 1.0}}");
    let before = [&data[..], &[ols]].concat();
    assert_eq!(listed(first, "ran:"), [&before[..], &[ridge, "Report {alpha: 1.0}"]].concat());
    // The results of the normal equations; for ridge with standardized columns.
    let report = "trained on 112 flowers\nR² of OLS:   0.9498\nR² of ridge: 0.9434 (alpha 1)\n";
    assert!(first.ends_with(report), "{first}");

    assert_eq!(listed(second, "complete already:"), before);
    let stricter = ["Train {method: Ridge {alpha: 50.0}}", "Report {alpha: 50.0}"];
    assert_eq!(listed(second, "ran:"), stricter);
    assert!(second.contains("R² of OLS:   0.9498\nR² of ridge: 0.7949 (alpha 50)\n"), "{second}");

    // Only the variant with other preprocessing has to run, and none of the shared tasks.
    let preview = "2 variants: 1 complete, 1 to run\n  ols    COMPLETE\n  \
                   ridge  PENDING never run (3 tasks of its own)\nseveral share:\n\
                   GetFlowers {testing: false, source: examples/data/iris.csv} COMPLETE\n\
                   GetFlowers {testing: true, source: examples/data/iris.csv} COMPLETE\n";
    assert!(variants.contains(preview), "{variants}");
    let own = [
        "Prepare {testing: false, logarithms: true}",
        "Prepare {testing: true, logarithms: true}",
        "Train {method: Ridge {alpha: 1.0}, Prepare.logarithms: true}",
    ];
    assert_eq!(listed(variants, "ran:"), own);
    let rows: Vec<Vec<_>> = variants
        .lines()
        .skip_while(|line| !line.starts_with("variant "))
        .take(3)
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    assert_eq!(rows[0], ["variant", "method", "logarithms", "status", "seconds", "flowers", "r2"]);
    assert_eq!(rows[1][..4], ["ols", "Ols", "false", "complete"]);
    assert_eq!(rows[2][..4], ["ridge", "Ridge {alpha: 1.0}", "true", "complete"]);
    assert_eq!((rows[1][6], rows[2][6]), ("0.949772", "0.904492"));
    assert!(variants.contains("\nols: r2 0.9497"), "{variants}");

    let again = example.run(&[]);
    assert_eq!(again.matches("7 complete already\n").count(), 2, "{again}");
    assert!(again.contains("\n8 tasks in ") && !again.contains("ran:"), "{again}");
}

#[test]
fn sweep_runs_shared_tasks_once_and_finds_the_best() {
    let example = Example::new("sweep");
    let printed = example.run(&[]);
    assert!(printed.starts_with("24 variants: 24 to run\n"), "{printed}");
    let shared = "\nseveral share:\nPrepare {scale: false} PENDING never run\n\
                  └─ GetFlowers {source: examples/data/iris.csv} PENDING never run\n\
                  Prepare {scale: true} PENDING never run\n\
                  └─ GetFlowers {source: examples/data/iris.csv} PENDING never run\n";
    assert!(printed.contains(shared), "{printed}");
    // The data once, two ways of preparing it, 24 fits and their scores.
    assert!(printed.contains("\n24 variants: 24 ran\n51 tasks in "), "{printed}");
    assert!(printed.contains(": 51 ran\n"), "{printed}");
    let is_row = |line: &&str| line.starts_with("scale=true,degree=3,alpha=0.01 ");
    let row = printed.lines().find(is_row);
    let row: Vec<_> = row.expect("a row of the table").split_whitespace().collect();
    let (parameters, rest) = row.split_at(5);
    assert_eq!(parameters[1..], ["true", "3", "0.01", "complete"]);
    // The R², the number of flowers, and the R² of the fit.
    assert_eq!(rest[1..], ["0.95528", "150", "0.935764"]);
    assert!(printed.contains("as a batch: 9 columns, 24 rows\n"), "{printed}");
    let columns = "variant,scale,degree,alpha,status,seconds,r2,GetFlowers.flowers,Fit.r2\n";
    assert!(printed.contains(&format!("as CSV: {columns}")), "{printed}");
    assert!(printed.contains("\nscale=true,degree=3,alpha=0.01: r2 0.9552"), "{printed}");
    assert!(printed.contains("\nits R²: 0.9553\nR² of another: 0.9443\nat random: R² 0.95"));

    let again = example.run(&[]);
    assert!(again.starts_with("24 variants: 24 complete\n"), "{again}");
    assert!(again.contains("\n24 variants: 24 complete already\n51 tasks in "), "{again}");
}

#[test]
fn housekeeping_blesses_verifies_and_collects() {
    let printed = Example::new("housekeeping").run(&[]);
    let steps = [
        "1 output blessed, 1 compared\n1 task in ",
        "1 complete already\n",
        "nothing was blessed: of 1 compared output, these differ from their records:\n  \
         Weeks {days: 7}: the output has other content",
        "run them with `flow.run::<Weeks>()`",
        "1 ran\n",
        "1 reused\n",
        "complete: true\n",
        "2 files do not match their records\n  Weeks {days: 7}: ",
        "removed the output of Weeks {days: 7}\n",
        "1 ran\n",
        "Weeks: 1 instance that no kept root needs",
        "month: false\nweek: true\n",
    ];
    let mut rest = printed.as_str();
    for step in steps {
        let found = rest.find(step).unwrap_or_else(|| panic!("{step:?} is not in {rest}"));
        rest = &rest[found + step.len()..];
    }
}

#[test]
fn tune_trains_only_untried_settings() {
    let example = Example::new("tune");
    let first = example.run(&[]);
    let number = |text: &str, before: &str, after: &str| -> usize {
        let (text, _) = text.split_once(after).expect("what comes after");
        text.rsplit_once(before).expect("what comes before").1.parse().expect("a number")
    };
    let (one, other) = first.split_once("\n\n").expect("a first run");
    let ran = number(one, " ", " ran");
    assert!(ran > 8, "{first}");
    let preview: Vec<_> = other.lines().take_while(|line| !line.is_empty()).collect();
    assert!(preview[0].ends_with(" COMPLETE"), "{first}");
    assert!(preview[1].starts_with("├─ (in run) Score {alpha: 0.1} COMPLETE"), "{first}");
    // The second search goes further and starts with the settings that the first one has tried.
    let (other, second) = other.split_once(" with an R² of").expect("a result");
    let tried = number(other, "the best of ", " is alpha");
    assert_eq!(ran, tried + 3, "{first}");
    let more = number(second, " ", " ran");
    assert!(more > 1, "{first}");
    assert_eq!(number(second, "the best of ", " is alpha"), tried + more - 1, "{first}");

    let again = example.run(&[]);
    assert!(listed(&again, "ran:").is_empty(), "{again}");
}

#[test]
fn async_client_fetches_within_tasks_and_only_once() {
    let example = Example::new("async_client");
    let first = example.run(&[]);
    let prices = ["Prices {symbol: ACME}", "Prices {symbol: BOLT}", "Prices {symbol: CRUX}"];
    assert_eq!(listed(&first, "ran:"), [&prices[..], &["Highest"]].concat());
    assert!(first.ends_with("\nACME: 300\nBOLT: 327\nCRUX: 344\n6 requests\n"), "{first}");

    let second = example.run(&[]);
    assert!(listed(&second, "ran:").is_empty(), "{second}");
    assert!(second.ends_with("\nCRUX: 344\n0 requests\n"), "{second}");
}

#[cfg(target_os = "linux")]
#[test]
fn isolate_fails_one_task_for_each_crash() {
    let example = Example::new("isolate");
    let printed = example.run(&[]);
    let lines = [
        "1 of 6 models",
        "Train {model: Aborts}: its process aborted (SIGABRT): assertion failed in a foreign library",
        "Train {model: Exits}: its process exited with code 7 before the task had ended",
        "Train {model: TakesTooMuchMemory}: out of memory: it needs more than 200.0 MB, its `resources(memory)`",
        "Train {model: Hangs}: timed out after 3.0 s",
    ];
    for line in lines {
        assert!(printed.lines().any(|printed| printed.starts_with(line)), "{line:?} in {printed}");
    }
    let panics = "Train {model: Panics}: it panicked at examples/isolate.rs:";
    assert!(printed.contains(panics) && printed.contains(": the matrix is singular"), "{printed}");
    let (_, log) = printed.split_once("the log of the model that aborts:\n").expect("a log");
    // The one comes through the standard error of the process, and may overtake the other.
    assert!(log.lines().any(|line| line.ends_with(" training")), "{log}");
    assert!(log.lines().any(|line| line == "assertion failed in a foreign library"), "{log}");
    // The model that fits is complete, and the others are tried again.
    assert!(example.run(&[]).starts_with("0 of 5 models\n"));
}

#[test]
fn service_computes_once_cancels_runs_and_gives_memory_back() {
    let example = Example::new("service");
    let first = example.run(&[]);
    let answers = "north: 18.72, 18.72\nsouth: 18.97\n";
    let canceled = "west: canceled, complete: false\nwest: 15.47\n";
    // Only on Linux, one of two runs at the same time waits for the output of the other.
    let measurements = if cfg!(target_os = "linux") { "3 measurements\n" } else { "" };
    let begin = format!("{answers}{canceled}{measurements}");
    assert!(first.starts_with(&begin) && first.ends_with("\n0 values in memory\n"), "{first}");

    let second = example.run(&[]);
    let stored = "west: answered at once, true\nwest: 15.47\n";
    assert_eq!(second, format!("{answers}{stored}0 measurements\n0 values in memory\n"));
}

#[test]
fn handoff_shares_outputs_in_three_ways() {
    let example = Example::new("handoff");
    let printed = example.run(&[]);
    let steps = [
        "2 outputs pushed, 2 files of ",
        "0 were there already\n",
        "1 output pushed, 1 file of ",
        "1 was there already\n",
        "2 outputs pulled, 2 files of ",
        "2 complete already\n",
        "Report/discount=0.csv: ",
        "shop,pieces,turnover\nUlm,",
        "2 outputs exported, 2 files of ",
        "pub struct ReportRow {\npub struct Report {\npub struct SalesRow {\npub struct Sales {\n",
        "3 imported\ncomplete: true\n2 rows of 3 columns\n",
    ];
    let mut rest = printed.as_str();
    for step in steps {
        let found = rest.find(step).unwrap_or_else(|| panic!("{step:?} is not in {rest}"));
        rest = &rest[found + step.len()..];
    }
    // The second time, all outputs are there already, in the export too.
    let again = example.run(&[]);
    assert!(again.contains("0 outputs pushed, 0 files of 0 B; 2 were there already"), "{again}");
    assert!(again.contains("0 imported\ncomplete: true\n"), "{again}");
}

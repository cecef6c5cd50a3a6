//! Tests that the options that say how a task is executed are no code.

use super::super::alone;
use super::*;

/// Options that name functions, types, and a feature.
const OPTIONS: [&str; 4] = [
    ", retries = 3, timeout = 30, priority = -1, threads = 2, isolate",
    ", retries = tries(), backoff = Backoff::constant(SECOND), timeout = SECOND * attempt",
    ", resources(memory = \"4GB\", gpu = u64::from(tries()), api = Row::calls(attempt))",
    ", timeout = if cfg!(feature = \"slow\") { SECOND } else { 2 * SECOND }, isolate",
];

const ITEMS: &str = "fn go() {} fn tries() -> u32 { 3 } const SECOND: u8 = 1; struct Row;";

#[test]
fn the_options_of_a_struct_do_not_count() {
    let table = |options: &str| {
        let package = Package::new("");
        let task = format!("#[derive(Task)] #[task(target = Json<u8>{options})] struct Train;");
        package.write("src/main.rs", &format!("{task}\n#[tracked] {RUN}\n{ITEMS}"));
        package.table()
    };
    let plain = table("");
    assert_eq!(names(&plain), ["go"]);
    for options in OPTIONS {
        assert_eq!(table(options), plain, "{options}");
    }
    // A feature in another option counts, before and after these.
    for options in [
        ", refresh = cfg!(feature = \"slow\"), retries = 3",
        ", retries = 3, refresh = cfg!(feature = \"slow\"), isolate",
    ] {
        assert_eq!(names(&table(options)), ["feature slow", "go"], "{options}");
    }
}

#[test]
fn the_options_of_a_function_do_not_count() {
    let table = |options: &str| {
        let package = Package::new("");
        let task = format!("#[task(target = Json<u8>{options})] fn train(n: u8) -> u8 {{ go() }}");
        package.write("src/main.rs", &format!("{task}\n{ITEMS}"));
        package.table_of(&task)
    };
    let plain = table("");
    for options in OPTIONS {
        assert_eq!(table(options), plain, "{options}");
    }
}

#[test]
fn the_options_do_not_count_where_the_source_is_unknown() {
    let table = |options: &str| {
        let text =
            format!("#[task(target = Json<u8>{options})] #[other] pub struct Train {{ n: u8 }}");
        alone(text.parse().expect("tokens"))
    };
    for options in OPTIONS {
        assert_eq!(table(options), table(""), "{options}");
    }
    let other = "#[task(target = Json<u8>)] #[other] pub struct Train { n: u16 }";
    assert_ne!(alone(other.parse().expect("tokens")), table(""));
}

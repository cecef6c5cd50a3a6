//! When the code of a user-defined target changes, the tasks stored with it and the tasks that read
//! it run again.

use crate::fixture::{Fixture, Printed};

/// A task with its own target, tasks that read such files, and one that is unrelated.
const TARGET: &str = r#"
use std::io::Write;

use flow::prelude::*;
use flow::target::{Sink, Source};

/// Numbers, a line each.
#[derive(Default)]
struct Lines;

#[tracked]
impl Target for Lines {
    type Value = Vec<i64>;
    const EXTENSION: &'static str = "txt";
    const EXACT: bool = true;

    fn save(&self, numbers: &Vec<i64>, sink: &mut Sink<'_>) -> Result<()> {
        for number in numbers {
            writeln!(sink, "{number}")?;
        }
        Ok(())
    }

    fn load(&self, source: &Source) -> Result<Vec<i64>> {
        let text = String::from_utf8(source.read()?)?;
        text.lines().map(|line| Ok(line.trim().parse::<i64>()?)).collect()
    }
}

#[derive(Task)]
#[task(target = Lines)]
struct Numbers;

#[tracked]
impl Run for Numbers {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<i64>> {
        Ok(vec![3, 1, 2])
    }
}

#[derive(Task)]
#[task(target = Json<i64>)]
struct Other;

#[tracked]
impl Run for Other {
    fn run(&self, _cx: &Cx<Self>) -> Result<i64> {
        Ok(10)
    }
}

/// Numbers that another program writes.
#[derive(Task)]
#[task(external, path = "elsewhere.txt", target = Lines)]
struct Elsewhere;

#[derive(Task)]
#[task(requires(Numbers, Other), target = Json<i64>)]
struct Sum;

#[tracked]
impl Run for Sum {
    fn run(&self, cx: &Cx<Self>) -> Result<i64> {
        Ok(cx.input().0.load()?.iter().sum::<i64>() + *cx.input().1.load()?)
    }
}

#[derive(Task)]
#[task(requires = Elsewhere, target = Json<i64>)]
struct Product;

#[tracked]
impl Run for Product {
    fn run(&self, cx: &Cx<Self>) -> Result<i64> {
        Ok(cx.input().load()?.iter().product())
    }
}

#[derive(Task)]
#[task(aggregate, requires = Elsewhere)]
struct All;

#[derive(Task)]
#[task(requires = All, target = Json<i64>)]
struct Least;

#[tracked]
impl Run for Least {
    fn run(&self, cx: &Cx<Self>) -> Result<i64> {
        let all = cx.input().load()?;
        Ok(all.load()?.iter().copied().min().unwrap_or_default())
    }
}

fn main() -> Result<()> {
    std::fs::write("elsewhere.txt", "2\n3\n")?;
    let flow = Flow::open("data")?.quiet().workers(1);
    println!("{}", flow.preview::<(Sum, Product, Least)>()?);
    let summary = flow.run::<(Sum, Product, Least)>()?;
    let names = |entries: Vec<flow::Entry>| {
        entries.iter().map(|entry| entry.task().to_owned()).collect::<Vec<_>>().join(" ")
    };
    println!("ran: {}", names(summary.ran()));
    println!("unchanged: {}", names(summary.unchanged()));
    println!("value: {}", flow.load::<Sum>()?);
    println!("product: {}", flow.load::<Product>()?);
    println!("least: {}", flow.load::<Least>()?);
    Ok(())
}
"#;

fn values(printed: &Printed) -> (&str, &str, &str) {
    (printed.line("value:"), printed.line("product:"), printed.line("least:"))
}

#[test]
fn a_change_of_a_target_reruns_its_tasks_and_their_readers() {
    let fixture = Fixture::new("target", TARGET);
    let first = fixture.run();
    assert_eq!(first.line("ran:"), "Numbers Other Sum Product Least");
    assert_eq!(values(&first), ("16", "6", "2"));

    // A change that is no code.
    fixture.edit("for number in numbers {", "for number in numbers { // each");
    assert_eq!(fixture.run().line("ran:"), "");

    // Another format, which `Other` does not use.
    fixture.edit(r#"writeln!(sink, "{number}")"#, r#"writeln!(sink, " {number}")"#);
    let saved = fixture.run();
    saved.has("Numbers PENDING code: impl Target for Lines (src/main.rs) changed");
    saved.has("Other COMPLETE");
    saved.has("Product PENDING input: the target of Elsewhere changed");
    assert_eq!(saved.line("ran:"), "Numbers Sum Product Least");
    assert_eq!(values(&saved), ("16", "6", "2"));

    // Equal bytes are read as other values, so that readers must run again.
    fixture.edit("Ok(line.trim().parse::<i64>()?)", "Ok(line.trim().parse::<i64>()? * 10)");
    fixture.edit("const EXACT: bool = true;", "");
    let loaded = fixture.run();
    assert_eq!(loaded.line("ran:"), "Numbers Sum Product Least");
    assert_eq!(values(&loaded), ("70", "600", "20"));
}

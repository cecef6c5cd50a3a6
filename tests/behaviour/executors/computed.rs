//! What tasks compute: results in every format, from inputs of every kind, as often as they have to.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use flow::prelude::*;

use super::records::records;
use super::{Place, each};
use crate::support::{ran, unchanged};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Price {
    day: u32,
    symbol: String,
    price: f64,
}

fn prices() -> Vec<Price> {
    let price = |day| Price { day, symbol: format!("S{}", day % 3), price: 0.1 + f64::from(day) };
    (0..100).map(price).collect()
}

#[derive(Task)]
#[task(target = Parquet<Vec<Price>>)]
struct AsParquet;

runs!(AsParquet: Vec<Price> = |self, _cx| Ok(prices()));

#[derive(Task)]
#[task(target = ArrowIpc<Vec<Price>>)]
struct AsArrow;

runs!(AsArrow: Vec<Price> = |self, _cx| Ok(prices()));

#[derive(Task)]
#[task(target = Csv<Vec<Price>>)]
struct AsCsv;

runs!(AsCsv: Vec<Price> = |self, _cx| Ok(prices()));

#[derive(Task)]
#[task(target = Pickle<Vec<Price>>)]
struct AsPickle;

runs!(AsPickle: Vec<Price> = |self, _cx| Ok(prices()));

#[derive(Task)]
#[task(target = Text)]
struct AsText;

runs!(AsText: String = |self, _cx| Ok("line\n".repeat(500_000)));

#[derive(Outputs)]
struct Halves {
    #[output(Json)]
    low: Vec<u64>,
    #[output(Text)]
    high: String,
}

#[derive(Task)]
#[task(outputs = Halves)]
struct Split;

runs!(Split: Halves = |self, cx| {
    cx.meta("parts", 2)?;
    Ok(Halves { low: vec![1, 2], high: "three".to_owned() })
});

/// Has a program write its output.
#[derive(Task)]
#[task(target = flow::File(extension = "txt"))]
struct Written;

runs!(Written: PathBuf = |self, cx| {
    let path = cx.out_path()?;
    cx.command("sh").arg("-c").arg("echo from a program > $0").arg(&path).run()?;
    Ok(path)
});

#[derive(Task)]
#[task(
    aggregate,
    requires(
        parquet = AsParquet,
        arrow = AsArrow,
        csv = AsCsv,
        pickle = AsPickle,
        text = AsText,
        split = Split,
        written = Written
    )
)]
struct Formats;

#[test]
fn results_of_every_format_are_the_same_bytes() -> Result<()> {
    each(|tested| {
        tested.reference.run::<Formats>()?;
        let flow = &tested.flow;
        flow.run::<Formats>()?;
        let (of_threads, records) = (records(tested.reference.folder())?, records(flow.folder())?);
        assert_eq!(of_threads.len(), 7);
        assert_eq!(records, of_threads);
        assert_eq!(*flow.load::<AsParquet>()?, prices());
        assert_eq!(*flow.load::<AsCsv>()?, prices());
        let split = flow.output::<Split>()?;
        assert_eq!(
            (&*split.load_one(Halves::LOW)?, &split.load()?.high[..]),
            (&vec![1, 2], "three")
        );
        assert_eq!(fs::read_to_string(&**flow.load::<Written>()?)?, "from a program\n");
        assert!(flow.is_complete::<Formats>()?);
        Ok(())
    })
}

#[derive(Task)]
#[task(target = Dataset<Vec<Price>>(partition_by = ["symbol"]))]
struct Partitioned;

runs!(Partitioned: Vec<Price> = |self, _cx| Ok(prices()));

#[derive(Task)]
#[task(requires = Partitioned, target = Json<usize>)]
struct Rows;

runs!(Rows: usize = |self, cx| Ok(cx.input().load()?.len()));

#[test]
fn a_dataset_is_written_and_read() -> Result<()> {
    each(|tested| {
        assert_eq!(ran(&tested.flow.run::<Rows>()?), ["Partitioned", "Rows"]);
        assert_eq!(*tested.flow.load::<Rows>()?, 100);
        assert!(tested.flow.is_complete::<Rows>()?);
        Ok(())
    })
}

#[derive(Task)]
#[task(external, path = self.at.clone(), target = Text)]
struct Source {
    at: PathBuf,
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Number {
    n: u64,
}

runs!(Number: u64 = |self, _cx| Ok(self.n));

#[derive(Task)]
#[task(aggregate, requires = {n: u64 => Number { n } for n in 1..4_u64})]
struct Numbers;

/// Has inputs of every kind.
#[derive(Task)]
#[task(
    requires(
        source = Source,
        all = Numbers,
        some = {format!("k{n}"): String => Number { n } for n in 0..2_u64},
        nine = Number { n: 9 } if self.with_nine
    ),
    target = Json<BTreeMap<String, u64>>,
)]
struct Collected {
    #[param(default = false)]
    with_nine: bool,
}

runs!(Collected: BTreeMap<String, u64> = |self, cx| {
    let mut found = BTreeMap::new();
    found.insert(cx.input().source.load()?.to_string(), 0);
    for (n, number) in &*cx.input().all.load()? {
        found.insert(format!("all {n}"), *number.load()?);
    }
    for (key, number) in &cx.input().some {
        found.insert(key.clone(), *number.load()?);
    }
    if let Some(number) = &cx.input().nine {
        found.insert("nine".to_owned(), *number.load()?);
    }
    Ok(found)
});

#[test]
fn external_files_aggregates_maps_and_options_are_inputs() -> Result<()> {
    each(|tested| {
        // The plan refuses external files there: `bucket_workers`.
        if tested.is_in(Place::Apart) {
            return Ok(());
        }
        let path = tested.folder.join("source");
        fs::write(&path, "text")?;
        let flow = tested.flow.with(Source::AT, &*path);
        flow.run::<Collected>()?;
        let expected =
            [("all 1", 1), ("all 2", 2), ("all 3", 3), ("k0", 0), ("k1", 1), ("text", 0)];
        let found = flow.load::<Collected>()?;
        assert!(found.iter().map(|(key, n)| (key.as_str(), *n)).eq(expected), "{found:?}");
        let with_nine = flow.with(Collected::WITH_NINE, true);
        with_nine.run::<Collected>()?;
        assert_eq!(with_nine.load::<Collected>()?.get("nine"), Some(&9));
        // Another content of the external file is found.
        fs::write(&path, "other")?;
        assert_eq!(ran(&flow.run::<Collected>()?), ["Collected"]);
        assert!(flow.load::<Collected>()?.contains_key("other"));
        Ok(())
    })
}

/// Reads a file by a path that is relative to the current folder, and variables.
#[derive(Task)]
#[task(target = Json<(String, Option<String>, Option<String>)>)]
struct Surroundings;

runs!(Surroundings: (String, Option<String>, Option<String>) = |self, cx| {
    let text = fs::read_to_string(cx.file("tests/kit.rs")?)?;
    Ok((text, cx.env("PATH")?, cx.env("FLOW_TEST_UNSET")?))
});

#[test]
fn relative_paths_and_variables_are_those_of_the_run() -> Result<()> {
    each(|tested| {
        // `bucket_workers` has the errors of machines that have neither.
        if tested.is_in(Place::Apart) {
            return Ok(());
        }
        assert_eq!(ran(&tested.flow.run::<Surroundings>()?), ["Surroundings"]);
        let found = tested.flow.load::<Surroundings>()?;
        assert_eq!(found.0, fs::read_to_string("tests/kit.rs")?);
        assert_eq!((&found.1, &found.2), (&std::env::var("PATH").ok(), &None));
        // The run compares with its own values.
        assert!(tested.in_threads.is_complete::<Surroundings>()?);
        Ok(())
    })
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Drawn {
    n: u64,
}

runs!(Drawn: u64 = |self, cx| Ok(cx.seed()));

#[test]
fn an_instance_has_one_seed() -> Result<()> {
    each(|tested| {
        let seeds = |flow: &Flow| -> Result<Vec<u64>> {
            (0..3_u64).map(|n| Ok(*flow.with(Drawn::N, n).get::<Drawn>()?)).collect()
        };
        let found = seeds(&tested.flow)?;
        assert_eq!(found, seeds(&tested.reference)?);
        assert!(found[0] != found[1] && found[1] != found[2], "{found:?}");
        Ok(())
    })
}

#[derive(Task)]
#[task(requires = Number { n: 7 }, target = Json<u64>)]
struct Second;

runs!(Second: u64 = |self, cx| Ok(*cx.input().load()? + 1));

#[derive(Task)]
#[task(requires = Second, target = Json<u64>)]
struct Third;

runs!(Third: u64 = |self, cx| Ok(*cx.input().load()? + 1));

#[test]
fn an_equal_output_cuts_off_what_is_downstream() -> Result<()> {
    each(|tested| {
        let flow = &tested.flow;
        assert_eq!(ran(&flow.run::<Third>()?), ["Number", "Second", "Third"]);
        flow.with(Number::N, 7_u64).reset::<Number>()?;
        let summary = flow.run::<Third>()?;
        assert_eq!(ran(&summary), ["Number"]);
        assert_eq!(unchanged(&summary), ["Second", "Third"]);
        assert_eq!(*flow.load::<Third>()?, 9);
        assert!(ran(&flow.run::<Third>()?).is_empty());
        Ok(())
    })
}

/// Counts in a file how often each instance runs.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Counted {
    n: u64,
    #[param(insignificant, default = "")]
    folder: PathBuf,
}

runs!(Counted: u64 = |self, _cx| {
    let path = self.folder.join(format!("ran-{}", self.n));
    OpenOptions::new().create(true).append(true).open(path)?.write_all(b"x")?;
    Ok(self.n)
});

#[derive(Task)]
#[task(requires = [Counted { n } for n in 0..self.count], target = Json<u64>)]
struct Sum {
    count: u64,
}

runs!(Sum: u64 = |self, cx| cx.input().iter().map(|counted| Ok(*counted.load()?)).sum());

#[test]
fn each_of_many_instances_runs_once() -> Result<()> {
    each(|tested| {
        let flow = tested.flow.with(Counted::FOLDER, &*tested.folder);
        // After the first ones, an executor may bundle the others: their duration is known.
        for count in [10_u64, 60] {
            let flow = flow.with(Sum::COUNT, count);
            flow.run::<Sum>()?;
            assert_eq!(*flow.load::<Sum>()?, count * (count - 1) / 2);
            assert!(ran(&flow.run::<Sum>()?).is_empty());
        }
        for n in 0..60 {
            assert_eq!(fs::read_to_string(tested.folder.join(format!("ran-{n}")))?, "x");
        }
        Ok(())
    })
}

/// Fails if another instance runs at the same time.
#[derive(Task)]
#[task(target = Json<u64>, resources(place = 1))]
struct Exclusive {
    n: u64,
    #[param(insignificant, default = "")]
    folder: PathBuf,
}

runs!(Exclusive: u64 = |self, _cx| {
    let path = self.folder.join("held");
    OpenOptions::new().create_new(true).write(true).open(&path).context("another one runs")?;
    std::thread::sleep(std::time::Duration::from_millis(30));
    fs::remove_file(path)?;
    Ok(self.n)
});

#[derive(Task)]
#[task(aggregate, requires = [Exclusive { n } for n in 0..6_u64])]
struct AllExclusive;

#[test]
fn a_resource_limits_how_many_run_at_the_same_time() -> Result<()> {
    each(|tested| {
        let flow = tested.flow.with(Exclusive::FOLDER, &*tested.folder).offer("place", 1);
        assert_eq!(ran(&flow.run::<AllExclusive>()?), ["Exclusive"; 6]);
        Ok(())
    })
}

//! Outputs that are read in part, targets whose code is tracked, and queries of a graph.

use std::fs;

use flow::Code;
use flow::plan::Instance;
use flow::prelude::*;
use flow::target::{Columnar, Pieces, Streaming};
use flow::target::{Sink, Source};

use crate::support::{flow, in_full, preview, ran};

/// Numbers, one a line, which can be streamed one by one and loaded by position.
#[derive(Default)]
struct Column {}

impl Target for Column {
    type Value = Vec<u64>;
    const EXTENSION: &'static str = "txt";
    const CODE: Code = Code::version(1);

    fn save(&self, value: &Vec<u64>, sink: &mut Sink<'_>) -> Result<()> {
        use std::io::Write;

        value.iter().try_for_each(|n| Ok(writeln!(sink, "{n}")?))
    }

    fn load(&self, source: &Source) -> Result<Vec<u64>> {
        self.stream(source)?.collect()
    }
}

impl Streaming for Column {
    type Piece = u64;

    fn stream(&self, source: &Source) -> Result<Pieces<u64>> {
        use std::io::{BufRead, BufReader};

        let lines = BufReader::new(source.open()?).lines();
        Ok(Box::new(lines.map(|line| Ok(line?.parse()?))))
    }
}

impl Columnar for Column {
    type Columns = Vec<u64>;

    fn load_columns(&self, source: &Source, names: &[&str]) -> Result<Vec<u64>> {
        let all = self.load(source)?;
        let column = |name: &&str| {
            let place = name.parse::<usize>().ok().and_then(|place| all.get(place).copied());
            place.ok_or_else(|| anyhow!("there is no column {name}"))
        };
        names.iter().map(column).collect()
    }
}

#[derive(Task)]
#[task(target = Column)]
struct Numbers {
    #[param(default = 5)]
    n: u64,
}

runs!(Numbers: Vec<u64> = |self, _cx| Ok((0..self.n).map(|n| n * 10).collect()));

#[derive(Outputs)]
struct Pair {
    #[output(Column<>)]
    numbers: Vec<u64>,
    #[output(Text)]
    note: String,
}

#[derive(Task)]
#[task(requires = Numbers, outputs = Pair)]
struct Copied;

runs!(Copied: Pair = |self, cx| {
    let numbers = cx.input().stream()?.collect::<Result<Vec<_>>>()?;
    let columns = cx.input().load_columns(&["1", "0"])?;
    Ok(Pair { numbers, note: format!("{columns:?}") })
});

#[test]
fn an_output_is_read_piece_by_piece_and_by_columns() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Copied>()?;
    let output = flow.output::<Copied>()?;
    let part = output.part(Pair::NUMBERS);
    assert_eq!(part.stream()?.collect::<Result<Vec<_>>>()?, [0, 10, 20, 30, 40]);
    assert_eq!(part.load_columns(&["4"])?, [40]);
    assert_eq!(*output.load_one(Pair::NOTE)?, "[10, 0]");
    let error = in_full(part.load_columns(&["9"]).expect_err("there are five"));
    assert!(error.contains("there is no column 9") && error.contains("Copied"), "{error}");
    Ok(())
}

#[test]
fn an_invalid_piece_is_an_error_within_the_stream() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Numbers>()?;
    let output = flow.output::<Numbers>()?;
    let path = output.path()?;
    let modified = fs::metadata(&path)?.modified()?;
    fs::write(&path, fs::read_to_string(&path)?.replace("20\n", "2x\n"))?;
    fs::File::options().append(true).open(&path)?.set_modified(modified)?;
    let mut pieces = output.stream()?;
    assert_eq!(pieces.next().and_then(Result::ok), Some(0));
    assert_eq!(pieces.next().and_then(Result::ok), Some(10));
    let error = format!("{:#}", pieces.next().expect("a piece").expect_err("no number"));
    assert!(
        error.starts_with("cannot read the output of Numbers {n: 5}: invalid digit"),
        "{error}"
    );
    assert_eq!(pieces.next().and_then(Result::ok), Some(30));
    Ok(())
}

#[test]
fn a_modified_or_missing_output_is_not_read_in_part() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Copied>()?;
    let output = flow.output::<Copied>()?;
    let part = output.part(Pair::NUMBERS);
    fs::write(part.path()?, "1\n")?;
    let error = in_full(part.stream().err().expect("it changed"));
    assert!(error.contains("it was replaced after the plan was made"), "{error}");
    fs::remove_file(part.path()?)?;
    let error = in_full(part.load_columns(&["0"]).expect_err("it is gone"));
    assert!(error.contains("it was removed after the plan was made"), "{error}");
    Ok(())
}

/// A target and two tasks of the same names in each module, with other code of the target.
macro_rules! tracked_target {
    ($module:ident, $plus:expr) => {
        mod $module {
            use flow::target::{Sink, Source};
            use flow::prelude::*;

            #[derive(Default)]
            pub(super) struct Digits {}

            #[tracked]
            impl Target for Digits {
                type Value = u64;
                const EXTENSION: &'static str = "txt";

                fn save(&self, value: &u64, sink: &mut Sink<'_>) -> Result<()> {
                    use std::io::Write;

                    Ok(write!(sink, "{}", value + $plus)?)
                }

                fn load(&self, source: &Source) -> Result<u64> {
                    Ok(std::str::from_utf8(&source.read()?)?.parse()?)
                }
            }

            #[derive(Outputs)]
            pub(super) struct One {
                #[output(Digits<>)]
                pub(super) one: u64,
            }

            #[derive(Task)]
            #[task(name = "Kept", target = Digits)]
            pub(super) struct Kept;

            runs!(Kept: u64 = |self, _cx| Ok(5));

            #[derive(Task)]
            #[task(name = "InParts", outputs = One)]
            pub(super) struct InParts;

            runs!(InParts: One = |self, _cx| Ok(One { one: 5 }));
        }
    };
}

tracked_target!(first, 0);
tracked_target!(second, 1);

#[test]
fn a_change_of_a_targets_code_reruns_its_tasks() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<(first::Kept, first::InParts)>()?;
    assert!(flow.run::<(first::Kept, first::InParts)>()?.ran().is_empty());
    let flow = Flow::open(flow.folder())?.quiet();
    let shown = preview::<second::Kept>(&flow);
    assert!(shown.contains("code: "), "{shown}");
    assert_eq!(ran(&flow.run::<(second::Kept, second::InParts)>()?), ["InParts", "Kept"]);
    assert_eq!((*flow.load::<second::Kept>()?, flow.load::<second::InParts>()?.one), (6, 6));
    Ok(())
}

#[test]
fn instances_of_a_graph_can_be_filtered_by_completeness() -> Result<()> {
    let (flow, _folder) = flow();
    let names = |instances: Vec<Instance>, complete: bool| -> Vec<String> {
        let chosen = instances.iter().filter(|one| one.is_complete() == complete);
        chosen.map(|one| one.task().to_owned()).collect()
    };
    flow.run::<Numbers>()?;
    assert_eq!(names(flow.graph::<Copied>().instances()?, true), ["Numbers"]);
    assert_eq!(names(flow.graph::<Copied>().instances()?, false), ["Copied"]);
    let more = flow.with(Numbers::N, 6u64);
    assert_eq!(names(more.graph::<Copied>().instances()?, false).len(), 2);
    assert_eq!(names(flow.graph::<Copied>().downstream::<Numbers>()?, false), ["Copied"]);
    // In a flow that forces `Numbers`, the graph lists it as not complete.
    assert_eq!(
        names(flow.force::<Numbers>().graph::<Copied>().downstream::<Numbers>()?, true),
        [""; 0]
    );
    flow.run::<Copied>()?;
    assert_eq!(names(flow.graph::<Copied>().downstream::<Numbers>()?, true), ["Numbers", "Copied"]);
    Ok(())
}

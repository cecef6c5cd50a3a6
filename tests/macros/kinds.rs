//! Every kind of task and of output: several outputs, files, external files, aggregates, memory.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use wf::File;
use wf::prelude::*;
use wf::target::{Sink, Source};
use wf::testing::{self, assert_ran};

/// Several outputs, of which one is generic.
#[derive(Debug, Clone, PartialEq, Eq, Outputs)]
#[outputs(crate = ::wf)]
struct Split<T: Clone + Serialize + DeserializeOwned> {
    #[output(Json(max_bytes = 1_000))]
    first: T,
    /// Has a check.
    #[output(Json<Vec<T>>, check = is_short)]
    second: Vec<T>,
    #[output(File)]
    r#type: PathBuf,
    #[output(Plain<>)]
    plain: u8,
}

fn is_short<T>(values: &[T]) -> Result<()> {
    ensure!(values.len() < 10, "{} values", values.len());
    Ok(())
}

/// A target of the user's, whose default value comes from a function.
struct Plain;

impl Plain {
    #[allow(clippy::should_implement_trait)]
    const fn default() -> Self {
        Self
    }
}

#[tracked]
impl Target for Plain {
    type Value = u8;
    const EXTENSION: &'static str = "x";

    fn save(&self, value: &u8, sink: &mut Sink<'_>) -> Result<()> {
        use std::io::Write;

        Ok(sink.write_all(&[*value])?)
    }

    fn load(&self, source: &Source) -> Result<u8> {
        source.read()?.first().copied().context("the file is empty")
    }
}

#[derive(Task)]
#[task(outputs = Split<u8>, group = "features/daily", dir = "split", uses(String, Vec<u8>))]
struct SplitsAll;

#[tracked]
impl Run for SplitsAll {
    fn run(&self, cx: &Cx<Self>) -> Result<Split<u8>> {
        let r#type = cx.out_path_of(Split::TYPE)?;
        std::fs::write(&r#type, "text")?;
        let plain = cx.provided::<Vec<u8>>()[0];
        let first = u8::try_from(cx.provided::<String>().len())?;
        Ok(Split { first, second: vec![1, 2], r#type, plain })
    }
}

/// A file that is made by something else, whose path depends on parameters.
#[derive(Task)]
#[task(external, path = self.folder.join(format!("{}.json", self.file.parse::<u8>()?)), target = Json<u8>)]
struct ExternalFile {
    #[param(default = concat!(env!("CARGO_MANIFEST_DIR"), "/data"))]
    folder: PathBuf,
    file: String,
}

/// An external file whose path is a text.
#[derive(Task)]
#[task(external, path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/7.json"), target = Json<u8>)]
struct ExternalConstant;

#[derive(Task)]
#[task(aggregate, requires(split = SplitsAll, file = ExternalFile { file: "3" }))]
struct AllOfThem;

/// An aggregate of a list, which has a condition.
#[derive(Task)]
#[task(aggregate, requires = [ExternalFile { file: n.to_string() } for n in [3, 7] if n > self.above])]
struct SomeFiles {
    #[param(default = 5)]
    above: u8,
}

#[derive(Task)]
#[task(requires(AllOfThem, SplitsAll, SomeFiles, ExternalConstant), target = Memory<u8>)]
struct InMemory;

#[tracked]
impl Run for InMemory {
    fn run(&self, cx: &Cx<Self>) -> Result<u8> {
        let (all, split, files, constant) = cx.input();
        let all = all.load()?;
        let first = *all.split.load_one(Split::FIRST)? + *split.part(Split::FIRST).load()?;
        let files = files.load()?;
        Ok(*all.file.load()? + first + *files[0].load()? + *constant.load()?)
    }
}

/// A file as the only output.
#[task(target = File(extension = "txt"))]
fn one_file(cx: &Cx<one_file>) -> Result<PathBuf> {
    let path = cx.out_path()?;
    std::fs::write(&path, "text")?;
    Ok(path)
}

/// A function with several outputs.
#[task(outputs = Split<String>, uses(Vec<u8>))]
fn split_of_function(cx: &Cx<split_of_function>) -> Result<Split<String>> {
    let r#type = cx.out_path_of(Split::TYPE)?;
    std::fs::write(&r#type, "")?;
    Ok(Split {
        first: "a".to_owned(),
        second: Vec::new(),
        r#type,
        plain: cx.provided::<Vec<u8>>()[0],
    })
}

/// Takes a value from memory.
#[task(requires = InMemory, target = Json<u16>)]
fn after_memory(value: u8) -> u16 {
    u16::from(value) + 1
}

#[test]
fn kinds_run_together() -> Result<()> {
    let flow = testing::flow().provide("abcd".to_owned()).provide(vec![9_u8]);
    let run = flow.run::<after_memory>()?;
    assert_ran(&run, ["after_memory", "InMemory", "SplitsAll"]);
    assert_eq!(*flow.load::<after_memory>()?, 3 + 8 + 7 + 7 + 1);
    let split = flow.output::<SplitsAll>()?;
    assert_eq!((*split.load_one(Split::FIRST)?, *split.load_one(Split::PLAIN)?), (4, 9));
    assert_eq!(*split.load_one(Split::SECOND)?, [1, 2]);
    assert_eq!(std::fs::read_to_string(&*split.load_one(Split::TYPE)?)?, "text");
    assert!(flow.folder().join("features/daily/split").is_dir());
    Ok(())
}

#[test]
fn functions_write_files() -> Result<()> {
    let flow = testing::flow().provide(vec![9_u8]);
    flow.run::<(one_file, split_of_function)>()?;
    assert_eq!(std::fs::read_to_string(&*flow.load::<one_file>()?)?, "text");
    let split = flow.output::<split_of_function>()?;
    assert_eq!((split.load_one(Split::FIRST)?.as_str(), *split.load_one(Split::PLAIN)?), ("a", 9));
    Ok(())
}

#[test]
fn an_aggregate_groups_instances() -> Result<()> {
    let flow = testing::flow().with(SomeFiles::ABOVE, 0);
    assert_eq!(flow.graph::<SomeFiles>().outputs::<ExternalFile>()?.len(), 2);
    Ok(())
}

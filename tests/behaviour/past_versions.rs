//! Stored versions of an output are listed with what has changed since, and can be loaded, also after the code has changed.
//!
//! The releases of a program are modules with tasks of the same names that use one store.

use std::fs;
use std::path::PathBuf;

use flow::Code;
use flow::prelude::*;
use flow::store::OutputVersion;

use crate::support::{files_below, flow, in_full, ran};

/// A release: the version of its code, the type of its output, and what it returns.
macro_rules! release {
    ($module:ident, $version:literal, $type:ty: $value:expr) => {
        mod $module {
            use super::*;

            #[derive(Task)]
            #[task(target = Json<$type>)]
            pub(super) struct Answer {
                #[param(default = 3)]
                n: u64,
            }

            impl Run for Answer {
                const CODE: Code = Code::version($version);

                fn run(&self, cx: &Cx<Self>) -> Result<$type> {
                    cx.meta("version", $version)?;
                    let value: fn(u64) -> $type = $value;
                    Ok(value(self.n))
                }
            }

            #[derive(Task)]
            #[task(requires = [Answer { n } for n in 0..3], target = Json<usize>)]
            pub(super) struct Answers;

            impl Run for Answers {
                const CODE: Code = Code::version(1);

                fn run(&self, cx: &Cx<Self>) -> Result<usize> {
                    Ok(cx.input().len())
                }
            }
        }
    };
}

release!(first, 1, u64: |n| n + 1);
release!(second, 2, u64: |n| n + 2);
release!(third, 3, String: |n| n.to_string());

/// Returns what differs, a line for each version.
fn differences<T>(versions: &[OutputVersion<T>]) -> Vec<String> {
    let line = |version: &OutputVersion<T>| {
        version.differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    versions.iter().map(line).collect()
}

#[test]
fn an_output_of_other_code_is_marked_and_can_be_loaded() -> Result<()> {
    let (flow, _folder) = flow();
    assert!(flow.versions::<first::Answer>()?.is_empty());
    flow.run::<first::Answer>()?;
    let versions = flow.versions::<first::Answer>()?;
    assert!(versions[0].is_current && versions[0].is_up_to_date() && !versions[0].has_other_code());
    assert!(versions[0].to_string().ends_with(": 1 B, current, up to date"), "{versions:?}");

    // The output of the first release is not that of the second one, and not lost.
    let flow = Flow::open(flow.folder())?.quiet();
    assert!(flow.load::<second::Answer>().is_err());
    let versions = flow.versions::<second::Answer>()?;
    assert_eq!(differences(&versions), ["code: version 1 is version 2 now"]);
    assert!(versions[0].is_current && versions[0].has_other_code() && !versions[0].is_up_to_date());
    assert_eq!(*versions[0].load()?, 4);
    assert_eq!(versions[0].output().meta::<u64>("version")?, 1);

    flow.run::<second::Answer>()?;
    let versions = flow.versions::<second::Answer>()?;
    assert_eq!(differences(&versions), ["", "code: version 1 is version 2 now"]);
    assert_eq!((versions[0].is_current, versions[1].is_current), (true, false));
    assert_eq!((*versions[0].load()?, *versions[1].load()?), (5, 4));
    assert_ne!(versions[0].fingerprint, versions[1].fingerprint);
    let text = versions[1].to_string();
    assert!(text.ends_with(": 1 B, earlier, code: version 1 is version 2 now"), "{text}");
    // Listing and loading runs nothing, and makes nothing complete that is not.
    assert_eq!(ran(&flow.run::<second::Answer>()?), [""; 0]);
    Ok(())
}

#[test]
fn an_output_of_another_type_is_an_error() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<first::Answer>()?;
    let flow = Flow::open(flow.folder())?.quiet();
    let versions = flow.versions::<third::Answer>()?;
    let [differs] = &differences(&versions)[..] else { panic!("{versions:?}") };
    assert!(differs.contains("target: was Json<u64>, is Json<String>"), "{differs}");
    let error = in_full(versions[0].load().expect_err("a number is no text"));
    assert!(error.contains("Answer") && error.contains("expected a string"), "{error}");
    Ok(())
}

#[test]
fn an_instance_of_a_graph_has_versions_of_its_own() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<first::Answers>()?;
    let flow = Flow::open(flow.folder())?.quiet();
    flow.with(second::Answer::N, 2).run::<second::Answer>()?;
    let graph = flow.graph::<second::Answers>();
    assert!(graph.versions::<second::Answer>().is_err(), "it has several instances");
    for (n, values) in [(0, vec![1]), (1, vec![2]), (2, vec![4, 3])] {
        let graph = flow.graph::<second::Answers>().at(second::Answer::N, n);
        let versions = graph.versions::<second::Answer>()?;
        let loaded =
            versions.iter().map(|version| Ok(*version.load()?)).collect::<Result<Vec<_>>>()?;
        assert_eq!(loaded, values, "{n}");
    }
    // What is upstream of it has to run first.
    let versions = flow.versions::<second::Answers>()?;
    assert_eq!(differences(&versions), ["waits for Answer"]);
    assert_eq!(*versions[0].load()?, 3);
    Ok(())
}

/// The number in a file.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Number {
    #[param(file)]
    path: PathBuf,
}

runs!(Number: u64 = |self, _cx| Ok(fs::read_to_string(&self.path)?.parse()?));

#[derive(Task)]
#[task(aggregate, requires = Number)]
struct Numbers;

#[test]
fn a_version_of_other_data_or_without_its_file_is_marked() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("number");
    let flow = flow.with(Number::PATH, path.clone());
    for number in 1..=3 {
        fs::write(&path, number.to_string())?;
        flow.run::<Number>()?;
    }
    let changed = format!("file: {} changed", path.display());
    let versions = flow.versions::<Number>()?;
    assert_eq!(differences(&versions), ["", &changed, &changed]);
    let loaded: Vec<u64> =
        versions.iter().map(|version| Ok(*version.load()?)).collect::<Result<_>>()?;
    assert_eq!(loaded, [3, 2, 1]);
    assert!(!versions[1].has_other_code());

    // An output that is reused becomes the current one again.
    fs::write(&path, "1")?;
    flow.run::<Number>()?;
    let versions = flow.versions::<Number>()?;
    let loaded: Vec<u64> =
        versions.iter().map(|version| Ok(*version.load()?)).collect::<Result<_>>()?;
    assert_eq!(loaded, [1, 3, 2]);

    let file = versions[2].output().path()?;
    assert!(files_below(flow.folder()).contains(&file));
    fs::remove_file(file)?;
    let versions = flow.versions::<Number>()?;
    let differs = &differences(&versions)[2];
    assert!(differs.starts_with(&changed) && differs.ends_with(" is gone"), "{differs}");
    assert!(versions[2].load().is_err());
    assert_eq!(*versions[1].load()?, 3);
    assert!(flow.versions::<Numbers>()?.is_empty(), "an aggregate has no output of its own");
    Ok(())
}

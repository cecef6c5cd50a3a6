//! Several outputs of one task: the task is complete with all of them, and they are loaded whole or
//! one by one.

use std::fs;
use std::path::PathBuf;

use flow::prelude::*;
use flow::target::{Sink, Source};
use flow::{Code, File};

use crate::support::{
    assert_consistent, failed, failure, files_below, flow, preview, ran, reused, unchanged,
};

/// The even numbers below `n`, the odd ones, and their count as text.
#[derive(Outputs)]
struct Split {
    #[output(Json)]
    even: Vec<u64>,
    #[output(Pickle)]
    odd: Vec<u64>,
    #[output(Text)]
    note: String,
}

#[derive(Task)]
#[task(outputs = Split)]
struct Numbers {
    n: u64,
    /// Is recorded as metadata, and does not change the outputs.
    #[param(default = 0)]
    unused: u64,
}

runs!(Numbers: Split = |self, cx| {
    cx.meta("unused", self.unused)?;
    let (even, odd) = (0..self.n).partition(|n| n % 2 == 0);
    Ok(Split { even, odd, note: format!("{} in all", self.n) })
});

#[derive(Task)]
#[task(requires = Numbers, target = Json<u64>)]
struct OddSum;

runs!(OddSum: u64 = |self, cx| Ok(cx.input().load_one(Split::ODD)?.iter().sum()));

fn flow_of_five() -> (Flow, tempfile::TempDir) {
    let (flow, folder) = flow();
    (flow.with(Numbers::N, 5u64), folder)
}

/// Returns the path of the file of a part.
fn file(flow: &Flow, part: &str) -> PathBuf {
    let output = flow.output::<Numbers>().expect("it has run");
    match part {
        "even" => output.part(Split::EVEN).path(),
        "odd" => output.part(Split::ODD).path(),
        _ => output.part(Split::NOTE).path(),
    }
    .expect("a path")
}

#[test]
fn outputs_are_loaded_whole_and_one_by_one() -> Result<()> {
    let (flow, _folder) = flow_of_five();
    assert_eq!(ran(&flow.run::<OddSum>()?), ["Numbers", "OddSum"]);
    assert_eq!(*flow.load::<OddSum>()?, 4);
    let all = flow.load::<Numbers>()?;
    assert_eq!((&*all.even, &*all.odd, &*all.note), (&[0, 2, 4][..], &[1, 3][..], "5 in all"));
    let output = flow.output::<Numbers>()?;
    assert_eq!(*output.load_one(Split::EVEN)?, [0, 2, 4]);
    assert_eq!(*output.part(Split::NOTE).load()?, "5 in all");
    // Each part has its own format and lies beside the others.
    let extensions = ["even", "odd", "note"].map(|part| file(&flow, part));
    let extensions = extensions.each_ref().map(|path| path.extension().and_then(|e| e.to_str()));
    assert_eq!(extensions, [Some("json"), Some("msgpack"), Some("txt")]);
    assert_eq!(file(&flow, "even").parent(), Some(&*output.path()?));
    Ok(())
}

#[test]
fn the_record_names_all_outputs() -> Result<()> {
    let (flow, _folder) = flow_of_five();
    flow.run::<Numbers>()?;
    let record = flow.output::<Numbers>()?.path()?.join("record.json");
    let record: serde_json::Value = serde_json::from_slice(&fs::read(record)?)?;
    let files = record["output"]["files"].as_array().expect("a list");
    let parts: Vec<_> = files.iter().map(|file| file["part"].as_str().unwrap_or("")).collect();
    assert_eq!(parts, ["even", "odd", "note"]);
    for (file_of, part) in files.iter().zip(parts) {
        assert_eq!(
            file(&flow, part).file_name().and_then(|n| n.to_str()),
            file_of["file"].as_str()
        );
    }
    assert_consistent(flow.folder());
    Ok(())
}

#[test]
fn loading_one_output_reads_only_its_file() -> Result<()> {
    let (flow, _folder) = flow_of_five();
    flow.run::<Numbers>()?;
    let output = flow.output::<Numbers>()?;
    // The size and time stay the same, so that the damage is only found by reading the file.
    let path = file(&flow, "even");
    let modified = fs::metadata(&path)?.modified()?;
    fs::write(&path, "x".repeat(fs::metadata(&path)?.len() as usize))?;
    fs::File::options().append(true).open(&path)?.set_modified(modified)?;
    assert_eq!(*output.load_one(Split::ODD)?, [1, 3]);
    let error = crate::support::in_full(output.load().err().expect("it was overwritten"));
    assert!(error.contains("output `even`"), "{error}");
    Ok(())
}

#[test]
fn one_output_can_be_loaded_although_others_changed() -> Result<()> {
    let (flow, _folder) = flow_of_five();
    flow.run::<Numbers>()?;
    let output = flow.output::<Numbers>()?;
    fs::write(file(&flow, "even"), "other")?;
    assert_eq!(*output.load_one(Split::ODD)?, [1, 3]);
    let error = crate::support::in_full(output.load_one(Split::EVEN).expect_err("it changed"));
    assert!(error.contains("it was replaced after the plan was made"), "{error}");
    Ok(())
}

#[test]
fn a_missing_output_is_recomputed_when_it_is_needed() -> Result<()> {
    for part in ["even", "odd", "note"] {
        let (flow, _folder) = flow_of_five();
        flow.run::<OddSum>()?;
        let path = file(&flow, part);
        fs::remove_file(&path)?;
        // The downstream task is complete without the file.
        assert!(flow.is_complete::<OddSum>()?);
        assert_eq!(ran(&flow.run::<OddSum>()?), [""; 0]);
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let shown = preview::<Numbers>(&flow);
        assert!(shown.contains(&format!("output: {name} is gone")), "{shown}");
        // A pending downstream task needs the file.
        flow.reset::<OddSum>()?;
        assert_eq!(ran(&flow.run::<OddSum>()?), ["Numbers", "OddSum"]);
        assert_eq!(flow.load::<Numbers>()?.even, [0, 2, 4]);
        assert_eq!(ran(&flow.run::<(Numbers, OddSum)>()?), [""; 0]);
        assert_consistent(flow.folder());
    }
    Ok(())
}

#[test]
fn a_modified_output_is_named_and_recomputed() -> Result<()> {
    for part in ["even", "odd", "note"] {
        let (flow, _folder) = flow_of_five();
        flow.run::<OddSum>()?;
        let path = file(&flow, part);
        fs::write(&path, "other")?;
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let shown = preview::<OddSum>(&flow);
        assert!(shown.contains(&format!("output: {name} was modified")), "{shown}");
        assert!(!flow.is_complete::<Numbers>()?);
        let summary = flow.run::<OddSum>()?;
        assert_eq!(
            (ran(&summary), unchanged(&summary)),
            (vec!["Numbers".into()], vec!["OddSum".into()])
        );
        assert_eq!(flow.load::<Numbers>()?.odd, [1, 3]);
        assert_consistent(flow.folder());
    }
    Ok(())
}

#[test]
fn a_modified_output_takes_precedence_over_a_missing_one() -> Result<()> {
    let (flow, _folder) = flow_of_five();
    flow.run::<OddSum>()?;
    fs::remove_file(file(&flow, "even"))?;
    // With a missing part, the path of another part is not available through the handle.
    let odd = files_below(flow.folder()).into_iter().find(|f| f.to_string_lossy().contains("-odd"));
    fs::write(odd.expect("it is there"), "other")?;
    let shown = preview::<Numbers>(&flow);
    assert!(shown.contains("-odd.msgpack was modified"), "{shown}");
    assert_eq!(ran(&flow.run::<OddSum>()?), ["Numbers"]);
    Ok(())
}

#[derive(Task)]
#[task(requires = Numbers, outputs = Split)]
struct Copied;

runs!(Copied: Split = |self, cx| {
    let Split { even, odd, note } = &*cx.input().load()?;
    Ok(Split { even: even.clone(), odd: odd.clone(), note: note.clone() })
});

#[test]
fn all_outputs_are_reused_together() -> Result<()> {
    let (flow, _folder) = flow_of_five();
    let other = flow.with(Numbers::UNUSED, 1u64);
    flow.run::<Copied>()?;
    let summary = other.run::<Copied>()?;
    assert_eq!((ran(&summary), reused(&summary)), (vec!["Numbers".into()], vec!["Copied".into()]));
    // The reused outputs have files of their own, which remain when the originals are removed.
    flow.graph::<Copied>().reset_all()?;
    assert_eq!(other.load::<Copied>()?.odd, [1, 3]);
    assert_eq!(other.load::<Copied>()?.note, "5 in all");
    assert!(other.run::<Copied>()?.ran().is_empty());
    assert_consistent(flow.folder());
    Ok(())
}

#[test]
fn equal_bytes_leave_downstream_tasks_unchanged() -> Result<()> {
    let (flow, _folder) = flow_of_five();
    flow.run::<OddSum>()?;
    let summary = flow.force::<Numbers>().run::<OddSum>()?;
    assert_eq!(
        (ran(&summary), unchanged(&summary)),
        (vec!["Numbers".into()], vec!["OddSum".into()])
    );
    Ok(())
}

#[derive(Outputs)]
struct Two {
    #[output(Json)]
    first: u8,
    #[output(Json)]
    second: u8,
}

#[derive(Task)]
#[task(outputs = Two)]
struct Swap {
    #[param(insignificant, default = false)]
    swapped: bool,
}

runs!(Swap: Two = |self, _cx| {
    let (first, second) = if self.swapped { (2, 1) } else { (1, 2) };
    Ok(Two { first, second })
});

#[derive(Task)]
#[task(requires = Swap, target = Json<u8>)]
struct First;

runs!(First: u8 = |self, cx| Ok(*cx.input().load_one(Two::FIRST)?));

#[test]
fn swapping_the_content_of_two_outputs_is_a_change() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<First>()?;
    let swapped = flow.with(Swap::SWAPPED, true);
    assert_eq!(ran(&swapped.force::<Swap>().run::<First>()?), ["First", "Swap"]);
    assert_eq!(*swapped.load::<First>()?, 2);
    Ok(())
}

/// Refuses odd numbers, and panics on 13.
#[derive(Default)]
struct OnlyEven {}

impl Target for OnlyEven {
    type Value = u64;
    const EXTENSION: &'static str = "txt";
    const CODE: Code = Code::version(1);

    fn save(&self, value: &u64, sink: &mut Sink<'_>) -> Result<()> {
        use std::io::Write;

        write!(sink, "{value}")?;
        assert!(*value != 13, "it is a bad number");
        ensure!(value.is_multiple_of(2), "{value} is odd");
        Ok(())
    }

    fn load(&self, source: &Source) -> Result<u64> {
        Ok(std::str::from_utf8(&source.read()?)?.parse()?)
    }
}

#[derive(Outputs)]
struct Picky {
    #[output(Json)]
    any: u64,
    #[output(OnlyEven<>)]
    even: u64,
    #[output(File)]
    file: PathBuf,
}

#[derive(Task)]
#[task(outputs = Picky)]
struct Picks {
    n: u64,
}

runs!(Picks: Picky = |self, cx| {
    let file = cx.out_path_of(Picky::FILE)?;
    fs::create_dir_all(file.join("sub"))?;
    fs::write(file.join("sub/text"), "text")?;
    Ok(Picky { any: self.n, even: self.n, file })
});

#[test]
fn if_one_output_cannot_be_saved_none_is_left() -> Result<()> {
    for (n, said) in [(3u64, "output `even`: cannot write"), (13, "it is a bad number")] {
        let (flow, _folder) = flow();
        let flow = flow.with(Picks::N, n);
        let summary = failure(flow.run::<Picks>());
        assert_eq!(failed(&summary), ["Picks"]);
        let error = summary.failed()[0].error.clone().unwrap_or_default();
        assert!(error.contains(said), "{error}");
        let mut left = files_below(flow.folder());
        let kept = [".flow/runs", ".flow/claims"].map(|name| flow.folder().join(name));
        let is_kept = |file: &PathBuf| kept.iter().any(|kept| file.starts_with(kept));
        left.retain(|file| !file.ends_with("failure.json") && !is_kept(file));
        assert_eq!(left, Vec::<PathBuf>::new());
        let folder = flow.preview::<Picks>()?.instances().next().expect("a root").folder()?;
        assert_eq!(fs::read_dir(folder)?.count(), 1, "no folders either");
    }
    let (flow, _folder) = flow();
    flow.with(Picks::N, 4u64).run::<Picks>()?;
    let all = flow.with(Picks::N, 4u64).load::<Picks>()?;
    assert_eq!((all.any, all.even), (4, 4));
    assert_eq!(fs::read_to_string(all.file.join("sub/text"))?, "text");
    Ok(())
}

#[derive(Task)]
#[task(outputs = Picky)]
struct NeverAsks {
    elsewhere: PathBuf,
}

runs!(NeverAsks: Picky = |self, _cx| Ok(Picky { any: 1, even: 2, file: self.elsewhere.clone() }));

#[test]
fn an_output_file_written_to_another_path_is_an_error() -> Result<()> {
    let (flow, folder) = flow();
    let elsewhere = folder.path().join("mine");
    fs::write(&elsewhere, "mine")?;
    let summary = failure(flow.with(NeverAsks::ELSEWHERE, &*elsewhere).run::<NeverAsks>());
    let error = summary.failed()[0].error.clone().unwrap_or_default();
    assert!(error.starts_with("output `file`: the task has not asked"), "{error}");
    assert!(error.contains("`cx.out_path_of(...::FILE)?`"), "{error}");
    assert_eq!(fs::read_to_string(elsewhere)?, "mine");
    Ok(())
}

/// Defines a task with one name, whose second output has the given target.
macro_rules! kept_as {
    ($module:ident, $target:ident) => {
        mod $module {
            use flow::prelude::*;

            #[derive(Outputs)]
            #[allow(dead_code)]
            pub(super) struct Pair {
                #[output(Json)]
                one: u64,
                #[output($target)]
                other: u64,
            }

            #[derive(Task)]
            #[task(outputs = Pair, name = "Pairs")]
            pub(super) struct Pairs;

            runs!(Pairs: Pair = |self, _cx| Ok(Pair { one: 1, other: 2 }));
        }
    };
}

kept_as!(as_json, Json);
kept_as!(as_pickle, Pickle);

#[test]
fn another_target_of_one_output_reruns_the_task() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<as_json::Pairs>()?), ["Pairs"]);
    let flow = Flow::open(flow.folder())?.quiet();
    let shown = preview::<as_pickle::Pairs>(&flow);
    assert!(shown.contains("target: was Pair {one: Json<u64>, other: Json<u64>}"), "{shown}");
    assert_eq!(ran(&flow.run::<as_pickle::Pairs>()?), ["Pairs"]);
    // With the first target again, the earlier output is reused.
    let flow = Flow::open(flow.folder())?.quiet();
    assert_eq!(reused(&flow.run::<as_json::Pairs>()?), ["Pairs"]);
    Ok(())
}

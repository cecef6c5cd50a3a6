//! An output with the same fingerprint is reused, whichever instance computed it.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use flow::prelude::*;

use crate::faulty::{Fault, Faulty, Op};
use crate::support::{assert_consistent, faulty_flow, flow, ran, reused};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Tens {
    n: u64,
}

#[tracked]
impl Run for Tens {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.n / 10)
    }
}

#[derive(Task)]
#[task(requires = Tens, target = Json<u64>)]
struct Squared;

#[tracked]
impl Run for Squared {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let tens = *cx.input().load()?;
        cx.meta("tens", tens)?;
        Ok(tens * tens)
    }
}

/// Two instances of [`Squared`] with the same fingerprint.
fn two(flow: &Flow) -> (Flow, Flow) {
    (flow.with(Tens::N, 31), flow.with(Tens::N, 32))
}

#[test]
fn a_reused_output_survives_a_reset_of_the_original() -> Result<()> {
    // The output is reused as a hard link, or as a copy where links are refused.
    for refuse in [None, Some(ErrorKind::Unsupported), Some(ErrorKind::CrossesDevices)] {
        let folder = tempfile::tempdir()?;
        let fs = Faulty::new();
        fs.fail(move |_, op, _| refuse.filter(|_| op == Op::Link).map(Fault::Refuse));
        let flow = faulty_flow(folder.path(), &fs)?;
        let (one, two) = two(&flow);
        one.run::<Squared>()?;
        assert_eq!(reused(&two.run::<Squared>()?), ["Squared"]);
        assert_ne!(one.output::<Squared>()?.path()?, two.output::<Squared>()?.path()?);
        one.graph::<Squared>().reset_all()?;
        assert!(!one.is_complete::<Squared>()?);
        assert_eq!(*two.load::<Squared>()?, 9);
        assert_eq!(two.output::<Squared>()?.meta::<u64>("tens")?, 3);
        assert_consistent(flow.folder());
    }
    Ok(())
}

#[test]
fn a_reset_prevents_reuse() -> Result<()> {
    let (flow, _folder) = flow();
    let (one, two) = two(&flow);
    one.run::<Squared>()?;
    two.run::<Squared>()?;
    two.reset::<Squared>()?;
    assert_eq!(ran(&two.run::<Squared>()?), ["Squared"]);
    // An output that was computed after the reset may be reused again.
    let three = flow.with(Tens::N, 33);
    assert_eq!(reused(&three.run::<Squared>()?), ["Squared"]);
    assert!(one.is_complete::<Squared>()?);
    Ok(())
}

#[test]
fn a_truncated_copy_is_not_reused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fs = Faulty::new();
    let flow = faulty_flow(folder.path(), &fs)?;
    let (one, two) = two(&flow);
    one.run::<Squared>()?;
    two.run::<Tens>()?;
    fs.fail(|_, op, _| match op {
        Op::Link => Some(Fault::Refuse(ErrorKind::Unsupported)),
        Op::Copy => Some(Fault::Half(ErrorKind::StorageFull)),
        _ => None,
    });
    // A full disk ends the run.
    let error = two.run::<Squared>().expect_err("no space").to_string();
    assert!(error.contains("cannot copy to") && error.contains("no storage"), "{error}");
    // The folder of this instance holds no part of the failed copy.
    let other = one.output::<Squared>()?.path()?;
    let mut left = crate::support::files_below(&flow.folder().join("Squared"));
    left.retain(|file| file.parent() != other.parent());
    assert!(left.is_empty(), "{left:?}");
    fs.heal();
    assert_eq!(reused(&two.run::<Squared>()?), ["Squared"]);
    assert_eq!(*two.load::<Squared>()?, 9);
    Ok(())
}

#[test]
fn a_modified_output_is_not_reused() -> Result<()> {
    let (flow, _folder) = flow();
    let (one, two) = two(&flow);
    one.run::<Squared>()?;
    fs::write(one.output::<Squared>()?.path()?, "8")?;
    assert_eq!(ran(&two.run::<Squared>()?), ["Squared", "Tens"]);
    assert_eq!(*two.load::<Squared>()?, 9);
    assert_eq!(reused(&one.run::<Squared>()?), ["Squared"]);
    assert_eq!(*one.load::<Squared>()?, 9);
    Ok(())
}

#[test]
fn a_task_runs_if_the_output_vanishes_before_it_is_linked() -> Result<()> {
    // The kept output exists when the planner checks it, and is removed before it is linked.
    let folder = tempfile::tempdir()?;
    let fs = Faulty::new();
    let flow = faulty_flow(folder.path(), &fs)?;
    let (one, two) = two(&flow);
    one.run::<Squared>()?;
    two.run::<Tens>()?;
    let kept = one.output::<Squared>()?.path()?;
    fs.fail(move |_, op, _| {
        if op == Op::Link {
            let _ = fs::remove_file(&kept);
        }
        None
    });
    assert_eq!(ran(&two.run::<Squared>()?), ["Squared"]);
    assert_eq!(*two.load::<Squared>()?, 9);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<String>)]
struct Text {
    #[param(file)]
    path: PathBuf,
}

#[tracked]
impl Run for Text {
    fn run(&self, _cx: &Cx<Self>) -> Result<String> {
        Ok(fs::read_to_string(&self.path)?)
    }
}

#[derive(Task)]
#[task(requires = Text, target = Json<usize>)]
struct Size;

#[tracked]
impl Run for Size {
    fn run(&self, cx: &Cx<Self>) -> Result<usize> {
        Ok(cx.input().load()?.len())
    }
}

#[test]
fn switching_back_to_earlier_data_runs_nothing() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("text");
    let flow = flow.with(Text::PATH, path.clone());
    let texts = ["one", "three", "seventeen"];
    for text in texts {
        fs::write(&path, text)?;
        assert_eq!(ran(&flow.run::<Size>()?), ["Size", "Text"]);
    }
    for text in texts.iter().chain(texts.iter().rev()) {
        fs::write(&path, text)?;
        let summary = flow.run::<Size>()?;
        assert_eq!(ran(&summary), [""; 0]);
        assert_eq!(*flow.load::<Size>()?, text.len());
    }
    Ok(())
}

#[test]
fn resetting_a_reusable_output_makes_its_task_run() -> Result<()> {
    let (flow, folder) = flow();
    let path = folder.path().join("text");
    let flow = flow.with(Text::PATH, path.clone());
    for (text, is_kept) in [("one", false), ("three", false), ("one", true)] {
        fs::write(&path, text)?;
        assert_eq!(flow.is_complete::<Size>()?, is_kept, "{text}");
        flow.run::<Size>()?;
    }
    // After the return to the first text, the store holds both versions. The second text is restored next.
    fs::write(&path, "three")?;
    flow.graph::<Size>().reset_all()?;
    assert_eq!(ran(&flow.run::<Size>()?), ["Size", "Text"]);
    assert_eq!(*flow.load::<Size>()?, 5);
    Ok(())
}

#[test]
fn switching_back_to_earlier_parameters_runs_nothing() -> Result<()> {
    let (flow, _folder) = flow();
    for n in [10, 20, 30] {
        flow.with(Tens::N, n).run::<Squared>()?;
    }
    for n in [30, 10, 20, 10] {
        assert!(flow.with(Tens::N, n).run::<Squared>()?.ran().is_empty());
        assert_eq!(*flow.with(Tens::N, n).load::<Squared>()?, (n / 10) * (n / 10));
    }
    Ok(())
}

#[test]
fn a_reused_output_keeps_its_full_extension() -> Result<()> {
    #[derive(Task)]
    #[task(target = Json<u8>)]
    struct Constant {
        n: u8,
    }

    #[tracked]
    impl Run for Constant {
        fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
            Ok(7)
        }
    }

    #[derive(Serialize, Deserialize)]
    struct Row {
        value: u8,
    }

    #[derive(Task)]
    #[task(requires = Constant, target = CsvGz<Vec<Row>>)]
    struct Rows;

    #[tracked]
    impl Run for Rows {
        fn run(&self, cx: &Cx<Self>) -> Result<Vec<Row>> {
            Ok(vec![Row { value: *cx.input().load()? }])
        }
    }

    let (flow, _folder) = flow();
    flow.with(Constant::N, 1).run::<Rows>()?;
    let other = flow.with(Constant::N, 2);
    assert_eq!(other.run::<Rows>()?.reused().len(), 1);
    let path = other.output::<Rows>()?.path()?;
    assert!(path.to_string_lossy().ends_with(".csv.gz"), "{}", path.display());
    assert_eq!(other.load::<Rows>()?[0].value, 7);
    Ok(())
}

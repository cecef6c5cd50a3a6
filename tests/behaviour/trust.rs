//! `Trust`: how much is checked for completeness, and what that costs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use flow::File;
use flow::Trust;
use flow::plan::Status;
use flow::prelude::*;

use crate::faulty::{Faulty, Op};
use crate::support::{faulty_flow, files_below, flow, one_file, preview, ran, reused};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Part {
    n: u64,
    #[param(file, default = "missing")]
    file: PathBuf,
}

runs!(Part: u64 = |self, cx| {
    let text = fs::read_to_string(&self.file)?;
    cx.meta("text", &text)?;
    Ok(self.n + text.len() as u64)
});

#[derive(Task)]
#[task(requires = [Part { n } for n in 0..self.parts], target = Json<u64>)]
struct Total {
    #[param(default = 5)]
    parts: u64,
    #[param(file, default = "missing")]
    own: PathBuf,
}

runs!(Total: u64 = |self, cx| {
    let mut total = fs::read_to_string(&self.own)?.len() as u64;
    for part in cx.input() {
        let _: String = part.meta("text")?;
        total += *part.load()? + u64::from(part.task().n > 100);
    }
    Ok(total)
});

#[derive(Task)]
#[task(requires = Total, target = Json<u64>)]
struct Twice;

runs!(Twice: u64 = |self, cx| Ok(*cx.input().load()? * 2));

/// An aggregate is complete if the records of its requirements are trusted.
#[derive(Task)]
#[task(aggregate, requires(Twice, Total))]
struct Both;

fn with_files(flow: &Flow, folder: &Path) -> Result<Flow> {
    for name in ["own", "file"] {
        fs::write(folder.join(name), "ab")?;
    }
    Ok(flow.with(Total::OWN, folder.join("own")).with(Part::FILE, folder.join("file")))
}

fn statuses<R: flow::Roots>(flow: &Flow) -> Result<BTreeMap<String, Status>> {
    let instances = flow.graph::<R>().instances()?;
    Ok(instances.iter().map(|i| (i.task().to_owned(), i.status())).collect())
}

#[test]
fn tasks_upstream_of_a_trusted_record_are_not_checked() -> Result<()> {
    let (flow, folder) = flow();
    let flow = with_files(&flow, folder.path())?;
    flow.run::<Twice>()?;
    let trusting = flow.trust(Trust::Records);
    // A changed file and missing outputs upstream are not noticed.
    fs::write(folder.path().join("file"), "abc")?;
    for file in files_below(&flow.folder().join("Part")) {
        fs::remove_file(file)?;
    }
    assert!(!flow.is_complete::<Twice>()?);
    assert!(trusting.is_complete::<Twice>()?);
    let summary = trusting.run::<Twice>()?;
    assert!(summary.ran().is_empty() && summary.is_success());
    assert_eq!(*trusting.load::<Twice>()?, 44);
    let expected =
        [("Part", Status::Unchecked), ("Total", Status::Unchecked), ("Twice", Status::Complete)];
    assert_eq!(statuses::<Twice>(&trusting)?, expected.map(|(t, s)| (t.to_owned(), s)).into());
    let shown = preview::<Twice>(&trusting);
    assert!(shown.starts_with("Twice {") && shown.contains(" COMPLETE\n"), "{shown}");
    assert!(shown.contains("UNCHECKED\n") && !shown.contains("PENDING"), "{shown}");
    assert!(trusting.preview::<Twice>()?.pending().is_empty());

    // A load of an upstream output checks it.
    assert!(trusting.graph::<Twice>().load::<Part>().is_err());
    // With `Trust::Records` it is not checked, and without it is.
    assert_eq!(ran(&flow.run::<Twice>()?).len(), 7);
    assert_eq!(*trusting.load::<Twice>()?, 54);
    Ok(())
}

#[test]
fn changes_of_the_root_itself_are_noticed() -> Result<()> {
    let (flow, folder) = flow();
    let flow = with_files(&flow, folder.path())?;
    flow.run::<Total>()?;
    let trusting = flow.trust(Trust::Records);
    assert!(trusting.is_complete::<Total>()?);
    // Its own file.
    fs::write(folder.path().join("own"), "abc")?;
    let shown = preview::<Total>(&trusting);
    assert!(shown.contains("own changed"), "{shown}");
    assert!(!shown.contains("UNCHECKED"), "it is judged with all upstream of it: {shown}");
    fs::write(folder.path().join("own"), "ab")?;
    assert!(trusting.is_complete::<Total>()?);
    // Its output.
    let path = trusting.output::<Total>()?.path()?;
    let text = fs::read(&path)?;
    fs::remove_file(&path)?;
    assert!(!trusting.is_complete::<Total>()?);
    fs::write(&path, text)?;
    assert!(trusting.is_complete::<Total>()?);
    // Its parameters, and forcing.
    assert!(!trusting.with(Total::PARTS, 4u64).is_complete::<Total>()?);
    assert_eq!(ran(&trusting.force_roots().run::<Total>()?), ["Total"]);
    // Its record.
    fs::write(one_file(&flow.folder().join("Total"), "record", ".json"), "{}")?;
    assert!(!trusting.is_complete::<Total>()?);
    Ok(())
}

mod before {
    use super::*;

    #[derive(Task)]
    #[task(name = "Low", target = Json<u64>)]
    pub(super) struct Low {
        pub(super) n: u64,
    }

    runs!(Low: u64 = |self, _cx| Ok(self.n));

    #[derive(Task)]
    #[task(name = "High", requires = Low { n: 1 }, target = Json<u64>)]
    pub(super) struct High;

    runs!(High: u64 = |self, cx| Ok(*cx.input().load()?));
}

mod after {
    use super::*;

    #[derive(Task)]
    #[task(name = "Low", target = Json<u64>)]
    pub(super) struct Low {
        pub(super) n: u64,
    }

    runs!(Low: u64 = |self, _cx| Ok(self.n));

    /// Sets another value for its requirement; everything else is the same.
    #[derive(Task)]
    #[task(name = "High", requires = Low { n: 2 }, target = Json<u64>)]
    pub(super) struct High;

    runs!(High: u64 = |self, cx| Ok(*cx.input().load()?));
}

#[test]
fn values_set_for_a_requirement_belong_to_the_root() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<before::High>()?;
    let later = || -> Result<Flow> { Ok(Flow::open(flow.folder())?.quiet().trust(Trust::Records)) };
    assert!(later()?.is_complete::<before::High>()?);
    assert!(!later()?.is_complete::<after::High>()?);
    Ok(())
}

#[test]
fn each_of_several_roots_is_trusted_by_itself() -> Result<()> {
    let (flow, folder) = flow();
    let flow = with_files(&flow, folder.path())?;
    flow.run::<Both>()?;
    let trusting = flow.trust(Trust::Records);
    fs::write(folder.path().join("file"), "abc")?;
    assert!(trusting.is_complete::<Both>()?);
    assert_eq!(statuses::<Both>(&trusting)?["Part"], Status::Unchecked);
    // An incomplete root is judged with all tasks upstream of it, and so is the other root among
    // them.
    flow.reset::<Twice>()?;
    let statuses = statuses::<Both>(&trusting)?;
    assert_eq!((statuses["Part"], statuses["Total"]), (Status::Pending, Status::Pending));
    assert_eq!(ran(&trusting.run::<Both>()?).len(), 7);
    // The other way round.
    fs::write(folder.path().join("file"), "abcd")?;
    flow.reset::<Total>()?;
    let shown = preview::<(Twice, Total)>(&trusting);
    assert!(shown.starts_with("Twice {") && !shown.starts_with("UNCHECKED"), "{shown}");
    assert_eq!(ran(&trusting.run::<(Twice, Total)>()?).iter().filter(|t| *t == "Part").count(), 5);
    assert!(trusting.is_complete::<Both>()?);
    Ok(())
}

#[test]
fn trust_in_records_reads_only_the_records_of_roots() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let faulty = Faulty::new();
    let flow = with_files(&faulty_flow(folder.path(), &faulty)?, folder.path())?;
    let flow = flow.with(Total::PARTS, 100u64);
    flow.run::<Twice>()?;
    let operations = |flow: &Flow| -> Result<Vec<(Op, PathBuf)>> {
        let seen: Arc<Mutex<Vec<(Op, PathBuf)>>> = Arc::default();
        let log = Arc::clone(&seen);
        faulty.fail(move |_, op, path| {
            log.lock().expect("no panic").push((op, path.to_owned()));
            None
        });
        assert!(flow.is_complete::<Twice>()?);
        assert!(flow.run::<Twice>()?.ran().is_empty());
        faulty.heal();
        Ok(seen.lock().expect("no panic").clone())
    };
    assert!(operations(&flow)?.len() > 400);
    let trusting = operations(&flow.trust(Trust::Records))?;
    // For each plan, the folder of the task is listed, its record is read, and the output is
    // inspected.
    assert_eq!(trusting.len(), 6, "{trusting:?}");
    assert!(trusting.iter().all(|(_, path)| path.starts_with(flow.folder().join("Twice"))));
    Ok(())
}

/// Changes the content of a file, and keeps its size and time.
fn damage(file: &Path) -> Result<()> {
    let time = fs::metadata(file)?.modified()?;
    let mut bytes = fs::read(file)?;
    let last = bytes.last_mut().context("a file with something in it")?;
    *last ^= 1;
    fs::write(file, bytes)?;
    fs::File::options().append(true).open(file)?.set_modified(time)?;
    Ok(())
}

#[derive(Task)]
#[task(target = File)]
struct Written;

runs!(Written: PathBuf = |self, cx| {
    let path = cx.out_path()?;
    fs::create_dir(&path)?;
    fs::write(path.join("a"), "a")?;
    Ok(path)
});

#[test]
fn trust_in_content_detects_damaged_outputs() -> Result<()> {
    let (flow, folder) = flow();
    let flow = with_files(&flow, folder.path())?;
    flow.run::<(Twice, Written)>()?;
    let strict = flow.trust(Trust::Content);
    assert!(strict.is_complete::<(Twice, Written)>()?);
    let of = flow.graph::<Twice>();
    let damaged = [
        of.output::<Total>()?.path()?,
        flow.load::<Written>()?.join("a"),
        of.at(Part::N, 3u64).output::<Part>()?.path()?,
    ];
    for (file, runs) in damaged.iter().zip(["Total", "Written", "Part"]) {
        damage(file)?;
        assert!(flow.is_complete::<(Twice, Written)>()?);
        assert!(!strict.is_complete::<(Twice, Written)>()?);
        let shown = preview::<(Twice, Written)>(&strict);
        assert!(shown.contains("was modified"), "{shown}");
        assert_eq!(ran(&strict.run::<(Twice, Written)>()?), [runs]);
        assert!(strict.is_complete::<(Twice, Written)>()?);
        assert_eq!(*strict.load::<Twice>()?, 44);
    }
    Ok(())
}

#[test]
fn trust_in_content_hashes_outputs_before_reuse() -> Result<()> {
    let (team, folder) = flow();
    let team = with_files(&team, folder.path())?;
    team.run::<Total>()?;
    damage(&team.output::<Total>()?.path()?)?;
    for (trust, total) in [(Trust::Stamps, 23), (Trust::Content, 22)] {
        let (mine, _mine) = flow();
        let mine = with_files(&mine, folder.path())?.reuse_from(&team).trust(trust);
        let summary = mine.run::<Total>()?;
        assert_eq!(reused(&summary).contains(&"Total".to_owned()), trust == Trust::Stamps);
        assert_eq!(*mine.load::<Total>()?, total);
    }
    Ok(())
}

static SUFFIX: AtomicU64 = AtomicU64::new(0);

#[derive(Task)]
#[task(target = Json<usize>)]
struct Long {
    text: String,
}

runs!(Long: usize = |self, _cx| Ok(self.text.len()));

/// Sets a value that labels shorten.
#[derive(Task)]
#[task(
    requires = Long { text: format!("{}{}", "x".repeat(300), SUFFIX.load(Ordering::SeqCst)) },
    target = Json<usize>
)]
struct OnLong;

runs!(OnLong: usize = |self, cx| Ok(*cx.input().load()?));

#[test]
fn inputs_that_differ_only_beyond_their_label_are_told_apart() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<OnLong>()?;
    let trusting = flow.trust(Trust::Records);
    assert!(trusting.is_complete::<OnLong>()?);
    SUFFIX.store(12, Ordering::SeqCst);
    assert!(!trusting.is_complete::<OnLong>()?);
    trusting.run::<OnLong>()?;
    assert_eq!(*trusting.load::<OnLong>()?, 302);
    Ok(())
}

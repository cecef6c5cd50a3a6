//! A store written by an earlier release is read by this one, and nothing in it runs again.
//!
//! `tests/golden/store` has a folder for each format of records: the store that the tasks below
//! produced with it (`0.1.0` has format 1). `FLOW_ACCEPT_STORE=1` adds the store of this release's
//! format, and never replaces one. The versions of the tasks' code are set by hand, so that the
//! stores do not depend on how code is tracked.

use std::fs;
use std::path::{Path, PathBuf};

use flow::prelude::*;
use flow::{Code, File};

use crate::support::{files_below, ran, reused};

/// The golden stores. Tests run in the root of the repository, and the tasks read relative paths.
const GOLDEN: &str = "tests/golden/store";

#[derive(Clone, Serialize, Deserialize)]
enum Kind {
    Plain,
    Scaled { by: u64 },
}

#[derive(Task)]
#[task(external, path = "tests/golden/stored.txt", target = Text)]
struct Given;

#[derive(Outputs)]
struct Split {
    #[output(Json)]
    words: Vec<String>,
    #[output(File)]
    folder: PathBuf,
}

#[derive(Task)]
#[task(requires = Given, outputs = Split, group = "prepared")]
struct Words {
    #[param(file, default = "tests/golden/stored.txt")]
    path: PathBuf,
    #[param(default = Kind::Scaled { by: 2 })]
    kind: Kind,
}

impl Run for Words {
    const CODE: Code = Code::version(1);

    fn run(&self, cx: &Cx<Self>) -> Result<Split> {
        let text = cx.input().load()?;
        let times = match self.kind {
            Kind::Plain => 1,
            Kind::Scaled { by } => by as usize,
        };
        let folder = cx.out_path_of(Split::FOLDER)?;
        fs::create_dir_all(folder.join("sub"))?;
        fs::write(folder.join("sub/seed"), cx.seed().to_string())?;
        fs::write(folder.join("text"), fs::read_to_string(&self.path)?.repeat(times))?;
        cx.meta("words", text.split_whitespace().count())?;
        Ok(Split { words: text.split_whitespace().map(str::to_owned).collect(), folder })
    }
}

#[derive(Task)]
#[task(requires = Words, target = Memory<u64>)]
struct Live;

impl Run for Live {
    const CODE: Code = Code::version(1);

    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(cx.input().load_one(Split::WORDS)?.len() as u64)
    }
}

#[derive(Task)]
#[task(aggregate, requires(words = Words, live = Live))]
struct Both;

macro_rules! count {
    ($module:ident, $version:literal) => {
        mod $module {
            use super::*;

            #[derive(Task)]
            #[task(requires = Both, target = Json<u64>, version = $version)]
            pub(super) struct Count {
                #[param(default = "secret")]
                token: Secret<String>,
                #[param(default = 0.5)]
                part: f64,
            }

            impl Run for Count {
                const CODE: Code = Code::version($version);

                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    let _ = (&self.token, self.part);
                    let read = fs::read_to_string(cx.file("tests/golden/stored.txt")?)?;
                    let both = cx.input().load()?;
                    let words: u64 = both.words.meta("words")?;
                    Ok(words + *both.live.load()? + read.len() as u64 + $version)
                }
            }

            #[derive(Task)]
            #[task(
                requires = {part => Count { part: f64::from(*part) } for part in &self.parts},
                target = Json<Vec<u64>>
            )]
            pub(super) struct All {
                #[param(default = [1, 2])]
                parts: Vec<u8>,
            }

            impl Run for All {
                const CODE: Code = Code::version(1);

                fn run(&self, cx: &Cx<Self>) -> Result<Vec<u64>> {
                    cx.input().values().map(|count| Ok(*count.load()?)).collect()
                }
            }
        }
    };
}

count!(first, 1);
count!(second, 2);

/// Runs the first version of the code and then the second, and removes the name of the host.
fn make(folder: &Path) -> Result<()> {
    Flow::open(folder)?.quiet().run::<first::All>()?;
    Flow::open(folder)?.quiet().run::<second::All>()?;
    for file in files_below(folder) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let lines = text.lines().map(|line| match line.trim_start() {
            start if start.starts_with("\"host\":") => "  \"host\": \"golden\"\n".to_owned(),
            _ => format!("{line}\n"),
        });
        if text.contains("\"host\":") {
            fs::write(&file, lines.collect::<String>())?;
        }
    }
    Ok(())
}

pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &to)?,
            false => drop(fs::copy(entry.path(), to)?),
        }
    }
    Ok(())
}

/// Asserts that a store written by [`make`] is complete and can be loaded.
fn assert_is_read(folder: &Path) -> Result<()> {
    let open = || -> Result<Flow> { Ok(Flow::open(folder)?.quiet()) };
    let flow = open()?;
    let shown = crate::support::preview::<second::All>(&flow);
    assert!(flow.is_complete::<second::All>()?, "{shown}");
    assert!(ran(&flow.run::<second::All>()?).is_empty(), "{shown}");
    assert_eq!(*flow.load::<second::All>()?, [25, 25]);
    let words = flow.graph::<second::All>().output::<Words>()?;
    assert_eq!(words.meta::<u64>("words")?, 4);
    assert_eq!(words.load()?.words, ["kept", "as", "it", "was"]);
    assert!(words.load()?.folder.join("sub/seed").is_file());
    assert!(flow.store().verify()?.is_whole());
    assert!(flow.store().gc().find()?.is_empty());

    // The outputs of the first version are kept, and are reused.
    let earlier = open()?;
    assert_eq!(reused(&earlier.run::<first::All>()?), ["All", "Count", "Count"]);
    assert_eq!(*earlier.load::<first::All>()?, [24, 24]);
    Ok(())
}

#[test]
fn a_store_of_this_release_is_read() -> Result<()> {
    let folder = tempfile::tempdir()?;
    make(folder.path())?;
    assert_is_read(folder.path())
}

/// Returns the format of the records in a store.
fn format(store: &Path) -> Result<u64> {
    let mut records = files_below(store).into_iter();
    let record = records.find(|file| file.ends_with("record.json")).context("a record")?;
    let record: serde_json::Value = serde_json::from_slice(&fs::read(record)?)?;
    record["format"].as_u64().context("a format")
}

#[test]
fn stores_of_earlier_releases_are_read_without_a_run() -> Result<()> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
    let folder = tempfile::tempdir()?;
    make(folder.path())?;
    let today = format(folder.path())?;
    if std::env::var_os("FLOW_ACCEPT_STORE").is_some() {
        let new = golden.join(format!("format-{today}"));
        ensure!(!new.exists(), "{} is there, and is not replaced", new.display());
        for left in ["running", "digests"] {
            let left = folder.path().join(".flow").join(left);
            let _ = fs::remove_dir_all(&left).or_else(|_| fs::remove_file(&left));
        }
        copy(folder.path(), &new)?;
    }
    let mut formats = Vec::new();
    for store in fs::read_dir(golden)? {
        let store = store?;
        let folder = tempfile::tempdir()?;
        // Git keeps no file times, and neither does a copy of a store.
        copy(&store.path(), folder.path())?;
        formats.push(format(folder.path())?);
        let name = store.file_name();
        assert_is_read(folder.path())
            .with_context(|| format!("the store {} is not read as it was", name.display()))?;
    }
    ensure!(
        formats.contains(&today) && formats.contains(&1),
        "there are stores of the formats {formats:?}, and this release writes {today}: \
         FLOW_ACCEPT_STORE=1 adds that"
    );
    Ok(())
}

/// A task whose code is tracked, in the way that format 2 changed.
#[derive(Task)]
#[task(target = Json<u32>)]
struct Tracked;

#[tracked]
impl Run for Tracked {
    fn run(&self, _cx: &Cx<Self>) -> Result<u32> {
        Ok(7)
    }
}

#[test]
fn digests_of_code_of_earlier_releases_have_their_own_reason() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let flow = Flow::open(folder.path())?.quiet();
    flow.run::<Tracked>()?;
    let record = flow.output::<Tracked>()?.path()?.with_file_name("record.json");
    let mut value: serde_json::Value = serde_json::from_slice(&fs::read(&record)?)?;
    let code = value["made_from"]["code"].as_str().context("a digest")?.to_owned();
    // As if an earlier release had computed another digest of the same code.
    let other: String = code.chars().rev().collect();
    let tables = folder.path().join(".flow/code");
    fs::copy(tables.join(format!("{code}.json")), tables.join(format!("{other}.json")))?;
    value["made_from"]["code"] = other.into();
    value["fingerprint"] = "0".repeat(32).into();
    value["format"] = 1.into();
    fs::write(&record, serde_json::to_vec_pretty(&value)?)?;

    let shown = crate::support::preview::<Tracked>(&flow);
    assert!(
        shown.contains(
            "code: an earlier release recorded this output and computed digests of code in another way, so \
             that they cannot be compared; if the code is the same, `flow.store().bless` (`bless` on the command line) keeps the output"
        ),
        "{shown}"
    );
    flow.store().bless::<Tracked>().run()?;
    assert!(ran(&flow.run::<Tracked>()?).is_empty());
    assert_eq!(*flow.load::<Tracked>()?, 7);
    Ok(())
}

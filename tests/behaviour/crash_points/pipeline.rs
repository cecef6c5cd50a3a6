//! A pipeline with tasks of all kinds, and its outputs computed without a flow.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use flow::prelude::*;
use flow::{Code, File};

/// A text that another program has written.
#[derive(Task)]
#[task(external, path = &self.path, target = Text)]
pub(crate) struct Words {
    path: PathBuf,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub(crate) struct Count {
    word: String,
    n: u64,
}

#[derive(Task)]
#[task(requires = Words, target = Parquet<Vec<Count>>)]
pub(crate) struct Counts;

runs!(Counts: Vec<Count> = |self, cx| Ok(count(&cx.input().load()?)));

#[derive(Outputs)]
pub(crate) struct Split {
    #[output(Json)]
    words: Vec<String>,
    #[output(File)]
    folder: PathBuf,
}

#[derive(Task)]
#[task(requires = Words, outputs = Split, group = "texts")]
pub(crate) struct Parts;

runs!(Parts: Split = |self, cx| {
    let text = cx.input().load()?;
    let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
    let folder = cx.out_path_of(Split::FOLDER)?;
    fs::create_dir_all(folder.join("empty"))?;
    fs::create_dir_all(folder.join("sub"))?;
    fs::write(folder.join("sub/last"), words.last().context("no words")?)?;
    Ok(Split { words, folder })
});

#[derive(Task)]
#[task(requires = Words, target = Memory<u64>)]
pub(crate) struct Size;

runs!(Size: u64 = |self, cx| Ok(cx.input().load()?.split_whitespace().count() as u64));

#[derive(Task)]
#[task(aggregate, requires(parts = Parts, size = Size))]
pub(crate) struct All;

#[derive(Task)]
#[task(requires = Counts, target = Json<Vec<u64>>)]
pub(crate) struct Scaled {
    pub(crate) by: u64,
}

runs!(Scaled: Vec<u64> = |self, cx| {
    let counts = cx.input().load()?;
    cx.meta("rows", counts.len())?;
    Ok(scale(&counts, self.by))
});

#[derive(Task)]
#[task(aggregate, requires(scaled = [Scaled { by } for by in 1..=self.upto]))]
pub(crate) struct Scales {
    upto: u64,
}

/// Requires a task while it runs, and stays in memory.
#[derive(Task)]
#[task(requires = Size, target = Memory<u64>)]
pub(crate) struct Live {
    by: u64,
}

runs!(Live: u64 = |self, cx| {
    let scaled = cx.with(Scaled::BY, self.by).require::<Scaled>()?.load()?;
    Ok(scaled.iter().sum::<u64>() + 1)
});

/// What it requires while it runs depends on its input.
#[derive(Task)]
#[task(requires = Size, target = Json<Vec<u64>>)]
pub(crate) struct Search;

runs!(Search: Vec<u64> = |self, cx| {
    let size = *cx.input().load()?;
    let mut found = vec![*cx.with(Live::BY, 1 + size % 2).require::<Live>()?.load()?];
    for scaled in cx.over(Scaled::BY, [2, 5]).require::<Scaled>()? {
        found.push(scaled.meta::<u64>("rows")? + scaled.load()?.iter().sum::<u64>());
    }
    Ok(found)
});

/// Continues without a requirement that fails, and then its output is not complete.
#[derive(Task)]
#[task(requires = Size, target = Json<Vec<Option<u64>>>)]
pub(crate) struct Lenient;

runs!(Lenient: Vec<Option<u64>> = |self, cx| {
    let mut found = Vec::new();
    for scaled in cx.over(Scaled::BY, [2, 7]).require_each::<Scaled>() {
        found.push(match scaled {
            Ok(scaled) => Some(scaled.load()?.iter().sum()),
            Err(_) => None,
        });
    }
    Ok(found)
});

#[derive(Task)]
#[task(target = Json<u64>)]
pub(crate) struct Tens {
    n: u64,
}

runs!(Tens: u64 = |self, _cx| Ok(self.n / 10));

/// Instances with equal inputs have the same fingerprint.
#[derive(Task)]
#[task(requires = Tens, target = Json<u64>)]
pub(crate) struct Squared;

runs!(Squared: u64 = |self, cx| {
    let tens = *cx.input().load()?;
    Ok(tens * tens)
});

#[derive(Task)]
#[task(requires(all = All, scales = Scales, search = Search, squared = Squared), target = Text)]
pub(crate) struct Report;

runs!(Report: String = |self, cx| {
    let inputs = cx.input();
    let all = inputs.all.load()?;
    let folder = all.parts.load_one(Split::FOLDER)?;
    ensure!(folder.join("empty").is_dir(), "a folder is missing");
    let last = fs::read_to_string(folder.join("sub/last"))?;
    let words = all.parts.load_one(Split::WORDS)?.join("-");
    let mut sum = 0;
    for scaled in &inputs.scales.load()?.scaled {
        sum += scaled.load()?.iter().sum::<u64>();
    }
    let (size, search, squared) = (*all.size.load()?, inputs.search.load()?, *inputs.squared.load()?);
    Ok(report(&words, &last, size, sum, &search, squared))
});

/// Fails if a file says so.
#[derive(Task)]
#[task(target = Json<String>)]
pub(crate) struct Moody {
    mood: PathBuf,
}

const BAD: &str = "bad";

runs!(Moody: String = |self, cx| {
    let mood = fs::read_to_string(cx.file(&self.mood)?)?;
    ensure!(mood != BAD, "it is a bad day");
    Ok(mood)
});

/// Has a key that depends on the key of the store.
#[derive(Task)]
#[task(target = Json<usize>)]
pub(crate) struct Login {
    token: Secret<String>,
}

const TOKEN: &str = "hunter2";

runs!(Login: usize = |self, _cx| Ok(self.token.expose().len()));

/// A release of the program: a task with the code of that release.
macro_rules! release {
    ($module:ident, $version:literal, |$n:ident| $grade:expr) => {
        pub(crate) mod $module {
            use super::*;

            #[derive(Task)]
            #[task(requires = Counts, target = Json<Vec<u64>>)]
            pub(crate) struct Graded;

            impl Run for Graded {
                const CODE: Code = Code::version($version);

                fn run(&self, cx: &Cx<Self>) -> Result<Vec<u64>> {
                    let counts = cx.input().load()?;
                    let grade = |count: &Count| {
                        let $n = count.n;
                        $grade
                    };
                    Ok(counts.iter().map(grade).collect())
                }
            }

            /// All that the release computes.
            #[derive(Task)]
            #[task(aggregate, requires(report = Report, moody = Moody, login = Login, graded = Graded))]
            pub(crate) struct Everything;

            impl Everything {
                /// Loads all outputs, with one plan.
                pub(super) fn load(flow: &Flow) -> Result<(String, String, usize, Vec<u64>)> {
                    let all = flow.load::<Self>()?;
                    let text = (all.report.load()?.into_owned(), all.moody.load()?.into_owned());
                    Ok((text.0, text.1, *all.login.load()?, all.graded.load()?.into_owned()))
                }
            }
        }
    };
}

release!(first, 1, |n| n + 1);
release!(equal, 2, |n| 1 + n);
release!(other, 3, |n| n + 2);

/// The roots whose outputs have the same keys in every store.
pub(crate) type Shared = (Report, first::Graded);

/// Roots that require nothing while they run: such outputs are not exported with the root.
pub(crate) type Exported = (Counts, Parts, Scales, Squared, first::Graded);

/// The release that opens the store.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Release {
    First,
    /// Computes the same as the first one, with other code.
    Equal,
    /// Computes something else.
    Other,
}

/// Calls a method of a flow, or of something else, with the root of a release.
macro_rules! with_root {
    ($release:expr, $of:expr, $method:ident $(, $argument:expr)?) => {
        match $release {
            Release::First => $of.$method::<first::Everything>($($argument)?),
            Release::Equal => $of.$method::<equal::Everything>($($argument)?),
            Release::Other => $of.$method::<other::Everything>($($argument)?),
        }
    };
}

/// The names of the tasks whose outputs are in memory: another process has to compute them again.
pub(crate) const IN_MEMORY: [&str; 2] = ["Size", "Live"];

/// What the pipeline is computed from: two files, two parameters and the release.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Given {
    pub(crate) words: String,
    pub(crate) mood: &'static str,
    pub(crate) upto: u64,
    pub(crate) n: u64,
    pub(crate) release: Release,
}

impl Given {
    pub(crate) fn new(words: &str) -> Self {
        let (words, release) = (words.to_owned(), Release::First);
        Self { words, mood: "good", upto: 2, n: 31, release }
    }

    /// Returns the same for a bad day.
    pub(crate) fn bad(self) -> Self {
        Self { mood: BAD, ..self }
    }

    /// Writes the files that the pipeline reads.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        for (name, text) in [("words.txt", &*self.words), ("mood.txt", self.mood)] {
            // The process may be killed at any moment.
            fs::write(folder.join("new"), text)?;
            fs::rename(folder.join("new"), folder.join(name))?;
        }
        Ok(())
    }

    /// Gives a flow the parameters and the paths of the files in this folder.
    pub(crate) fn on(&self, flow: &Flow, folder: &Path) -> Flow {
        flow.with(Words::PATH, folder.join("words.txt"))
            .with(Moody::MOOD, folder.join("mood.txt"))
            .with(Login::TOKEN, TOKEN)
            .with(Scales::UPTO, self.upto)
            .with(Tens::N, self.n)
    }

    pub(crate) fn run(&self, flow: &Flow) -> Result<flow::Summary, flow::Error> {
        with_root!(self.release, flow, run)
    }

    pub(crate) fn is_complete(&self, flow: &Flow) -> Result<bool, flow::Error> {
        with_root!(self.release, flow, is_complete)
    }

    /// Keeps all that the pipeline needs in a garbage collection.
    pub(crate) fn keep(
        &self,
        gc: flow::store::Gc,
        flow: &Flow,
    ) -> Result<flow::store::Gc, flow::Error> {
        with_root!(self.release, gc, keep, flow)
    }

    /// Takes over the outputs of the first release, whose code computes the same.
    pub(crate) fn bless(&self, flow: &Flow) -> Result<(), flow::Error> {
        flow.store().bless::<equal::Graded>().run().map(drop)
    }

    /// Returns the keys of the complete instances, without those whose outputs are in memory.
    pub(crate) fn complete(&self, flow: &Flow) -> Result<BTreeSet<String>> {
        let preview = with_root!(self.release, flow, preview)?;
        let complete = preview
            .instances()
            .filter(|instance| instance.is_complete() && !IN_MEMORY.contains(&instance.task()));
        Ok(complete.map(|instance| instance.key().to_string()).collect())
    }

    /// Loads the most important outputs without running anything. Each is right, or not complete.
    pub(crate) fn load(&self, flow: &Flow) -> Result<()> {
        let counts = count(&self.words);
        let graded = |n: u64| counts.iter().map(|count| count.n + n).collect::<Vec<_>>();
        let check = |is_right: Result<bool, flow::Error>, what: &str| -> Result<()> {
            match is_right {
                Ok(is_right) => ensure!(is_right, "{what} has another value"),
                Err(flow::Error::NotComplete { .. }) => {}
                Err(error) => bail!("{what}: {}", crate::support::in_full(error)),
            }
            Ok(())
        };
        check(flow.load::<Report>().map(|found| *found == self.report()), "Report")?;
        check(flow.load::<Moody>().map(|found| *found == self.mood), "Moody")?;
        check(flow.load::<Login>().map(|found| *found == TOKEN.len()), "Login")?;
        let found = match self.release {
            Release::First => flow.load::<first::Graded>().map(|found| *found == graded(1)),
            Release::Equal => flow.load::<equal::Graded>().map(|found| *found == graded(1)),
            Release::Other => flow.load::<other::Graded>().map(|found| *found == graded(2)),
        };
        check(found, "Graded")
    }

    /// Asserts that all outputs are complete and right.
    pub(crate) fn check_everything(&self, flow: &Flow) -> Result<()> {
        let (everything, more) = match self.release {
            Release::First => (first::Everything::load(flow)?, 1),
            Release::Equal => (equal::Everything::load(flow)?, 1),
            Release::Other => (other::Everything::load(flow)?, 2),
        };
        let graded = count(&self.words).iter().map(|count| count.n + more).collect();
        let right = (self.report(), self.mood.to_owned(), TOKEN.len(), graded);
        ensure!(everything == right, "{everything:?} is not {right:?}");
        Ok(())
    }

    /// Loads the exported outputs, each of which is right.
    pub(crate) fn load_exported(&self, flow: &Flow) -> Result<()> {
        let counts = count(&self.words);
        let words: Vec<_> = self.words.split_whitespace().collect();
        let of = flow.graph::<Exported>();
        ensure!(*of.load::<Counts>()? == counts, "Counts has another value");
        let parts = of.load::<Parts>()?;
        let last = fs::read_to_string(parts.folder.join("sub/last"))?;
        let is_right = parts.words == words && words.last() == Some(&&*last);
        ensure!(is_right && parts.folder.join("empty").is_dir(), "Parts has another value");
        ensure!(*of.load::<Squared>()? == (self.n / 10).pow(2), "Squared has another value");
        Ok(())
    }

    /// Computes the output of [`Lenient`] without a flow.
    pub(crate) fn lenient(&self) -> Vec<Option<u64>> {
        let counts = count(&self.words);
        [2, 7].map(|by| Some(scale(&counts, by).iter().sum())).to_vec()
    }

    /// Computes the report without a flow.
    fn report(&self) -> String {
        let counts = count(&self.words);
        let words: Vec<_> = self.words.split_whitespace().collect();
        let sum = |by| scale(&counts, by).iter().sum::<u64>();
        let size = words.len() as u64;
        let rows = counts.len() as u64;
        let search = [sum(1 + size % 2) + 1, rows + sum(2), rows + sum(5)];
        let last = words.last().expect("there are words");
        let scales = (1..=self.upto).map(sum).sum();
        report(&words.join("-"), last, size, scales, &search, (self.n / 10).pow(2))
    }
}

fn count(text: &str) -> Vec<Count> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    text.split_whitespace().for_each(|word| *counts.entry(word).or_default() += 1);
    counts.into_iter().map(|(word, n)| Count { word: word.to_owned(), n }).collect()
}

fn scale(counts: &[Count], by: u64) -> Vec<u64> {
    counts.iter().map(|count| count.n * by).collect()
}

fn report(words: &str, last: &str, size: u64, sum: u64, search: &[u64], squared: u64) -> String {
    format!("{words} {last} {size} {sum} {search:?} {squared}")
}

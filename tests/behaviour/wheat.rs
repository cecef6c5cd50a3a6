//! A small pipeline with all features that matter to a store: a tracked file, a target that shares
//! values in memory and one that does not, metadata, and a diamond. Its outputs are easy to
//! compute.

use std::path::{Path, PathBuf};

use flow::Code;
use flow::prelude::*;
use flow::target::{Sink, Source};

/// Writes numbers as text, and reads them back exactly.
#[derive(Default)]
pub(crate) struct Lines {}

impl Target for Lines {
    type Value = Vec<u64>;
    const EXTENSION: &'static str = "txt";
    const EXACT: bool = true;
    const CODE: Code = Code::version(1);

    fn save(&self, value: &Vec<u64>, sink: &mut Sink<'_>) -> Result<()> {
        use std::io::Write;

        // Writes line by line, so that each write can fail.
        value.iter().try_for_each(|n| Ok(writeln!(sink, "{n}")?))
    }

    fn load(&self, source: &Source) -> Result<Vec<u64>> {
        String::from_utf8(source.read()?)?.lines().map(|line| Ok(line.parse()?)).collect()
    }
}

#[derive(Task)]
#[task(target = Lines)]
pub(crate) struct Grains {
    #[param(file)]
    pub(crate) path: PathBuf,
}

#[tracked]
impl Run for Grains {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<u64>> {
        let text = std::fs::read_to_string(&self.path)?;
        text.split_whitespace().map(|word| Ok(word.parse()?)).collect()
    }
}

#[derive(Task)]
#[task(requires = Grains, target = Json<Vec<u64>>)]
pub(crate) struct Milled {
    #[param(default = 10)]
    pub(crate) by: u64,
}

#[tracked]
impl Run for Milled {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<u64>> {
        let grains = cx.input().load()?;
        cx.meta("grains", grains.len())?;
        Ok(grains.iter().map(|n| n * self.by).collect())
    }
}

#[derive(Task)]
#[task(requires = Grains, target = Json<u64>)]
pub(crate) struct Heaviest;

#[tracked]
impl Run for Heaviest {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.input().load()?.iter().max().copied().ok_or_else(|| anyhow!("no grains"))
    }
}

#[derive(Task)]
#[task(requires(Milled, Heaviest), target = Json<Vec<u64>>)]
pub(crate) struct Bread;

#[tracked]
impl Run for Bread {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<u64>> {
        let (milled, heaviest) = cx.input();
        let grains: u64 = milled.meta("grains")?;
        Ok(vec![grains, milled.load()?.iter().sum(), *heaviest.load()?])
    }
}

/// Computes the output of [`Bread`] without a flow.
pub(crate) fn bread(grains: &[u64], by: u64) -> Vec<u64> {
    let milled = grains.iter().map(|n| n * by);
    vec![grains.len() as u64, milled.sum(), grains.iter().max().copied().unwrap_or_default()]
}

/// Writes the file that [`Grains`] reads.
pub(crate) fn sow(path: &Path, grains: &[u64]) {
    let words: Vec<_> = grains.iter().map(ToString::to_string).collect();
    std::fs::write(path, words.join(" ")).expect("a file that can be written");
}

/// Returns a flow that reads the grains from this folder.
pub(crate) fn mill(flow: &Flow, folder: &Path) -> Flow {
    flow.with(Grains::PATH, folder.join("grains.txt"))
}

/// Asserts that all outputs are complete and right.
pub(crate) fn assert_bread(flow: &Flow, grains: &[u64], by: u64) {
    let milled: Vec<_> = grains.iter().map(|n| n * by).collect();
    let of = flow.graph::<Bread>();
    assert_eq!(*of.load::<Grains>().expect("grains"), grains);
    assert_eq!(*of.load::<Milled>().expect("milled"), milled);
    assert_eq!(*flow.load::<Bread>().expect("bread"), bread(grains, by));
}

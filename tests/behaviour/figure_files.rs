//! The files of figures: they belong to a version of an output, are copied and removed with it, and are verified.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use flow::Limits;
use flow::prelude::*;
use flow::remote::{RemoteFolder, RemoteGc};

use crate::support::{files_below, flow, ran, reused};

#[derive(Task)]
#[task(target = Json<u32>)]
struct Source {
    #[param(default = 1)]
    n: u32,
}

runs!(Source: u32 = |self, _cx| Ok(self.n));

/// Has an output of its own for each value of its input.
#[derive(Task)]
#[task(requires = Source, target = Json<u32>)]
struct Plotted;

runs!(Plotted: u32 = |self, cx| {
    let n = *cx.input().load()?;
    cx.figure("a plot", format!("<svg><!-- {n} --></svg>"))?;
    cx.note(format!("It is {n}."))?;
    Ok(n)
});

/// Reads its number from a file, so that one instance has several versions.
#[derive(Task)]
#[task(target = Json<String>)]
struct Read {
    #[param(file)]
    file: PathBuf,
}

runs!(Read: String = |self, cx| {
    let text = fs::read_to_string(&self.file)?;
    cx.figure("text", format!("<svg><text>{text}</text></svg>"))?;
    Ok(text)
});

/// Returns the files of figures and notes in a store.
fn kept(flow: &Flow) -> Vec<PathBuf> {
    let mut files = files_below(flow.folder());
    files.retain(|file| {
        file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("figure-"))
    });
    files
}

/// Returns the content of the first figure of the output.
fn figure<T: Task>(flow: &Flow) -> Result<String> {
    let figures = flow.output::<T>()?.figures()?;
    Ok(String::from_utf8(figures.first().context("a figure")?.read()?)?)
}

#[test]
fn each_version_of_an_output_has_its_figures() -> Result<()> {
    let (flow, folder) = flow();
    let file = folder.path().join("text");
    let flow = flow.with(Read::FILE, file.clone());
    for text in ["one", "two"] {
        fs::write(&file, text)?;
        flow.run::<Read>()?;
        assert!(figure::<Read>(&flow)?.contains(text));
    }
    let versions = flow.versions::<Read>()?;
    assert_eq!(versions.len(), 2);
    for (version, text) in versions.iter().zip(["two", "one"]) {
        let figures = version.output().figures()?;
        assert_eq!(figures[0].read()?, format!("<svg><text>{text}</text></svg>").as_bytes());
    }
    let instance = flow.graph::<Read>().instances()?.remove(0);
    let recorded = instance.versions()?;
    assert_eq!(recorded[1].output.figures, versions[1].output().figures()?);

    // Changed back, the earlier output is reused with its figures.
    fs::write(&file, "one")?;
    assert_eq!(reused(&flow.run::<Read>()?), ["Read"]);
    assert!(figure::<Read>(&flow)?.contains("one"));

    // A version that is removed takes its figures along.
    fs::write(&file, "three")?;
    let flow = flow.limits(Limits::default().versions(0));
    flow.run::<Read>()?;
    assert_eq!(kept(&flow).len(), 1);
    assert!(figure::<Read>(&flow)?.contains("three"));
    flow.reset::<Read>()?;
    assert!(kept(&flow).is_empty());
    Ok(())
}

#[test]
fn garbage_collection_removes_figures_that_nothing_names() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Plotted>()?;
    let named = kept(&flow);
    assert_eq!(named.len(), 2);
    let left = named[0].with_file_name("figure-0123456789abcdef-0123456789abcdef-a.svg");
    fs::write(&left, "<svg/>")?;
    let mine = named[0].with_file_name("figure-of-mine.svg");
    fs::write(&mine, "<svg/>")?;
    let found = flow.store().gc().older_than(Duration::ZERO).find()?;
    assert_eq!(found.files(), 1, "{found}");
    found.remove()?;
    assert!(mine.exists() && !left.exists());
    assert!(named.iter().all(|file| file.exists()));
    Ok(())
}

#[test]
fn figures_are_pushed_and_pulled_with_the_output() -> Result<()> {
    let (made, folder) = flow();
    made.run::<Plotted>()?;
    let shared = RemoteFolder::new(folder.path().join("shared"));
    made.push::<Plotted>(&shared)?;
    let there = Flow::open(folder.path().join("there"))?.quiet();
    there.pull::<Plotted>(&shared)?;
    assert!(ran(&there.run::<Plotted>()?).is_empty());
    assert_eq!(figure::<Plotted>(&there)?, "<svg><!-- 1 --></svg>");
    assert_eq!(there.output::<Plotted>()?.notes()?, ["It is 1."]);

    // The garbage collection of the remote keeps them.
    assert!(has_no_garbage(&shared)?);
    // An output whose figure is lost is pushed and pulled without it.
    let other = made.with(Source::N, 2);
    other.run::<Plotted>()?;
    fs::remove_file(other.output::<Plotted>()?.figures()?[0].path())?;
    other.push::<Plotted>(&shared)?;
    let there = there.with(Source::N, 2);
    there.pull::<Plotted>(&shared)?;
    assert!(there.output::<Plotted>()?.figures()?.is_empty());
    assert_eq!(there.output::<Plotted>()?.notes()?, ["It is 2."]);
    Ok(())
}

#[test]
fn a_figure_that_was_modified_hinders_neither_push_nor_export() -> Result<()> {
    let (made, folder) = flow();
    made.run::<Plotted>()?;
    // It has as many bytes as before.
    fs::write(made.output::<Plotted>()?.figures()?[0].path(), "<svg><!-- 7 --></svg>")?;
    assert!(ran(&made.run::<Plotted>()?).is_empty());
    let shared = RemoteFolder::new(folder.path().join("shared"));
    made.push::<Plotted>(&shared)?;
    let there = Flow::open(folder.path().join("there"))?.quiet();
    there.pull::<Plotted>(&shared)?;
    let output = there.output::<Plotted>()?;
    assert_eq!((output.figures()?.len(), output.notes()?), (0, vec!["It is 1.".to_owned()]));

    let to = folder.path().join("handed");
    made.graph::<Plotted>().export(&to)?;
    let names: Vec<_> = fs::read_dir(to.join("figures/Plotted/output"))?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<Result<_>>()?;
    assert_eq!(names, ["01-note.md"]);
    Ok(())
}

/// Returns whether a remote has no garbage.
fn has_no_garbage(shared: &RemoteFolder) -> Result<bool> {
    Ok(RemoteGc::new(shared).older_than(Duration::ZERO).find()?.is_empty())
}

#[test]
fn exports_have_figures_and_notes() -> Result<()> {
    let (made, folder) = flow();
    made.run::<Plotted>()?;
    let to = folder.path().join("handed");
    made.graph::<Plotted>().export(&to)?;
    let svg = to.join("figures/Plotted/output/01-a_plot.svg");
    assert_eq!(fs::read_to_string(&svg)?, "<svg><!-- 1 --></svg>");
    assert_eq!(fs::read_to_string(to.join("figures/Plotted/output/02-note.md"))?, "It is 1.");
    let readme = fs::read_to_string(to.join("README.md"))?;
    let line = "  - figure `a plot`: [`figures/Plotted/output/01-a_plot.svg`]\
                (<figures/Plotted/output/01-a_plot.svg>)";
    assert!(readme.contains(line), "{readme}");
    made.graph::<Plotted>().export(&to)?;

    let there = Flow::open(folder.path().join("there"))?.quiet();
    there.import(&to)?;
    assert!(ran(&there.run::<Plotted>()?).is_empty());
    assert_eq!(figure::<Plotted>(&there)?, "<svg><!-- 1 --></svg>");

    // A figure that was modified is not imported, and the output is.
    fs::write(&svg, "<svg><!-- 7 --></svg>")?;
    let other = Flow::open(folder.path().join("other"))?.quiet();
    other.import(&to)?;
    assert!(ran(&other.run::<Plotted>()?).is_empty());
    let output = other.output::<Plotted>()?;
    assert_eq!((output.figures()?.len(), output.notes()?), (0, vec!["It is 1.".to_owned()]));
    Ok(())
}

#[test]
fn a_reused_output_of_another_store_has_its_figures() -> Result<()> {
    let (team, folder) = flow();
    team.run::<Plotted>()?;
    let mine = Flow::open(folder.path().join("mine"))?.quiet().reuse_from(&team);
    assert_eq!(figure::<Plotted>(&mine)?, "<svg><!-- 1 --></svg>", "read where it is");
    assert_eq!(reused(&mine.run::<Plotted>()?), ["Plotted", "Source"]);
    assert_eq!(
        (figure::<Plotted>(&mine)?, kept(&mine).len()),
        ("<svg><!-- 1 --></svg>".to_owned(), 2)
    );
    Ok(())
}

#[test]
fn verification_compares_figures_with_their_digests() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Plotted>()?;
    assert!(flow.store().verify()?.is_whole());
    let path = flow.output::<Plotted>()?.figures()?[0].path().to_owned();
    fs::write(&path, "<svg><!-- 7 --></svg>")?;
    let verified = flow.store().verify()?;
    let damaged: Vec<_> = verified.damage().iter().map(|damage| &damage.file).collect();
    assert_eq!(damaged, [&path]);
    verified.reset()?;
    assert_eq!(ran(&flow.run::<Plotted>()?), ["Plotted"]);
    assert_eq!(figure::<Plotted>(&flow)?, "<svg><!-- 1 --></svg>");
    Ok(())
}

//! Metadata that a task records about its output is a dependency of the tasks that read it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use flow::prelude::*;

use crate::support::{flow, preview, ran, reused};

/// Returns the same value for every file, and records the length of the file as metadata.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Seven {
    #[param(file)]
    file: PathBuf,
}

#[tracked]
impl Run for Seven {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.meta("length", std::fs::read_to_string(&self.file)?.len())?;
        Ok(7)
    }
}

#[derive(Task)]
#[task(requires = Seven, target = Json<u64>)]
struct Length;

#[tracked]
impl Run for Length {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(cx.input().meta("length")?)
    }
}

#[test]
fn changed_metadata_reruns_the_tasks_that_read_it() -> Result<()> {
    let (flow, folder) = flow();
    let file = folder.path().join("file");
    let flow = flow.with(Seven::FILE, &file);
    for (text, runs) in
        [("a", &["Length", "Seven"][..]), ("aaaa", &["Length", "Seven"]), ("a", &[])]
    {
        std::fs::write(&file, text)?;
        let summary = flow.run::<Length>()?;
        assert_eq!(ran(&summary), runs, "{text}");
        // A reused output of `Seven` has its own metadata, with which `Length` is checked.
        assert_eq!(reused(&summary).len(), 2 - runs.len(), "{text}");
        assert!(flow.is_complete::<Length>()?, "{text}");
        assert_eq!(*flow.load::<Length>()?, text.len() as u64);
    }
    Ok(())
}

static TICK: AtomicU64 = AtomicU64::new(0);

/// Returns the same value each time, and records another number as metadata.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Ticks;

#[tracked]
impl Run for Ticks {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.meta("tick", TICK.fetch_add(1, Ordering::Relaxed))?;
        Ok(7)
    }
}

#[derive(Task)]
#[task(requires = Ticks, target = Json<u64>)]
struct ReadsTick;

#[tracked]
impl Run for ReadsTick {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(cx.input().meta("tick")?)
    }
}

#[derive(Task)]
#[task(requires = Ticks, target = Json<u64>)]
struct Loads;

#[tracked]
impl Run for Loads {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()?)
    }
}

#[derive(Task)]
#[task(requires(ReadsTick, Loads), target = Json<u64>)]
struct Both;

#[tracked]
impl Run for Both {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let (tick, seven) = cx.input();
        Ok(*tick.load()? + *seven.load()?)
    }
}

#[test]
fn a_recomputed_output_with_other_metadata_reruns_its_readers() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Both>()?;
    // `Loads` has to run and needs the missing output; `ReadsTick` was complete.
    std::fs::remove_file(flow.graph::<Both>().output::<Ticks>()?.path()?)?;
    flow.reset::<Loads>()?;
    let summary = flow.run::<Both>()?;
    assert_eq!(ran(&summary), ["Both", "Loads", "ReadsTick", "Ticks"]);
    assert!(flow.is_complete::<Both>()?);
    assert_eq!(*flow.load::<Both>()?, 8);
    Ok(())
}

#[test]
fn changed_metadata_is_shown_as_a_reason() -> Result<()> {
    let (flow, folder) = flow();
    let file = folder.path().join("file");
    let flow = flow.with(Seven::FILE, &file);
    std::fs::write(&file, "a")?;
    flow.run::<Length>()?;
    std::fs::write(&file, "aa")?;
    flow.run::<Seven>()?;
    let shown = preview::<Length>(&flow);
    assert!(shown.contains("PENDING meta length of Seven changed"), "{shown}");
    assert_eq!(ran(&flow.run::<Length>()?), ["Length"]);
    Ok(())
}

/// Two programs with different values of a parameter that does not affect the output.
macro_rules! program {
    ($module:ident, $n:expr) => {
        mod $module {
            use flow::prelude::*;

            #[derive(Task)]
            #[task(name = "Same", target = Json<u64>)]
            pub(super) struct Same {
                n: u64,
            }

            runs!(Same: u64 = |self, _cx| Ok(self.n * 0));

            /// Gathers the instance that the other tasks require.
            #[derive(Task)]
            #[task(aggregate, requires = Same { n: $n })]
            pub(super) struct Made;

            /// Reads the parameter of its input.
            #[derive(Task)]
            #[task(name = "Knows", requires = Same { n: $n }, target = Json<u64>)]
            pub(super) struct Knows;

            runs!(Knows: u64 = |self, cx| Ok(cx.input().task().n + *cx.input().load()?));

            /// Reads only the content of its input.
            #[derive(Task)]
            #[task(name = "Reads", requires = Same { n: $n }, target = Json<u64>)]
            pub(super) struct Reads;

            runs!(Reads: u64 = |self, cx| Ok(*cx.input().load()?));
        }
    };
}

program!(first, 1);
program!(second, 2);

#[test]
fn parameters_read_from_an_input_are_dependencies() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<(first::Knows, first::Reads)>()?;
    let flow = Flow::open(flow.folder())?.quiet();
    assert_eq!(ran(&flow.run::<second::Made>()?), ["Same"]);
    let shown = preview::<(second::Knows, second::Reads)>(&flow);
    assert!(shown.contains("Knows PENDING parameters of Same changed"), "{shown}");
    assert!(shown.contains("Reads COMPLETE"), "{shown}");
    assert_eq!(ran(&flow.run::<(second::Knows, second::Reads)>()?), ["Knows"]);
    assert_eq!(*flow.load::<second::Knows>()?, 2);
    Ok(())
}

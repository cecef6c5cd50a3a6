//! The budget of values in memory: stored values are read again beyond it, and values of `Memory` tasks cause a warning.
//! What a run no longer uses is dropped before it ends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use flow::arrow::array::{ArrayRef, Int64Array};
use flow::plan::Warning;
use flow::prelude::*;
use flow::target::{Sink, Source};
use flow::{Code, memory_size};

use crate::support::{flow, ran};

/// The values of [`Live`] that exist.
static LIVE: AtomicUsize = AtomicUsize::new(0);
/// The values that were loaded from files.
static LOADS: AtomicUsize = AtomicUsize::new(0);
/// The most and the fewest values that existed while readers of them ran, and while the task after them ran.
static SEEN: Mutex<Seen> = Mutex::new(Seen { by_readers: Vec::new(), after: Vec::new() });

struct Seen {
    by_readers: Vec<usize>,
    after: Vec<usize>,
}

/// Keeps other tests of this process away from the counts, and sets them to 0.
fn counting() -> MutexGuard<'static, ()> {
    static COUNTING: Mutex<()> = Mutex::new(());
    let counting = COUNTING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    LOADS.store(0, Ordering::SeqCst);
    *seen() = Seen { by_readers: Vec::new(), after: Vec::new() };
    counting
}

fn seen() -> MutexGuard<'static, Seen> {
    SEEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A number that counts its living values.
struct Live(u64);

impl Live {
    fn new(n: u64) -> Self {
        LIVE.fetch_add(1, Ordering::SeqCst);
        Self(n)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The size that [`Counting`] reports for each value, in bytes.
const SIZE: u64 = 1_000;

/// An exact target that counts what it loads.
#[derive(Default)]
struct Counting;

impl Target for Counting {
    type Value = Live;
    const EXTENSION: &'static str = "txt";
    const EXACT: bool = true;
    const CODE: Code = Code::version(1);

    fn save(&self, value: &Live, sink: &mut Sink<'_>) -> Result<()> {
        use std::io::Write;

        Ok(write!(sink, "{}", value.0)?)
    }

    fn memory_size(&self, _: &Live) -> Option<u64> {
        Some(SIZE)
    }

    fn load(&self, source: &Source) -> Result<Live> {
        LOADS.fetch_add(1, Ordering::SeqCst);
        Ok(Live::new(std::str::from_utf8(&source.read()?)?.parse()?))
    }
}

#[derive(Task)]
#[task(target = Counting)]
struct Made;

runs!(Made: Live = |self, cx| Ok(Live::new(7)));

#[derive(Task)]
#[task(requires = Made, target = Json<u64>)]
struct Reader {
    n: u64,
}

runs!(Reader: u64 = |self, cx| {
    let value = cx.input().load()?;
    seen().by_readers.push(LIVE.load(Ordering::SeqCst));
    Ok(value.0 * self.n)
});

#[derive(Task)]
#[task(requires = [Reader { n } for n in 1..=3u64], target = Json<u64>)]
struct Total;

runs!(Total: u64 = |self, cx| {
    seen().after.push(LIVE.load(Ordering::SeqCst));
    cx.input().iter().map(|input| Ok(*input.load()?)).sum()
});

#[test]
fn a_value_is_dropped_when_its_last_consumer_has_ended() -> Result<()> {
    for workers in [0, 1, 4] {
        let _counting = counting();
        let (flow, _folder) = flow();
        flow.workers(workers).run::<Total>()?;
        assert_eq!(*flow.load::<Total>()?, 42);
        let seen = seen();
        assert_eq!(seen.by_readers, [1; 3], "all readers share the value");
        assert_eq!(seen.after, [0], "the run goes on without it");
        assert_eq!(LOADS.load(Ordering::SeqCst), 0, "no file was read");
    }
    Ok(())
}

#[test]
fn a_value_over_the_budget_is_read_from_its_file() -> Result<()> {
    for (budget, loads) in [(SIZE, 0), (SIZE - 1, 3), (0, 3)] {
        let _counting = counting();
        let (flow, _folder) = flow();
        let summary = flow.workers(1).value_budget(budget).run::<Total>()?;
        assert_eq!(*flow.load::<Total>()?, 42);
        assert_eq!(LOADS.load(Ordering::SeqCst), loads, "with a budget of {budget} bytes");
        assert_eq!(seen().after, [0]);
        assert_eq!(summary.warnings(), [], "nothing has to be changed");
    }
    Ok(())
}

/// A list in memory, of 8,024 bytes.
#[derive(Task)]
#[task(target = Memory<Vec<u64>>)]
struct Squares {
    #[param(default = 0)]
    shift: u64,
}

runs!(Squares: Vec<u64> = |self, cx| {
    let mut squares = Vec::with_capacity(1_000);
    squares.extend((0..1_000).map(|n| n * n + self.shift));
    Ok(squares)
});

const SQUARES: u64 = 24 + 8_000;

#[derive(Task)]
#[task(requires = Squares, target = Json<u64>)]
struct Last {
    #[param(default = 1)]
    times: u64,
}

runs!(Last: u64 = |self, cx| {
    let squares = cx.input().load()?;
    Ok(squares.last().context("no squares")? * self.times)
});

fn over_budget(task: &str, values: usize, bytes: u64, total: u64, budget: u64) -> Warning {
    Warning::MemoryOverBudget { task: task.to_owned(), values, bytes, total, budget }
}

#[test]
fn values_in_memory_over_the_budget_are_kept_with_a_warning() -> Result<()> {
    let (flow, _folder) = flow();
    let small = flow.value_budget(5_000);
    let summary = small.run::<Last>()?;
    let warning = over_budget("Squares", 1, SQUARES, SQUARES, 5_000);
    assert_eq!(summary.warnings(), [warning]);
    let text = "warning: values of `Memory` tasks take 8.0 kB of memory, and the budget is 5.0 kB: most are of \
                `Squares`, 8.0 kB in 1 value; give it a target that stores them, such as `ArrowIpc`, reset it when \
                they are not needed any more, or raise the budget with `flow.value_budget(8024)`";
    assert!(summary.to_string().ends_with(text), "{summary}");
    // Consumers of this run and of later ones, and the program, get the value without computing it again.
    assert_eq!(*flow.load::<Last>()?, 998_001);
    assert_eq!(flow.load::<Squares>()?.len(), 1_000);
    let later = small.with(Last::TIMES, 2).run::<Last>()?;
    assert_eq!(ran(&later), ["Last"]);
    assert_eq!(later.warnings(), [], "a run that has added no value repeats no warning");
    Ok(())
}

#[test]
fn the_advice_of_the_warning_helps() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(flow.value_budget(SQUARES).run::<Last>()?.warnings(), []);
    // A second value is counted with the first one.
    let small = flow.value_budget(SQUARES).with(Squares::SHIFT, 1);
    let warning = over_budget("Squares", 2, 2 * SQUARES, 2 * SQUARES, SQUARES);
    assert_eq!(small.run::<Last>()?.warnings(), [warning]);
    // One that replaces another is not.
    let forced = small.value_budget(2 * SQUARES).force::<Squares>();
    assert_eq!(forced.run::<Last>()?.warnings(), []);
    flow.reset::<Squares>()?;
    assert_eq!(small.force::<Squares>().run::<Last>()?.warnings(), []);
    Ok(())
}

/// The value of another library, of 1 MB.
struct Model(Box<[u8]>);

memory_size!(Model, |model| model.0.len() as u64);

#[derive(Task)]
#[task(target = Memory<Model>)]
struct Train;

runs!(Train: Model = |self, cx| Ok(Model(vec![1; 1_000_000].into_boxed_slice())));

#[test]
fn a_declared_size_counts_and_leaves_less_for_other_values() -> Result<()> {
    let model = 1_000_000;
    for (budget, loads) in [(model - 1, 3), (model + SIZE - 1, 3), (model + SIZE, 0)] {
        let _counting = counting();
        let (flow, _folder) = flow();
        let flow = flow.workers(1).value_budget(budget);
        let summary = flow.run::<Train>()?;
        let warning = over_budget("Train", 1, model, model, budget);
        assert_eq!(summary.warnings().contains(&warning), budget < model, "{summary}");
        assert_eq!(flow.load::<Train>()?.0.len(), 1_000_000);
        // The value of `Made` fits into what the model leaves, or is read from its file.
        flow.run::<Total>()?;
        assert_eq!(*flow.load::<Total>()?, 42);
        assert_eq!(LOADS.load(Ordering::SeqCst), loads, "with a budget of {budget} bytes");
    }
    Ok(())
}

#[derive(Task)]
#[task(target = Memory<RecordBatch>)]
struct Table;

runs!(Table: RecordBatch = |self, cx| {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100_000));
    Ok(RecordBatch::try_from_iter([("n", numbers)])?)
});

/// Returns the table of the task before, without a copy.
#[derive(Task)]
#[task(requires = Table, target = Memory<Vec<RecordBatch>>)]
struct Slices;

runs!(Slices: Vec<RecordBatch> = |self, cx| {
    let table = cx.input().load()?;
    Ok((0..10).map(|n| table.slice(n * 10_000, 10_000)).collect())
});

#[test]
fn tables_that_share_buffers_count_once() -> Result<()> {
    let (flow, _folder) = flow();
    let table = 800_000;
    let summary = flow.value_budget(table).run::<Slices>()?;
    let [Warning::MemoryOverBudget { bytes, total, .. }] = summary.warnings() else {
        bail!("unexpected: {:?}", summary.warnings());
    };
    // The structs of columns and batches take some bytes.
    let room = table..table + 20_000;
    assert!(room.contains(bytes) && room.contains(total), "{bytes} of {total}");
    Ok(())
}

/// The parameters of type [`Tag`] that exist.
static TAGS: AtomicUsize = AtomicUsize::new(0);
static TAGS_AFTER: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Counts one living parameter.
struct Alive;

impl Alive {
    fn new() -> Self {
        TAGS.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Clone for Alive {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        TAGS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A parameter that counts its living values. A plan holds those of its instances.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "u64", into = "u64")]
struct Tag {
    n: u64,
    alive: Alive,
}

impl From<u64> for Tag {
    fn from(n: u64) -> Self {
        Self { n, alive: Alive::new() }
    }
}

impl From<Tag> for u64 {
    fn from(tag: Tag) -> Self {
        tag.n
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Tagged {
    tag: Tag,
}

runs!(Tagged: u64 = |self, cx| Ok(self.tag.n));

/// Requires tasks while it runs, with values that only their plans have.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Requester {
    #[param(default = 0)]
    round: u64,
}

runs!(Requester: u64 = |self, cx| {
    let mut sum = self.round;
    for n in 0..20u64 {
        let tagged = cx.with(Tagged::TAG, Tag::from(n)).require::<Tagged>()?;
        ensure!(TAGS.load(Ordering::SeqCst) > 0, "the plan of the handle has the tag");
        sum += *tagged.load()?;
    }
    Ok(sum)
});

#[derive(Task)]
#[task(requires = Requester { round: self.round }, target = Json<u64>)]
struct AfterRequester {
    #[param(default = 0)]
    round: u64,
}

runs!(AfterRequester: u64 = |self, cx| {
    TAGS_AFTER.store(TAGS.load(Ordering::SeqCst), Ordering::SeqCst);
    Ok(*cx.input().load()?)
});

#[test]
fn plans_of_complete_requirements_are_dropped_with_their_requester_and_others_with_the_summary()
-> Result<()> {
    for workers in [0, 1, 4] {
        let _counting = counting();
        let (flow, _folder) = flow();
        let flow = flow.workers(workers);
        let summary = flow.run::<AfterRequester>()?;
        assert_eq!(ran(&summary).len(), 22);
        // The summary lists what ran, and so holds the plans of these instances.
        drop(summary);
        assert_eq!(TAGS.load(Ordering::SeqCst), 0, "nothing is left of the run");
        // Of plans in which nothing ran, nothing is left when the task has ended.
        let summary = flow.with(AfterRequester::ROUND, 1).run::<AfterRequester>()?;
        assert_eq!(ran(&summary), ["AfterRequester", "Requester"]);
        assert_eq!(TAGS_AFTER.load(Ordering::SeqCst), 0, "the run goes on without them");
        assert_eq!(TAGS.load(Ordering::SeqCst), 0);
    }
    Ok(())
}

//! Flows in services and async programs: runs in the background, futures in tasks, and what a run leaves behind.

use std::pin::pin;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use flow::prelude::*;
use flow::{RunHandle, Summary};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

use crate::support::{assert_consistent, failed, failure, flow, not_run, ran};

/// A gate at which tasks wait: each says that it is there, and leaves when the gate is open or its run was stopped.
#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: usize,
    left: usize,
    is_open: bool,
}

impl Gate {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().expect("no panic"));
        self.changed.notify_all();
    }

    /// Waits in a task.
    fn pass(&self, checkpoint: impl Fn() -> Result<()>) -> Result<()> {
        self.change(|state| state.waiting += 1);
        let passed = loop {
            if self.state.lock().expect("no panic").is_open {
                break Ok(());
            }
            if let Err(stopped) = checkpoint() {
                break Err(stopped);
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        self.change(|state| state.left += 1);
        passed
    }

    /// Waits in a test until something holds.
    fn until(&self, what: &str, holds: impl Fn(&State) -> bool) {
        let state = self.state.lock().expect("no panic");
        let patience = Duration::from_secs(30);
        let waited = self.changed.wait_timeout_while(state, patience, |state| !holds(state));
        assert!(!waited.expect("no panic").1.timed_out(), "waited until {what}");
    }
}

type Gates = Arc<[Gate; 2]>;

#[derive(Task)]
#[task(target = Json<usize>, uses(Gates))]
struct AtGate {
    gate: usize,
}
runs!(AtGate: usize = |self, cx| {
    cx.provided::<Gates>()[self.gate].pass(|| cx.checkpoint())?;
    Ok(self.gate)
});

#[derive(Task)]
#[task(requires = AtGate, target = Json<usize>)]
struct Behind;
runs!(Behind: usize = |self, cx| Ok(*cx.input().load()? + 10));

/// Returns a flow whose tasks wait at these gates.
fn with_gates() -> (Flow, Gates, tempfile::TempDir) {
    let (flow, folder) = flow();
    let gates = Gates::default();
    (flow.provide(Arc::clone(&gates)), gates, folder)
}

#[test]
fn runs_in_the_background_are_joined() -> Result<()> {
    let (flow, gates, _folder) = with_gates();
    let run = flow.with(AtGate::GATE, 0).spawn::<Behind>();
    gates[0].until("the task runs", |state| state.waiting == 1);
    assert!(!run.is_finished());
    gates[0].change(|state| state.is_open = true);
    assert_eq!(ran(&run.join()?), ["AtGate", "Behind"]);
    let again = flow.with(AtGate::GATE, 0).spawn::<Behind>().join()?;
    assert_eq!(again.already_complete().len(), 2);
    Ok(())
}

#[test]
fn a_stopped_run_returns_its_summary_and_stops_no_other() -> Result<()> {
    let (flow, gates, _folder) = with_gates();
    let flows = [0_usize, 1].map(|gate| flow.with(AtGate::GATE, gate));
    let [first, second] = flows.each_ref().map(Flow::spawn::<Behind>);
    gates.iter().for_each(|gate| gate.until("the task runs", |state| state.waiting == 1));
    first.stop();
    let summary = failure(first.join());
    assert_eq!((failed(&summary), not_run(&summary).len()), (vec![], 2));
    assert_eq!(summary.interrupted(), None);
    assert!(!second.is_finished() && !flow.stopper().is_stopped());
    gates[1].change(|state| state.is_open = true);
    assert_eq!(ran(&second.join()?), ["AtGate", "Behind"]);
    // The next run continues.
    gates[0].change(|state| state.is_open = true);
    assert_eq!(ran(&flows[0].run::<Behind>()?), ["AtGate", "Behind"]);
    Ok(())
}

#[test]
fn a_dropped_handle_stops_its_run_without_waiting() -> Result<()> {
    let (flow, gates, _folder) = with_gates();
    let run = flow.with(AtGate::GATE, 0).spawn::<Behind>();
    gates[0].until("the task runs", |state| state.waiting == 1);
    drop(run);
    gates[0].until("the task was stopped", |state| state.left == 1);
    assert!(!flow.with(AtGate::GATE, 0).is_complete::<AtGate>()?);
    Ok(())
}

#[test]
fn the_stopper_of_a_flow_stops_its_runs_in_the_background() {
    let (flow, gates, _folder) = with_gates();
    let runs = [0_usize, 1].map(|gate| flow.with(AtGate::GATE, gate).spawn::<Behind>());
    gates.iter().for_each(|gate| gate.until("the task runs", |state| state.waiting == 1));
    flow.stopper().stop();
    for run in runs {
        assert_eq!(not_run(&failure(run.join())), ["AtGate", "Behind"]);
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Square {
    n: u64,
}
runs!(Square: u64 = |self, cx| Ok(self.n * self.n));

#[derive(Task)]
#[task(requires = [Square { n } for n in 0..self.of], target = Json<u64>)]
struct SumOfSquares {
    of: u64,
}
runs!(SumOfSquares: u64 = |self, cx| {
    cx.input().iter().map(|square| Ok(*square.load()?)).sum()
});

#[test]
fn concurrent_runs_share_a_store() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.workers(2);
    let flows: Vec<_> = (0..12).map(|n| flow.with(SumOfSquares::OF, 5 + n % 3_u64)).collect();
    let runs: Vec<RunHandle> = flows.iter().map(Flow::spawn::<SumOfSquares>).collect();
    for (run, flow) in runs.into_iter().zip(&flows) {
        run.join()?;
        assert!(flow.is_complete::<SumOfSquares>()?);
    }
    for (flow, sum) in flows.iter().zip([30, 55, 91].into_iter().cycle()) {
        assert_eq!(*flow.load::<SumOfSquares>()?, sum);
        assert_eq!(ran(&flow.run::<SumOfSquares>()?), [""; 0]);
    }
    assert_consistent(flow.folder());
    Ok(())
}

#[test]
#[cfg(target_os = "linux")]
fn of_two_runs_in_one_process_one_computes_an_instance() -> Result<()> {
    let (flow, gates, _folder) = with_gates();
    let flow = flow.with(AtGate::GATE, 0);
    let runs = [flow.spawn::<Behind>(), flow.spawn::<Behind>()];
    gates[0].until("a task runs", |state| state.waiting == 1);
    gates[0].change(|state| state.is_open = true);
    let [one, other] = runs.map(RunHandle::join);
    let mut all = [ran(&one?), ran(&other?)].concat();
    all.sort_unstable();
    assert_eq!(all, ["AtGate", "Behind"]);
    gates[0].until("one task has run", |state| (state.waiting, state.left) == (1, 1));
    Ok(())
}

/// A waker that counts.
#[derive(Default)]
struct Count(AtomicUsize);

impl std::task::Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_handle_wakes_the_task_that_polled_it_last() {
    let (flow, gates, _folder) = with_gates();
    let mut run = pin!(flow.with(AtGate::GATE, 0).spawn::<AtGate>());
    let counts = [Arc::<Count>::default(), Arc::default()];
    let mut poll = |count: &Arc<Count>| {
        let waker = Waker::from(Arc::clone(count));
        run.as_mut().poll(&mut Context::from_waker(&waker))
    };
    let [first, last] = &counts;
    assert!(poll(first).is_pending() && poll(last).is_pending());
    gates[0].change(|state| state.is_open = true);
    let begun = Instant::now();
    while last.0.load(Ordering::SeqCst) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "the waker is called");
        std::thread::sleep(Duration::from_millis(1));
    }
    let Poll::Ready(Ok(summary)) = poll(last) else { panic!("the run has ended") };
    assert_eq!(ran(&summary), ["AtGate"]);
    assert_eq!(counts.map(|count| count.0.load(Ordering::SeqCst)), [0, 1]);
}

#[tokio::test]
async fn a_run_is_canceled_with_the_future_that_awaits_it() -> Result<()> {
    let (flow, gates, _folder) = with_gates();
    let at_gate = flow.with(AtGate::GATE, 0);
    let task_runs = async {
        while gates[0].state.lock().expect("no panic").waiting == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        ended = at_gate.spawn::<Behind>() => panic!("nothing opens the gate: {ended:?}"),
        () = task_runs => {}
    }
    gates[0].until("the task was stopped", |state| state.left == 1);
    gates[0].change(|state| state.is_open = true);
    assert_eq!(ran(&at_gate.spawn::<Behind>().await?), ["AtGate", "Behind"]);
    Ok(())
}

/// A client that sends a number to a server, which returns its double.
struct Client {
    server: std::net::SocketAddr,
    runtime: Handle,
}

impl Client {
    async fn double(&self, n: u8) -> Result<u8> {
        let mut stream = TcpStream::connect(self.server).await?;
        stream.write_u8(n).await?;
        Ok(stream.read_u8().await?)
    }
}

async fn client() -> Result<Client> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let server = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let n = stream.read_u8().await?;
            stream.write_u8(2 * n).await?;
        }
        Ok::<_, flow::anyhow::Error>(())
    });
    Ok(Client { server, runtime: Handle::current() })
}

#[derive(Task)]
#[task(target = Json<u8>, uses(Client))]
struct ByContext {
    n: u8,
}
runs!(ByContext: u8 = |self, cx| {
    let client = cx.provided::<Client>();
    let _runtime = client.runtime.enter();
    cx.block_on(client.double(self.n))?
});

#[derive(Task)]
#[task(target = Json<u8>, uses(Client))]
struct ByRuntime {
    n: u8,
}
runs!(ByRuntime: u8 = |self, cx| {
    let client = cx.provided::<Client>();
    client.runtime.block_on(client.double(self.n))
});

#[derive(Task)]
#[task(
    requires([ByContext { n } for n in 0..10_u8], [ByRuntime { n } for n in 0..10_u8]),
    target = Json<u64>
)]
struct AllDoubled;
runs!(AllDoubled: u64 = |self, cx| {
    let (contexts, runtimes) = cx.input();
    let mut sum = 0;
    for input in contexts {
        sum += u64::from(*input.load()?);
    }
    for input in runtimes {
        sum += u64::from(*input.load()?);
    }
    Ok(sum)
});

/// The runtime's only thread awaits the run, and drives the sockets of the tasks meanwhile.
#[tokio::test(flavor = "current_thread")]
async fn tasks_call_async_clients_of_a_runtime_with_one_thread() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.workers(3).provide(client().await?);
    // A handle may be moved to another task of the runtime.
    assert_eq!(tokio::spawn(flow.spawn::<AllDoubled>()).await??.ran().len(), 21);
    assert_eq!(*flow.load::<AllDoubled>()?, 180);
    Ok(())
}

/// `run` blocks its thread, and other threads of the runtime drive the sockets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_an_async_function_blocks_its_thread_only() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.workers(3).provide(client().await?);
    assert_eq!(flow.run::<AllDoubled>()?.ran().len(), 21);
    assert_eq!(*flow.load::<AllDoubled>()?, 180);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>, uses(Arc<AtomicU64>))]
struct Endless;
runs!(Endless: u64 = |self, cx| {
    /// Tells that the future was dropped.
    struct Dropped<'a>(&'a AtomicU64);

    impl Drop for Dropped<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    let state = cx.provided::<Arc<AtomicU64>>();
    cx.block_on(async {
        let _dropped = Dropped(state);
        state.fetch_add(10, Ordering::SeqCst);
        std::future::pending::<u64>().await
    })
});

#[test]
fn a_stop_cancels_the_future_that_a_task_waits_for() {
    let (flow, _folder) = flow();
    let state = Arc::new(AtomicU64::new(0));
    let run = flow.provide(Arc::clone(&state)).spawn::<Endless>();
    let begun = Instant::now();
    while state.load(Ordering::SeqCst) < 10 {
        assert!(begun.elapsed() < Duration::from_secs(30), "the task begins");
        std::thread::sleep(Duration::from_millis(1));
    }
    run.stop();
    let summary = failure(run.join());
    assert_eq!((failed(&summary), not_run(&summary)), (vec![], vec!["Endless".to_owned()]));
    assert_eq!(state.load(Ordering::SeqCst), 11);
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Woken;
runs!(Woken: u64 = |self, cx| {
    // A future that is woken while it is polled, and one that another thread wakes.
    let mut polls = 0;
    let yields = cx.block_on(std::future::poll_fn(|context| {
        polls += 1;
        context.waker().wake_by_ref();
        if polls < 5 { Poll::Pending } else { Poll::Ready(polls) }
    }))?;
    let (send, receive) = tokio::sync::oneshot::channel();
    let sender = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(5));
        send.send(37)
    });
    let sent = cx.block_on(receive)??;
    ensure!(matches!(sender.join(), Ok(Ok(()))), "the sender ends");
    Ok(yields + sent)
});

#[test]
fn futures_are_polled_when_they_are_woken() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(*flow.get::<Woken>()?, 42);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct InParallel;
runs!(InParallel: u64 = |self, cx| {
    use rayon::prelude::*;

    // The context is used on the threads of rayon, too, which may require further tasks.
    let squares = (0..40_u64).into_par_iter().map(|n| -> Result<u64> {
        cx.checkpoint()?;
        match n % 10 {
            0 => Ok(*cx.with(Square::N, n).require::<Square>()?.load()?),
            _ => Ok(n * n),
        }
    });
    squares.sum()
});

#[test]
fn a_task_uses_the_threads_of_rayon() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.workers(1);
    let summary = flow.run::<InParallel>()?;
    assert_eq!(ran(&summary), ["InParallel", "Square", "Square", "Square", "Square"]);
    assert_eq!(*flow.load::<InParallel>()?, (0..40).map(|n| n * n).sum::<u64>());
    assert_eq!(ran(&flow.run::<InParallel>()?), [""; 0]);
    Ok(())
}

/// The number of values of [`Counted`].
static ALIVE: AtomicI64 = AtomicI64::new(0);

/// A value that counts how many of its kind there are.
#[derive(Deserialize)]
#[serde(from = "u64")]
struct Counted {
    n: u64,
}

impl From<u64> for Counted {
    fn from(n: u64) -> Self {
        ALIVE.fetch_add(1, Ordering::SeqCst);
        Self { n }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Serialize for Counted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.n)
    }
}

#[derive(Task)]
#[task(target = Json<Counted>, uses(Counted))]
struct Stored;
runs!(Stored: Counted = |self, cx| Ok(Counted::from(cx.provided::<Counted>().n)));

#[derive(Task)]
#[task(requires = Stored, target = Memory<Counted>)]
struct InMemory;
runs!(InMemory: Counted = |self, cx| Ok(Counted::from(cx.input().load()?.n + 1)));

#[derive(Task)]
#[task(requires(Stored, InMemory), target = Json<Counted>)]
struct OfBoth;
runs!(OfBoth: Counted = |self, cx| {
    let (stored, in_memory) = cx.input();
    // A requirement at run time has a plan of its own.
    let squared = cx.with(Square::N, 3_u64).require::<Square>()?;
    Ok(Counted::from(stored.load()?.n + in_memory.load()?.n + *squared.load()?))
});

/// Returns the numbers of values, of threads and of open files of this process.
#[cfg(target_os = "linux")]
fn usage() -> (i64, usize, usize) {
    let entries = |folder| std::fs::read_dir(folder).expect("it is Linux").count();
    (ALIVE.load(Ordering::SeqCst), entries("/proc/self/task"), entries("/proc/self/fd"))
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_leaves_nothing_in_the_process() -> Result<()> {
    let run = |round: u64| -> Result<()> {
        let (flow, _folder) = flow();
        let flow = flow.workers(2).provide(Counted::from(round));
        let spawned = round.is_multiple_of(2);
        let summary: Summary =
            if spawned { flow.spawn::<OfBoth>().join()? } else { flow.run::<OfBoth>()? };
        assert_eq!(summary.ran().len(), 4);
        assert_eq!(flow.load::<OfBoth>()?.n, 2 * round + 10);
        Ok(())
    };
    crate::support::alone(|| {
        run(0)?;
        let first = usage();
        assert_eq!(first.0, 0, "no value is left");
        (1..200).try_for_each(run)?;
        // The system may list a thread for a moment after it was joined.
        let begun = Instant::now();
        while usage() != first {
            assert!(begun.elapsed() < Duration::from_secs(10), "{:?}, {first:?}", usage());
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    })
}

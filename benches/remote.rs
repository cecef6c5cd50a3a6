//! Measures a push of 10,000 small outputs to an object store, and a pull of them into another store.
//!
//! The store is a folder, through the crate `object_store`. With the cargo feature `s3` and the variable `FLOW_S3`, it is the
//! bucket `team` of the S3 server at that endpoint.
//!
//! The floor of the push puts the same objects, which are in memory, by `object_store` itself, eight at a time. That of the
//! pull gets them in the same way, and writes the files of the store that the pull fills in a plain loop, with the same
//! syncs.
//!
//! `RESULT remote push_10000 ratio=... ms=... floor_ms=... objects=...`: the ratio is that of the median times. The aim is
//! 1.5 against an S3 server.

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Instant;

use flow::prelude::*;
use flow::remote::ObjectRemote;
use futures_util::{StreamExt, TryStreamExt, stream};
use kit::args::Args;
use kit::disk::settle;
use kit::files::StoredFiles;
use kit::median;
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore, PutOptions, PutPayload};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const OUTPUTS: u64 = 10_000;

/// How many requests of a floor are sent at the same time, as in the library.
const REQUESTS: usize = 8;

const ROUNDS: usize = 5;

#[derive(Task)]
#[task(target = Json<String>)]
struct Text {
    n: u64,
}

#[tracked]
impl Run for Text {
    fn run(&self, _cx: &Cx<Self>) -> Result<String> {
        Ok(format!("{:0100}", self.n))
    }
}

#[derive(Task)]
#[task(aggregate, requires = [Text { n } for n in 0..self.count])]
struct Texts {
    #[param(local)]
    count: u64,
}

/// An object with its content.
type Object = (Path, PutPayload);

fn main() -> Result<()> {
    let args = Args::read();
    let (push, pull) = (format!("push_{OUTPUTS}"), format!("pull_{OUTPUTS}"));
    if !args.selects(&push) && !args.selects(&pull) {
        return Ok(());
    }
    let root = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let objects = open(root.path())?;
    let flow = |name: &str| -> Result<Flow> {
        Ok(Flow::open(root.path().join(name))?.quiet().with(Texts::COUNT, OUTPUTS))
    };
    let made = flow("made")?;
    made.run::<Texts>()?;

    let (mut pushes, mut pulls) = (Vec::new(), Vec::new());
    let (mut push_floors, mut pull_floors) = (Vec::new(), Vec::new());
    let mut count = 0;
    for round in 0..ROUNDS {
        let prefix = format!("{}-{round}", std::process::id());
        let remote = || ObjectRemote::on(Arc::clone(&objects), &prefix, "the store");
        settle();
        let begun = Instant::now();
        made.push::<Texts>(&remote())?;
        pushes.push(begun.elapsed().as_secs_f64());

        settle();
        let there = flow(&format!("there-{round}"))?;
        let begun = Instant::now();
        let pulled = there.pull::<Texts>(&remote())?;
        pulls.push(begun.elapsed().as_secs_f64());
        ensure!(pulled.instances().len() as u64 == OUTPUTS, "{pulled}");

        let all = runtime.block_on(read_all(&objects, &prefix))?;
        count = all.len();
        settle();
        let begun = Instant::now();
        put_all(&runtime, &objects, &all, &format!("{prefix}-floor"))?;
        push_floors.push(begun.elapsed().as_secs_f64());

        let files = StoredFiles::of(there.folder())?;
        settle();
        let begun = Instant::now();
        runtime.block_on(read_all(&objects, &format!("{prefix}-floor")))?;
        let got = begun.elapsed().as_secs_f64();
        let again = root.path().join(format!("floor-{round}"));
        std::fs::create_dir(&again)?;
        pull_floors.push(got + files.write_again(&again, true, false)?);
    }
    let print = |name: &str, times: &[f64], floors: &[f64]| {
        let (time, floor) = (median(times), median(floors));
        println!(
            "RESULT remote {name} ratio={:.2} ms={:.1} floor_ms={:.1} objects={count}",
            time / floor,
            time * 1e3,
            floor * 1e3
        );
    };
    if args.selects(&push) {
        print(&push, &pushes, &push_floors);
    }
    if args.selects(&pull) {
        print(&pull, &pulls, &pull_floors);
    }
    drop(root);
    settle();
    Ok(())
}

/// Opens the store: a bucket if there is a server, and a folder otherwise.
fn open(root: &FilePath) -> Result<Arc<dyn ObjectStore>> {
    #[cfg(feature = "s3")]
    if let Ok(endpoint) = std::env::var("FLOW_S3") {
        let builder = object_store::aws::AmazonS3Builder::new().with_bucket_name("team");
        let builder = builder.with_region("us-east-1").with_endpoint(endpoint);
        let builder = builder.with_access_key_id("test").with_secret_access_key("test");
        return Ok(Arc::new(builder.with_allow_http(true).build()?));
    }
    let folder = root.join("objects");
    std::fs::create_dir(&folder)?;
    Ok(Arc::new(object_store::local::LocalFileSystem::new_with_prefix(folder)?))
}

/// Gets all objects below a prefix.
async fn read_all(store: &Arc<dyn ObjectStore>, prefix: &str) -> Result<Vec<Object>> {
    let prefix = Path::parse(prefix)?;
    let listed: Vec<object_store::ObjectMeta> = store.list(Some(&prefix)).try_collect().await?;
    let gets = listed.into_iter().map(|meta| {
        let store = Arc::clone(store);
        async move {
            let got = store.get_opts(&meta.location, GetOptions::default()).await?;
            Ok::<_, object_store::Error>((meta.location, PutPayload::from(got.bytes().await?)))
        }
    });
    Ok(stream::iter(gets).buffer_unordered(REQUESTS).try_collect().await?)
}

/// Puts objects below another prefix.
fn put_all(
    runtime: &Runtime,
    store: &Arc<dyn ObjectStore>,
    all: &[Object],
    prefix: &str,
) -> Result<()> {
    let mut puts = Vec::new();
    for (path, content) in all {
        let name = path.as_ref().split_once('/').map_or("", |(_, name)| name);
        let (path, content) = (Path::parse(format!("{prefix}/{name}"))?, content.clone());
        let store = Arc::clone(store);
        puts.push(
            async move { store.put_opts(&path, content, PutOptions::default()).await.map(drop) },
        );
    }
    let puts = stream::iter(puts).buffer_unordered(REQUESTS);
    Ok(runtime.block_on(puts.try_collect::<()>())?)
}

//! Content that is not what its digest says: it is refused on arrival, and repaired by `push_verified`.

use flow::prelude::*;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore, PutOptions};

use crate::texts::{Length, Team, assert_complete};

/// Waits for the requests of a test to a store in memory.
fn wait<T>(request: impl Future<Output = T>) -> T {
    let mut request = std::pin::pin!(request);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(result) = request.as_mut().poll(&mut context) {
            return result;
        }
    }
}

/// Returns the objects in a folder of the remote.
fn objects(store: &dyn ObjectStore, folder: &str) -> Result<Vec<Path>> {
    let folder = Path::parse(format!("team/texts/{folder}"))?;
    let listed: Vec<_> = wait(store.list(Some(&folder)).try_collect())?;
    Ok(listed.into_iter().map(|meta: object_store::ObjectMeta| meta.location).collect())
}

fn read(store: &dyn ObjectStore, path: &Path) -> Result<Vec<u8>> {
    let got = wait(store.get_opts(path, GetOptions::default()))?;
    Ok(wait(got.bytes())?.to_vec())
}

fn write(store: &dyn ObjectStore, path: &Path, bytes: Vec<u8>) -> Result<()> {
    wait(store.put_opts(path, bytes.into(), PutOptions::default()))?;
    Ok(())
}

/// Changes the text with this number where it lies in a pack.
fn damage(store: &dyn ObjectStore, n: u64) -> Result<()> {
    for path in objects(store, "packs")? {
        let mut bytes = read(store, &path)?;
        let text = format!("This is text {n} of many.");
        let at = bytes.windows(text.len()).position(|window| window == text.as_bytes());
        if let Some(at) = at {
            bytes[at] ^= 1;
            write(store, &path, bytes)?;
        }
    }
    Ok(())
}

#[test]
fn damaged_content_is_refused_and_repaired() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(20)?;
    made.push::<Length>(&team.remote())?;
    damage(&*team.objects, 7)?;
    let there = team.empty("there", 20)?;
    let error = there.pull::<Length>(&team.remote()).expect_err("a text is damaged").to_string();
    let start = "objects/";
    let end = " is damaged: it has other content than its digest says; push it again with `flow.push_verified` from \
               a store that has it";
    assert!(error.starts_with(start) && error.ends_with(end), "{error}");
    assert!(there.store().verify()?.damage().is_empty());

    assert_eq!(made.push::<Length>(&team.remote())?.files(), 0, "a push compares sizes");
    assert_eq!(made.push_verified::<Length>(&team.remote())?.files(), 1);
    there.pull::<Length>(&team.remote())?;
    assert_complete(&there)
}

#[test]
fn a_damaged_segment_is_an_error_that_names_it() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(20)?;
    made.push::<Length>(&team.remote())?;
    let segment = objects(&*team.objects, "index")?.pop().context("a segment")?;
    write(&*team.objects, &segment, b"{}".to_vec())?;
    let there = team.empty("there", 20)?;
    let error = there.pull::<Length>(&team.remote()).expect_err("it is damaged").to_string();
    let name = segment.as_ref().strip_prefix("team/texts/").context("a name")?;
    assert_eq!(
        error,
        format!(
            "cannot pull: {name} in `memory:team/texts` is damaged: it has other content than its name says"
        )
    );
    Ok(())
}

#[test]
fn a_lost_pack_is_pushed_again() -> Result<()> {
    let team = Team::new()?;
    let made = team.complete(20)?;
    made.push::<Length>(&team.remote())?;
    for pack in objects(&*team.objects, "packs")? {
        let paths = futures_util::stream::iter([Ok(pack)]);
        let deleted = team.objects.delete_stream(Box::pin(paths));
        wait(deleted.try_collect::<Vec<_>>())?;
    }
    // The segments are left; their contents are not there.
    assert_eq!(made.push::<Length>(&team.remote())?.files(), 21);
    let there = team.empty("there", 20)?;
    there.pull::<Length>(&team.remote())?;
    assert_complete(&there)
}

#[test]
fn damaged_manifests_of_a_remote_that_is_reused_count_as_missing() -> Result<()> {
    let team = Team::new()?;
    team.complete(5)?.push::<Length>(&team.remote())?;
    let key = b"\"fingerprint\"";
    let mut damaged = 0;
    for path in objects(&*team.objects, "packs")? {
        let mut bytes = read(&*team.objects, &path)?;
        for at in 0..bytes.len() {
            if bytes[at..].starts_with(key) {
                bytes[at + 1] ^= 1;
                damaged += 1;
            }
        }
        write(&*team.objects, &path, bytes)?;
    }
    assert!(damaged >= 6, "{damaged} manifests");
    let mine = team.empty("mine", 5)?.reuse_from(team.remote());
    assert!(!mine.is_complete::<Length>()?);
    assert_eq!(mine.run::<Length>()?.ran().len(), 6);
    // A pull is asked for these outputs, and says what is wrong.
    assert!(team.empty("there", 5)?.pull::<Length>(&team.remote()).is_err());
    Ok(())
}

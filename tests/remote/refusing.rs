//! What cannot be opened or read is an error that says why.

use flow::prelude::*;
use flow::remote::{Remote, RemoteError};

use crate::texts::{Length, Team};

#[test]
fn an_empty_remote_was_never_pushed_to() -> Result<()> {
    let team = Team::new()?;
    let error = team.empty("there", 3)?.pull::<Length>(&team.remote());
    assert_eq!(
        error.expect_err("it is empty").to_string(),
        "cannot pull: nothing was pushed to `memory:team/texts`: check the URL, or push to it first"
    );
    Ok(())
}

#[test]
fn a_newer_format_is_not_read() -> Result<()> {
    let team = Team::new()?;
    let remote = team.remote();
    remote.put("flow-remote.json", &mut &b"{\"format\":2}"[..], 12)?;
    let made = team.complete(3)?;
    let error = made.push::<Length>(&team.remote()).expect_err("it is newer").to_string();
    assert_eq!(
        error,
        "cannot push to outputs of the remote: `memory:team/texts` was written by a newer version of this library \
         (format 2): update it"
    );
    Ok(())
}

#[test]
fn names_that_lead_elsewhere_are_refused() -> Result<()> {
    let remote = Team::new()?.remote();
    for name in ["../x", "objects/../x", "/x", "objects//x", "objects/a b"] {
        let error = remote.get(name).err().with_context(|| format!("{name} is refused"))?;
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{name}");
    }
    let error = remote.get("objects/aa/x").err().context("it is missing")?;
    assert!(matches!(RemoteError::of(&error), Some(RemoteError::Missing { .. })));
    Ok(())
}

#[test]
fn a_url_without_its_feature_names_the_feature() {
    let error = flow::remote::open("gs://bucket/x").expect_err("the tests are built without it");
    assert_eq!(
        error.to_string(),
        "`gs://bucket/x` needs the cargo feature `gcs` of typed-flow, and this program is built without it"
    );
}

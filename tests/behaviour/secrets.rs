//! Secrets are part of keys, and are never shown.

use flow::prelude::*;
use std::path::Path;

use crate::support::{failed, failure, files_below, flow, key, plan_error, preview, ran};

const TOKEN: &str = "hunter2-is-a-long-token";

#[derive(Task, Clone)]
#[task(target = Json<usize>)]
struct Fetch {
    token: Secret<String>,
    #[param(default = None)]
    other: Option<Secret<String>>,
}

runs!(Fetch: usize = |self, _cx| Ok(self.token.expose().len() + usize::from(self.other.is_some())));

#[derive(Task)]
#[task(requires = Fetch, target = Json<usize>)]
struct Count;

runs!(Count: usize = |self, cx| Ok(*cx.input().load()? + cx.input().task().token.expose().len()));

#[derive(Task)]
#[task(requires = Fetch, target = Json<usize>)]
struct Broken;

runs!(Broken: usize = |self, cx| bail!("no luck with {:?}", cx.input().task().token));

/// Returns whether any file or name in the store contains the text.
fn store_contains(flow: &Flow, text: &str) -> bool {
    files_below(flow.folder()).iter().any(|path| {
        let content = std::fs::read(path).expect("a file");
        path.to_string_lossy().contains(text)
            || content.windows(text.len()).any(|bytes| bytes == text.as_bytes())
    })
}

#[test]
fn a_secret_is_shown_nowhere() -> Result<()> {
    let (flow, _folder) = flow();
    let given = flow.with(Fetch::TOKEN, TOKEN).with(Fetch::OTHER, Some(Secret::new(TOKEN.into())));
    assert_eq!(
        preview::<Count>(&given),
        "Count {Fetch.other: ***, Fetch.token: ***} PENDING never run\n\
         └─ Fetch {token: ***, other: ***} PENDING never run"
    );
    let summary = given.run::<Count>()?;
    assert_eq!(ran(&summary), ["Count", "Fetch"]);
    assert!(!summary.to_string().contains(TOKEN), "{summary}");
    assert_eq!(*given.load::<Count>()?, 2 * TOKEN.len() + 1);
    let summary = failure(given.run::<Broken>());
    assert_eq!(failed(&summary), ["Broken"]);
    assert_eq!(summary.failed()[0].error.as_deref(), Some("no luck with ***"));
    assert!(!store_contains(&given, TOKEN));
    assert!(store_contains(&given, "***"), "the record says that there is one");
    Ok(())
}

#[test]
fn another_secret_is_another_instance() -> Result<()> {
    let (flow, _folder) = flow();
    let one = flow.with(Fetch::TOKEN, TOKEN);
    let two = flow.with(Fetch::TOKEN, "another");
    assert_ne!(key::<Fetch>(&one), key::<Fetch>(&two));
    assert_ne!(key::<Count>(&one), key::<Count>(&two));
    one.run::<Count>()?;
    assert_eq!(ran(&two.run::<Count>()?), ["Count", "Fetch"]);
    assert_eq!((*one.load::<Fetch>()?, *two.load::<Fetch>()?), (TOKEN.len(), 7));
    // The key is the same for each process that opens the store.
    let again = Flow::open(flow.folder())?.quiet().with(Fetch::TOKEN, TOKEN);
    assert_eq!(key::<Fetch>(&again), key::<Fetch>(&one));
    assert_eq!(ran(&again.run::<Count>()?), [""; 0]);
    Ok(())
}

#[test]
fn the_key_of_an_instance_with_a_secret_depends_on_the_store() {
    let ((one, _a), (two, _b)) = (flow(), flow());
    let given = |flow: &Flow| key::<Fetch>(&flow.with(Fetch::TOKEN, TOKEN));
    assert_ne!(given(&one), given(&two));
}

#[cfg(unix)]
#[test]
fn the_key_of_the_store_is_private() {
    use std::os::unix::fs::PermissionsExt;

    let (flow, _folder) = flow();
    key::<Fetch>(&flow.with(Fetch::TOKEN, TOKEN));
    let path = flow.folder().join(".flow/secret");
    let metadata = std::fs::metadata(&path).expect("the key");
    assert_eq!((metadata.permissions().mode() & 0o777, metadata.len()), (0o600, 32));
    assert_eq!(files_below(flow.folder()), [path], "no draft of it is left");
}

/// Returns whether a process of another user can read the file.
#[cfg(unix)]
fn can_read(path: &Path, user: u32, group: u32) -> bool {
    use std::os::unix::process::CommandExt;

    let mut cat = std::process::Command::new("cat");
    cat.arg(path).uid(user).gid(group).stdout(std::process::Stdio::null());
    cat.stderr(std::process::Stdio::null()).status().expect("cat").success()
}

#[cfg(unix)]
#[test]
fn a_group_shares_the_key_of_its_store() -> Result<()> {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

    // The permissions of the store's folder, and those expected for its key.
    for (folder_mode, mode) in
        [(0o700, 0o600), (0o750, 0o600), (0o755, 0o600), (0o770, 0o640), (0o2775, 0o640)]
    {
        let (flow, folder) = flow();
        // A group other than the user's own, if the process may set it.
        let group = 54_321;
        let is_root = chown(flow.folder(), None, Some(group)).is_ok();
        set_permissions(flow.folder(), Permissions::from_mode(folder_mode))?;
        key::<Fetch>(&flow.with(Fetch::TOKEN, TOKEN));
        let path = flow.folder().join(".flow/secret");
        let metadata = std::fs::metadata(&path)?;
        assert_eq!(metadata.mode() & 0o777, mode, "in a folder of mode {folder_mode:o}");
        if is_root && std::fs::metadata("/proc/self")?.uid() == 0 {
            set_permissions(folder.path(), Permissions::from_mode(0o711))?;
            let is_shared = mode == 0o640;
            assert_eq!(metadata.gid() == group, is_shared);
            assert_eq!(can_read(&path, 54_322, group), is_shared, "{folder_mode:o}");
            assert!(!can_read(&path, 54_322, 54_323), "another group: {folder_mode:o}");
        }
    }
    Ok(())
}

#[test]
fn an_unreadable_key_of_the_store_is_explained() -> Result<()> {
    use crate::faulty::{Fault, Faulty, Op};

    let folder = tempfile::tempdir()?;
    let fs = Faulty::new();
    let flow = crate::support::faulty_flow(folder.path(), &fs)?.with(Fetch::TOKEN, TOKEN);
    key::<Fetch>(&flow);
    fs.fail(|_, op, path| {
        let is_key = op == Op::Read && path.ends_with(".flow/secret");
        is_key.then_some(Fault::Refuse(std::io::ErrorKind::PermissionDenied))
    });
    let again = crate::support::faulty_flow(folder.path(), &fs)?.with(Fetch::TOKEN, TOKEN);
    let error = crate::support::in_full(again.is_complete::<Fetch>().expect_err("no key"));
    for part in [".flow/secret", "another user", "chmod 640", "chgrp"] {
        assert!(error.contains(part), "{error}");
    }
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u32>)]
struct Pin {
    #[param(range = ..Secret::new(10_000))]
    pin: Secret<u32>,
}

runs!(Pin: u32 = |self, _cx| Ok(self.pin.expose() * 0));

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct User {
    id: u32,
    password: Secret<String>,
}

#[derive(Task)]
#[task(target = Json<u32>)]
struct Login {
    user: User,
}

runs!(Login: u32 = |self, _cx| Ok(self.user.id));

#[test]
fn errors_do_not_show_a_secret() {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<Pin>(&flow.with(Pin::PIN, 77_777_u32)),
        "`Pin.pin` is ***, which is not in ..Secret::new(10_000)"
    );
    // A value given by name counts as a secret only once it is matched with its parameter.
    let error = plan_error::<Pin>(&flow.with_named("pin", TOKEN));
    assert!(!error.contains(TOKEN), "{error}");
    assert!(error.contains("what was given for a secret does not fit its type, `u32`"), "{error}");
    let user = std::collections::BTreeMap::from([("id", "me"), ("password", TOKEN)]);
    let error = plan_error::<Login>(&flow.with_named("user", user));
    assert!(!error.contains(TOKEN), "{error}");
    assert!(error.contains("at `[id]`: expected an integer"), "{error}");
}

/// Sets a secret for its requirement while it runs.
#[derive(Task)]
#[task(target = Json<usize>)]
struct Sets;

runs!(Sets: usize = |self, cx| Ok(*cx.with(Fetch::TOKEN, TOKEN).require::<Fetch>()?.load()?));

#[test]
fn a_task_that_sets_a_secret_while_it_runs_runs_each_time() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<Sets>()?), ["Fetch", "Sets"]);
    assert!(!flow.is_complete::<Sets>()?);
    assert_eq!(
        preview::<Sets>(&flow),
        "Sets PENDING in run: Fetch {token: ***, other: none}: `Fetch.token` was set to a secret, which is \
         not kept"
    );
    // The output of the requirement is found with the key of the store.
    assert_eq!(ran(&flow.run::<Sets>()?), ["Sets"]);
    assert!(!store_contains(&flow, TOKEN));
    Ok(())
}

//! Two programs that use one store: the same task is shared, and another task of the same name is
//! an error.
//!
//! A program is a crate, and these tests are one. The other program only exists as a claim in the
//! store.

use std::fs;
use std::path::PathBuf;

use flow::prelude::*;
use std::path::Path;

use crate::faulty::{Fault, Faulty, Op};
use crate::support::{faulty_flow, flow, plan_error, ran};

mod here {
    use super::*;

    #[derive(Task)]
    #[task(target = Json<u64>)]
    pub(super) struct Train {
        #[param(default = 1)]
        n: u64,
        #[param(default = 1, insignificant)]
        threads: u64,
    }

    runs!(Train: u64 = |self, _cx| Ok(self.n + 0 * self.threads));
}

mod moved {
    use super::*;

    #[derive(Task)]
    #[task(target = Json<u64>)]
    pub(super) struct Train {
        #[param(default = 1)]
        n: u64,
    }

    runs!(Train: u64 = |self, _cx| Ok(self.n));
}

mod changed {
    use super::*;

    #[derive(Task)]
    #[task(target = Json<u64>)]
    pub(super) struct Train {
        #[param(default = "a")]
        model: String,
        #[param(default = 1)]
        n: u64,
    }

    runs!(Train: u64 = |self, _cx| Ok(self.model.len() as u64 + self.n));
}

fn claim_file(flow: &Flow) -> PathBuf {
    flow.folder().join(".flow/owners/Train")
}

/// Rewrites the claim as if another crate had written the outputs.
fn claim_for_another_crate(flow: &Flow) -> Result<()> {
    let claim = fs::read_to_string(claim_file(flow))?;
    assert!(claim.contains("\"stores::task_owners::"), "{claim}");
    Ok(fs::write(claim_file(flow), claim.replace("stores::", "other::"))?)
}

fn open(flow: &Flow) -> Result<Flow> {
    Ok(Flow::open(flow.folder())?.quiet())
}

#[test]
fn a_different_task_of_another_crate_is_an_error() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<here::Train>()?;
    claim_for_another_crate(&flow)?;
    let error = plan_error::<changed::Train>(&open(&flow)?);
    let folder = flow.folder().display();
    assert_eq!(
        error,
        format!(
            "the store in {folder} has outputs of `Train` of `other::task_owners::here` ({{n: u64}} → \
             Json<u64>), and this is `Train` of `stores::task_owners::changed` ({{model: String, n: \
             u64}} → Json<u64>): give one of them `#[task(name = \"...\")]`, or use another folder; if \
             it is the same task, say `flow.store().claim::<Train>()` once"
        )
    );
    // Outputs of the other task are not removed either.
    let error =
        open(&flow)?.store().clear_task::<changed::Train>().expect_err("they are another's");
    assert!(error.to_string().contains("has outputs of `Train`"), "{error}");
    // A namespace is a store of its own.
    assert_eq!(ran(&open(&flow)?.namespace("mine").run::<changed::Train>()?), ["Train"]);
    Ok(())
}

#[test]
fn a_moved_and_changed_task_can_be_claimed() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<here::Train>()?;
    claim_for_another_crate(&flow)?;
    let new = open(&flow)?;
    new.store().claim::<changed::Train>()?;
    assert_eq!(ran(&new.run::<changed::Train>()?), ["Train"]);
    assert!(ran(&open(&flow)?.run::<changed::Train>()?).is_empty());
    // The outputs from before the change are still complete.
    assert!(open(&flow)?.is_complete::<here::Train>()?);
    Ok(())
}

#[test]
fn clearing_a_task_releases_its_name() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<here::Train>()?;
    flow.store().clear_task::<here::Train>()?;
    assert!(!claim_file(&flow).exists());
    flow.run::<here::Train>()?;
    assert!(claim_file(&flow).exists(), "it has outputs again");
    flow.store().clear()?;
    assert!(!claim_file(&flow).exists());
    flow.run::<here::Train>()?;
    assert!(claim_file(&flow).exists());
    Ok(())
}

#[test]
fn the_same_task_of_another_crate_shares_the_outputs() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<here::Train>()?;
    claim_for_another_crate(&flow)?;
    // In another crate and module, with another insignificant parameter.
    let moved = open(&flow)?;
    assert!(!moved.with(moved::Train::N, 2).is_complete::<moved::Train>()?);
    assert!(fs::read_to_string(claim_file(&flow))?.contains("other::"), "a plan writes nothing");
    moved.with(moved::Train::N, 2).run::<moved::Train>()?;
    let claim = fs::read_to_string(claim_file(&flow))?;
    assert!(claim.contains("stores::task_owners::moved"), "{claim}");
    // Changed in its own crate.
    open(&flow)?.run::<changed::Train>()?;
    assert!(fs::read_to_string(claim_file(&flow))?.contains("model"));
    Ok(())
}

#[test]
fn a_malformed_claim_is_ignored() -> Result<()> {
    for text in ["", "garbage", "{}", "[1]", "\u{0}"] {
        let (flow, _folder) = flow();
        flow.run::<here::Train>()?;
        fs::write(claim_file(&flow), text)?;
        open(&flow)?.with(changed::Train::N, 3).run::<changed::Train>()?;
        assert!(fs::read_to_string(claim_file(&flow))?.contains("model"), "{text}");
    }
    Ok(())
}

#[test]
fn an_unreadable_claim_is_an_error_and_an_unwritable_one_is_not() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fs = Faulty::new();
    let of_claims = |path: &Path| path.to_string_lossy().contains("/owners");
    fs.fail(move |_, op, path| {
        (op.changes() && of_claims(path)).then_some(Fault::Half(std::io::ErrorKind::StorageFull))
    });
    let flow = faulty_flow(folder.path(), &fs)?;
    assert_eq!(ran(&flow.run::<here::Train>()?), ["Train"]);
    assert!(!claim_file(&flow).exists());
    let error = flow.store().claim::<here::Train>().expect_err("it cannot be written");
    assert!(error.to_string().starts_with("cannot write"), "{error}");

    fs.fail(move |_, op, path| {
        (op == Op::Read && of_claims(path))
            .then_some(Fault::Refuse(std::io::ErrorKind::PermissionDenied))
    });
    let error = faulty_flow(folder.path(), &fs)?.is_complete::<here::Train>();
    let error = error.expect_err("it cannot be read").to_string();
    assert!(error.starts_with("cannot read") && error.contains("owners"), "{error}");
    Ok(())
}

/// A generic task, which is another type for each argument.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Power<const N: u32> {
    #[param(default = 2)]
    base: u64,
}

#[tracked]
impl<const N: u32> Run for Power<N> {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.base.pow(N))
    }
}

#[test]
fn each_type_of_a_generic_task_has_its_own_claim() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<(Power<2>, Power<3>)>()?;
    let claims = crate::support::files_below(&flow.folder().join(".flow/owners"));
    assert_eq!(claims.len(), 2, "{claims:?}");
    // One of them belongs to another crate, with another parameter.
    let claim = fs::read_to_string(&claims[0])?;
    let (own, other) = match claim.contains("Power<2>") {
        true => (claims[1].clone(), claims[0].clone()),
        false => (claims[0].clone(), claims[1].clone()),
    };
    let claim = fs::read_to_string(&other)?.replace("stores::", "other::");
    fs::write(&other, claim.replace("base", "root"))?;
    let error = plan_error::<Power<2>>(&open(&flow)?);
    assert!(error.contains("`Power<2>` of `other::task_owners`"), "{error}");
    assert!(open(&flow)?.is_complete::<Power<3>>()?);
    open(&flow)?.store().claim::<Power<2>>()?;
    assert!(open(&flow)?.is_complete::<(Power<2>, Power<3>)>()?);
    assert!(own.exists());
    Ok(())
}

#[test]
fn each_namespace_has_its_own_claims() -> Result<()> {
    let (flow, _folder) = flow();
    let mine = flow.namespace("mine");
    mine.run::<here::Train>()?;
    flow.run::<here::Train>()?;
    claim_for_another_crate(&mine)?;
    assert!(open(&flow)?.is_complete::<here::Train>()?);
    let mine = open(&flow)?.namespace("mine");
    assert!(plan_error::<changed::Train>(&mine).contains("`other::task_owners::here`"));
    // A claim in a namespace does not affect the base store.
    mine.store().claim::<changed::Train>()?;
    assert!(fs::read_to_string(claim_file(&mine))?.contains("model"));
    assert!(!fs::read_to_string(claim_file(&flow))?.contains("model"));
    Ok(())
}

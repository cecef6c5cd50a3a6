//! Two programs that use one folder: what is the same task goes on, and what is another one is told.
//!
//! A program is a crate, and these tests are one: the other one is what the store says of it.

use std::fs;

use flow::prelude::*;

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

fn claim_of(flow: &Flow) -> PathBuf {
    flow.folder().join(".flow/owners/Train")
}

/// Lets the outputs be those of another crate.
fn hand_to_another_crate(flow: &Flow) -> Result<()> {
    let claim = fs::read_to_string(claim_of(flow))?;
    assert!(claim.contains("\"behaviour::two_programs::"), "{claim}");
    Ok(fs::write(claim_of(flow), claim.replace("behaviour::", "other::"))?)
}

fn open(flow: &Flow) -> Result<Flow> {
    Ok(Flow::open(flow.folder())?.quiet())
}

#[test]
fn another_task_of_another_crate_is_an_error_with_both_and_the_remedy() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<here::Train>()?;
    hand_to_another_crate(&flow)?;
    let error = plan_error::<changed::Train>(&open(&flow)?);
    let folder = flow.folder().display();
    assert_eq!(
        error,
        format!(
            "the store in {folder} has outputs of `Train` of `other::two_programs::here` ({{n: u64}} → \
             Json<u64>), and this is `Train` of `behaviour::two_programs::changed` ({{model: String, n: \
             u64}} → Json<u64>): give one of them `#[task(name = \"...\")]`, or use another folder; if \
             it is the same task, say `flow.store().claim::<Train>()` once"
        )
    );
    // Nothing of the other's is removed, either.
    let error =
        open(&flow)?.store().clear_task::<changed::Train>().expect_err("they are another's");
    assert!(error.to_string().contains("has outputs of `Train`"), "{error}");
    // An environment is a store of its own, and so is another folder.
    assert_eq!(ran(&open(&flow)?.namespace("mine").run::<changed::Train>()?), ["Train"]);
    Ok(())
}

#[test]
fn a_task_that_was_moved_and_changed_is_claimed() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<here::Train>()?;
    hand_to_another_crate(&flow)?;
    let new = open(&flow)?;
    new.store().claim::<changed::Train>()?;
    assert_eq!(ran(&new.run::<changed::Train>()?), ["Train"]);
    assert!(ran(&open(&flow)?.run::<changed::Train>()?).is_empty());
    // What was made before is there as before.
    assert!(open(&flow)?.is_complete::<here::Train>()?);
    Ok(())
}

#[test]
fn a_name_is_given_up_by_a_reset_of_all_that_it_has() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<here::Train>()?;
    flow.store().clear_task::<here::Train>()?;
    assert!(!claim_of(&flow).exists());
    flow.run::<here::Train>()?;
    assert!(claim_of(&flow).exists(), "it has outputs again");
    flow.store().clear()?;
    assert!(!claim_of(&flow).exists());
    flow.run::<here::Train>()?;
    assert!(claim_of(&flow).exists());
    Ok(())
}

#[test]
fn what_is_the_same_task_takes_over_without_a_word() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<here::Train>()?;
    hand_to_another_crate(&flow)?;
    // In another crate and another module, with another parameter that does not count.
    let moved = open(&flow)?;
    assert!(!moved.with(moved::Train::N, 2).is_complete::<moved::Train>()?);
    assert!(fs::read_to_string(claim_of(&flow))?.contains("other::"), "a plan writes nothing");
    moved.with(moved::Train::N, 2).run::<moved::Train>()?;
    let claim = fs::read_to_string(claim_of(&flow))?;
    assert!(claim.contains("behaviour::two_programs::moved"), "{claim}");
    // Changed in its own crate.
    open(&flow)?.run::<changed::Train>()?;
    assert!(fs::read_to_string(claim_of(&flow))?.contains("model"));
    Ok(())
}

#[test]
fn a_claim_that_cannot_be_understood_claims_nothing() -> Result<()> {
    for text in ["", "garbage", "{}", "[1]", "\u{0}"] {
        let (flow, _folder) = flow();
        flow.run::<here::Train>()?;
        fs::write(claim_of(&flow), text)?;
        open(&flow)?.with(changed::Train::N, 3).run::<changed::Train>()?;
        assert!(fs::read_to_string(claim_of(&flow))?.contains("model"), "{text}");
    }
    Ok(())
}

#[test]
fn a_claim_that_cannot_be_read_is_an_error_and_one_that_cannot_be_written_is_none() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fs = Faulty::new();
    let of_claims = |path: &Path| path.to_string_lossy().contains("/owners");
    fs.fail(move |_, op, path| {
        (op.changes() && of_claims(path)).then_some(Fault::Half(std::io::ErrorKind::StorageFull))
    });
    let flow = faulty_flow(folder.path(), &fs)?;
    assert_eq!(ran(&flow.run::<here::Train>()?), ["Train"]);
    assert!(!claim_of(&flow).exists());
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

/// One type for each argument.
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
fn each_type_of_a_generic_task_has_a_name_of_its_own() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<(Power<2>, Power<3>)>()?;
    let claims = crate::support::files_below(&flow.folder().join(".flow/owners"));
    assert_eq!(claims.len(), 2, "{claims:?}");
    // One of them is another crate's, with another parameter.
    let claim = fs::read_to_string(&claims[0])?;
    let (own, other) = match claim.contains("Power<2>") {
        true => (claims[1].clone(), claims[0].clone()),
        false => (claims[0].clone(), claims[1].clone()),
    };
    let claim = fs::read_to_string(&other)?.replace("behaviour::", "other::");
    fs::write(&other, claim.replace("base", "root"))?;
    let error = plan_error::<Power<2>>(&open(&flow)?);
    assert!(error.contains("`Power<2>` of `other::two_programs`"), "{error}");
    assert!(open(&flow)?.is_complete::<Power<3>>()?);
    open(&flow)?.store().claim::<Power<2>>()?;
    assert!(open(&flow)?.is_complete::<(Power<2>, Power<3>)>()?);
    assert!(own.exists());
    Ok(())
}

#[test]
fn each_environment_has_claims_of_its_own() -> Result<()> {
    let (flow, _folder) = flow();
    let mine = flow.namespace("mine");
    mine.run::<here::Train>()?;
    flow.run::<here::Train>()?;
    hand_to_another_crate(&mine)?;
    assert!(open(&flow)?.is_complete::<here::Train>()?);
    let mine = open(&flow)?.namespace("mine");
    assert!(plan_error::<changed::Train>(&mine).contains("`other::two_programs::here`"));
    // A claim there is none here.
    mine.store().claim::<changed::Train>()?;
    assert!(fs::read_to_string(claim_of(&mine))?.contains("model"));
    assert!(!fs::read_to_string(claim_of(&flow))?.contains("model"));
    Ok(())
}

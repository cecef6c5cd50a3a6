//! `#[param(insignificant)]`: a parameter that does not affect the output and is not part of the key.

use flow::prelude::*;

use crate::support::{flow, key, plan_error, ran};

#[derive(Task, Clone)]
#[task(target = Json<u32>)]
struct Sort {
    #[param(default = 3)]
    n: u32,
    #[param(default = 1, insignificant)]
    threads: u32,
}

runs!(Sort: u32 = |self, _cx| Ok(self.n + 0 * self.threads));

#[derive(Task, Clone)]
#[task(requires = Sort, target = Json<u32>)]
struct Rank {
    #[param(default = 1, insignificant)]
    threads: u32,
}

runs!(Rank: u32 = |self, cx| Ok(*cx.input().load()? + 0 * self.threads));

#[test]
fn an_insignificant_parameter_is_not_in_the_key() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Rank>()?;
    let more = flow.with(Sort::THREADS, 8);
    assert_eq!((key::<Sort>(&more), key::<Rank>(&more)), (key::<Sort>(&flow), key::<Rank>(&flow)));
    assert_eq!(ran(&more.run::<Rank>()?), [""; 0]);
    assert_eq!(more.graph::<Sort>().instance::<Sort>()?.threads, 8);
    Ok(())
}

#[test]
fn an_insignificant_parameter_inherits_an_insignificant_value() -> Result<()> {
    let (flow, _folder) = flow();
    let more = flow.with(Rank::THREADS, 8);
    assert_eq!(more.graph::<Rank>().instance::<Sort>()?.threads, 8);
    assert_eq!(key::<Rank>(&more), key::<Rank>(&flow));
    Ok(())
}

/// Its output depends on the number of threads.
#[derive(Task)]
#[task(target = Json<u32>)]
struct Count {
    #[param(default = 1)]
    threads: u32,
}

runs!(Count: u32 = |self, _cx| Ok(self.threads));

#[derive(Task)]
#[task(requires = Count, target = Json<u32>)]
struct Between;

runs!(Between: u32 = |self, cx| Ok(*cx.input().load()?));

#[derive(Task)]
#[task(requires = Between, target = Json<u32>)]
struct Wrong {
    #[param(default = 1, insignificant)]
    threads: u32,
}

runs!(Wrong: u32 = |self, cx| Ok(*cx.input().load()? + 0 * self.threads));

#[test]
fn a_significant_parameter_must_not_inherit_an_insignificant_one() {
    let (flow, _folder) = flow();
    assert!(flow.preview::<Wrong>().is_ok(), "a default does not travel");
    assert_eq!(
        plan_error::<Wrong>(&flow.with(Wrong::THREADS, 2)),
        "`Count.threads` is inherited from `Wrong.threads`, which is insignificant, but counts \
         itself: mark both `#[param(insignificant)]`, or the first `#[param(local)]`\n  \
         required by: Wrong → Between → Count"
    );
}

/// Takes the value of an insignificant parameter for a significant one.
#[derive(Task)]
#[task(target = Json<u32>)]
struct Follows {
    #[param(from = Sort::THREADS)]
    threads: u32,
}

runs!(Follows: u32 = |self, _cx| Ok(self.threads));

#[test]
fn a_significant_parameter_must_not_take_from_an_insignificant_one() {
    let (flow, _folder) = flow();
    let error = "`Follows.threads` is `Sort.threads`, which is insignificant, but counts itself: mark \
                 both `#[param(insignificant)]`, or neither";
    assert_eq!(plan_error::<Follows>(&flow), error);
    assert_eq!(plan_error::<Follows>(&flow.with(Sort::THREADS, 2)), error);
}

#[derive(Task)]
#[task(requires(one = Decides { threads: 1 }, two = Decides { threads: 2 }), target = Json<u32>)]
struct Both;

runs!(Both: u32 = |self, cx| Ok(*cx.input().one.load()? + *cx.input().two.load()?));

/// Requires different instances, although its key is the same.
#[derive(Task)]
#[task(requires = Sort { n: self.threads }, target = Json<u32>)]
struct Decides {
    #[param(default = 1, insignificant, local)]
    threads: u32,
}

runs!(Decides: u32 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn requirements_must_not_depend_on_an_insignificant_parameter() {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<Both>(&flow),
        "`Decides` requires other tasks than the same instance elsewhere in this flow: what it \
         requires must follow from its significant parameters alone\n  \
         required by: Both → Decides"
    );
}

//! The role of an input counts: the same data in another role is another input.

use flow::Code;
use flow::prelude::*;

use crate::support::{flow, preview, ran};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Half {
    n: u64,
}

runs!(Half: u64 = |self, _cx| Ok(self.n));

/// A release in which only the names in `requires` differ: neither the code, nor the instances, nor
/// their order.
macro_rules! release {
    ($module:ident, $first:ident, $second:ident) => {
        mod $module {
            use super::*;

            #[derive(Task)]
            #[task(requires($first = Half { n: 1 }, $second = Half { n: 2 }), target = Json<u64>)]
            pub(super) struct Whole;

            impl Run for Whole {
                const CODE: Code = Code::version(1);

                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    let inputs = cx.input();
                    Ok(*inputs.left.load()? * 10 + *inputs.right.load()?)
                }
            }
        }
    };
}

release!(before, left, right);
release!(after, right, left);

#[test]
fn exchanged_roles_of_inputs_are_a_reason_to_run() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<before::Whole>()?;
    assert_eq!(*flow.load::<before::Whole>()?, 12);
    let later = Flow::open(flow.folder())?.quiet();
    assert!(!later.is_complete::<after::Whole>()?);
    let shown = preview::<after::Whole>(&later);
    assert!(shown.contains("PENDING input"), "{shown}");
    assert_eq!(ran(&later.run::<after::Whole>()?), ["Whole"]);
    assert_eq!(*later.load::<after::Whole>()?, 21);
    Ok(())
}

/// The same names, in another order.
mod reordered {
    use super::*;

    #[derive(Task)]
    #[task(requires(right = Half { n: 2 }, left = Half { n: 1 }), target = Json<u64>)]
    pub(super) struct Whole;

    impl Run for Whole {
        const CODE: Code = Code::version(1);

        fn run(&self, cx: &Cx<Self>) -> Result<u64> {
            let inputs = cx.input();
            Ok(*inputs.left.load()? * 10 + *inputs.right.load()?)
        }
    }
}

#[test]
fn another_order_of_inputs_is_a_reason_to_run() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<before::Whole>()?;
    let later = Flow::open(flow.folder())?.quiet();
    let shown = preview::<reordered::Whole>(&later);
    assert!(shown.starts_with("Whole PENDING input: in another order\n"), "{shown}");
    let why = later.why::<reordered::Whole>()?.to_string();
    assert_eq!(why, "Whole: input: in another order");
    assert_eq!(ran(&later.run::<reordered::Whole>()?), ["Whole"]);
    Ok(())
}

//! What counts as different code: the digest of the tokens that the compiler passes to the macro.

use wf::prelude::Run;

mod plain {
    use wf::prelude::*;

    #[derive(Task)]
    #[task(target = Json<i32>)]
    pub struct Train;

    #[tracked]
    impl Run for Train {
        fn run(&self, _: &Cx<Self>) -> Result<i32> {
            let x = -1;
            let pair = (x, vec![1, 2]);
            Ok(i32::max(x, pair.0) + pair.1.iter().map(|&y| y + x).sum::<i32>())
        }
    }
}

#[rustfmt::skip]
mod formatted {
    use wf::prelude::*;

    #[derive(Task)]
    #[task(target = Json<i32>)]
    pub struct Train;

    /// How it is computed.
    #[tracked]
    #[allow(clippy::all)]
    impl   Run   for   Train   {
        #![allow(clippy::identity_op)]

        /// Computes it.
        fn run(
            &self,
            _: &Cx<Self,>,
        ) -> Result<i32> {
            // A comment.
            let x=-1;
            let pair=(x,vec![1,2,],);
            Ok(i32::max(x,pair.0,)+pair.1.iter().map(|& y|y+x).sum::<i32>(),)
        }
    }
}

mod changed {
    use wf::prelude::*;

    #[derive(Task)]
    #[task(target = Json<i32>)]
    pub struct Train;

    #[tracked]
    impl Run for Train {
        fn run(&self, _: &Cx<Self>) -> Result<i32> {
            let x = -2;
            let pair = (x, vec![1, 2]);
            Ok(i32::max(x, pair.0) + pair.1.iter().map(|&y| y + x).sum::<i32>())
        }
    }
}

#[test]
fn the_format_of_the_source_does_not_count() {
    assert_eq!(<plain::Train as Run>::CODE, <formatted::Train as Run>::CODE);
    assert_ne!(<plain::Train as Run>::CODE, <changed::Train as Run>::CODE);
    let shown = format!("{:?}", <plain::Train as Run>::CODE);
    assert!(shown.contains("impl Run for Train\\t"), "{shown}");
    assert!(shown.contains("tracked_digest.rs"), "{shown}");
}

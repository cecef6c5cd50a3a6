//! What counts as another code, as the compiler hands the tokens over.

#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

mod plain {
    use crate::prelude::*;

    #[derive(Task)]
    #[task(target = Keep<i32>)]
    pub struct Train;

    #[tracked]
    impl Run for Train {
        fn run(&self, _: &Cx<Self>) -> Result<i32> {
            let x = -1;
            let pair = (x, vec![1, 2]);
            Ok(i32::max(x, pair.0) + pair.1.iter().map(|&y| y).sum::<i32>())
        }
    }
}

mod formatted {
    use crate::prelude::*;

    #[derive(Task)]
    #[task(target = Keep<i32>)]
    pub struct Train;

    /// How it is made.
    #[tracked]
    #[allow(clippy::all)]
    impl   Run   for   Train   {
        #![allow(clippy::identity_op)]

        /// Makes it.
        fn run(
            &self,
            _: &Cx<Self,>,
        ) -> Result<i32> {
            // A comment.
            let x=-1;
            let pair=(x,vec![1,2,],);
            Ok(i32::max(x,pair.0,)+pair.1.iter().map(|& y|y).sum::<i32>(),)
        }
    }
}

mod changed {
    use crate::prelude::*;

    #[derive(Task)]
    #[task(target = Keep<i32>)]
    pub struct Train;

    #[tracked]
    impl Run for Train {
        fn run(&self, _: &Cx<Self>) -> Result<i32> {
            let x = -2;
            let pair = (x, vec![1, 2]);
            Ok(i32::max(x, pair.0) + pair.1.iter().map(|&y| y).sum::<i32>())
        }
    }
}

fn main() {
    assert_eq!(<plain::Train as Run>::CODE, <formatted::Train as Run>::CODE);
    assert_ne!(<plain::Train as Run>::CODE, <changed::Train as Run>::CODE);
    let shown = format!("{:?}", <plain::Train as Run>::CODE);
    assert!(shown.contains("impl Run for Train\\ttracked_digest.rs"), "{shown}");
}

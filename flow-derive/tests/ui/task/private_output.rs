#[path = "../prelude.rs"]
mod prelude;

mod inner {
    use crate::prelude::*;

    struct Row;

    #[derive(Task)]
    #[task(target = Keep<Row>)]
    pub struct Train;

    #[tracked]
    impl Run for Train {
        fn run(&self, _: &Cx<Self>) -> Result<Row> {
            Ok(Row)
        }
    }

}

fn main() {}

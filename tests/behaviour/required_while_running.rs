//! Tasks that require others while they run.

use flow::prelude::*;

use crate::support::{cut_off, flow, ran};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Square {
    n: u64,
    #[param(default = 0)]
    shift: u64,
}

runs!(Square: u64 = |self, _cx| Ok(self.n * self.n + self.shift));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Sum {
    #[param(default = 3)]
    up_to: u64,
}

runs!(Sum: u64 = |self, cx| {
    let squares = cx.over(Square::N, 1..=self.up_to).require::<Square>()?;
    squares.iter().map(|square| Ok(*square.load()?)).sum()
});

#[test]
fn what_is_required_runs_and_is_recorded() -> Result<()> {
    for workers in [1, 4] {
        let (flow, _folder) = flow();
        let flow = flow.workers(workers);
        let summary = flow.run::<Sum>()?;
        assert_eq!(ran(&summary), ["Square", "Square", "Square", "Sum"]);
        assert_eq!(*flow.load::<Sum>()?, 14);
        assert!(flow.is_complete::<Sum>()?);
        assert!(flow.run::<Sum>()?.ran().is_empty());

        // One more of them, the others are there.
        let more = flow.with(Sum::UP_TO, 4);
        assert_eq!(ran(&more.run::<Sum>()?), ["Square", "Sum"]);
        assert_eq!(*more.load::<Sum>()?, 30);
        assert!(flow.is_complete::<Sum>()?);

        // One of them is made again, and gives the same.
        flow.with(Square::N, 2).reset::<Square>()?;
        assert!(!flow.is_complete::<Sum>()?);
        let summary = flow.run::<Sum>()?;
        assert_eq!((ran(&summary), cut_off(&summary)), (vec!["Square".into()], vec!["Sum".into()]));
    }
    Ok(())
}

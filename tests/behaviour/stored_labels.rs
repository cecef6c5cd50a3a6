//! `store().list()` labels outputs as previews and the names of folders do.

use flow::prelude::*;

use crate::support::flow;

#[derive(Task)]
#[task(target = Json<u64>)]
struct Prices {
    #[param(default = 3)]
    days: u64,
    #[param(default = 0)]
    lag: u64,
}
runs!(Prices: u64 = |self, cx| Ok(self.days + self.lag));

#[derive(Task)]
#[task(requires = Prices, target = Json<u64>)]
struct Mean {
    #[param(default = 1)]
    by: u64,
}
runs!(Mean: u64 = |self, cx| Ok(*cx.input().load()? / self.by));

fn labels(flow: &Flow) -> Result<Vec<String>> {
    let stored = flow.store().list()?.into_iter();
    let mut labels: Vec<_> =
        stored.filter(|one| one.task == "Mean").map(|one| one.instance).collect();
    labels.sort();
    Ok(labels)
}

#[test]
fn outputs_with_other_parameters_upstream_have_other_labels() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Mean>()?;
    assert_eq!(labels(&flow)?, ["Mean {by: 1}"]);
    let week = flow.with(Prices::DAYS, 7);
    week.run::<Mean>()?;
    week.with(Prices::LAG, 1).run::<Mean>()?;
    assert_eq!(
        labels(&flow)?,
        [
            "Mean {by: 1, Prices.days: 7, Prices.lag: 1}",
            "Mean {by: 1, Prices.days: 7}",
            "Mean {by: 1}",
        ]
    );
    // The preview has the same label.
    let preview = week.preview::<Mean>()?;
    let root = preview.instances().next_back().context("a root")?;
    assert_eq!(root.to_string(), "Mean {by: 1, Prices.days: 7}");
    Ok(())
}

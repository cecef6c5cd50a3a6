//! The results of a check and of `store().list()` print as short texts.

use std::fs;

use flow::prelude::*;

use crate::support::flow;

#[derive(Task)]
#[task(target = Json<u64>)]
struct Prices {
    #[param(default = 3)]
    days: u64,
}
runs!(Prices: u64 = |self, cx| Ok(self.days));

#[derive(Task)]
#[task(requires = Prices, target = Json<u64>)]
struct Mean {
    #[param(default = 1)]
    by: u64,
}
runs!(Mean: u64 = |self, cx| Ok(*cx.input().load()? / self.by));

#[derive(Task)]
#[task(target = Memory<u64>)]
struct Held;
runs!(Held: u64 = |self, cx| Ok(1));

#[test]
fn a_check_prints_the_number_of_tasks_and_its_warnings() {
    let (flow, _folder) = flow();
    let checked = flow.check::<Mean>().expect("a valid flow");
    assert_eq!(checked.to_string(), "2 tasks checked: no problems");
    let checked = flow::check::<Held>().expect("a valid flow");
    assert_eq!(checked.to_string(), "1 task checked: no problems");
    // No task upstream of `Prices` has this parameter.
    let checked = flow.with(Mean::BY, 2).check::<Prices>().expect("a valid flow");
    assert_eq!(checked.warnings.len(), 1);
    let text = format!("1 task checked: no problems\nwarning: {}", checked.warnings[0]);
    assert_eq!(checked.to_string(), text);
}

#[test]
fn a_stored_output_prints_its_label_size_state_and_time() -> Result<()> {
    let (flow, _folder) = flow();
    flow.with(Mean::BY, 2).run::<(Mean, Held)>()?;
    let printed = || -> Result<Vec<String>> {
        Ok(flow.store().list()?.iter().map(ToString::to_string).collect())
    };
    let has = |start: &str| -> Result<()> {
        let printed = printed()?;
        let line = printed.iter().find(|line| line.starts_with(start));
        let line = line.with_context(|| format!("{start}: {printed:?}"))?;
        ensure!(line.contains(" UTC in ") && !line.contains('\n'), "{line}");
        Ok(())
    };
    has("Held: 0 B, in memory only, ran 2")?;
    has("Mean {by: 2}: 1 B, stored, ran 2")?;
    has("Prices {days: 3}: 1 B, stored, ran 2")?;
    fs::remove_file(flow.output::<Prices>()?.path()?)?;
    has("Prices {days: 3}: 1 B, 1 of 1 files missing, ran 2")?;
    let stored = flow.store().list()?;
    let of =
        |task: &str| stored.iter().find(|one| one.task == task).map(|one| (one.files, one.missing));
    assert_eq!([of("Held"), of("Mean"), of("Prices")], [Some((0, 0)), Some((1, 0)), Some((1, 1))]);
    Ok(())
}

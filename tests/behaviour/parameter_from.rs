//! `#[param(from = Task::PARAM)]`: a field is another task's parameter.

use flow::prelude::*;

use crate::support::{flow, plan_error, preview};

#[derive(Task, Clone)]
#[task(target = Json<bool>)]
struct Prepare {
    #[param(default = true)]
    scale: bool,
    #[param(default = 3, range = 1..=9)]
    folds: u8,
}

runs!(Prepare: bool = |self, _cx| Ok(self.scale && self.folds > 0));

#[derive(Task, Clone)]
#[task(requires = Prepare, target = Json<bool>)]
struct Report {
    #[param(from = Prepare::SCALE)]
    scaled: bool,
    #[param(from = Prepare::FOLDS)]
    parts: u8,
}

runs!(Report: bool = |self, cx| Ok(self.scaled == *cx.input().load()? && self.parts > 0));

/// An alias of an alias.
#[derive(Task, Clone)]
#[task(requires = Report, target = Json<bool>)]
struct Cover {
    #[param(from = Report::SCALED)]
    title: bool,
}

runs!(Cover: bool = |self, cx| Ok(self.title == *cx.input().load()?));

fn values(flow: &Flow) -> (bool, bool, bool) {
    let of = flow.graph::<Cover>();
    let cover = of.instance::<Cover>().expect("one").title;
    let report = of.instance::<Report>().expect("one").scaled;
    (cover, report, of.instance::<Prepare>().expect("one").scale)
}

#[test]
fn it_has_the_default_of_the_other_parameter() {
    let (flow, _folder) = flow();
    assert_eq!(values(&flow), (true, true, true));
}

#[test]
fn giving_a_value_to_either_parameter_gives_it_to_both() {
    let (flow, _folder) = flow();
    assert_eq!(values(&flow.with(Prepare::SCALE, false)), (false, false, false));
    assert_eq!(values(&flow.with(Cover::TITLE, false)), (false, false, false));
    // A value given to the task in between also reaches the task upstream of it.
    assert_eq!(values(&flow.with(Report::SCALED, false)), (false, false, false));
    assert_eq!(values(&flow.with_named("scale", false)), (false, false, false));
}

#[test]
fn a_with_applies_to_aliases() -> Result<()> {
    #[derive(Task)]
    #[task(requires = Cover with Prepare::SCALE = false, target = Json<bool>)]
    struct Book;

    runs!(Book: bool = |self, cx| Ok(*cx.input().load()?));

    let (flow, _folder) = flow();
    assert_eq!(
        preview::<Book>(&flow),
        "Book PENDING never run\n\
         └─ Cover {title: false} PENDING never run\n   \
            └─ Report {scaled: false, parts: 3} PENDING never run\n      \
               └─ Prepare {scale: false, folds: 3} PENDING never run"
    );
    flow.run::<Book>()?;
    // `Book` fixes the value itself, so the flow cannot change it.
    let other = flow.with(Prepare::SCALE, true);
    assert!(other.is_complete::<Book>()?);
    Ok(())
}

/// Has the parameter of a task that it does not require.
#[derive(Task, Clone)]
#[task(target = Json<bool>)]
struct Alone {
    #[param(from = Prepare::SCALE)]
    scale: bool,
}

runs!(Alone: bool = |self, _cx| Ok(self.scale));

#[derive(Task)]
#[task(requires = Alone with Prepare::SCALE = false, target = Json<bool>)]
struct AboveAlone;

runs!(AboveAlone: bool = |self, cx| Ok(*cx.input().load()?));

#[test]
fn the_other_task_need_not_be_required() -> Result<()> {
    let (flow, _folder) = flow();
    assert!(flow.graph::<Alone>().instance::<Alone>()?.scale);
    assert!(!flow.with(Prepare::SCALE, false).graph::<Alone>().instance::<Alone>()?.scale);
    flow.run::<AboveAlone>()?;
    assert!(!*flow.load::<AboveAlone>()?);
    Ok(())
}

#[test]
fn the_range_of_the_other_parameter_applies() {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<Report>(&flow.with(Report::PARTS, 10)),
        "`Report.parts` is 10, which is not in 1..=9"
    );
}

#[derive(Task)]
#[task(target = Json<u8>)]
struct Chicken {
    #[param(from = Egg::FROM)]
    from: u8,
}

runs!(Chicken: u8 = |self, _cx| Ok(self.from));

#[derive(Task)]
#[task(target = Json<u8>)]
struct Egg {
    #[param(from = Chicken::FROM)]
    from: u8,
}

runs!(Egg: u8 = |self, _cx| Ok(self.from));

#[test]
fn parameters_that_are_declared_from_each_other_are_an_error() {
    let (flow, _folder) = flow();
    assert_eq!(
        plan_error::<Chicken>(&flow),
        "`Chicken.from` is itself: Chicken.from → Egg.from → Chicken.from; give one of them a \
         default instead of `from`"
    );
}

//! Errors of a sweep are reported before any task runs.

use flow::Roots;
use flow::prelude::*;
use flow::sweep::Sweep;

use crate::support::flow;

#[derive(Task)]
#[task(target = Json<f64>)]
struct Get {
    #[param(default = 1.0, range = 0.0..=10.0)]
    c: f64,
}

runs!(Get: f64 = |self, _cx| Ok(self.c));

#[derive(Task)]
#[task(requires = Get, target = Json<f64>)]
struct Fit {
    #[param(default = 1)]
    degree: u32,
    #[param(default = String::new())]
    name: String,
}

runs!(Fit: f64 = |self, cx| Ok(*cx.input().load()? * f64::from(self.degree)));

/// Not required by any task.
#[derive(Task)]
#[task(target = Json<u32>)]
struct Other {
    #[param(default = 1)]
    n: u32,
}

runs!(Other: u32 = |self, _cx| Ok(self.n));

/// Returns the error that every operation of a wrong sweep reports.
fn error<R: Roots>(sweep: &Sweep<R>) -> String {
    let error = sweep.run().expect_err("the sweep is wrong");
    assert!(matches!(error, flow::Error::Plan(_)), "{error:?}");
    let text = error.to_string();
    assert_eq!(sweep.preview().expect_err("the sweep is wrong").to_string(), text);
    assert_eq!(sweep.table().expect_err("the sweep is wrong").to_string(), text);
    assert_eq!(sweep.is_complete().expect_err("the sweep is wrong").to_string(), text);
    text
}

/// Returns the error of a sweep that is wrong whatever its tasks are. Iterating over its variants
/// reports it too, instead of silently doing nothing.
fn wrong<R: Roots>(sweep: &Sweep<R>) -> String {
    let text = error(sweep);
    assert_eq!(sweep.names().expect_err("the sweep is wrong").to_string(), text);
    assert_eq!(sweep.len().expect_err("the sweep is wrong").to_string(), text);
    assert_eq!(sweep.is_empty().expect_err("the sweep is wrong").to_string(), text);
    let iter = sweep.iter().map(|variants| variants.len());
    assert_eq!(iter.expect_err("the sweep is wrong").to_string(), text);
    assert!(format!("{sweep:?}").contains(&text), "{sweep:?}");
    text
}

#[test]
fn a_sweep_without_variants_is_an_error() {
    let (flow, _folder) = flow();
    let none = "the sweep has no variants: add some with `over`, `variant` or `setting`";
    assert_eq!(wrong(&flow.sweep::<Fit>()), none);
    let empty = flow.sweep::<Fit>().over(Get::C, [1.0]).over(Fit::DEGREE, [0; 0]);
    assert_eq!(
        wrong(&empty),
        "the sweep gives no values for `Fit.degree`, so that it has no variants"
    );
    assert!(empty.get("c=1.0").is_none());
    assert_eq!(wrong(&flow.sweep::<Fit>().over(Get::C, [1.0]).sample(0, 1)), none);
}

#[test]
fn duplicate_or_empty_names_are_errors() {
    let (flow, _folder) = flow();
    let twice = flow.sweep::<Fit>().variant("a", |a| a).variant("a", |a| a.with(Fit::DEGREE, 2));
    assert_eq!(wrong(&twice), "the sweep has two variants with the name `a`");
    let nameless = flow.sweep::<Fit>().variant(" ", |a| a);
    assert!(wrong(&nameless).starts_with("the sweep has a variant without a name"));
}

#[test]
fn a_parameter_set_in_two_places_is_an_error() {
    let (flow, _folder) = flow();
    let twice = flow.sweep::<Fit>().over(Fit::DEGREE, [1]).over(Fit::DEGREE, [2]);
    let expected = "the sweep sets `Fit.degree` twice: value by value, and value by value; leave one of them out";
    assert_eq!(wrong(&twice), expected);
    let both = flow.sweep::<Fit>().variant("a", |a| a.with(Fit::DEGREE, 1)).over(Fit::DEGREE, [2]);
    let expected = "the sweep sets `Fit.degree` twice: in the variant `a`, and value by value; leave one of them out";
    assert_eq!(wrong(&both), expected);
}

#[test]
fn the_error_for_a_value_out_of_range_names_the_variant() {
    let (flow, folder) = flow();
    let sweep = flow.sweep::<Fit>().over(Fit::DEGREE, [1, 2]).over(Get::C, [1.0, 11.0]);
    let expected = "`Get.c` is 11.0, which is not in 0.0..=10.0\n  \
                    required by: Fit → Get\n  in the variant `degree=1,c=11.0`";
    assert_eq!(error(&sweep), expected);
    assert!(!folder.path().join("data/Get").exists(), "nothing has run");

    let named =
        flow.sweep::<Fit>().variant("a", |a| a).variant("b", |b| b.with_named("degrees", 2));
    let expected = "no task that is required here has a parameter `degrees`: did you mean `degree`?\n  \
                    in the variant `b`";
    assert_eq!(error(&named), expected);
    let two = flow.sweep::<Fit>().variant("b", |b| b.with_named("degree", "two"));
    assert!(error(&two).starts_with("the value given for `degree` does not fit `Fit.degree`"));
}

/// Returns the error that planning the sweep finds, and that all operations that need a plan
/// report.
fn planned<R: Roots, A: Task>(sweep: &Sweep<R>) -> String {
    let text = error(sweep);
    let wrong = "the sweep is wrong";
    assert_eq!(sweep.max_by("x").expect_err(wrong).to_string(), text);
    assert_eq!(sweep.load::<A>().map(drop).expect_err(wrong).to_string(), text);
    assert_eq!(sweep.load_each::<A>().map(drop).expect_err(wrong).to_string(), text);
    assert_eq!(sweep.outputs::<A>().map(drop).expect_err(wrong).to_string(), text);
    assert_eq!(sweep.plot().map(drop).expect_err(wrong).to_string(), text);
    assert_eq!(sweep.reset_roots().map(drop).expect_err(wrong).to_string(), text);
    assert_eq!(sweep.clone().missing(1).run().expect_err(wrong).to_string(), text);
    text
}

/// Requires `Fit`, whose degree it sets itself, and `Other` under a condition.
#[derive(Task)]
#[task(requires(Fit { degree: 3 }, Other if self.more), target = Json<u32>)]
struct Maybe {
    more: bool,
}

runs!(Maybe: u32 = |self, _cx| Ok(u32::from(self.more)));

#[test]
fn a_value_that_reaches_no_task_in_any_variant_is_an_error() {
    let (flow, folder) = flow();
    let expected = "the sweep gives values for `Other.n`, and they reach nothing in any variant of `Fit`: \
                    nothing requires `Other` there; leave `n` out of the sweep, or let something require \
                    `Other`";
    let axis = flow.sweep::<Fit>().over(Other::N, [1, 2]).over(Fit::DEGREE, [1, 2]);
    assert_eq!(planned::<_, Fit>(&axis), expected);
    let setting = flow.sweep::<Fit>().variant("base", |fit| fit);
    let setting = setting.variant("more", |fit| fit.with(Other::N, 2).with(Fit::DEGREE, 2));
    assert_eq!(planned::<_, Fit>(&setting), expected);
    assert!(!folder.path().join("data/Get").exists(), "nothing has run");
}

#[test]
fn a_value_that_every_requirement_overrides_is_an_error() {
    let (flow, _folder) = flow();
    let sweep = flow.with(Maybe::MORE, true).sweep::<Maybe>().over(Fit::DEGREE, [1, 2]);
    let expected = "the sweep gives values for `Fit.degree`, and they reach nothing in any variant of \
                    `Maybe`: no variant requires `Fit`, or what requires it gives `degree` a value of its \
                    own; leave `degree` out of the sweep, or that value out of the requirement";
    assert_eq!(planned::<_, Maybe>(&sweep), expected);
    let named = flow.with(Maybe::MORE, true).sweep::<Maybe>();
    let named = named.setting(|maybe| maybe.with_named("degree", 2));
    let expected = "the sweep gives values for `degree`, and they reach nothing in any variant of `Maybe`: no \
                    variant requires a task that takes it, ";
    assert!(planned::<_, Maybe>(&named).starts_with(expected), "{}", error(&named));
    // The message names all roots. A value that reaches one of them is no error.
    let both = flow.with(Maybe::MORE, false).sweep::<(Maybe, Get)>().over(Other::N, [1]);
    assert!(error(&both).contains("any variant of `Maybe`, `Get`: no variant requires `Other`"));
    let both = flow.with(Maybe::MORE, false).sweep::<(Maybe, Fit)>().over(Fit::DEGREE, [1, 2]);
    assert!(both.run().is_ok());
}

#[test]
fn a_value_that_reaches_a_task_in_one_variant_is_allowed() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = || flow.sweep::<Maybe>().over(Maybe::MORE, [false, true]).over(Other::N, [1, 2]);
    assert!(sweep().preview()?.warnings().is_empty());
    // Also if the variants that it reaches are left for later, or complete.
    for ran in [1, 1, 1, 0] {
        assert!(sweep().missing(1).preview()?.warnings().is_empty());
        let summary = sweep().missing(1).run()?;
        assert!(summary.warnings().is_empty(), "{summary}");
        let maybes = summary.ran().iter().filter(|entry| entry.task() == "Maybe").count();
        assert_eq!(maybes, ran, "{summary}");
    }
    assert!(sweep().is_complete()?);
    // A value given by the flow may be meant for other tasks, so it is only a warning.
    let given = flow.with(Other::N, 2).sweep::<Fit>().over(Fit::DEGREE, [1]);
    let warnings: Vec<_> = given.preview()?.warnings().iter().map(ToString::to_string).collect();
    let expected = "the value given for `Other.n` is not used: no task of the graph takes it";
    assert_eq!(warnings, [expected]);
    assert_eq!(given.run()?.warnings().len(), 1);
    Ok(())
}

#[test]
fn the_error_for_an_incomplete_variant_names_the_remedy() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Fit>().over(Fit::DEGREE, [1, 2]).over(Get::C, [1.0, 2.0]);
    sweep["degree=1,c=1.0"].run::<Fit>()?;
    let expected = "Fit {degree: 1, Get.c: 2.0, name: \"\"} is not complete (never run) in the variant `degree=1,c=2.0`: run it \
                    with `sweep.run()`";
    assert_eq!(sweep.load::<Fit>().unwrap_err().to_string(), expected);
    assert_eq!(sweep.outputs::<Fit>().map(drop).unwrap_err().to_string(), expected);
    let each = sweep.load_each::<Fit>()?;
    assert_eq!(**each["degree=1,c=1.0"].as_ref().unwrap(), 1.0);
    assert_eq!(each["degree=1,c=2.0"].as_ref().unwrap_err().to_string(), expected);
    // An incomplete requirement is reported likewise. If several variants share it, the error names
    // the variant that was asked for.
    let each = sweep.outputs_each::<Get>()?;
    let expected = "Get {c: 2.0} is not complete (never run) in the variant `degree=2,c=2.0`: run it with \
                    `sweep.run()`";
    let error = each["degree=2,c=2.0"].as_ref().map(drop).unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert!(
        matches!(error, flow::Error::NotComplete { variant: Some(name), .. } if name == "degree=2,c=2.0")
    );
    // For a single flow, the message suggests `flow.run`.
    let alone = sweep["degree=2,c=2.0"].load::<Fit>().unwrap_err().to_string();
    assert!(alone.ends_with(": run it with `flow.run::<Fit>()`"), "{alone}");
    sweep.run()?;
    assert_eq!(sweep.load::<Fit>()?.len(), 4);
    Ok(())
}

#[test]
fn the_error_for_an_unknown_variant_lists_the_variants() {
    let (flow, _folder) = flow();
    let sweep =
        flow.sweep::<Fit>().variant("linear", |a| a).variant("cubic", |a| a.with(Fit::DEGREE, 3));
    assert!(sweep.get("quadratic").is_none() && sweep.get("cubic").is_some());
    let message = |name: &str| {
        let index = std::panic::AssertUnwindSafe(|| drop(sweep[name].clone()));
        let panic = std::panic::catch_unwind(index).expect_err("there is none");
        panic.downcast_ref::<String>().expect("a message").clone()
    };
    assert_eq!(message("lineal"), "the sweep has no variant `lineal`: did you mean `linear`?");
    assert_eq!(message("x"), "the sweep has no variant `x`: it has `linear`, `cubic`");
    // For a wrong sweep, the message is the error of the sweep.
    let wrong = flow.sweep::<Fit>();
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(wrong["a"].clone())));
    let panic = panic.expect_err("there is none");
    let message = panic.downcast_ref::<String>().expect("a message");
    assert!(message.starts_with("the sweep has no variants"), "{message}");
}

#[test]
fn ranges_need_a_sample_and_valid_bounds() {
    let (flow, _folder) = flow();
    let range = |range| flow.sweep::<Fit>().uniform(Get::C, range);
    let expected = "the values of `Get.c` are drawn from a range, and the sweep has no number of samples: add \
         `.sample(n, seed)`";
    assert_eq!(wrong(&range(0.0..1.0)), expected);
    // It is reported before other mistakes.
    let other = range(0.0..1.0).over(Fit::DEGREE, [0; 0]);
    assert_eq!(wrong(&other), expected);
    assert_eq!(wrong(&range(1.0..1.0).sample(3, 1)), "the range 1.0..1.0 for `Get.c` is empty");
    let infinite = "the range 0.0..inf for `Get.c` has an end that is not finite";
    assert_eq!(wrong(&range(0.0..f64::INFINITY).sample(3, 1)), infinite);
    let zero = flow.sweep::<Fit>().log_uniform(Get::C, 0.0..1.0).sample(3, 1);
    assert!(wrong(&zero).starts_with("the range 0.0..1.0 for `Get.c` does not begin above zero"));
}

#[test]
fn infinite_lists_of_values_are_errors() {
    let (flow, _folder) = flow();
    let endless = flow.sweep::<Fit>().over(Other::N, 0..);
    let expected = "the sweep was given more than 1000000 values for `Other.n`: let them be drawn from a \
                    range, with `uniform`";
    assert_eq!(wrong(&endless), expected);
    assert_eq!(wrong(&endless.sample(3, 1)), expected);
    let endless = flow.sweep::<Fit>().settings(0.., |fit, n: u32| fit.with(Other::N, n));
    assert!(wrong(&endless).starts_with("the sweep was given more than 1000000 settings: "));
}

#[test]
fn control_characters_in_names_are_escaped_in_messages() -> Result<()> {
    let (flow, _folder) = flow();
    let (name, shown) = ("a\u{1b}[31m\u{202e}b", "a\\u{1b}[31m\\u{202e}b");
    let is_clean = |text: &str| text.contains(shown) && !text.contains(['\u{1b}', '\u{202e}']);
    let named = |c: f64| flow.sweep::<Fit>().variant(name, move |fit| fit.with(Get::C, c));
    let texts = [
        error(&named(11.0)),
        error(&named(1.0).variant(name, |fit| fit)),
        error(&named(1.0).over(Get::C, [2.0])),
        named(1.0).reset("other").unwrap_err().to_string(),
        named(1.0).max_by("loss").unwrap_err().to_string(),
        named(1.0).variant("same", |fit| fit).table()?.to_string(),
    ];
    for text in texts {
        assert!(is_clean(&text), "{text:?}");
    }
    Ok(())
}

#[test]
fn a_grid_with_millions_of_variants_is_an_error() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Fit>().over(Fit::DEGREE, 0..2000).over(Get::C, vec![0.5; 1000]);
    let expected = "the sweep has 2000000 variants, and more than 1000000 are not made: try some of them, \
                    with `sample(n, seed)`";
    assert_eq!(wrong(&sweep), expected);
    assert_eq!(sweep.sample(10, 1).len()?, 10);
    Ok(())
}

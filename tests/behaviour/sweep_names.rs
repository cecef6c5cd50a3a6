//! The variants of a sweep and their names.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use flow::jiff::civil::{Date, date};
use flow::prelude::*;

use crate::support::flow;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Kernel {
    Linear,
    Poly { degree: u32 },
}

#[derive(Task)]
#[task(target = Json<u32>)]
struct Get {
    #[param(default = 1.0)]
    c: f64,
    #[param(default = String::new())]
    text: String,
}

runs!(Get: u32 = |self, _cx| Ok(1));

#[derive(Task)]
#[task(requires = Get, target = Json<u32>)]
struct Fit {
    #[param(default = 1.0)]
    c: f64,
    #[param(default = 1)]
    degree: u32,
    #[param(default = Kernel::Linear)]
    kernel: Kernel,
    #[param(default = Secret::new(String::new()))]
    key: Secret<String>,
}

runs!(Fit: u32 = |self, _cx| Ok(self.degree));

#[test]
fn variants_of_a_grid_are_named_by_their_values() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Fit>().over(Fit::C, [0.1, 1.0]).over(Fit::DEGREE, [1, 2]);
    let names = ["c=0.1,degree=1", "c=0.1,degree=2", "c=1.0,degree=1", "c=1.0,degree=2"];
    assert_eq!(sweep.names()?, names);
    let kernels =
        flow.sweep::<Fit>().over(Fit::KERNEL, [Kernel::Linear, Kernel::Poly { degree: 2 }]);
    assert_eq!(kernels.names()?, ["kernel=Linear", "kernel=Poly {degree: 2}"]);
    Ok(())
}

#[test]
fn parameters_of_one_name_are_qualified_by_their_task() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Fit>().over(Fit::C, [0.1]).over(Get::C, [1.0]).over(Fit::DEGREE, [1]);
    assert_eq!(sweep.names()?, ["Fit.c=0.1,Get.c=1.0,degree=1"]);
    let both = flow.sweep::<Fit>().setting(|fit| fit.with(Fit::C, 0.5).with_named("c", 0.1));
    assert_eq!(both.names()?, ["Fit.c=0.5,c=0.1"]);
    Ok(())
}

#[test]
fn named_variants_are_combined_with_a_grid() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow
        .sweep::<Fit>()
        .over(Fit::C, [0.1, 1.0])
        .variant("line", |fit| fit)
        .variant("curve", |fit| fit.with(Fit::DEGREE, 3))
        .setting(|fit| fit.with(Fit::DEGREE, 9))
        .setting(|fit| fit);
    let names = [
        "line,c=0.1",
        "line,c=1.0",
        "curve,c=0.1",
        "curve,c=1.0",
        "degree=9,c=0.1",
        "degree=9,c=1.0",
        "c=0.1",
        "c=1.0",
    ];
    assert_eq!(sweep.names()?, names);
    assert_eq!(sweep["curve,c=0.1"].graph::<Fit>().instance::<Fit>().unwrap().degree, 3);
    assert_eq!(flow.sweep::<Fit>().setting(|fit| fit).names()?, ["base"]);
    Ok(())
}

#[test]
fn generated_names_are_unique() -> Result<()> {
    let (flow, _folder) = flow();
    // Equal values, values that are secret, and text that looks like more than one value.
    let same = flow.sweep::<Fit>().over(Fit::C, [0.1, 0.1, 0.1]);
    assert_eq!(same.names()?, ["c=0.1", "c=0.1#2", "c=0.1#3"]);
    let secrets = flow.sweep::<Fit>().over(Fit::KEY, ["a", "b"]);
    assert_eq!(secrets.names()?, ["key=***", "key=***#2"]);
    assert_eq!(secrets["key=***#2"].graph::<Fit>().instance::<Fit>().unwrap().key.expose(), "b");
    let texts = flow.sweep::<Fit>().over(Get::TEXT, ["x", "x,c=1", ""]).over(Fit::DEGREE, [1]);
    assert_eq!(
        texts.names()?,
        ["text=x,degree=1", "text=\"x,c=1\",degree=1", "text=\"\",degree=1"]
    );
    let long = "long ".repeat(20);
    let long = flow.sweep::<Fit>().over(Get::TEXT, [format!("{long}a"), format!("{long}b")]);
    assert_eq!(long.names()?[0].chars().count(), "text=".len() + 48);
    assert!(long.names()?[0] != long.names()?[1] && !long.names()?[1].ends_with("#2"));
    // A name that the user gives is kept, wherever it is declared.
    let given =
        flow.sweep::<Fit>().setting(|fit| fit.with(Fit::C, 0.1)).variant("c=0.1", |fit| fit);
    assert_eq!(given.names()?, ["c=0.1#2", "c=0.1"]);
    // So is a value that looks like a generated name.
    let made = flow.sweep::<Fit>().over(Get::TEXT, ["a#2", "a", "a"]);
    assert_eq!(made.names()?, ["text=a#2", "text=a", "text=a#3"]);
    Ok(())
}

#[test]
fn a_sample_of_a_grid_is_deterministic() {
    let (flow, _folder) = flow();
    let grid = || flow.sweep::<Fit>().over(Fit::C, [0.1, 1.0, 2.0, 3.0]).over(Fit::DEGREE, 0..25);
    let names = |sweep: flow::sweep::Sweep<Fit>| {
        sweep.names().unwrap().iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()
    };
    let all = names(grid());
    let ten = names(grid().sample(10, 7));
    assert_eq!(ten, names(grid().sample(10, 7)));
    assert_ne!(ten, names(grid().sample(10, 8)));
    assert_eq!(ten.iter().collect::<BTreeSet<_>>().len(), 10, "each at most once");
    // In the order of the grid.
    let places: Vec<_> =
        ten.iter().map(|n| all.iter().position(|other| other == n).unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}");
    // A larger sample contains the smaller one.
    let thirty: BTreeSet<_> = names(grid().sample(30, 7)).into_iter().collect();
    assert!(ten.iter().all(|name| thirty.contains(name)));
    assert_eq!(names(grid().sample(99, 7)).len(), 99);
    assert_eq!(names(grid().sample(1000, 7)), all);
    // The sample of a seed never changes between releases.
    assert_eq!(names(grid().sample(3, 7)), GOLDEN);
}

const GOLDEN: [&str; 3] = ["c=1.0,degree=22", "c=2.0,degree=19", "c=3.0,degree=14"];

#[test]
fn a_huge_grid_can_be_sampled() -> Result<()> {
    let (flow, _folder) = flow();
    let many = || 0..1000;
    let sweep = flow.sweep::<Fit>().over(Fit::DEGREE, many()).over(Fit::C, many().map(f64::from));
    let sweep =
        sweep.over(Get::C, many().map(f64::from)).over(Get::TEXT, many().map(|n| n.to_string()));
    assert_eq!(sweep.sample(50, 1).len()?, 50);
    Ok(())
}

#[test]
fn values_drawn_from_ranges_are_deterministic() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = |count| {
        let sweep = flow.sweep::<Fit>().log_uniform(Fit::C, 1e-3..1e3).uniform(Fit::DEGREE, 1..4);
        sweep.over(Get::TEXT, ["a", "b"]).sample(count, 5)
    };
    let fits = |count| {
        let sweep = sweep(count);
        sweep
            .iter()
            .unwrap()
            .map(|(_, flow)| flow.graph::<Fit>().instance::<Fit>().unwrap())
            .collect::<Vec<_>>()
    };
    let drawn = fits(200);
    assert_eq!(drawn.len(), 200);
    assert!(drawn.iter().all(|fit| (1e-3..1e3).contains(&fit.c) && (1..4).contains(&fit.degree)));
    let small = drawn.iter().filter(|fit| fit.c < 1.0).count();
    assert!((70..130).contains(&small), "{small}");
    assert_eq!(drawn.iter().map(|fit| fit.degree).collect::<BTreeSet<_>>().len(), 3);
    // A longer sample starts with the shorter one, and another parameter does not change it.
    assert!(fits(20).iter().zip(&drawn).all(|(a, b)| (a.c, a.degree) == (b.c, b.degree)));
    let alone = flow.sweep::<Fit>().log_uniform(Fit::C, 1e-3..1e3).sample(20, 5);
    let alone = alone.iter()?.map(|(_, flow)| flow.graph::<Fit>().instance::<Fit>().unwrap().c);
    assert!(alone.zip(&drawn).all(|(c, b)| c == b.c));
    Ok(())
}

#[test]
fn days_includes_both_ends_and_leap_days() -> Result<()> {
    #[derive(Task)]
    #[task(target = Json<i16>)]
    struct Daily {
        day: Date,
    }

    runs!(Daily: i16 = |self, _cx| Ok(self.day.day_of_year()));

    let (flow, _folder) = flow();
    let days = |from, to| flow.sweep::<Daily>().days(Daily::DAY, from..=to);
    let leap = days(date(2024, 2, 28), date(2024, 3, 1));
    assert_eq!(leap.names()?, ["day=2024-02-28", "day=2024-02-29", "day=2024-03-01"]);
    assert_eq!(days(Date::MAX, Date::MAX).len()?, 1);
    let error = days(date(2024, 3, 1), date(2024, 2, 28)).preview().unwrap_err().to_string();
    assert!(error.starts_with("the sweep gives no values for `Daily.day`"), "{error}");
    // Other steps are given as an iterator.
    let weekly =
        flow.sweep::<Daily>().over(Daily::DAY, (0..3).map(|week| date(2024, 1, 1 + 7 * week)));
    assert_eq!(weekly.names()?, ["day=2024-01-01", "day=2024-01-08", "day=2024-01-15"]);
    Ok(())
}

#[test]
fn control_characters_in_names_are_escaped() -> Result<()> {
    let (flow, _folder) = flow();
    let hostile = "a\nb\u{202e}c\u{1b}[31m";
    let sweep = flow.sweep::<Fit>().variant(hostile, |fit| fit.with(Fit::DEGREE, 2));
    let sweep = sweep.variant("b", |fit| fit);
    let shown = "a\\nb\\u{202e}c\\u{1b}[31m";
    let preview = sweep.preview()?.color(false).to_string();
    assert!(
        preview.lines().nth(1).unwrap().starts_with(&format!("  {shown}  PENDING")),
        "{preview}"
    );
    sweep.run()?;
    assert!(sweep[hostile].is_complete::<Fit>()?);
    let table = sweep.table()?.to_string();
    assert!(table.lines().count() == 3 && !table.contains('\u{1b}'), "{table}");
    Ok(())
}

/// The number of times that a `Level` was converted.
static CONVERTED: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
struct Level(u32);

impl Serialize for Level {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        CONVERTED.fetch_add(1, Ordering::SeqCst);
        serializer.serialize_u32(self.0)
    }
}

#[derive(Task)]
#[task(target = Json<u32>)]
struct Leveled {
    level: Level,
    n: u32,
}

runs!(Leveled: u32 = |self, _cx| Ok(self.level.0 * self.n));

#[test]
fn each_value_of_a_grid_is_converted_once_to_name_the_variants() -> Result<()> {
    let (flow, _folder) = flow();
    let levels = [Level(1), Level(2), Level(2)];
    let sweep = flow.sweep::<Leveled>().over(Leveled::LEVEL, levels).over(Leveled::N, 1..=4_u32);
    let before = CONVERTED.load(Ordering::SeqCst);
    let names = sweep.names()?;
    assert_eq!((names.len(), names[0], names[11]), (12, "level=1,n=1", "level=2,n=4#2"));
    assert_eq!(CONVERTED.load(Ordering::SeqCst) - before, 3);
    Ok(())
}

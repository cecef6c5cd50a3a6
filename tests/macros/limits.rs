//! Defaults and limits that name constants, and limits of options and texts.

use std::borrow::Cow;

use wf::prelude::*;
use wf::testing;

const N: u8 = 3;
const D: u8 = 10;
const NAMES: [&str; 2] = ["a", "b"];
const SLICE: &[&str] = &["a", "b"];
const NUMBERS: &[u8] = &[1, 2, 3];
static STATIC: [u8; 2] = [4, 5];
static CURVES: [Curve; 2] = [Curve(Cow::Borrowed("linear")), Curve(Cow::Borrowed("cubic"))];

/// A type that is not `Copy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Curve(Cow<'static, str>);

/// An enum with a constant that lists its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Serialize, Deserialize)]
enum Level {
    Low,
    Middle,
    High,
}

impl Level {
    const ALL: [Self; 3] = [Self::Low, Self::Middle, Self::High];
    const SOME: &'static [Self] = &[Self::Low, Self::High];
}

fn ten() -> u8 {
    "x".repeat(10).len().try_into().unwrap_or(0)
}

mod inner {
    use wf::prelude::*;

    pub const N: u8 = 4;

    pub mod deep {
        pub const LIMIT: u8 = 20;
    }

    #[derive(Task)]
    #[task(target = Json<u8>)]
    pub struct Paths {
        #[param(default = self::N, range = 0..self::deep::LIMIT)]
        pub own: u8,
        #[param(default = super::N, range = ..=super::D)]
        pub outer: u8,
        #[param(default = crate::limits::N, range = crate::limits::N..)]
        pub absolute: u8,
        #[param(default = super::ten(), range = self::N..=super::ten())]
        pub called: u8,
        #[param(default = deep::LIMIT, choices = [self::deep::LIMIT, super::N])]
        pub listed: u8,
    }

    #[tracked]
    impl Run for Paths {
        fn run(&self, _: &Cx<Self>) -> Result<u8> {
            Ok(self.own + self.outer + self.absolute + self.called + self.listed)
        }
    }
}

/// Lists by name.
#[derive(Task)]
#[task(target = Json<String>)]
struct Lists {
    #[param(default = "a", choices = NAMES)]
    names: String,
    #[param(default = "b", choices = SLICE)]
    slice: String,
    #[param(default = 1, choices = NUMBERS)]
    numbers: u8,
    #[param(default = 5, choices = &STATIC)]
    fixed: u8,
    #[param(default = Level::Low, choices = Level::ALL)]
    level: Level,
    #[param(default = Level::High, choices = self::Level::SOME)]
    some: Level,
    #[param(default = Curve("linear".into()), choices = &CURVES)]
    curve: Curve,
    #[param(default = None, choices = NAMES)]
    maybe_name: Option<String>,
    #[param(default = Some(Level::Low), choices = Level::ALL)]
    maybe_level: Option<Level>,
}

#[tracked]
impl Run for Lists {
    fn run(&self, _: &Cx<Self>) -> Result<String> {
        let numbers = (self.numbers, self.fixed);
        let maybe = (&self.maybe_name, self.maybe_level);
        Ok(format!(
            "{} {} {numbers:?} {:?} {:?} {maybe:?} {}",
            self.names, self.slice, self.level, self.some, self.curve.0
        ))
    }
}

/// Ranges of types other than integers.
#[task(target = Json<String>)]
fn ranges(
    #[param(default = "b", range = "a".."m")] text: &str,
    #[param(default = "m", range = "a"..="m")] inclusive: &str,
    #[param(default = Some(0.5), range = 0.0..=1.0)] share: Option<f64>,
    #[param(default = None, range = 1..)] count: Option<u64>,
    #[param(default = 'c', range = 'a'..='f')] letter: char,
    #[param(default = Level::Low, range = Level::Low..Level::High)] level: Level,
    #[param(default = (1, 2), range = (1, 0)..(2, 0))] pair: (u8, u8),
    #[param(default = None, choices = ["a", "b"])] choice: Option<String>,
    #[param(default = None, range = "a".."m")] maybe_text: Option<String>,
) -> String {
    let numbers = (share, count, pair);
    let rest = (letter, level, choice.or(maybe_text));
    format!("{text}{inclusive} {numbers:?} {rest:?}")
}

fn error<T: Task>(flow: &testing::Flow) -> String {
    flow.preview::<T>().err().map(|error| format!("{error}")).unwrap_or_default()
}

#[test]
fn paths_are_those_of_the_module() -> Result<()> {
    let flow = testing::flow();
    let paths = flow.graph::<inner::Paths>().instance::<inner::Paths>()?;
    assert_eq!((paths.own, paths.outer, paths.absolute, paths.called), (4, 3, 3, 10));
    flow.run::<inner::Paths>()?;
    assert_eq!(*flow.load::<inner::Paths>()?, 40);
    for flow in [flow.with(inner::Paths::OWN, 20), flow.with(inner::Paths::OUTER, 11)] {
        assert!(error::<inner::Paths>(&flow).contains("which is not in"));
    }
    Ok(())
}

#[test]
fn a_list_has_a_name() -> Result<()> {
    let flow = testing::flow();
    flow.run::<Lists>()?;
    assert_eq!(*flow.load::<Lists>()?, "a b (1, 5) Low High (None, Some(Low)) linear");
    let wrong = error::<Lists>(&flow.with(Lists::NAMES, "c"));
    assert!(wrong.contains("Lists.names") && wrong.contains('b'), "{wrong}");
    let wrong = error::<Lists>(&flow.with(Lists::SOME, Level::Middle));
    assert!(wrong.contains("Low") && wrong.contains("High"), "{wrong}");
    Ok(())
}

#[test]
fn a_list_limits_the_value_inside_an_option() {
    let flow = testing::flow();
    assert_eq!(error::<Lists>(&flow.with(Lists::MAYBE_NAME, Some("b".to_owned()))), "");
    assert!(
        error::<Lists>(&flow.with(Lists::MAYBE_NAME, Some("c".to_owned())))
            .contains("which is not in")
    );
    assert!(
        error::<ranges>(&flow.with(ranges::CHOICE, Some("c".to_owned())))
            .contains("which is not in")
    );
    assert!(error::<Lists>(&flow.with(Lists::FIXED, 6)).contains("which is not in"));
    let curve = flow.with(Lists::CURVE, Curve("square".into()));
    assert!(error::<Lists>(&curve).contains("which is not in"));
}

#[test]
fn ranges_have_many_types() -> Result<()> {
    let flow = testing::flow();
    flow.run::<ranges>()?;
    assert_eq!(*flow.load::<ranges>()?, "bm (Some(0.5), None, (1, 2)) ('c', Low, None)");
    assert!(error::<ranges>(&flow.with(ranges::TEXT, "m")).contains(r#""a".."m""#));
    let given = [
        flow.with(ranges::INCLUSIVE, "n"),
        flow.with(ranges::SHARE, Some(1.5)),
        flow.with(ranges::COUNT, Some(0)),
        flow.with(ranges::LETTER, 'g'),
        flow.with(ranges::LEVEL, Level::High),
        flow.with(ranges::PAIR, (2, 0)),
        flow.with(ranges::MAYBE_TEXT, Some("m".to_owned())),
    ];
    for flow in given {
        assert!(error::<ranges>(&flow).contains("which is not in"));
    }
    Ok(())
}

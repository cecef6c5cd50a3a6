//! Keys identify instances, and stay the same in new releases of the library.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::path::PathBuf;

use flow::prelude::*;

use crate::support::{flow, key};

/// Opens the store again, so that another task may use the same name.
fn apart(flow: &Flow) -> Flow {
    Flow::open(flow.folder()).expect("the same store").quiet()
}

#[derive(Clone, Serialize, Deserialize)]
enum Kind {
    Logistic,
    Poly { degree: u8 },
}

#[derive(Clone, Serialize, Deserialize)]
struct Grid {
    depth: Vec<u8>,
    rate: f64,
}

#[derive(Task)]
#[task(target = Json<u8>)]
struct Everything {
    #[param(default = true)]
    boolean: bool,
    #[param(default = -3)]
    integer: i32,
    #[param(default = 0.1)]
    float: f64,
    #[param(default = "text")]
    string: String,
    #[param(default = 'c')]
    char: char,
    #[param(default = "a/b.csv")]
    path: PathBuf,
    #[param(default = Some(3))]
    option: Option<u8>,
    #[param(default = [1, 2])]
    list: Vec<u8>,
    #[param(default = (1, "x".to_owned()))]
    tuple: (u8, String),
    #[param(default = BTreeMap::from([("k".to_owned(), 1)]))]
    map: BTreeMap<String, u8>,
    #[param(default = BTreeSet::from([2, 1]))]
    set: BTreeSet<u8>,
    #[param(default = Kind::Logistic)]
    kind: Kind,
    #[param(default = Grid { depth: vec![1, 2], rate: 0.5 })]
    grid: Grid,
    #[param(default = ())]
    unit: (),
    #[param(default = 4, insignificant)]
    threads: u8,
}

runs!(Everything: u8 = |self, _cx| {
    let _ = (self.boolean, self.integer, self.float, &self.string, self.char, &self.path);
    let _ = (self.option, &self.list, &self.tuple, &self.map, &self.set, &self.kind, &self.grid);
    let _ = (&self.grid.depth, self.grid.rate, self.unit, self.threads);
    Ok(1)
});

#[derive(Task)]
#[task(requires = Everything, target = Json<u8>)]
struct Above;

runs!(Above: u8 = |self, cx| Ok(*cx.input().load()?));

#[derive(Task)]
#[task(requires(Everything { integer: 5 }, Above with Everything::INTEGER = 6), target = Json<u8>)]
struct Fixes {
    #[param(default = 1.0)]
    float: f64,
}

runs!(Fixes: u8 = |self, cx| Ok(*cx.input().0.load()? + self.float as u8));

#[derive(Task)]
#[task(target = Json<u8>, name = "Now", was = "Then")]
struct Renamed {
    #[param(default = 1, was = "before")]
    after: u8,
}

runs!(Renamed: u8 = |self, _cx| Ok(self.after));

#[derive(Task)]
#[task(requires = [Item { n } for n in 0..2], target = Json<u8>)]
struct Items;

runs!(Items: u8 = |self, cx| Ok(cx.input().len() as u8));

#[derive(Task)]
#[task(target = Json<u8>)]
struct Item {
    n: u8,
}

runs!(Item: u8 = |self, _cx| Ok(self.n));

#[derive(Task)]
#[task(target = Json<u8>)]
struct Generic<const N: usize>;

#[tracked]
impl<const N: usize> Run for Generic<N> {
    fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
        Ok(N as u8)
    }
}

/// Adds a line for each instance of these roots, with its key and its label.
fn lines(flow: &Flow, lines: &mut Vec<String>) {
    type Roots = (Above, Fixes, Renamed, Items, Generic<3>);
    for instance in flow.preview::<Roots>().expect("a plan").instances() {
        let mut line = instance.key().to_string();
        let _ = write!(line, " {instance:?}");
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
}

#[test]
fn a_release_does_not_change_keys() {
    let (flow, _folder) = flow();
    let mut today = Vec::new();
    lines(&flow, &mut today);
    let given = flow
        .with(Everything::KIND, Kind::Poly { degree: 3 })
        .with(Everything::OPTION, None)
        .with(Everything::STRING, "")
        .with(Fixes::FLOAT, f64::NAN);
    lines(&given, &mut today);
    assert!(today.len() >= 15, "{today:#?}");

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/keys.txt");
    if std::env::var_os("FLOW_ACCEPT_KEYS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, today.join("\n") + "\n").expect("a golden file");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let golden: Vec<&str> = golden.lines().collect();
    let changed: Vec<_> = golden.iter().filter(|line| !today.iter().any(|t| t == *line)).collect();
    assert!(
        changed.is_empty() && golden.len() == today.len(),
        "the keys of instances are others than they were released with, so that outputs made by \
         earlier releases are not found any more; if that is meant, say so in the changelog and \
         run this test with FLOW_ACCEPT_KEYS=1\nchanged:\n{changed:#?}\ntoday:\n{today:#?}"
    );
}

/// A release of a program, with a task of the same name in each.
macro_rules! release {
    ($module:ident: $($field:tt)*) => {
        mod $module {
            #[allow(unused_imports)]
            use std::collections::*;

            use super::*;

            #[derive(Task)]
            #[task(target = Json<u8>)]
            #[allow(dead_code)]
            pub(super) struct Fit {
                $($field)*
            }

            runs!(Fit: u8 = |self, _cx| Ok(1));

            #[derive(Task)]
            #[task(requires = Fit, target = Json<u8>)]
            pub(super) struct Score;

            runs!(Score: u8 = |self, cx| Ok(*cx.input().load()?));
        }
    };
}

release!(plain: #[param(default = 5)] a: u8, #[param(default = "x")] b: String,);
release!(wider: #[param(default = 5)] a: i128, #[param(default = "x")] b: String,);
release!(reordered: #[param(default = "x")] b: String, #[param(default = 5)] a: u8,);
release!(added: #[param(default = 5)] a: u8, #[param(default = "x")] b: String, #[param(default = 1, insignificant)] c: u8,);
release!(renamed: #[param(default = 5, was = "a")] z: u8, #[param(default = "x")] b: String,);
release!(as_path: #[param(default = 5)] a: u8, #[param(default = "x")] b: PathBuf,);

release!(other_value: #[param(default = 6)] a: u8, #[param(default = "x")] b: String,);
release!(float: #[param(default = 5.0)] a: f64, #[param(default = "x")] b: String,);
release!(text: #[param(default = "5")] a: String, #[param(default = "x")] b: String,);
release!(option: #[param(default = Some(5))] a: Option<u8>, #[param(default = "x")] b: String,);
release!(list: #[param(default = [5])] a: Vec<u8>, #[param(default = "x")] b: String,);
release!(char_: #[param(default = 5)] a: u8, #[param(default = 'x')] b: char,);
release!(other_name: #[param(default = 5)] c: u8, #[param(default = "x")] b: String,);
release!(fewer: #[param(default = 5)] a: u8,);
release!(more: #[param(default = 5)] a: u8, #[param(default = "x")] b: String, #[param(default = ())] c: (),);
release!(swapped: #[param(default = "x")] a: String, #[param(default = 5)] b: u8,);
release!(boundary_one: #[param(default = "ab")] a: String, #[param(default = "c")] b: String,);
release!(boundary_two: #[param(default = "a")] a: String, #[param(default = "bc")] b: String,);
release!(nested_one: #[param(default = [vec![1], vec![2, 3]])] a: Vec<Vec<u8>>,);
release!(nested_two: #[param(default = [vec![1, 2], vec![3]])] a: Vec<Vec<u8>>,);

#[test]
fn equal_values_have_equal_keys() {
    let (flow, _folder) = flow();
    let expected = (key::<plain::Fit>(&apart(&flow)), key::<plain::Score>(&apart(&flow)));
    macro_rules! same {
        ($($module:ident)*) => {
            $(assert_eq!(
                (key::<$module::Fit>(&apart(&flow)), key::<$module::Score>(&apart(&flow))),
                expected,
                stringify!($module)
            );)*
        };
    }
    same!(wider reordered added renamed as_path);
    // Given values and defaults that are equal have equal keys.
    assert_eq!(key::<plain::Score>(&apart(&flow).with(plain::Fit::A, 5)), expected.1);
    assert_eq!(key::<plain::Score>(&apart(&flow).with_named("a", 5_i64)), expected.1);
    assert_eq!(key::<other_value::Score>(&apart(&flow).with(other_value::Fit::A, 5)), expected.1);
}

#[test]
fn different_values_have_different_keys() {
    let (flow, _folder) = flow();
    let mut seen = BTreeMap::new();
    macro_rules! other {
        ($($module:ident)*) => {
            $(for key in [key::<$module::Fit>(&apart(&flow)), key::<$module::Score>(&apart(&flow))] {
                if let Some(other) = seen.insert(key, stringify!($module)) {
                    panic!("{other} and {} have one key", stringify!($module));
                }
            })*
        };
    }
    other!(plain other_value float text option list char_ other_name fewer more swapped);
    other!(boundary_one boundary_two nested_one nested_two);
}

mod fixes_one {
    use super::*;

    #[derive(Task)]
    #[task(requires(Item { n: 1 }), target = Json<u8>)]
    pub(super) struct Fixed;

    runs!(Fixed: u8 = |self, cx| Ok(*cx.input().load()?));
}

mod fixes_two {
    use super::*;

    #[derive(Task)]
    #[task(requires = Item with Item::N = 2, target = Json<u8>)]
    pub(super) struct Fixed;

    runs!(Fixed: u8 = |self, cx| Ok(*cx.input().load()?));
}

mod draws {
    use super::*;

    #[derive(Task)]
    #[task(requires = Item, target = Json<u8>)]
    pub(super) struct Fixed;

    runs!(Fixed: u8 = |self, cx| Ok(*cx.input().load()?));
}

#[test]
fn parameters_fixed_for_requirements_are_not_in_the_key() -> Result<()> {
    let (flow, _folder) = flow();
    let fixed = key::<fixes_one::Fixed>(&apart(&flow));
    assert_eq!(fixed, key::<fixes_two::Fixed>(&apart(&flow)));
    // Values that a dependency takes from outside are in the key.
    let (one, two) = (apart(&flow).with(Item::N, 1), apart(&flow).with(Item::N, 2));
    assert_ne!(key::<draws::Fixed>(&one), fixed);
    assert_ne!(key::<draws::Fixed>(&one), key::<draws::Fixed>(&two));
    // The keys are equal, but the fingerprint includes the content of the input, so the output is not stale.
    apart(&flow).run::<fixes_one::Fixed>()?;
    let next = Flow::open(flow.folder())?.quiet();
    let ran = crate::support::ran(&next.run::<fixes_two::Fixed>()?);
    assert_eq!((ran, *next.load::<fixes_two::Fixed>()?), (vec!["Fixed".into(), "Item".into()], 2));
    Ok(())
}

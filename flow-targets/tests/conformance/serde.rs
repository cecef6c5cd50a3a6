//! The `Json` and `Pickle` targets.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Debug;

use ::serde::de::DeserializeOwned;
use ::serde::{Deserialize, Serialize};
use flow_core::Target;
use flow_targets::{Json, Pickle};
use jiff::civil::date;

use crate::harness::{bytes, complaint, conforms, refusal, reloaded, value};

#[derive(Serialize, Deserialize, Debug, Clone, Default)]
struct Everything {
    nothing: (),
    truth: bool,
    small: i8,
    least: i64,
    most: u64,
    huge: i128,
    float: f32,
    double: f64,
    letter: char,
    text: String,
    none: Option<String>,
    some: Option<Vec<Option<u8>>>,
    pair: (u8, String),
    array: [f64; 3],
    map: BTreeMap<u32, Vec<Shape>>,
    shape: Shape,
    day: jiff::civil::Date,
    at: jiff::Timestamp,
    #[serde(flatten)]
    more: More,
}

#[derive(Serialize, Deserialize, Debug, Clone, Default)]
struct More {
    extra: u8,
}

#[derive(Serialize, Deserialize, Debug, Clone, Default)]
enum Shape {
    #[default]
    Point,
    Circle(f64),
    Line(f64, f64),
    Box {
        width: f64,
        height: Option<f64>,
    },
}

fn everything() -> Everything {
    Everything {
        truth: true,
        small: i8::MIN,
        least: i64::MIN,
        most: u64::MAX,
        huge: i128::from(i64::MIN),
        float: 0.1,
        double: 0.1 + 0.2,
        letter: '東',
        text: "Zürich 🌲 \"quoted\"\n\0\u{feff}".to_owned(),
        some: Some(vec![Some(1), None]),
        pair: (7, String::new()),
        array: [-0.0, 5e-324, f64::MAX],
        map: BTreeMap::from([
            (1, vec![]),
            (2, vec![Shape::Point, Shape::Circle(1.5), Shape::Line(0.0, 1e23)]),
            (3, vec![Shape::Box { width: 1.0, height: None }]),
        ]),
        day: date(2024, 2, 29),
        at: "2024-02-29T12:00:00.123456789Z".parse().unwrap(),
        ..Everything::default()
    }
}

/// Checks a value with both formats.
#[track_caller]
fn both<T>(kept: T)
where
    T: Serialize + DeserializeOwned + Debug + Send + Sync + 'static,
{
    conforms(&<Json<T>>::default(), &kept);
    conforms(&<Pickle<T>>::default(), &kept);
}

#[test]
fn every_value_survives_a_round_trip() {
    both(everything());
    both(vec![everything(), Everything::default()]);
    both(Vec::<Everything>::new());
    both(());
    both(None::<u8>);
    both(Some(3_u8));
    both(u64::MAX);
    both(String::new());
    both("Zürich 🌲".to_owned());
    both(BTreeMap::from([(String::new(), vec![Some(1.5), None])]));
    both(BTreeMap::from([(true, 1)]));
    both(Box::new(Shape::Line(1.0, 2.0)));
    both((0..10_000).map(f64::from).map(|x| (x + 0.1).sqrt().exp()).collect::<Vec<_>>());
}

#[test]
fn floats_survive_a_round_trip_bit_by_bit() {
    let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
    let mut doubles = Vec::new();
    while doubles.len() < 20_000 {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        doubles.extend(Some(f64::from_bits(bits)).filter(|double| double.is_finite()));
    }
    let of_bits = |doubles: &[f64]| doubles.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let back = reloaded(&<Json<Vec<f64>>>::default(), &doubles).unwrap();
    assert_eq!(of_bits(&back), of_bits(&doubles));

    let floats: Vec<f32> =
        doubles.iter().map(|x| f32::from_bits((x.to_bits() >> 32) as u32)).collect();
    let floats: Vec<f32> = floats.into_iter().filter(|float| float.is_finite()).collect();
    let back = reloaded(&<Json<Vec<f32>>>::default(), &floats).unwrap();
    assert!(back.iter().map(|x| x.to_bits()).eq(floats.iter().map(|x| x.to_bits())));

    let odd = vec![f64::NAN, -f64::NAN, f64::from_bits(0x7ff8_0000_0000_1234), f64::INFINITY, -0.0];
    let back = reloaded(&<Pickle<Vec<f64>>>::default(), &odd).unwrap();
    assert_eq!(of_bits(&back), of_bits(&odd));
}

#[test]
fn json_refuses_nan_and_infinity_with_their_path() {
    let mut kept = everything();
    kept.map.insert(9, vec![Shape::Point, Shape::Box { width: f64::NAN, height: None }]);
    let error = refusal(&<Json<Everything>>::default(), &kept);
    assert!(error.contains("there is no such number as NaN"), "{error}");
    assert!(error.contains("at value[map][9][1].width"), "{error}");
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        refusal(&<Json<f64>>::default(), &number);
        refusal(&<Json<(u8, Option<f64>)>>::default(), &(1, Some(number)));
        refusal(
            &<Json<BTreeMap<String, [f64; 1]>>>::default(),
            &BTreeMap::from([(String::new(), [number])]),
        );
        conforms(&<Pickle<f64>>::default(), &number);
    }
    refusal(&<Json<f32>>::default(), &f32::NAN);
}

#[test]
fn a_value_that_would_be_read_as_none_is_refused() {
    let some_none: Vec<Option<Option<u8>>> = vec![None, Some(None)];
    let error = refusal(&<Json<Vec<Option<Option<u8>>>>>::default(), &some_none);
    assert!(error.contains("would come back as `None`, at value[1]"), "{error}");
    refusal(&<Pickle<Vec<Option<Option<u8>>>>>::default(), &some_none);
    refusal(&<Json<Option<()>>>::default(), &Some(()));
    both(vec![None, Some(Some(1))]);
}

#[test]
fn deep_nesting_is_refused_before_the_stack_overflows() {
    let nested = |depth| (0..depth).fold(serde_json::Value::Null, |value, _| vec![value].into());
    both(nested(120));
    refusal(&<Json<serde_json::Value>>::default(), &nested(121));
    refusal(&<Pickle<serde_json::Value>>::default(), &nested(121));

    #[derive(Serialize, Deserialize, Debug)]
    enum Tree {
        Leaf,
        Branch { left: Box<Tree>, right: Box<Tree> },
    }
    let grown = |depth| {
        let branch = |left, _| Tree::Branch { left: Box::new(left), right: Box::new(Tree::Leaf) };
        (0..depth).fold(Tree::Leaf, branch)
    };
    both(grown(60));
    refusal(&<Json<Tree>>::default(), &grown(61));
}

#[test]
fn json_refuses_keys_that_are_not_text() {
    type Pairs = BTreeMap<(u8, u8), u8>;
    let kept = BTreeMap::from([((1, 2), 3)]);
    let error = refusal(&<Json<Pairs>>::default(), &kept);
    assert!(error.contains("key must be a string"), "{error}");
    conforms(&<Pickle<Pairs>>::default(), &kept);
}

#[test]
fn messagepack_writes_structs_as_maps_by_field_name() {
    #[derive(Serialize, Deserialize, Debug)]
    struct Old {
        a: u8,
    }
    #[derive(Serialize, Deserialize, Debug)]
    struct New {
        #[serde(default)]
        b: u8,
        a: u8,
    }
    let old = bytes(&<Pickle<Old>>::default(), &Old { a: 5 }).unwrap();
    assert_eq!(old, [0x81, 0xa1, b'a', 5]);
    let new = value(&<Pickle<New>>::default(), &old).unwrap();
    assert_eq!((new.a, new.b), (5, 0));
}

#[test]
fn trailing_bytes_are_an_error() {
    let mut text = bytes(&<Json<u8>>::default(), &1).unwrap();
    text.extend(b" 2");
    complaint(&<Json<u8>>::default(), &text);
    let error = complaint(&<Pickle<u8>>::default(), &[1, 2, 3]);
    assert!(error.contains("2 bytes follow the value"), "{error}");
}

#[test]
fn foreign_files_are_errors() {
    for content in [&b""[..], b"PAR1", b"a,b\n1,2\n", &[0xff; 100], &[0; 100]] {
        complaint(&<Json<Everything>>::default(), content);
        complaint(&<Pickle<Everything>>::default(), content);
    }
    complaint(&<Json<Everything>>::default(), b"{\"text\":1}");
    let deep = "[".repeat(100_000);
    complaint(&<Json<serde_json::Value>>::default(), deep.as_bytes());
    complaint(&<Pickle<serde_json::Value>>::default(), &[0x91; 100_000]);
}

#[test]
fn extensions_are_those_of_the_formats() {
    assert_eq!(<Json<u8> as Target>::EXTENSION, "json");
    assert_eq!(<Pickle<u8> as Target>::EXTENSION, "msgpack");
    // The order of a set differs each time, and no test here can prevent that.
    let set: HashSet<u8> = HashSet::from([1]);
    both(set);
}

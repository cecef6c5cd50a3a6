//! A serialized value deserializes to an equal one, and fits another type only if nothing is lost.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::fmt::Debug;
use std::num::NonZero;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use flow_core::Secret;
use flow_core::value::{Float, Int, Value, ValueError, from_value, to_value};
use indexmap::IndexMap;
use jiff::civil::{Date, DateTime, Time, date};
use jiff::{SignedDuration, Span, Timestamp, ToSpan, Zoned};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Asserts that `value` survives a round trip, alone and inside an option, a list and a map.
#[track_caller]
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug + Clone>(value: T) {
    let tree = to_value(&value).unwrap();
    assert_eq!(from_value::<T>(&tree).unwrap(), value, "by way of {tree:?}");
    let nested = BTreeMap::from([(1, vec![value])]);
    let tree = to_value(&nested).unwrap();
    assert_eq!(from_value::<BTreeMap<u8, _>>(&tree).unwrap(), nested, "by way of {tree:?}");
}

/// Returns the error of reading `value` as a `T`.
#[track_caller]
fn refused<T: DeserializeOwned + Debug>(value: impl Serialize) -> String {
    from_value::<T>(&to_value(&value).unwrap()).unwrap_err().to_string()
}

/// Reads `value` as a `T`.
#[track_caller]
fn read<T: DeserializeOwned>(value: impl Serialize) -> T {
    from_value(&to_value(&value).unwrap()).unwrap()
}

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Unit,
    Newtype(i32),
    Tuple(i32, String),
    Struct { degree: u8, name: Option<String> },
    EmptyTuple(),
    EmptyStruct {},
    Nothing(()),
    Many(Vec<Kind>),
}

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
struct Marker;

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
struct Metres(f64);

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
struct Pair(u8, String);

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
struct Empty {}

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
struct Model {
    zeta: Kind,
    alpha: Metres,
    inner: Inner,
    marker: Marker,
    r#type: Option<Box<Model>>,
}

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
#[serde(rename_all = "kebab-case")]
struct Inner {
    learning_rate: f32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    layers: Vec<usize>,
}

#[test]
fn booleans_integers_and_characters() {
    round_trip(true);
    round_trip(false);
    macro_rules! extremes {
        ($($int:ident)*) => {$( round_trip([$int::MIN, 0, 1, $int::MAX]); )*};
    }
    extremes!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);
    round_trip([i128::from(i64::MIN) - 1, i128::from(u64::MAX) + 1, -1]);
    round_trip(NonZero::<u8>::MAX);
    round_trip(['a', '\0', '\u{10ffff}', '🦀']);
}

#[test]
fn floats() {
    let floats = [0.1, 1.0, f64::MIN, f64::MAX, f64::MIN_POSITIVE, 5e-324, f64::INFINITY];
    round_trip(floats);
    round_trip(floats.map(|x| -x));
    round_trip([0.1_f32, 1.0, f32::MIN, f32::MAX, 1e-45, f32::NEG_INFINITY]);
    assert!(read::<f64>(-0.0).is_sign_negative());
    assert!(read::<f64>(f64::NAN).is_nan());
    assert!(read::<f32>(f32::NAN).is_nan());
}

#[test]
fn text_paths_and_bytes() {
    for text in ["", "x", "nul \0 in it", "👩‍👩‍👧 ünï", "line\nline", "none", "***", r"C:\x"]
    {
        round_trip(text.to_owned());
        round_trip(PathBuf::from(text));
    }
    round_trip(vec![0_u8, 255]);
    round_trip(std::ffi::CString::new("bytes").unwrap());
}

#[test]
fn options_within_options() {
    round_trip([None, Some(3)]);
    round_trip([None, Some(None), Some(Some(3))]);
    round_trip([None, Some(())]);
    round_trip([None, Some(vec![None, Some(1)])]);
}

#[test]
fn sequences_tuples_sets_and_maps() {
    round_trip(Vec::<String>::new());
    round_trip(VecDeque::from([1, 2]));
    round_trip((1, 'x', "y".to_owned(), (false, [0.5; 3])));
    round_trip(());
    round_trip(BTreeSet::from(["b".to_owned(), "a".to_owned()]));
    round_trip(BTreeMap::from([("b".to_owned(), 1), ("a".to_owned(), 2)]));
    round_trip(BTreeMap::from([(10_u32, 'a'), (9, 'b')]));
    round_trip(BTreeMap::from([((-1, "x".to_owned()), 1), ((1, String::new()), 2)]));
    round_trip(BTreeMap::from([(Kind::Unit, 1), (Kind::Newtype(2), 2)]));
    round_trip(BTreeMap::from([(true, ()), (false, ())]));
    round_trip(BTreeMap::from([('x', BTreeMap::from([(Some(1), 0)]))]));
    round_trip(HashMap::from([(1, 2), (3, 4)]));
    round_trip(BTreeMap::<u8, u8>::new());
}

/// A struct with sets in all positions. A set is recognized by its type, so that its order does not
/// count.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Tags {
    tags: HashSet<u32>,
    nested: Vec<HashSet<(u32, bool)>>,
    #[expect(clippy::box_collection, reason = "the box hides the type of the set")]
    maybe: Option<Box<HashSet<u32>>>,
    by_name: BTreeMap<String, HashSet<u32>>,
    newtype: Newtype,
    variant: Either,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Newtype(HashSet<u32>);

#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
enum Either {
    Newtype(HashSet<u32>),
    Tuple(u8, HashSet<u32>),
    Struct { set: HashSet<u32> },
}

#[test]
fn the_order_of_a_set_does_not_count_in_any_position() {
    // Each set has its own hasher, and so another order.
    let set = || (0..50).collect::<HashSet<u32>>();
    let variants: [fn(HashSet<u32>) -> Either; 3] =
        [Either::Newtype, |set| Either::Tuple(1, set), |set| Either::Struct { set }];
    for variant in variants {
        let tags = || Tags {
            tags: set(),
            nested: vec![(0..20).map(|n| (n, n % 2 == 0)).collect()],
            maybe: Some(Box::new(set())),
            by_name: BTreeMap::from([("x".to_owned(), set())]),
            newtype: Newtype(set()),
            variant: variant(set()),
        };
        assert_eq!(to_value(&tags()).unwrap(), to_value(&tags()).unwrap());
        round_trip(tags());
    }
    assert_eq!(to_value(&set()).unwrap(), to_value(&(0..50).collect::<Vec<_>>()).unwrap());
    let heap = |items: [u8; 3]| to_value(&BinaryHeap::from(items)).unwrap();
    assert_eq!(heap([1, 2, 3]), heap([2, 3, 1]));
    assert_ne!(to_value(&[1, 2]).unwrap(), to_value(&[2, 1]).unwrap());
}

#[test]
fn the_order_of_insertion_counts_in_an_index_map() {
    let map = |entries: [(&str, u8); 3]| {
        entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<IndexMap<_, _>>()
    };
    let sorted = map([("a", 1), ("b", 2), ("c", 3)]);
    let other = map([("c", 3), ("a", 1), ("b", 2)]);
    // `IndexMap` compares without the order, but a task sees the order.
    assert_eq!(sorted, other);
    let (sorted, value) = (to_value(&sorted).unwrap(), to_value(&other).unwrap());
    assert_ne!(sorted, value);
    assert_eq!(sorted, to_value(&BTreeMap::from([("a", 1), ("b", 2), ("c", 3)])).unwrap());
    assert_eq!(value.to_string(), "{c: 3, a: 1, b: 2}");
    let back: IndexMap<String, u8> = from_value(&value).unwrap();
    assert!(back.keys().eq(other.keys()));
    assert_eq!(from_value::<BTreeMap<String, u8>>(&value).unwrap().len(), 3);
    let twice = [("b", 1), ("a", 1), ("b", 2)];
    let twice = twice.map(|(k, v)| (Value::Str(k.into()), Value::Int(Int::from(v))));
    assert!(Value::ordered_map(twice.to_vec()).is_err());
}

#[test]
fn structs_and_enums() {
    let kinds = vec![
        Kind::Unit,
        Kind::Newtype(-1),
        Kind::Tuple(1, "x".into()),
        Kind::Struct { degree: 3, name: None },
        Kind::EmptyTuple(),
        Kind::EmptyStruct {},
        Kind::Nothing(()),
        Kind::Many(vec![Kind::Many(vec![]), Kind::Unit]),
    ];
    round_trip(kinds.clone());
    round_trip(Kind::Many(kinds));
    round_trip((Marker, Empty {}, Metres(1.5), Pair(1, "x".into())));
    let model = |inner| Model {
        zeta: Kind::Unit,
        alpha: Metres(-0.5),
        inner: Inner { learning_rate: 0.1, layers: vec![] },
        marker: Marker,
        r#type: inner,
    };
    round_trip(model(Some(Box::new(model(None)))));
    round_trip(Inner { learning_rate: 0.1, layers: vec![1, 2] });
    round_trip(Ok::<u8, String>(1));
    round_trip(Err::<u8, String>("x".into()));
}

#[test]
fn every_enum_representation_of_serde() {
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    #[serde(tag = "kind")]
    enum Internal {
        Unit,
        Newtype(Inner),
        Struct { a: f64, kind_of: Kind },
    }
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    #[serde(tag = "kind", content = "content")]
    enum Adjacent {
        Unit,
        Newtype(Vec<u8>),
        Tuple(u8, char),
        Struct { a: f64 },
    }
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    #[serde(untagged)]
    enum Untagged {
        Int(i64),
        Float(f64),
        Text(String),
        Kind { kind: Kind },
        List(Vec<Untagged>),
    }
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Flat {
        a: u8,
        #[serde(flatten)]
        inner: Inner,
        #[serde(flatten)]
        rest: BTreeMap<String, Untagged>,
    }
    round_trip(vec![
        Internal::Unit,
        Internal::Newtype(Inner { learning_rate: 0.1, layers: vec![2] }),
        Internal::Struct { a: 1.0, kind_of: Kind::Tuple(1, "x".into()) },
    ]);
    round_trip(vec![
        Adjacent::Unit,
        Adjacent::Newtype(vec![1]),
        Adjacent::Tuple(1, 'x'),
        Adjacent::Struct { a: 0.1 },
    ]);
    let untagged = vec![
        Untagged::Int(-1),
        Untagged::Float(1.0),
        Untagged::Text("x".into()),
        Untagged::Kind { kind: Kind::Unit },
        Untagged::Kind { kind: Kind::Struct { degree: 1, name: Some("x".into()) } },
        Untagged::List(vec![Untagged::Int(1)]),
    ];
    round_trip(untagged.clone());
    round_trip(Flat {
        a: 1,
        inner: Inner { learning_rate: 0.5, layers: vec![1] },
        rest: BTreeMap::from([("x".into(), Untagged::List(untagged))]),
    });
}

#[test]
fn dates_times_and_spans() {
    round_trip(date(2024, 2, 29));
    round_trip([Date::MIN, Date::MAX]);
    round_trip([Time::MIN, Time::MAX]);
    round_trip([date(2024, 2, 29).at(23, 59, 59, 1), DateTime::MIN]);
    round_trip([Timestamp::UNIX_EPOCH, Timestamp::MAX]);
    round_trip([SignedDuration::MIN, SignedDuration::from_millis(1500)]);
    round_trip::<Zoned>("2024-07-01T12:00:00+02:00[+02:00]".parse().unwrap());
    round_trip::<Zoned>("2024-07-01T12:00:00-09:30[-09:30]".parse().unwrap());
    round_trip::<Range<Date>>(date(2024, 1, 1)..date(2025, 1, 1));
    round_trip(date(2024, 1, 1)..=date(2024, 12, 31));
    round_trip(Duration::new(u64::MAX, 999_999_999));
    for span in [1.day(), 2.months().hours(3), -90.minutes(), Span::new()] {
        assert_eq!(read::<Span>(span).fieldwise(), span);
    }
    assert_eq!(to_value(&date(2024, 2, 29)).unwrap(), to_value("2024-02-29").unwrap());
    assert_eq!(to_value(&1.day()).unwrap(), to_value("P1D").unwrap());
}

#[test]
fn secrets() {
    round_trip(Secret::new("hunter2".to_owned()));
    round_trip([Some(Secret::new(1)), None]);
    round_trip(Secret::new(Secret::new(Kind::Tuple(1, "x".into()))));
}

#[test]
fn a_number_fits_another_width_if_nothing_is_lost() {
    assert_eq!(read::<u8>(255_i128), 255);
    assert_eq!(read::<i128>(u64::MAX), i128::from(u64::MAX));
    assert_eq!(read::<usize>(3_i8), 3);
    assert_eq!(read::<f64>(1_i64 << 53), 9_007_199_254_740_992.0);
    assert_eq!(read::<f64>(i64::MIN), -9_223_372_036_854_775_808.0);
    assert_eq!(read::<f64>(u128::MAX - u128::MAX / 2), 2.0_f64.powi(127));
    assert_eq!(read::<f64>(0), 0.0);
    assert_eq!(read::<f32>(-(1 << 24)), -16_777_216.0);
    assert_eq!(read::<f32>(0.1_f64), 0.1);
    assert_eq!(read::<f64>(0.5_f32), 0.5);
    assert_eq!(read::<f32>(f64::INFINITY), f32::INFINITY);

    assert_eq!(refused::<u8>(300), "expected an integer from 0 to 255, found the integer `300`");
    assert_eq!(
        refused::<u32>(-1),
        "expected an integer from 0 to 4294967295, found the integer `-1`"
    );
    assert_eq!(refused::<i8>(0.5), "expected an integer from -128 to 127, found the float `0.5`");
    assert_eq!(refused::<i8>(1.0), "expected an integer from -128 to 127, found the float `1.0`");
    assert_eq!(
        refused::<f64>((1_i64 << 53) + 1),
        "expected a float, found the integer `9007199254740993`, which no float of that width \
         equals"
    );
    assert!(refused::<f64>(u128::MAX).starts_with("expected a float, found the integer `3402"));
    assert!(refused::<f32>((1 << 24) + 1).starts_with("expected a float, found the integer"));
    assert!(refused::<f32>(1e300).ends_with(", found the float `1e300`"));
    assert!(refused::<i128>(u128::MAX).starts_with("expected an integer from -1701411834"));
    assert!(refused::<u128>(i128::MIN).starts_with("expected an integer from 0 to 34028"));
    assert!(refused::<u64>(u128::MAX).starts_with("expected an integer from 0 to 18446"));
}

#[test]
fn text_fits_variants_dates_paths_and_characters() {
    assert_eq!(read::<Kind>("Unit"), Kind::Unit);
    assert_eq!(read::<String>(Kind::Unit), "Unit");
    assert_eq!(read::<Date>("2024-02-29"), date(2024, 2, 29));
    assert_eq!(read::<PathBuf>("a/b"), PathBuf::from("a/b"));
    assert_eq!(read::<char>("x"), 'x');
    assert_eq!(read::<String>('x'), "x");
    assert_eq!(read::<Option<i32>>(3), Some(3));
    assert_eq!(read::<Secret<String>>("x").expose(), "x");
    assert_eq!(
        read::<Inner>(BTreeMap::from([("learning-rate", 0.5)])),
        Inner { learning_rate: 0.5, layers: vec![] }
    );
}

#[test]
fn other_types_are_errors_with_expected_and_found() {
    assert_eq!(refused::<bool>("x"), "expected a boolean, found the string `x`");
    assert_eq!(refused::<bool>(1), "expected a boolean, found the integer `1`");
    assert_eq!(refused::<String>(3), "expected a string, found the integer `3`");
    assert_eq!(refused::<String>([1]), "expected a string, found a sequence");
    assert_eq!(refused::<PathBuf>(true), "expected a path, found the boolean `true`");
    assert_eq!(refused::<f64>("x\ny"), r"expected a number, found the string `x\ny`");
    assert_eq!(refused::<Vec<i32>>(1), "expected a sequence, found the integer `1`");
    assert_eq!(refused::<(i32, i32)>([1]), "expected a tuple of size 2, found 1 items");
    assert_eq!(refused::<(i32, i32)>([1, 2, 3]), "expected 2 items, found a sequence of 3");
    assert_eq!(refused::<()>(None::<()>), "expected `()`, found an optional value");
    assert_eq!(
        refused::<i8>(Some(3)),
        "expected an integer from -128 to 127, found an optional value"
    );
    assert_eq!(refused::<char>("xy"), "expected a character, found the string `xy`");
    assert_eq!(refused::<BTreeMap<i32, i32>>([1]), "expected a map, found a sequence");
    assert_eq!(
        refused::<BTreeMap<String, i32>>(Kind::Newtype(1)),
        "expected a map, found a variant of an enum"
    );
    assert_eq!(refused::<Inner>([1]), "expected a struct `Inner`, found a sequence");
    assert_eq!(
        refused::<Inner>(BTreeMap::from([(0, 0.5)])),
        "expected a struct `Inner`, found a map"
    );
    assert_eq!(
        refused::<Inner>(BTreeMap::<String, f64>::new()),
        "the field `learning-rate` is missing"
    );
    assert_eq!(
        refused::<Option<Ordering>>("less"),
        "there is no variant `less`, only `Less`, `Equal` and `Greater`"
    );
    assert_eq!(refused::<Kind>(1), "expected a variant of `Kind`, found the integer `1`");
    assert_eq!(
        refused::<Kind>("Newtype"),
        "expected a variant with a value, found the name `Newtype` alone"
    );
    assert_eq!(
        refused::<Ordering>(Err::<(), _>(1)),
        "there is no variant `Err`, only `Less`, `Equal` and `Greater`"
    );
    assert_eq!(
        refused::<Kind>(Same::Unit(1)),
        "expected the name `Unit` alone, found a variant with content"
    );
    assert!(refused::<String>("x".repeat(9).as_bytes()).ends_with("found a sequence"));
    assert!(refused::<u8>("x".repeat(10_000)).len() < 200);

    #[derive(Debug, Serialize, Deserialize)]
    enum Ordering {
        Less,
        Equal,
        Greater,
    }
    #[derive(Serialize)]
    enum Same {
        Unit(i32),
    }
}

#[test]
fn an_error_names_the_path_within_the_value() {
    let grid = BTreeMap::from([("model", (1, vec![Kind::Newtype(1)]))]);
    assert_eq!(
        refused::<BTreeMap<String, (u8, Vec<Result<(), ()>>)>>(&grid),
        "at `[model][1][0]`: there is no variant `Newtype`, only `Ok` and `Err`"
    );
    #[derive(Debug, Serialize, Deserialize)]
    struct Fit<T> {
        grid: Vec<Range<T>>,
    }
    assert_eq!(
        refused::<Fit<u8>>(Fit { grid: vec![0..1, 0..256] }),
        "at `grid[1].end`: expected an integer from 0 to 255, found the integer `256`"
    );
}

#[test]
fn two_equal_keys_are_an_error() {
    /// A map that lists its entries as given, with duplicates.
    struct Entries(&'static [(u8, u8)]);

    impl Serialize for Entries {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().copied())
        }
    }

    assert!(to_value(&Entries(&[(2, 1), (1, 1)])).is_ok());
    let error = to_value(&Some(Entries(&[(1, 1), (2, 1), (1, 2)]))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key `1` is there twice: maps and structs must not have two equal keys"
    );

    #[derive(Serialize)]
    struct Renamed {
        a: u8,
        #[serde(rename = "a")]
        b: u8,
    }
    assert!(matches!(to_value(&Renamed { a: 1, b: 1 }), Err(ValueError::DuplicateKey { .. })));
}

#[test]
fn endless_nesting_is_an_error() {
    struct Endless;

    impl Serialize for Endless {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_some(self)
        }
    }

    let error = to_value(&Endless).unwrap_err();
    assert_eq!(error.to_string(), "nested more than 128 levels deep");
}

#[test]
fn a_false_length_hint_allocates_nothing() {
    struct Boasting;

    impl Serialize for Boasting {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serde::ser::SerializeSeq::end(serializer.serialize_seq(Some(usize::MAX))?)
        }
    }

    assert_eq!(to_value(&Boasting).unwrap(), Value::Seq([].into()));
}

#[test]
fn a_failed_serialization_names_the_path() {
    #[derive(Serialize)]
    struct Get {
        sources: Vec<PathBuf>,
    }

    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        let path = PathBuf::from(std::ffi::OsString::from_vec(b"\xff.csv".to_vec()));
        let error = to_value(&Get { sources: vec!["x".into(), path] }).unwrap_err();
        assert_eq!(error.to_string(), "at `sources[1]`: path contains invalid UTF-8 characters");
    }

    let cell = RefCell::new(1);
    let _borrowed = cell.borrow_mut();
    assert_eq!(to_value(&cell).unwrap_err().to_string(), "already mutably borrowed");
}

#[test]
fn values_can_be_constructed_directly() {
    let value = Value::Some(Box::new(Value::Float(Float::from(0.5))));
    assert_eq!(value, to_value(&Some(0.5)).unwrap());
}

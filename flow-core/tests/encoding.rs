//! Equal values have equal encodings, different values have different ones, and the encoding is
//! stable across releases.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flow_core::Secret;
use flow_core::value::{Entries, SecretKey, Value, from_value, to_value};
use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan};
use proptest::collection::{btree_map, hash_map, vec};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

const KEY: SecretKey = SecretKey::new(*b"the key of the store of this tes");

fn encode_value(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    value.encode(&KEY, &mut out);
    out
}

fn encode(value: impl Serialize) -> Vec<u8> {
    encode_value(&to_value(&value).unwrap())
}

// ---- equal values ---------------------------------------------------------------------------

#[test]
fn an_integer_has_one_encoding_whatever_its_width() {
    macro_rules! widths {
        ($number:literal: $($int:ident)*) => {{
            let expected = encode($number as i128);
            $( assert_eq!(encode($number as $int), expected, stringify!($int)); )*
        }};
    }
    widths!(0: i8 i16 i32 i64 isize u8 u16 u32 u64 u128 usize);
    widths!(100: i8 i16 i32 i64 isize u8 u16 u32 u64 u128 usize);
    widths!(-100: i8 i16 i32 i64 isize);
    assert_eq!(encode(i128::MAX), encode(u128::MAX / 2));
}

#[test]
fn a_float_has_one_encoding_whatever_its_width_or_literal() {
    #[derive(Serialize, Deserialize)]
    struct Fit {
        c: f64,
    }
    let one: Fit = serde_json::from_str(r#"{"c": 1}"#).unwrap();
    assert_eq!(encode(one), encode(Fit { c: 1.0 }));
    assert_eq!(encode(0.1_f32), encode(f64::from(0.1_f32)));
    let nans = [f64::NAN, -f64::NAN, f64::from_bits(0x7ff0_0000_0000_0001)];
    nans.iter().for_each(|nan| assert_eq!(encode(nan), encode(f32::NAN)));
}

#[test]
fn the_order_of_fields_and_the_name_of_a_struct_do_not_count() {
    #[derive(Serialize)]
    struct A {
        x: u8,
        y: Option<bool>,
    }
    #[derive(Serialize)]
    struct B {
        y: Option<bool>,
        x: i64,
    }
    assert_eq!(encode(A { x: 1, y: None }), encode(B { y: None, x: 1 }));
}

#[test]
fn wrappers_and_ownership_do_not_count() {
    #[derive(Serialize)]
    struct Wrapped<T>(T);
    assert_eq!(encode(Wrapped(Wrapped(1))), encode(1));
    assert_eq!(encode(Box::new("x")), encode("x".to_owned()));
    assert_eq!(encode(Path::new("a/b")), encode("a/b"));
    assert_eq!(encode([1, 2]), encode(vec![1, 2]));
    assert_eq!(encode((1, 2)), encode(BTreeSet::from([2, 1])));
}

proptest! {
    #[test]
    fn the_order_of_a_map_does_not_count(map in hash_map(any::<i16>(), any::<bool>(), 0..20)) {
        let sorted: BTreeMap<_, _> = map.iter().collect();
        let other: HashMap<_, _> = sorted.iter().rev().collect();
        prop_assert_eq!(encode(&map), encode(&sorted));
        prop_assert_eq!(encode(&map), encode(other));
    }

    #[test]
    fn the_order_of_a_map_with_any_keys_does_not_count(
        entries in btree_map(value(), value(), 0..6),
        seed in any::<u64>(),
    ) {
        let sorted: Vec<_> = entries.clone().into_iter().collect();
        let mut shuffled = sorted.clone();
        shuffled.sort_by_key(|(key, _)| blake3::hash(format!("{seed}{key:?}").as_bytes()).to_hex());
        prop_assert_eq!(
            encode_value(&Value::Map(Entries::new(sorted).unwrap())),
            encode_value(&Value::Map(Entries::new(shuffled).unwrap()))
        );
    }
}

// ---- different values -----------------------------------------------------------------------

#[derive(Serialize, Clone)]
enum Kind {
    A,
    B,
    One(Vec<u8>),
    Two(u8, u8),
    Fields { a: u8 },
    Nothing(()),
}

#[derive(Serialize)]
struct Fields {
    a: u8,
}

#[derive(Serialize)]
struct Renamed {
    b: u8,
}

#[derive(Serialize)]
struct NoFields {}

/// Returns a named sample of each class, boundary and extreme. New samples may be appended.
fn samples() -> Vec<(&'static str, Value)> {
    let mut samples = Vec::new();
    macro_rules! sample {
        ($($name:literal: $value:expr;)*) => {
            $( samples.push(($name, to_value(&$value).unwrap())); )*
        };
    }
    sample! {
        "none": None::<u8>;
        "unit": ();
        "false": false;
        "true": true;
        "zero": 0;
        "one": 1;
        "minus one": -1;
        "i64 min": i64::MIN;
        "u64 max": u64::MAX;
        "i128 min": i128::MIN;
        "u128 max": u128::MAX;
        "float zero": 0.0;
        "float minus zero": -0.0;
        "float one": 1.0;
        "float tenth": 0.1;
        "float tenth of 32 bits": 0.1_f32;
        "float nan": f64::NAN;
        "float infinity": f64::INFINITY;
        "float minus infinity": f64::NEG_INFINITY;
        "char": 'a';
        "char of digit": '1';
        "text empty": "";
        "text a": "a";
        "text digit": "1";
        "text true": "true";
        "text none": "none";
        "text nul": "\0";
        "text two nuls": "\0\0";
        "text emoji": "👩‍👩‍👧";
        "bytes empty": Bytes(b"");
        "bytes a": Bytes(b"a");
        "byte list a": b"a";
        "some none": Some(None::<u8>);
        "some unit": Some(());
        "some one": Some(1);
        "some some one": Some(Some(1));
        "list empty": [0; 0];
        "list of empty list": [[0; 0]];
        "list of none": [None::<u8>];
        "list one": [1];
        "list one one": [1, 1];
        "list of list one one": [[1, 1]];
        "list of lists one": [[1], [1]];
        "list ab c": ["ab", "c"];
        "list a bc": ["a", "bc"];
        "list abc": ["abc"];
        "list abc empty": ["abc", ""];
        "map empty": BTreeMap::<u8, u8>::new();
        "map 1 to 2": BTreeMap::from([(1, 2)]);
        "map 2 to 1": BTreeMap::from([(2, 1)]);
        "map a to 1": BTreeMap::from([("a", 1)]);
        "map of char a to 1": BTreeMap::from([('a', 1)]);
        "map of pairs": BTreeMap::from([((1, "x"), 'y'), ((-1, ""), 'z')]);
        "list of pair": [("a", 1)];
        "struct empty": NoFields {};
        "struct a": Fields { a: 1 };
        "struct b": Renamed { b: 1 };
        "variant a": Kind::A;
        "variant b": Kind::B;
        "variant of list": Kind::One(vec![1]);
        "variant of two": Kind::Two(1, 2);
        "variant of fields": Kind::Fields { a: 1 };
        "variant of unit": Kind::Nothing(());
        "secret text": Secret::new("a");
        "secret integer": Secret::new(1);
        "secret secret": Secret::new(Secret::new(1));
        "path": PathBuf::from("examples/data/iris.csv");
        "date": date(2024, 2, 29);
        "datetime": date(2024, 2, 29).at(12, 30, 0, 5);
        "timestamp": Timestamp::UNIX_EPOCH;
        "span": 1.month().days(2);
        "date range": date(2024, 1, 1)..date(2025, 1, 1);
        "duration": Duration::from_millis(1500);
        "map of options": BTreeMap::from([(None, 1), (Some(1), 2), (Some(0), 3)]);
    }
    // The order of the classes is part of the encoding of a map with keys of several classes.
    let entries = (0..=15).map(|tag| {
        let (_, key) = samples.iter().find(|(_, value)| class(value) == tag).unwrap();
        (key.clone(), Value::Unit)
    });
    let map = Entries::new(entries.collect()).unwrap();
    samples.push(("map of a key of each class", Value::Map(map)));
    samples
}

/// Returns the first byte of the encoding, which is the class of the value.
fn class(value: &Value) -> u8 {
    encode_value(value)[0]
}

struct Bytes(&'static [u8]);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

#[test]
fn all_samples_have_different_encodings() {
    let mut seen = BTreeMap::new();
    for (name, value) in samples() {
        if let Some(other) = seen.insert(encode_value(&value), name) {
            panic!("`{name}` is encoded as `{other}` is");
        }
    }
}

#[test]
fn a_secret_is_hashed_with_the_key_of_the_store() {
    let secret = to_value(&Secret::new("hunter2")).unwrap();
    let mut other = Vec::new();
    secret.encode(&SecretKey::new([1; 32]), &mut other);
    assert_ne!(encode_value(&secret), other);
    assert_ne!(encode(Secret::new("hunter2")), encode(Secret::new("hunter3")));

    let encoded = encode([Secret::new("hunter2")]);
    assert!(!encoded.windows(7).any(|part| part == b"hunter2"));

    let mut plain = Vec::new();
    to_value("hunter2").unwrap().encode(&KEY, &mut plain);
    let mut expected = vec![15];
    expected.extend(blake3::keyed_hash(KEY.as_bytes(), &plain).as_bytes());
    assert_eq!(encode(Secret::new("hunter2")), expected);
}

/// Generates any tree of values, from so few leaves that equal trees are frequent.
fn value() -> impl Strategy<Value = Value> {
    let name = || prop::sample::select(&["", "a", "b", "ab"][..]);
    let leaf = prop_oneof![
        Just(Value::None),
        Just(Value::Unit),
        any::<bool>().prop_map(Value::Bool),
        prop_oneof![-2..3_i128, Just(i128::MIN), any::<i128>()].prop_map(|i| Value::Int(i.into())),
        prop_oneof![Just(0), any::<u128>()].prop_map(|i| Value::Int(i.into())),
        prop_oneof![prop::sample::select(&[0.0, -0.0, 1.0, f64::NAN, -f64::NAN][..]), any::<f64>()]
            .prop_map(|x| Value::Float(x.into())),
        any::<f32>().prop_map(|x| Value::Float(x.into())),
        prop_oneof![Just('a'), any::<char>()].prop_map(Value::Char),
        prop_oneof!["[ab\0\u{1}]{0,3}", "\\PC{0,8}"].prop_map(|s| Value::Str(s.into())),
        vec(prop_oneof![0_u8..3, Just(b'a')], 0..4).prop_map(|b| Value::Bytes(b.into())),
        name().prop_map(Value::UnitVariant),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            inner.clone().prop_map(|v| Value::Some(Box::new(v))),
            vec(inner.clone(), 0..4).prop_map(|items| Value::Seq(items.into())),
            btree_map(inner.clone(), inner.clone(), 0..4)
                .prop_map(|map| Value::Map(Entries::new(map.into_iter().collect()).unwrap())),
            btree_map(inner.clone(), inner.clone(), 0..4)
                .prop_map(|map| Value::ordered_map(map.into_iter().rev().collect()).unwrap()),
            btree_map(name(), inner.clone(), 0..4)
                .prop_map(|map| Value::Struct(Entries::new(map.into_iter().collect()).unwrap())),
            (name(), inner.clone()).prop_map(|variant| Value::Variant(Box::new(variant))),
            inner.prop_map(|v| Value::Secret(Secret::new(Box::new(v)))),
        ]
    })
}

/// Returns `value` with one change, which `choice` selects.
fn changed(value: &Value, choice: &mut usize) -> Value {
    let options = 4;
    let here = *choice % options;
    *choice /= options;
    match (value, here) {
        (value, 0) => Value::Some(Box::new(value.clone())),
        (value, 1) => Value::Seq([value.clone()].into()),
        (Value::Some(inner), 2) => (**inner).clone(),
        (Value::Some(inner), _) => Value::Some(Box::new(changed(inner, choice))),
        (Value::Seq(items), 2) if items.len() > 1 => {
            // Moves a boundary: the last two items become one.
            let (head, tail) = items.split_at(items.len() - 2);
            Value::Seq(head.iter().cloned().chain([Value::Seq(tail.into())]).collect())
        }
        (Value::Seq(items), _) if !items.is_empty() => {
            let mut items = items.clone();
            let at = *choice % items.len();
            items[at] = changed(&items[at], choice);
            Value::Seq(items)
        }
        (Value::Secret(inner), _) => {
            Value::Secret(Secret::new(Box::new(changed(inner.expose(), choice))))
        }
        (Value::Variant(variant), _) => {
            Value::Variant(Box::new((variant.0, changed(&variant.1, choice))))
        }
        (Value::Struct(fields), _) if !fields.is_empty() => {
            let mut fields = fields.to_vec();
            let at = *choice % fields.len();
            fields[at].1 = changed(&fields[at].1, choice);
            Value::Struct(Entries::new(fields).unwrap())
        }
        (Value::Int(int), _) => Value::Int((i64::try_from(*int).unwrap_or(0) ^ 1).into()),
        (Value::Str(text), _) => Value::Str(format!("{text}\0").into()),
        (Value::Unit, _) => Value::None,
        (_, _) => Value::Unit,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn values_have_equal_encodings_exactly_if_they_are_equal(a in value(), b in value()) {
        prop_assert_eq!(encode_value(&a) == encode_value(&b), a == b);
        prop_assert_eq!(encode_value(&a), encode_value(&a.clone()));
        prop_assert_eq!(a == b, a.cmp(&b).is_eq());
    }

    #[test]
    fn a_change_anywhere_changes_the_encoding(a in value(), mut choice in any::<usize>()) {
        let b = changed(&a, &mut choice);
        prop_assume!(a != b);
        prop_assert_ne!(encode_value(&a), encode_value(&b));
    }

    /// Proves that no two values without secrets have the same encoding.
    #[test]
    fn an_encoding_can_be_decoded(values in vec(value(), 0..3)) {
        prop_assume!(!values.iter().any(|value| format!("{value:?}").contains("***")));
        let mut bytes = Vec::new();
        values.iter().for_each(|value| value.encode(&KEY, &mut bytes));
        let mut rest = bytes.as_slice();
        for value in &values {
            prop_assert_eq!(&decode(&mut rest), value);
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn numbers_and_text_survive_a_round_trip(
        ints in any::<(i64, u64, i128, u128)>(),
        floats in vec(any::<(f64, f32)>(), 0..4),
        text in any::<BTreeMap<String, Option<char>>>(),
    ) {
        type Sample = ((i64, u64, i128, u128), Vec<(f64, f32)>, BTreeMap<String, Option<char>>);
        let sample = (ints, floats, text);
        let value = to_value(&sample).unwrap();
        let back: Sample = from_value(&value).unwrap();
        prop_assert_eq!(&to_value(&back).unwrap(), &value);
        prop_assert_eq!((back.0, back.2), (sample.0, sample.2));
    }
}

/// Decodes the value at the start of `bytes`, and leaves the rest in `bytes`.
fn decode(bytes: &mut &[u8]) -> Value {
    fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
        bytes.split_off(..count).unwrap()
    }
    fn array<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
        take(bytes, N).try_into().unwrap()
    }
    fn length(bytes: &mut &[u8]) -> usize {
        u64::from_le_bytes(array(bytes)).try_into().unwrap()
    }
    fn text(bytes: &mut &[u8]) -> String {
        let length = length(bytes);
        String::from_utf8(take(bytes, length).to_vec()).unwrap()
    }
    let [tag] = array(bytes);
    match tag {
        0 => Value::None,
        1 => Value::Unit,
        2 => Value::Bool(false),
        3 => Value::Bool(true),
        4 => {
            let [negative] = array(bytes);
            let magnitude = u128::from_le_bytes(array(bytes));
            Value::Int(match negative {
                0 => magnitude.into(),
                _ => 0_i128.checked_sub_unsigned(magnitude).unwrap().into(),
            })
        }
        5 => Value::Float(f64::from_le_bytes(array(bytes)).into()),
        6 => Value::Char(u32::from_le_bytes(array(bytes)).try_into().unwrap()),
        7 => Value::Str(text(bytes).into()),
        8 => {
            let length = length(bytes);
            Value::Bytes(take(bytes, length).into())
        }
        9 => Value::Some(Box::new(decode(bytes))),
        10 => Value::Seq((0..length(bytes)).map(|_| decode(bytes)).collect()),
        11 => {
            let entries = (0..length(bytes)).map(|_| (decode(bytes), decode(bytes)));
            Value::Map(Entries::new(entries.collect()).unwrap())
        }
        12 => {
            let fields = (0..length(bytes)).map(|_| (&*text(bytes).leak(), decode(bytes)));
            Value::Struct(Entries::new(fields.collect()).unwrap())
        }
        13 => Value::UnitVariant(text(bytes).leak()),
        14 => Value::Variant(Box::new((text(bytes).leak(), decode(bytes)))),
        16 => {
            let entries = (0..length(bytes)).map(|_| (decode(bytes), decode(bytes)));
            Value::ordered_map(entries.collect()).unwrap()
        }
        tag => panic!("{tag} is no tag of a value without secrets"),
    }
}

// ---- releases -------------------------------------------------------------------------------

/// The keys of existing stores depend on the encoding. After an intended change, every output of
/// every store is computed again. Then run this test with `FLOW_ACCEPT_ENCODING=1` and commit the
/// file.
#[test]
fn a_release_does_not_change_the_encoding() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/encoding.txt");
    let mut today = String::new();
    for (name, value) in samples() {
        writeln!(today, "{name}: {}", blake3::hash(&encode_value(&value)).to_hex()).unwrap();
    }
    if std::env::var_os("FLOW_ACCEPT_ENCODING").is_some() {
        std::fs::write(&path, &today).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let golden: Vec<_> = golden.lines().collect();
    let today: Vec<_> = today.lines().collect();
    if let Some(line) = golden.iter().find(|line| !today.contains(line)) {
        panic!(
            "the encoding of this sample changed, and with it the keys of existing stores:\n    \
             {line}\nIf that is meant, accept it with FLOW_ACCEPT_ENCODING=1"
        );
    }
    if let Some(line) = today.iter().find(|line| !golden.contains(line)) {
        panic!(
            "this sample is new:\n    {line}\nAppend the line to {}, or run this test with \
             FLOW_ACCEPT_ENCODING=1",
            path.display()
        );
    }
}

#[test]
fn a_range_of_dates_is_a_struct_of_two_texts() {
    let range = to_value(&(date(2024, 1, 1)..date(2025, 1, 1))).unwrap();
    let expected = to_value(&Range { start: "2024-01-01", end: "2025-01-01" }).unwrap();
    assert_eq!(range, expected);
    assert_eq!(from_value::<Range<Date>>(&expected).unwrap(), date(2024, 1, 1)..date(2025, 1, 1));
}

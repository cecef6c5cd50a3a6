//! Unordered collections: equal values are written as equal bytes.

use std::collections::{BTreeMap, HashMap, HashSet};

use ::serde::ser::{Error, SerializeMap, SerializeStruct};
use ::serde::{Deserialize, Serialize, Serializer};
#[cfg(feature = "excel")]
use flow_targets::Excel;
use flow_targets::{ArrowIpc, Csv, Json, Parquet, Pickle};

use crate::harness::{bytes, value};

type Letters = Vec<HashSet<char>>;

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Model {
    weights: HashMap<String, f64>,
    tags: Option<HashSet<u32>>,
    boxed: Box<(HashMap<i8, Letters>, u8)>,
    shared: Words,
    shape: Shape,
    rows: Vec<HashMap<bool, u8>>,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
#[serde(transparent)]
struct Words(HashSet<String>);

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Shape {
    Named { corners: HashMap<u16, (i32, HashSet<u8>)> },
    Listed(HashSet<u64>),
}

/// Returns equal models, each with other hashers.
fn model(shape: impl Fn() -> Shape) -> Model {
    let word = |i: u32| format!("word {i}");
    Model {
        weights: (0..20).map(|i| (word(i), f64::from(i))).collect(),
        tags: Some((0..20).collect()),
        boxed: Box::new(((-10..10).map(|i| (i, vec!["abcdefgh".chars().collect()])).collect(), 0)),
        shared: Words((0..20).map(word).collect()),
        shape: shape(),
        rows: vec![HashMap::from([(true, 1), (false, 0)])],
    }
}

#[test]
fn maps_and_sets_are_written_in_the_order_of_their_keys() {
    let named =
        || Shape::Named { corners: (0..20).map(|i| (i, (-1, (0..20).collect()))).collect() };
    let listed = || Shape::Listed((0..20).collect());
    for shape in [&named as &dyn Fn() -> Shape, &listed] {
        let models: Vec<_> = (0..5).map(|_| model(shape)).collect();
        let json = <Json<Model>>::default();
        let pickle = <Pickle<Model>>::default();
        for other in &models {
            let text = bytes(&json, other).unwrap();
            assert_eq!(text, bytes(&json, &models[0]).unwrap());
            assert_eq!(value(&json, &text).unwrap(), *other);
            let packed = bytes(&pickle, other).unwrap();
            assert_eq!(packed, bytes(&pickle, &models[0]).unwrap());
            assert_eq!(value(&pickle, &packed).unwrap(), *other);
        }
    }
}

#[test]
fn a_map_is_sorted_by_numbers_and_letters() {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let numbers = HashMap::from([(10, "a"), (9, "b"), (-1, "c")]);
    let numbers = numbers.into_iter().map(|(key, value)| (key, value.to_owned())).collect();
    let json = text(bytes(&<Json<HashMap<i32, String>>>::default(), &numbers).unwrap());
    assert_eq!(json, r#"{"-1":"c","9":"b","10":"a"}"#);
    let set = HashSet::from(["b".to_owned(), "a".to_owned(), String::new()]);
    let json = text(bytes(&<Json<HashSet<String>>>::default(), &set).unwrap());
    assert_eq!(json, r#"["","a","b"]"#);
}

/// Ordered values keep their order, and the text is that of `serde_json`.
#[test]
fn ordered_values_keep_their_order() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Kept {
        list: Vec<u8>,
        #[serde(flatten)]
        more: BTreeMap<String, serde_json::Value>,
        maps: Vec<BTreeMap<u8, Option<String>>>,
        pair: (i8, String),
        raw: [f32; 2],
        #[serde(with = "reversed")]
        written: HashMap<u8, u8>,
    }
    /// Serializes a map in an order of its own.
    mod reversed {
        use std::collections::HashMap;

        use serde::{Deserialize, Deserializer, Serializer};

        pub(super) fn serialize<S: Serializer>(
            map: &HashMap<u8, u8>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|a, b| b.cmp(a));
            to.collect_map(entries)
        }

        pub(super) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<HashMap<u8, u8>, D::Error> {
            HashMap::deserialize(from)
        }
    }
    let kept = Kept {
        list: vec![3, 1, 2],
        more: BTreeMap::from([("z".to_owned(), serde_json::json!({"b": [1, null], "a": 0.1}))]),
        maps: vec![BTreeMap::from([(2, None), (10, Some("ü\n".to_owned()))]), BTreeMap::new()],
        pair: (-1, "\u{1}".to_owned()),
        raw: [0.1, -0.0],
        written: (0..10).map(|i| (i, i)).collect(),
    };
    let json = bytes(&<Json<Kept>>::default(), &kept).unwrap();
    assert_eq!(json, serde_json::to_vec(&kept).unwrap());
    assert!(String::from_utf8(json).unwrap().contains(r#""written":{"9":9,"8":8,"#));
}

#[test]
fn columns_of_maps_are_written_in_the_order_of_their_keys() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Row {
        counts: HashMap<String, u32>,
        seen: HashSet<i16>,
    }
    let rows = || {
        let row = |n: u32| Row {
            counts: (0..20).map(|i| (format!("{i}"), n)).collect(),
            seen: (-10..10).collect(),
        };
        (0..3).map(row).collect::<Vec<_>>()
    };
    let parquet = |rows| bytes(&<Parquet<Vec<Row>>>::default(), &rows).unwrap();
    let arrow = |rows| bytes(&<ArrowIpc<Vec<Row>>>::default(), &rows).unwrap();
    assert_eq!(parquet(rows()), parquet(rows()));
    assert_eq!(arrow(rows()), arrow(rows()));
    assert_eq!(value(&<Parquet<Vec<Row>>>::default(), &parquet(rows())).unwrap(), rows());

    // Rows that are maps: their keys are the columns.
    type Open = HashMap<String, f64>;
    let open = || -> Vec<Open> {
        let row = |n: u32| (0..20).map(|i| (format!("c{i:02}"), f64::from(n))).collect();
        (0..3).map(row).collect()
    };
    let csv = |rows| bytes(&<Csv<Vec<Open>>>::default(), &rows).unwrap();
    assert_eq!(csv(open()), csv(open()));
    assert!(csv(open()).starts_with(b"c00,c01,c02,"));
    assert_eq!(value(&<Csv<Vec<Open>>>::default(), &csv(open())).unwrap(), open());
    #[cfg(feature = "excel")]
    assert_eq!(
        bytes(&<Excel<Vec<Open>>>::default(), &open()).unwrap(),
        bytes(&<Excel<Vec<Open>>>::default(), &open()).unwrap(),
    );
}

/// Serializes a map entry by entry, as `erased_serde` and `typetag` do, with keys of one type.
struct Erased<'a, T: ?Sized>(&'a T);

impl<T: Serialize + ?Sized> Serialize for Erased<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let value = serde_json::to_value(self.0).map_err(S::Error::custom)?;
        let serde_json::Value::Object(map) = value else { return value.serialize(to) };
        let mut out = to.serialize_map(Some(map.len()))?;
        // The order of a `HashMap`, which differs each time.
        for (key, value) in map.into_iter().collect::<HashMap<_, _>>() {
            out.serialize_key(&key)?;
            out.serialize_value(&value)?;
        }
        out.end()
    }
}

#[test]
fn maps_serialized_by_entry_are_written_in_the_order_of_keys() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    #[serde(tag = "kind")]
    enum Model {
        Weights(HashMap<String, f64>),
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Flat {
        zeta: u8,
        #[serde(flatten)]
        more: HashMap<String, f64>,
        alpha: u8,
    }
    let map = || (0..12).map(|i| (format!("w{i:02}"), f64::from(i))).collect::<HashMap<_, _>>();
    type All = (Model, Flat);
    let all = || (Model::Weights(map()), Flat { zeta: 1, more: map(), alpha: 2 });
    let json = <Json<All>>::default();
    let pickle = <Pickle<All>>::default();
    let (text, packed) = (bytes(&json, &all()).unwrap(), bytes(&pickle, &all()).unwrap());
    for _ in 0..8 {
        assert_eq!(bytes(&json, &all()).unwrap(), text);
        assert_eq!(bytes(&pickle, &all()).unwrap(), packed);
    }
    assert_eq!(value(&json, &text).unwrap(), all());
    assert_eq!(value(&pickle, &packed).unwrap(), all());
    // A tag and the fields of a struct keep their places.
    let text = String::from_utf8(text).unwrap();
    let starts = r#"[{"kind":"Weights","w00":0.0,"w01":1.0,"#;
    assert!(text.starts_with(starts), "{text}");
    assert!(text.contains(r#"{"zeta":1,"w00":0.0,"w01":1.0,"#), "{text}");
    assert!(text.ends_with(r#""w11":11.0,"alpha":2}]"#), "{text}");
}

#[test]
fn an_erased_map_is_written_in_the_order_of_its_keys() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Model {
        weights: HashMap<String, Vec<u8>>,
    }
    impl Serialize for Model {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            let mut out = to.serialize_struct("Model", 1)?;
            out.serialize_field("weights", &Erased(&self.weights))?;
            out.end()
        }
    }
    let model = || Model { weights: (0..12).map(|i| (format!("w{i:02}"), vec![i, 0])).collect() };
    let (json, pickle) = (<Json<Model>>::default(), <Pickle<Model>>::default());
    let (text, packed) = (bytes(&json, &model()).unwrap(), bytes(&pickle, &model()).unwrap());
    for _ in 0..8 {
        assert_eq!(bytes(&json, &model()).unwrap(), text);
        assert_eq!(bytes(&pickle, &model()).unwrap(), packed);
    }
    assert!(text.starts_with(br#"{"weights":{"w00":[0,0],"w01":[1,0],"#));
    assert_eq!(value(&json, &text).unwrap(), model());
    assert_eq!(value(&pickle, &packed).unwrap(), model());
}

/// Values that are buffered until a map is sorted are written as if they were not.
#[test]
fn values_in_sorted_entries_are_written_unchanged() {
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
    enum Kind {
        Unit,
        New(Option<u8>),
        Tuple(i64, String),
        Fields { a: (), b: char },
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
    struct Unit;
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
    struct New(f32);
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
    struct Pair(u64, bool);
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
    struct Item {
        kinds: Vec<Kind>,
        unit: Unit,
        new: New,
        pair: Pair,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        none: Option<u8>,
        map: BTreeMap<String, f64>,
        time: std::net::Ipv4Addr,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Flat {
        #[serde(flatten)]
        items: BTreeMap<String, Item>,
    }
    let item = Item {
        kinds: vec![
            Kind::Unit,
            Kind::New(Some(1)),
            Kind::New(None),
            Kind::Tuple(-1, "x".to_owned()),
            Kind::Fields { a: (), b: 'b' },
        ],
        unit: Unit,
        new: New(0.5),
        pair: Pair(u64::MAX, true),
        none: None,
        map: BTreeMap::from([("k".to_owned(), 0.1)]),
        time: [127, 0, 0, 1].into(),
    };
    let flat =
        Flat { items: BTreeMap::from([("a".to_owned(), item.clone()), ("b".to_owned(), item)]) };
    let (json, pickle) = (<Json<Flat>>::default(), <Pickle<Flat>>::default());
    let text = bytes(&json, &flat).unwrap();
    assert_eq!(text, serde_json::to_vec(&flat).unwrap());
    assert_eq!(value(&json, &text).unwrap(), flat);
    // A format that is not human-readable writes an address as numbers.
    let packed = bytes(&pickle, &flat).unwrap();
    assert!(packed.windows(5).any(|part| part == [0x94, 127, 0, 0, 1]), "{packed:?}");
}

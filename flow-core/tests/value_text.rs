//! The text of a value in previews and its JSON in records.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::Path;

use flow_core::Secret;
use flow_core::value::to_value;
use serde::Serialize;

#[derive(Serialize, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Logistic,
    Poly { degree: u8 },
    Steps(Vec<u8>),
    Pair(u8, &'static str),
    Of(Option<Box<Kind>>),
}

#[derive(Serialize)]
struct Point {
    b: &'static str,
    a: i32,
}

#[derive(Serialize)]
struct Nothing {}

fn text(value: impl Serialize) -> String {
    to_value(&value).unwrap().to_string()
}

fn json(value: impl Serialize) -> String {
    serde_json::to_string(&to_value(&value).unwrap()).unwrap()
}

struct Bytes(&'static [u8]);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

#[test]
fn values_are_shown_in_short_form() {
    assert_eq!(text(Kind::Logistic), "Logistic");
    assert_eq!(text(Kind::Poly { degree: 3 }), "Poly {degree: 3}");
    assert_eq!(text(Kind::Steps(vec![1, 2])), "Steps(1, 2)");
    assert_eq!(text(Kind::Pair(1, "x")), "Pair(1, x)");
    assert_eq!(text(Kind::Of(None)), "Of(none)");
    assert_eq!(text(Kind::Of(Some(Kind::Logistic.into()))), "Of(Logistic)");
    assert_eq!(text(false), "false");
    assert_eq!(text(Path::new("examples/data/iris.csv")), "examples/data/iris.csv");
    assert_eq!(text([1, 2]), "[1, 2]");
    assert_eq!(text([0; 0]), "[]");
    assert_eq!(text(Point { b: "x", a: 1 }), "{a: 1, b: x}");
    assert_eq!(text(Nothing {}), "{}");
    assert_eq!(text(BTreeMap::from([(10, 'x'), (9, 'y')])), "{9: y, 10: x}");
    assert_eq!(text(BTreeMap::from([((1, "x"), Kind::Logistic)])), "{[1, x]: Logistic}");
    assert_eq!(text((Some(3), None::<()>, ())), "[3, none, ()]");
    assert_eq!(text(u128::MAX), "340282366920938463463374607431768211455");
    assert_eq!(text(i128::MIN), "-170141183460469231731687303715884105728");
    assert_eq!(text(Bytes(&[0, 255])), "0x00ff");
    assert_eq!(text(Secret::new("hunter2")), "***");
    assert_eq!(text([Some(Secret::new("hunter2"))]), "[***]");
}

#[test]
fn floats_are_shown_short_and_never_as_integers() {
    assert_eq!(text((0.1, 1.0, -0.0)), "[0.1, 1.0, -0.0]");
    assert_eq!(text((0.1_f32, 1e-7, 1e300)), "[0.1, 1e-7, 1e300]");
    assert_eq!(text((f64::NAN, f64::INFINITY, f64::NEG_INFINITY)), "[NaN, inf, -inf]");
    assert_eq!(text((0.1 + 0.2, 1e15, 1e16)), "[0.30000000000000004, 1000000000000000.0, 1e16]");
}

#[test]
fn text_is_quoted_only_where_it_could_be_misread() {
    assert_eq!(text("a, b"), "a, b");
    assert_eq!(text(r#"{"a"}"#), r#"{"a"}"#);
    assert_eq!(text(""), r#""""#);
    assert_eq!(text(["a b", "C:/x", r"C:\x", "12:30", "1,5"]), r"[a b, C:/x, C:\x, 12:30, 1,5]");
    assert_eq!(
        text(["a, b", "", " x", "{", "]", "a: b", "a,"]),
        r#"["a, b", "", " x", "{", "]", "a: b", "a,"]"#
    );
    assert_eq!(text([r#"say "\""#]), r#"["say \"\\\""]"#);
    assert_eq!(text((Some("none"), None::<()>)), r#"["none", none]"#);
    assert_eq!(text(Some("none")), r#""none""#);
    assert_eq!((text("none"), text("None")), (r#""none""#.into(), r#""None""#.into()));
    assert_eq!(format!("{:#}", to_value("a, b").unwrap()), r#""a, b""#);
    assert_eq!(format!("{:#}", to_value("a").unwrap()), "a");
}

#[test]
fn text_and_options_are_not_confused_with_none() {
    #[derive(Serialize)]
    #[serde(rename_all = "lowercase")]
    enum Level {
        None,
        Low,
    }
    assert_eq!(text((None::<Option<u8>>, Some(None::<u8>))), "[none, Some(none)]");
    assert_eq!(text(Some(Some(3))), "Some(3)");
    assert_eq!(text(Some(Some(None::<u8>))), "Some(Some(none))");
    assert_eq!(text(Some("None")), r#""None""#);
    assert_eq!(text((Some(Level::None), None::<Level>)), "[Some(none), none]");
    assert_eq!(text(Some(Level::Low)), "low");
}

#[test]
fn control_and_bidi_characters_are_escaped() {
    assert_eq!(text("a\nb\r\t\0\u{1b}[31m\u{7f}"), r"a\nb\r\t\u{0}\u{1b}[31m\u{7f}");
    assert_eq!(text("\u{202e}abc\u{2028}\u{85}"), r"\u{202e}abc\u{2028}\u{85}");
    assert_eq!(text("👩‍👩‍👧 ünï"), "👩‍👩‍👧 ünï");
    assert_eq!(text(["\n, "]), r#"["\n, "]"#);
    assert_eq!(text(['\n', ',', '🦀']), r#"["\n", ",", 🦀]"#);
}

#[test]
fn a_record_has_plain_json() {
    assert_eq!(json((1, -1, 0.1, 0.1_f32, true, 'x', "y")), r#"[1,-1,0.1,0.1,true,"x","y"]"#);
    assert_eq!(json((u64::MAX, i64::MIN)), "[18446744073709551615,-9223372036854775808]");
    assert_eq!(json(u128::MAX), r#""340282366920938463463374607431768211455""#);
    assert_eq!(json(i128::MIN), r#""-170141183460469231731687303715884105728""#);
    assert_eq!(json([f64::NAN, f64::INFINITY, f64::NEG_INFINITY]), r#"["NaN","inf","-inf"]"#);
    assert_eq!(json((None::<u8>, Some(1), ())), "[null,1,null]");
    assert_eq!(json(Bytes(&[0, 255])), r#""0x00ff""#);
    assert_eq!(json(Point { b: "x\n", a: 1 }), r#"{"a":1,"b":"x\n"}"#);
    assert_eq!(
        json(BTreeMap::from([((1, "a, b"), 1), ((2, ""), 2)])),
        r#"{"[1, \"a, b\"]":1,"[2, \"\"]":2}"#
    );
    assert_eq!(json(BTreeMap::from([("", 1), ("a\n", 2)])), r#"{"":1,"a\n":2}"#);
    assert_eq!(json(BTreeMap::from([(Kind::Logistic, 'x')])), r#"{"Logistic":"x"}"#);
    assert_eq!(json(Kind::Poly { degree: 3 }), r#"{"Poly":{"degree":3}}"#);
    assert_eq!(json(Kind::Pair(1, "x")), r#"{"Pair":[1,"x"]}"#);
    assert_eq!(json([Secret::new("hunter2")]), r#"["***"]"#);
}

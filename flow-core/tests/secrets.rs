//! The value of a `Secret` is only visible through `expose`.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fmt;

use flow_core::Secret;
use flow_core::value::{SecretKey, Value, from_value, to_value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Login {
    user: String,
    password: Secret<String>,
    pins: Vec<Secret<u32>>,
}

fn login() -> Login {
    Login {
        user: "ada".into(),
        password: "hunter2".to_owned().into(),
        pins: vec![Secret::new(271_828)],
    }
}

#[track_caller]
fn assert_hidden(text: impl fmt::Display) {
    let text = text.to_string();
    assert!(!text.contains("hunter2") && !text.contains("271828"), "{text}");
}

#[test]
fn display_debug_and_json_hide_a_secret() {
    let value = to_value(&login()).unwrap();
    assert_eq!(value.to_string(), "{password: ***, pins: [***], user: ada}");
    assert_eq!(
        serde_json::to_string(&value).unwrap(),
        r#"{"password":"***","pins":["***"],"user":"ada"}"#
    );
    assert_hidden(format!("{value:?} {value:#?} {:?} {:#?}", login(), login()));
    assert_eq!(format!("{:>5}|{:<5}|", Secret::new(1), Secret::new("x")), "  ***|***  |");
    assert_eq!(format!("{:?}", SecretKey::new([7; 32])), "SecretKey(***)");
}

#[test]
fn other_serializers_refuse_a_secret() {
    let error = serde_json::to_string(&login()).unwrap_err();
    assert_eq!(error.to_string(), "a secret is not written out");
    assert!(serde_json::to_value(Some(Secret::new(()))).is_err());
    assert!(serde_json::to_string(&BTreeMap::from([(Secret::new("hunter2"), 1)])).is_err());

    // Serde itself buffers internally tagged enums.
    #[derive(Serialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Token(Secret<BTreeMap<u8, u8>>),
    }
    assert!(to_value(&Tagged::Token(Secret::new(BTreeMap::new()))).is_err());
}

#[test]
fn a_failed_serialization_leaves_no_state() {
    /// Has the internal name of a secret, and is none.
    #[derive(Serialize)]
    #[serde(rename = "$flow_core::Secret")]
    struct Impostor(u8);

    assert!(serde_json::to_string(&login()).is_err());
    assert_eq!(to_value(&Impostor(1)).unwrap(), to_value(&1).unwrap());
    assert!(matches!(to_value(&Secret::new(Impostor(1))).unwrap(), Value::Secret(_)));
}

#[test]
fn a_secret_survives_flattening_and_wrapping() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Token(Secret<String>);
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Api {
        token: Option<Token>,
        #[serde(flatten)]
        rest: BTreeMap<String, u8>,
    }
    let api = Api {
        token: Some(Token(Secret::new("hunter2".into()))),
        rest: BTreeMap::from([("x".into(), 1)]),
    };
    let value = to_value(&api).unwrap();
    assert_eq!(value.to_string(), "{token: ***, x: 1}");
    assert_eq!(from_value::<Api>(&value).unwrap(), api);
}

#[test]
fn a_secret_does_not_deserialize_into_other_types() {
    #[track_caller]
    fn refused<T: DeserializeOwned + fmt::Debug>(value: &Value) -> String {
        from_value::<T>(value).unwrap_err().to_string()
    }
    #[derive(Debug, Deserialize)]
    struct Name(#[expect(dead_code)] String);

    let value = to_value(&Secret::new("hunter2")).unwrap();
    assert_eq!(refused::<String>(&value), "expected a string, found a secret");
    assert_eq!(refused::<Option<String>>(&value), "expected a string, found a secret");
    assert_eq!(refused::<Name>(&value), "expected a string, found a secret");
    assert_hidden(refused::<serde_json::Value>(&value));
    assert_ne!(value, to_value("hunter2").unwrap());
}

#[test]
fn errors_do_not_show_a_secret() {
    for value in [to_value(&Secret::new("hunter2")).unwrap(), to_value("hunter2").unwrap()] {
        let error = from_value::<Secret<u32>>(&value).unwrap_err();
        assert_eq!(error.to_string(), "what was given for a secret does not fit its type, `u32`");
        assert_hidden(format!("{error:?}"));
    }
    let error = serde_json::from_str::<Secret<u32>>(r#""hunter2""#).unwrap_err();
    assert_hidden(error);

    struct Chatty;
    impl Serialize for Chatty {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("hunter2 is no good"))
        }
    }
    let error = to_value(&Secret::new(Chatty)).unwrap_err();
    assert_hidden(&error);
    assert!(error.to_string().starts_with("a secret of type `"), "{error}");
}

#[test]
fn a_secret_deserializes_from_plain_text() {
    let text = r#"{"user": "ada", "password": "hunter2", "pins": [271828]}"#;
    assert_eq!(serde_json::from_str::<Login>(text).unwrap(), login());
}

//! JSON Lines, and JSON with a byte order mark.

use ::serde::{Deserialize, Serialize};
use flow_core::Target;
use flow_targets::{Json, JsonLines};

use crate::harness::{bytes, complaint, refusal, value};

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Event {
    at: u64,
    #[serde(default)]
    tags: Vec<String>,
    score: Option<f64>,
}

fn event(at: u64, tags: &[&str], score: Option<f64>) -> Event {
    Event { at, tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), score }
}

fn target() -> JsonLines<Vec<Event>> {
    JsonLines::default()
}

#[test]
fn each_value_is_on_a_line_and_comes_back() {
    let events = vec![event(u64::MAX, &["a\nb"], Some(0.1 + 0.2)), event(2, &[], None)];
    let file = bytes(&target(), &events).unwrap();
    let text = "{\"at\":18446744073709551615,\"tags\":[\"a\\nb\"],\"score\":0.30000000000000004}\n\
                {\"at\":2,\"tags\":[],\"score\":null}\n";
    assert_eq!(String::from_utf8(file.clone()).unwrap(), text);
    assert_eq!(value(&target(), &file).unwrap(), events);
    assert_eq!(bytes(&target(), &Vec::new()).unwrap(), b"");
    assert!(value(&target(), b"").unwrap().is_empty());
}

#[test]
fn files_of_other_programs_are_read() {
    let file = "\u{feff}{\"at\": 1}\r\n\r\n  {\"at\": 2, \"new\": [1]}  \n{\"at\":3}";
    let events = value(&target(), file.as_bytes()).unwrap();
    assert_eq!(events, [event(1, &[], None), event(2, &[], None), event(3, &[], None)]);
}

#[test]
fn a_line_that_is_no_value_is_an_error_that_names_it() {
    for (file, what) in [
        ("{\"at\":1}\n{\"at\":\n2}\n", "line 2, as `"),
        ("{\"at\":1}\n\n{\"at\":2} {\"at\":3}\n", "line 3, as `"),
        ("{\"at\":-1}\n", "line 1, as `"),
        ("[{\"at\":1}]\n", "line 1, as `"),
    ] {
        let error = complaint(&target(), file.as_bytes());
        assert!(error.contains(" as JSON Lines: ") && error.contains(what), "{file}: {error}");
    }
    let error = refusal(&target(), &vec![event(1, &[], None), event(2, &[], Some(f64::NAN))]);
    assert!(error.contains("value 1, a `") && error.contains("score"), "{error}");
    let error = complaint(&target().max_bytes(3), b"{\"at\":1}\n");
    assert!(error.contains("raise the limit by the target's option"), "{error}");
    assert_eq!(JsonLines::<Vec<Event>>::EXTENSION, "jsonl");
}

#[test]
fn json_may_begin_with_a_mark() {
    let target = <Json<Vec<u8>>>::default();
    assert_eq!(value(&target, "\u{feff}[1, 2]".as_bytes()).unwrap(), [1, 2]);
    let error = complaint(&target, b"\xff\xfe[\0]\0");
    assert!(error.contains("text in UTF-16, and JSON is UTF-8"), "{error}");
}

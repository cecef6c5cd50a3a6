//! Parses JSON of the store's files within a bound of memory.
//!
//! Text of a few bytes can be a value of hundreds: `[0,0,...]` takes 16 times its size as values of
//! `serde_json`, and `[{"a":0},...]` 80 times. So the structure of a text is counted before it is parsed,
//! which allocates nothing. The charge of each part is at least what it takes in the types that the store
//! reads. A text and what it becomes take at most three times its size and [`BASE`] together.

use serde::de::{DeserializeOwned, Error as _};

/// What any text may become, in bytes. A record of a folder with a million files has about 220 MB and
/// is charged 900 MB.
const BASE: u64 = 512 << 20;

/// How many times its size a text may become beyond that.
const TIMES: u64 = 2;

/// No text is charged more for each of its bytes: a small one is not counted.
const MOST: u64 = 512;

/// An object that is not empty: the first node of a map, or a struct.
const OBJECT: u64 = 640;

/// A list that is not empty: room for its first items.
const LIST: u64 = 160;

/// A further item of a list, which may be the text of a set.
const ITEM: u64 = 80;

/// A further field of an object: its part of a node, its name, and a value that allocates.
const FIELD: u64 = 176;

/// How deep `serde_json` nests. A text that nests deeper is refused by the parser.
const DEPTH: usize = 128;

/// Parses a text.
///
/// # Errors
///
/// It is not JSON of this type, or it would take too much memory.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    check(text).map_err(serde_json::Error::custom)?;
    serde_json::from_slice(text)
}

/// Checks that a text can be parsed within the bound, before it is written or read.
///
/// # Errors
///
/// How much memory it would take, and the limit.
pub(crate) fn check(text: &[u8]) -> Result<(), String> {
    let limit = BASE + TIMES * text.len() as u64;
    if (text.len() as u64).saturating_mul(MOST) <= limit {
        return Ok(());
    }
    let charge = charge(text);
    if charge <= limit {
        return Ok(());
    }
    Err(format!(
        "it has {} bytes and would take up to {charge} bytes in memory, more than the limit of {limit} \
         bytes: keep large lists and maps in an output, and not in parameters or metadata",
        text.len()
    ))
}

/// The most that a text takes once it is parsed, besides itself.
fn charge(text: &[u8]) -> u64 {
    // What each open container is charged for a comma.
    let mut open = [ITEM; DEPTH];
    let (mut depth, mut charge) = (0, text.len() as u64);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        let (first, further) = match byte {
            b'"' => {
                while let Some(byte) = bytes.next()
                    && *byte != b'"'
                {
                    if *byte == b'\\' {
                        bytes.next();
                    }
                }
                continue;
            }
            b',' => {
                charge += open[depth];
                continue;
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                continue;
            }
            b'{' => (OBJECT, FIELD),
            b'[' => (LIST, ITEM),
            _ => continue,
        };
        charge += first;
        depth += 1;
        match open.get_mut(depth) {
            Some(of) => *of = further,
            None => return charge,
        }
    }
    charge
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

    use super::*;

    /// A list of so many copies of an item.
    fn list(item: &str, count: usize) -> Vec<u8> {
        format!("[{}]", vec![item; count].join(",")).into_bytes()
    }

    #[test]
    fn small_values_in_a_long_text_are_refused_before_they_are_parsed() {
        for item in ["0", "{\"a\":0}", "[0]", "\"\"", "{}"] {
            let error = parse::<Value>(&list(item, 12_000_000)).expect_err("it is too large");
            assert!(error.to_string().contains("would take up to"), "{item}: {error}");
        }
        let fields: Vec<_> = (0..4_000_000).map(|field| format!("\"{field}\":0")).collect();
        let text = format!("{{{}}}", fields.join(","));
        assert!(parse::<BTreeMap<String, Value>>(text.as_bytes()).is_err());
        let names: Vec<_> = (0..10_000_000).map(|name| format!("\"{name}\"")).collect();
        assert!(parse::<BTreeSet<String>>(format!("[{}]", names.join(",")).as_bytes()).is_err());
    }

    #[test]
    fn long_texts_are_parsed_whatever_they_hold() {
        let long = format!("\"{}\"", "[{,\\\"".repeat(1 << 20));
        assert_eq!(parse::<String>(long.as_bytes()).expect("one text").len(), 4 << 20);
        let pairs =
            parse::<Vec<(u8, String)>>(&list("[1,\"a longer text, as files have\"]", 500_000));
        assert_eq!(pairs.expect("a list").len(), 500_000);
    }

    #[test]
    fn what_nests_too_deep_is_left_to_the_parser() {
        let deep = "[".repeat(4 << 20);
        let error = parse::<Value>(deep.as_bytes()).expect_err("it nests too deep").to_string();
        assert!(error.contains("recursion limit"), "{error}");
    }
}

//! Parses the store's JSON files within a limit of memory.
//!
//! A value can take much more memory than its text: `[0,0,...]` takes 16 times its size as values
//! of `serde_json`, and `[{"a":0},...]` 80 times. So [`check`] estimates the memory from the
//! structure of the text before the text is parsed, without allocating. The estimate of each part
//! is at least what it takes in the types that the store reads. A text and its value together take
//! at most three times the size of the text and [`BASE`].

use serde::de::{DeserializeOwned, Error as _};

/// The memory that any text may take, in bytes. A record of a million inputs has about 190 MB and is
/// estimated at 1,440 MB; that of a folder with a million files has 220 MB and is estimated at 900 MB.
const BASE: u64 = 1_280 << 20;

/// The memory that a text may take beyond `BASE`, as a multiple of its size.
const TIMES: u64 = 2;

/// The highest estimate for each byte of a text. Texts that fit by it are not scanned.
const MOST: u64 = 512;

/// The estimate for an object that is not empty: the first node of a map, or a struct.
const OBJECT: u64 = 640;

/// The estimate for a list that is not empty: room for its first items.
const LIST: u64 = 160;

/// The estimate for each further item of a list, which may be text in a set.
const ITEM: u64 = 80;

/// The estimate for each further field of an object: part of a node, its name, and a value.
const FIELD: u64 = 176;

/// The deepest nesting that `serde_json` parses. The parser refuses deeper texts.
const DEPTH: usize = 128;

/// Parses a text.
///
/// # Errors
///
/// The text is not JSON of this type, or its value would take too much memory.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    check(text).map_err(serde_json::Error::custom)?;
    serde_json::from_slice(text)
}

/// Checks that a text can be parsed within the limit.
///
/// # Errors
///
/// The text would take more memory than the limit. The message states both.
pub(crate) fn check(text: &[u8]) -> Result<(), String> {
    let limit = BASE + TIMES * text.len() as u64;
    if (text.len() as u64).saturating_mul(MOST) <= limit {
        return Ok(());
    }
    let estimate = estimate(text);
    if estimate <= limit {
        return Ok(());
    }
    Err(format!(
        "it has {} bytes and would take up to {estimate} bytes in memory, more than the limit of {limit} \
         bytes: keep large lists and maps in an output, and not in parameters or metadata",
        text.len()
    ))
}

/// Returns an upper bound of the memory that the value of a text takes, plus the size of the text.
fn estimate(text: &[u8]) -> u64 {
    // The estimate for a comma in each open container.
    let mut open = [ITEM; DEPTH];
    let (mut depth, mut estimate) = (0, text.len() as u64);
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
                estimate += open[depth];
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
        estimate += first;
        depth += 1;
        match open.get_mut(depth) {
            Some(of) => *of = further,
            None => return estimate,
        }
    }
    estimate
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

    use super::*;

    /// Returns a list with `count` copies of an item.
    fn list(item: &str, count: usize) -> Vec<u8> {
        format!("[{}]", vec![item; count].join(",")).into_bytes()
    }

    #[test]
    fn small_values_in_a_long_text_are_refused_before_they_are_parsed() {
        for item in ["0", "{\"a\":0}", "[0]", "\"\"", "{}"] {
            let error = parse::<Value>(&list(item, 24_000_000)).expect_err("it is too large");
            assert!(error.to_string().contains("would take up to"), "{item}: {error}");
        }
        let fields: Vec<_> = (0..12_000_000).map(|field| format!("\"{field}\":0")).collect();
        let text = format!("{{{}}}", fields.join(","));
        assert!(parse::<BTreeMap<String, Value>>(text.as_bytes()).is_err());
        let names: Vec<_> = (0..24_000_000).map(|name| format!("\"{name}\"")).collect();
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
    fn a_record_of_a_million_inputs_fits() {
        let digest = "0123456789abcdef0123456789abcdef";
        let input = format!(
            "{{\n      \"role\": \"leaves\",\n      \"of\": \"{digest}\",\n      \"instance\": \"Leaf {{n: 1000000}}\",\n      \
             \"digest\": \"{digest}\"\n    }}"
        );
        assert_eq!(check(&list(&input, 1_000_000)), Ok(()));
    }

    #[test]
    fn deep_nesting_is_left_to_the_parser() {
        let deep = "[".repeat(4 << 20);
        let error = parse::<Value>(deep.as_bytes()).expect_err("it nests too deep").to_string();
        assert!(error.contains("recursion limit"), "{error}");
    }
}

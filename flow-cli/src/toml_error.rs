//! Errors of `flow.toml` in plain words.
//!
//! The texts of serde name Rust types: `invalid value: integer 0, expected a nonzero u16`. What a setting may be is in terms of
//! TOML here, and a key or a value that is misspelt gets the most similar one. A text of another form stays as it is.

use flow_core::nearest;

use crate::text::{one_line, shortened};

/// The longest key or value that an error quotes, in characters.
const QUOTED: usize = 100;

/// What a value is expected to be: in serde, and in plain words.
const EXPECTED: [(&str, &str); 11] = [
    ("u16", "a whole number from 0 to 65535"),
    ("a nonzero u16", "a whole number from 1 to 65535"),
    ("u32", "a whole number from 0 to 4294967295"),
    ("u64", "a whole number that is not negative"),
    ("usize", "a whole number that is not negative"),
    ("f64", "a number"),
    ("a boolean", "true or false"),
    ("a string", "a text in quotes"),
    ("path string", "a path in quotes"),
    ("a sequence", "a list in brackets, such as [\"a\", \"b\"]"),
    ("a map", "a table"),
];

/// Returns the place of an error in the file, and the error in plain words.
pub(crate) fn text(error: &toml::de::Error) -> String {
    let whole = error.to_string();
    let whole = whole.trim_end();
    let (message, plain) = (error.message().trim_end(), message(error.message().trim_end()));
    let text = match whole.rfind(message) {
        Some(start) => {
            let end = start + message.len();
            format!("{}{plain}{}", &whole[..start], &whole[end..])
        }
        None => whole.to_owned(),
    };
    let place = text.strip_prefix("TOML parse error at ");
    place.map(str::to_owned).unwrap_or(text)
}

/// Returns a message of serde in plain words.
fn message(message: &str) -> String {
    let plain = unknown(message, "unknown field `", "key")
        .or_else(|| unknown(message, "unknown variant `", "choice"))
        .or_else(|| wrong(message));
    match plain {
        Some(plain) => plain,
        None if message == "wanted string or table" => "it should be a text in quotes".to_owned(),
        None => message.to_owned(),
    }
}

/// Returns what to say of a name that is none of those that are known.
fn unknown(message: &str, start: &str, what: &str) -> Option<String> {
    let (name, expected) = message.strip_prefix(start)?.rsplit_once("`, expected ")?;
    let mut known: Vec<String> = Vec::new();
    for name in expected.split('`').skip(1).step_by(2) {
        // A key with a `-` is another spelling of one with a `_`.
        let name = name.replace('-', "_");
        if !known.contains(&name) {
            known.push(name);
        }
    }
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let shown = shortened(&one_line(name), QUOTED);
    Some(match nearest(&name.replace('-', "_"), &names) {
        Some(nearest) => format!("there is no {what} `{shown}`: did you mean `{nearest}`?"),
        None => {
            let names = names.join("`, `");
            format!("there is no {what} `{shown}`; there are these: `{names}`")
        }
    })
}

/// Returns what to say of a value that has another type, or is not in the range.
fn wrong(message: &str) -> Option<String> {
    let rest =
        ["invalid type: ", "invalid value: "].iter().find_map(|start| message.strip_prefix(start));
    let (found, expected) = rest?.rsplit_once(", expected ")?;
    let expected = match EXPECTED.iter().find(|(known, _)| *known == expected) {
        Some((_, plain)) => plain,
        None if expected.starts_with("struct ") => "a table",
        None => return None,
    };
    Some(format!("it is {}, and should be {expected}", shown(found)?))
}

/// Returns a value as TOML calls it.
fn shown(found: &str) -> Option<String> {
    let quoted = |start: &str| found.strip_prefix(start)?.strip_suffix('`');
    let number = quoted("integer `").or_else(|| quoted("floating point `"));
    if let Some(number) = number {
        return Some(format!("the number {number}"));
    }
    if let Some(value) = quoted("boolean `") {
        return Some(value.to_owned());
    }
    if let Some(text) = found.strip_prefix("string ") {
        return Some(format!("the text {}", shortened(text, QUOTED)));
    }
    match found {
        "sequence" => Some("a list".to_owned()),
        "map" => Some("a table".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_serde_become_plain_words() {
        let both = "unknown field `sign-wiht`, expected one of `data`, `sign-with`, `sign_with`";
        assert_eq!(message(both), "there is no key `sign-wiht`: did you mean `sign_with`?");
        assert_eq!(
            message("unknown field `xyz`, expected one of `data`, `sign-with`, `sign_with`"),
            "there is no key `xyz`; there are these: `data`, `sign_with`"
        );
        assert_eq!(
            message("unknown variant `pul`, expected one of `pull`, `slurm`, `hq`"),
            "there is no choice `pul`: did you mean `pull`?"
        );
        assert_eq!(
            message("invalid value: integer `0`, expected a nonzero u16"),
            "it is the number 0, and should be a whole number from 1 to 65535"
        );
        assert_eq!(
            message("invalid type: string \"a, expected b\", expected a sequence"),
            "it is the text \"a, expected b\", and should be a list in brackets, such as [\"a\", \"b\"]"
        );
        assert_eq!(
            message("invalid type: boolean `true`, expected path string"),
            "it is true, and should be a path in quotes"
        );
        assert_eq!(
            message("invalid type: integer `1`, expected struct SchedulerSettings"),
            "it is the number 1, and should be a table"
        );
        for other in ["unclosed table, expected `]`", "invalid type: map, expected a frog", ""] {
            assert_eq!(message(other), other);
        }
    }

    #[test]
    fn an_error_has_its_place() {
        let error = toml::from_str::<std::collections::BTreeMap<String, u16>>("a = 1\nb = -1\n");
        let error = text(&error.expect_err("a negative number"));
        assert!(error.starts_with("line 2, column 5\n"), "{error}");
        assert!(error.contains("\n2 | b = -1\n"), "{error}");
        let expected = "\nit is the number -1, and should be a whole number from 0 to 65535";
        assert!(error.ends_with(expected), "{error}");
    }
}

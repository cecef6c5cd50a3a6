//! The options that each attribute knows, and the error for an unknown option.

use std::fmt::Write;

/// The options of an attribute.
pub(crate) struct Words {
    /// The attribute, such as `#[task]`.
    pub(crate) attribute: &'static str,
    pub(crate) known: &'static [&'static str],
    /// Words that other libraries use, with the option of the same meaning.
    synonyms: &'static [(&'static str, &'static str)],
}

pub(crate) const TASK: Words = Words {
    attribute: "#[task]",
    known: &[
        "requires",
        "target",
        "outputs",
        "external",
        "path",
        "aggregate",
        "name",
        "was",
        "group",
        "dir",
        "version",
        "refresh",
        "uses",
        "may_require",
        "check",
        "retries",
        "backoff",
        "timeout",
        "priority",
        "threads",
        "resources",
        "isolate",
        "tracked",
        "crate",
    ],
    synonyms: &[
        ("depends_on", "requires"),
        ("depends", "requires"),
        ("dependencies", "requires"),
        ("deps", "requires"),
        ("needs", "requires"),
        ("inputs", "requires"),
        ("output", "target"),
        ("retry", "retries"),
        ("max_retries", "retries"),
        ("attempts", "retries"),
        ("delay", "backoff"),
        ("cpu", "threads"),
        ("cpus", "threads"),
        ("cores", "threads"),
        ("memory", "resources"),
        ("gpu", "resources"),
    ],
};

/// The options of `#[task(...)]` that say how a task is executed. They are no code, and no part of a fingerprint.
pub(crate) const EXECUTION: [&str; 7] =
    ["retries", "backoff", "timeout", "priority", "threads", "resources", "isolate"];

pub(crate) const OUTPUTS: Words =
    Words { attribute: "#[outputs]", known: &["crate"], synonyms: &[] };

/// The option after the target in `#[output(Parquet, check = is_sorted)]`.
pub(crate) const OUTPUT: Words = Words { attribute: "#[output]", known: &["check"], synonyms: &[] };

pub(crate) const PARAM: Words = Words {
    attribute: "#[param]",
    known: &["default", "file", "insignificant", "local", "range", "choices", "was", "from"],
    synonyms: &[],
};

/// The options of `#[row(...)]` at a field.
pub(crate) const ROW: Words = Words {
    attribute: "#[row]",
    known: &["unit", "precision", "scale"],
    synonyms: &[("units", "unit"), ("digits", "precision"), ("resolution", "unit")],
};

/// The options of `#[row(...)]` above a struct or an enum.
pub(crate) const ROW_TYPE: Words = Words { attribute: "#[row]", known: &["crate"], synonyms: &[] };

pub(crate) const TRACKED: Words =
    Words { attribute: "#[tracked]", known: &["body", "crate", "lock"], synonyms: &[] };

/// The options of `tracked(...)` in the `#[task(...)]` of a function.
pub(crate) const TRACKED_OPTION: Words = Words { attribute: "tracked(...)", ..TRACKED };

impl Words {
    /// Returns the error message for an unknown option.
    pub(crate) fn unknown(&self, word: &str) -> String {
        let mut message = format!("`{}` has no option `{word}`", self.attribute);
        let synonym = self.synonyms.iter().find(|(synonym, _)| *synonym == word);
        if let Some(near) = synonym.map(|(_, option)| *option).or(nearest(word, self.known)) {
            let _ = write!(message, "; did you mean `{near}`?");
        }
        let known: Vec<_> = self.known.iter().map(|known| format!("`{known}`")).collect();
        let _ = write!(message, "\nits options are {}", known.join(", "));
        message
    }
}

/// Returns the error message for a parameter that a required task does not have.
pub(crate) fn no_parameter(task: &str, name: &str, parameters: &[String]) -> String {
    let mut message = format!("`{task}` has no parameter `{name}`");
    let known: Vec<&str> = parameters.iter().map(String::as_str).collect();
    if known.is_empty() {
        let _ = write!(message, "; it has none");
        return message;
    }
    if let Some(near) = nearest(name, &known) {
        let _ = write!(message, "; did you mean `{near}`?");
    }
    let known: Vec<_> = known.iter().map(|known| format!("`{known}`")).collect();
    let _ = write!(message, "\nits parameters are {}", known.join(", "));
    message
}

/// Returns the known word that is most similar to `word`, if one is similar enough. Two exchanged letters are
/// one mistake, and so is a plural such as `bodies`.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let singular = word.strip_suffix("ies").map(|stem| format!("{stem}y"));
    let distance = |known: &str| {
        let of_plural = singular.as_ref().map(|word| 1 + strsim::osa_distance(word, known));
        of_plural.into_iter().chain([strsim::osa_distance(word, known)]).min()
    };
    let (distance, near) = known
        .iter()
        .filter_map(|&known| Some((distance(known)?, known)))
        .min_by_key(|found| found.0)?;
    (distance <= near.len().max(3) / 3).then_some(near)
}

/// The error message for `#[tracked]` above a function that is a task.
pub(crate) const TRACKED_TWICE: &str = "leave out `#[tracked]`: a function that is a task is tracked \
                                        already; write its options in `#[task(tracked(lock))]`";

/// The error message for a reference in the type of a parameter.
pub(crate) const MUST_OWN: &str = "a parameter owns its value; \
                               write `String` for `&str`, `Vec<T>` for `&[T]`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_recognized() {
        for (typo, meant) in [
            ("require", "requires"),
            ("requirs", "requires"),
            ("reqiures", "requires"),
            ("targets", "target"),
            ("crat", "crate"),
        ] {
            assert_eq!(nearest(typo, TASK.known), Some(meant), "{typo}");
        }
        assert_eq!(nearest("rnage", PARAM.known), Some("range"));
        assert_eq!(nearest("bodies", TRACKED.known), Some("body"));
        assert_eq!(nearest("depends_on", TASK.known), None);
    }

    #[test]
    fn a_word_of_another_library_is_recognized() {
        assert!(TASK.unknown("depends_on").contains("did you mean `requires`?"));
    }

    #[test]
    fn the_options_of_the_execution_are_known() {
        assert!(EXECUTION.iter().all(|option| TASK.known.contains(option)));
        assert!(TASK.unknown("retry").contains("did you mean `retries`?"));
    }
}

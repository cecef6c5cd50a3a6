//! The options that each attribute knows, and the error for an unknown option.

use std::fmt::Write;

/// The options of an attribute.
pub(crate) struct Words {
    /// The attribute, such as `#[task]`.
    pub(crate) attribute: &'static str,
    pub(crate) known: &'static [&'static str],
    /// Options that are planned, but not supported yet.
    pub(crate) later: &'static [&'static str],
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
        "tracked",
        "crate",
    ],
    later: &["retries", "backoff", "timeout", "priority", "resources", "isolate"],
};

pub(crate) const OUTPUTS: Words = Words { attribute: "#[outputs]", known: &["crate"], later: &[] };

pub(crate) const PARAM: Words = Words {
    attribute: "#[param]",
    known: &["default", "file", "insignificant", "local", "range", "choices", "was", "from"],
    later: &[],
};

pub(crate) const TRACKED: Words =
    Words { attribute: "#[tracked]", known: &["body", "crate", "lock"], later: &[] };

impl Words {
    /// Returns the error message for an unknown option.
    pub(crate) fn unknown(&self, word: &str) -> String {
        if self.later.contains(&word) {
            return format!("`{word}` is not supported yet");
        }
        let mut message = format!("`{}` has no option `{word}`", self.attribute);
        if let Some(near) = nearest(word, self.known) {
            let _ = write!(message, "; did you mean `{near}`?");
        }
        let known: Vec<_> = self.known.iter().map(|known| format!("`{known}`")).collect();
        let _ = write!(message, "\nits options are {}", known.join(", "));
        message
    }
}

/// Returns the known word that is most similar to `word`, if one is similar enough.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let (distance, near) = known
        .iter()
        .map(|&known| (strsim::levenshtein(word, known), known))
        .min_by_key(|found| found.0)?;
    (distance <= near.len().max(3) / 3).then_some(near)
}

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
        assert_eq!(nearest("depends_on", TASK.known), None);
    }

    #[test]
    fn a_planned_option_is_reported_as_such() {
        assert_eq!(TASK.unknown("retries"), "`retries` is not supported yet");
    }
}

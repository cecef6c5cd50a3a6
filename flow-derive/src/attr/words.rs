//! Every word that the attributes know, and what is said of one they do not.

use std::fmt::Write;

/// An attribute, by the words it knows.
pub(crate) struct Words {
    /// Such as `#[task]`.
    pub(crate) attribute: &'static str,
    pub(crate) known: &'static [&'static str],
    /// Words that will mean something, and do not yet.
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
    /// What to say of a word that is not known.
    pub(crate) fn refuse(&self, word: &str) -> String {
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

/// The word nearest to what was written, if one is near.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let (distance, near) = known
        .iter()
        .map(|&known| (strsim::levenshtein(word, known), known))
        .min_by_key(|found| found.0)?;
    (distance <= near.len().max(3) / 3).then_some(near)
}

/// What is said of a reference in the type of a parameter.
pub(crate) const OWNS: &str = "a parameter owns its value; \
                               write `String` for `&str`, `Vec<T>` for `&[T]`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        for (slip, meant) in [
            ("require", "requires"),
            ("requirs", "requires"),
            ("reqiures", "requires"),
            ("targets", "target"),
            ("crat", "crate"),
        ] {
            assert_eq!(nearest(slip, TASK.known), Some(meant), "{slip}");
        }
        assert_eq!(nearest("depends_on", TASK.known), None);
    }

    #[test]
    fn a_later_word_is_called_so() {
        assert_eq!(TASK.refuse("retries"), "`retries` is not supported yet");
    }
}

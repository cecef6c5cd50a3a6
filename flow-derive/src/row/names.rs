//! The names that `#[serde(rename_all = ...)]` gives to fields and variants.

use proc_macro2::Ident;
use syn::parse::ParseStream;
use syn::{LitStr, Result};

use super::field::text;

/// A rule of `rename_all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

const RULES: [(&str, Rule); 8] = [
    ("lowercase", Rule::Lower),
    ("UPPERCASE", Rule::Upper),
    ("PascalCase", Rule::Pascal),
    ("camelCase", Rule::Camel),
    ("snake_case", Rule::Snake),
    ("SCREAMING_SNAKE_CASE", Rule::ScreamingSnake),
    ("kebab-case", Rule::Kebab),
    ("SCREAMING-KEBAB-CASE", Rule::ScreamingKebab),
];

impl Rule {
    /// Parses `rename_all = "rule"`.
    pub(super) fn parse(word: &Ident, input: ParseStream<'_>) -> Result<Self> {
        let name: LitStr = text(word, input)?;
        let known = RULES.iter().find(|(known, _)| *known == name.value());
        known.map(|(_, rule)| *rule).ok_or_else(|| {
            let rules = RULES.map(|(known, _)| known).join("`, `");
            syn::Error::new(name.span(), format!("the rules of serde are `{rules}`"))
        })
    }

    /// Returns the name of a field, which is written in snake case.
    pub(super) fn of_field(self, field: &str) -> String {
        match self {
            Self::Lower | Self::Snake => field.to_owned(),
            Self::Upper | Self::ScreamingSnake => field.to_ascii_uppercase(),
            Self::Pascal => pascal(field),
            Self::Camel => uncapitalized(&pascal(field)),
            Self::Kebab => field.replace('_', "-"),
            Self::ScreamingKebab => field.to_ascii_uppercase().replace('_', "-"),
        }
    }

    /// Returns the name of a variant, which is written in Pascal case.
    pub(super) fn of_variant(self, variant: &str) -> String {
        match self {
            Self::Pascal => variant.to_owned(),
            Self::Lower => variant.to_ascii_lowercase(),
            Self::Upper => variant.to_ascii_uppercase(),
            Self::Camel => uncapitalized(variant),
            Self::Snake => snake(variant),
            Self::ScreamingSnake => snake(variant).to_ascii_uppercase(),
            Self::Kebab => snake(variant).replace('_', "-"),
            Self::ScreamingKebab => snake(variant).to_ascii_uppercase().replace('_', "-"),
        }
    }
}

fn pascal(field: &str) -> String {
    let mut is_start = true;
    let mut name = String::new();
    for letter in field.chars() {
        if letter == '_' {
            is_start = true;
        } else {
            name.push(if is_start { letter.to_ascii_uppercase() } else { letter });
            is_start = false;
        }
    }
    name
}

fn snake(variant: &str) -> String {
    let mut name = String::new();
    for (place, letter) in variant.char_indices() {
        if place > 0 && letter.is_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

fn uncapitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_serde() {
        for (rule, field, variant) in [
            (Rule::Lower, "due_on", "dueon"),
            (Rule::Upper, "DUE_ON", "DUEON"),
            (Rule::Pascal, "DueOn", "DueOn"),
            (Rule::Camel, "dueOn", "dueOn"),
            (Rule::Snake, "due_on", "due_on"),
            (Rule::ScreamingSnake, "DUE_ON", "DUE_ON"),
            (Rule::Kebab, "due-on", "due-on"),
            (Rule::ScreamingKebab, "DUE-ON", "DUE-ON"),
        ] {
            assert_eq!(rule.of_field("due_on"), field, "{rule:?}");
            assert_eq!(rule.of_variant("DueOn"), variant, "{rule:?}");
        }
    }
}

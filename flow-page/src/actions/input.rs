//! The input of a parameter: the element of HTML that takes its text.
//!
//! | the parameter has | element |
//! | --- | --- |
//! | choices, or the type `bool` | a list of the choices |
//! | a number type | a field for numbers, with the ends of its range |
//! | a type that is written as JSON, such as a list or a struct | a field of several lines |
//! | any other type | a field of one line |
//!
//! What the element allows is a help for people: the text is checked when it is sent.

use flow_core::ParameterInfo;
use maud::{Markup, html};

/// The number of choices that a list has. Of more, a text is typed.
const CHOICES: usize = 200;

const WHOLE: [&str; 12] =
    ["u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize"];

/// The element that takes the text of a parameter.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// A list of texts.
    Choice(Vec<String>),
    /// A number, at least and at most so large, as texts.
    Number { least: Option<String>, most: Option<String>, is_whole: bool },
    /// Several lines.
    Lines,
    /// One line.
    Line,
}

impl Input {
    pub(super) fn of(parameter: ParameterInfo) -> Self {
        let name = parameter.type_name();
        let inside = name.strip_prefix("Option<").and_then(|name| name.strip_suffix('>'));
        let is_optional = inside.is_some();
        let name = inside.unwrap_or(&name);
        let listed = match parameter.choices() {
            Some(list) => choices(&list, |text| parameter.check(text).is_ok()),
            None if name == "bool" => Some(vec!["true".to_owned(), "false".to_owned()]),
            None => None,
        };
        if let Some(mut listed) = listed {
            if is_optional {
                listed.push("none".to_owned());
            }
            return Self::Choice(listed);
        }
        let is_whole = WHOLE.contains(&name);
        // A field for numbers does not take `none`.
        if !is_optional && (is_whole || matches!(name, "f32" | "f64")) {
            let (least, most) =
                parameter.range().map(|range| ends(&range, is_whole)).unwrap_or_default();
            return Self::Number { least, most, is_whole };
        }
        let example = parameter.example();
        match example.is_some_and(|example| example.starts_with(['[', '{'])) {
            true => Self::Lines,
            false => Self::Line,
        }
    }

    /// Shows the element with the text that was typed, also if that does not fit. An empty text leaves the parameter as it is.
    pub(super) fn markup(
        &self,
        id: &str,
        name: &str,
        text: &str,
        described: &str,
        is_wrong: bool,
    ) -> Markup {
        let invalid = is_wrong.then_some("true");
        match self {
            Self::Choice(choices) => html! {
                select id=(id) name=(name) aria-describedby=(described) aria-invalid=[invalid] {
                    option value="" { "as it is" }
                    @for choice in choices {
                        option value=(choice) selected[choice == text] { (crate::text::clipped(choice, 200)) }
                    }
                    @if !text.is_empty() && !choices.iter().any(|choice| choice == text) {
                        option value=(text) selected { (crate::text::clipped(text, 200)) }
                    }
                }
            },
            // A browser empties a field for numbers whose text is none.
            Self::Number { least, most, is_whole } if text.is_empty() || is_number(text) => html! {
                input type="number" id=(id) name=(name) value=(text) min=[least.as_ref()] max=[most.as_ref()]
                    step=(if *is_whole { "1" } else { "any" }) aria-describedby=(described) aria-invalid=[invalid];
            },
            Self::Lines => html! {
                // A browser drops the first line end.
                textarea id=(id) name=(name) rows="3" spellcheck="false" aria-describedby=(described) aria-invalid=[invalid] {
                    "\n" (text)
                }
            },
            Self::Number { .. } | Self::Line => html! {
                input type="text" id=(id) name=(name) value=(text) spellcheck="false" aria-describedby=(described)
                    aria-invalid=[invalid];
            },
        }
    }
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Returns the ends of a range such as `1..=365`, as far as they are numbers and not names of constants.
fn ends(range: &str, is_whole: bool) -> (Option<String>, Option<String>) {
    let Some((low, high)) = range.split_once("..") else { return (None, None) };
    let number = |text: &str| {
        let text = text.trim().replace('_', "");
        is_number(&text).then_some(text)
    };
    let most = match high.trim().strip_prefix('=') {
        Some(last) => number(last),
        // The end is not in the range. Of numbers that are not whole, there is none before it.
        None if is_whole => {
            let end = number(high).and_then(|end| end.parse::<i128>().ok());
            end.and_then(|end| end.checked_sub(1)).map(|last| last.to_string())
        }
        None => number(high),
    };
    (number(low), most)
}

/// Returns the choices in a list such as `["a", "b"]` or `[Kernel::Linear]`, each as a text that the parameter takes. `None` if
/// the list is long, or has others.
fn choices(list: &str, is_allowed: impl Fn(&str) -> bool) -> Option<Vec<String>> {
    let inside = list.trim().strip_prefix('[')?.strip_suffix(']')?;
    let choices: Vec<_> = items(inside).into_iter().map(as_text).collect();
    let is_list = !choices.is_empty() && choices.len() <= CHOICES;
    (is_list && choices.iter().all(|choice| is_allowed(choice))).then_some(choices)
}

/// Returns the text that stands for a choice: that in the quotes, or the last name of a path.
fn as_text(item: &str) -> String {
    match serde_json::from_str::<String>(item) {
        Ok(text) => text,
        Err(_) => item.rsplit("::").next().unwrap_or(item).to_owned(),
    }
}

/// Splits a list at the commas that are neither in quotes nor in brackets.
fn items(list: &str) -> Vec<&str> {
    let (mut items, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, c) in list.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                items.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&list[start..]);
    items.into_iter().map(str::trim).filter(|item| !item.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_the_ends_that_are_numbers() {
        let of = |range, is_whole| {
            let (least, most) = ends(range, is_whole);
            (least.unwrap_or_default(), most.unwrap_or_default())
        };
        let expected = |least: &str, most: &str| (least.to_owned(), most.to_owned());
        assert_eq!(of("1..=365", true), expected("1", "365"));
        assert_eq!(of("1..10", true), expected("1", "9"));
        assert_eq!(of("0.0..1.0", false), expected("0.0", "1.0"));
        assert_eq!(of("-1_000 ..= MAX", true), expected("-1000", ""));
        assert_eq!(of("..", true), expected("", ""));
        assert_eq!(of("limits()", true), expected("", ""));
    }

    #[test]
    fn a_list_is_split_into_texts() {
        let all = |list| choices(list, |_| true);
        let texts = |texts: &[&str]| -> Option<Vec<String>> {
            Some(texts.iter().map(|text| (*text).to_owned()).collect())
        };
        assert_eq!(all(r#"["a", "b, \"c\"", "d]"]"#), texts(&["a", "b, \"c\"", "d]"]));
        assert_eq!(all("[Kernel::Linear, Poly, 3, ]"), texts(&["Linear", "Poly", "3"]));
        assert_eq!(all("[(1, 2), [3, 4]]"), texts(&["(1, 2)", "[3, 4]"]));
        assert_eq!(all("[]"), None);
        assert_eq!(all("LIST"), None);
        assert_eq!(choices("[a, b]", |text| text == "a"), None);
    }
}

//! Amounts of resources: numbers, and texts with a unit.

use std::borrow::Cow;

use parse_size::Error;

/// An amount of a resource: a `u64`, or a text with a unit.
///
/// [`Flow::offer`](crate::Flow::offer) and the option `resources(...)` of a task take it. An amount of `memory` is a
/// number of bytes. In a text the units are powers of 1000, such as `"4GB"`, `"1.5 TB"` or `"20k"`, or powers of 1024,
/// such as `"512 MiB"`. The case of the letters does not matter. A fraction needs a unit, and is rounded to a whole
/// number.
///
/// ```
/// use flow::Amount;
///
/// assert_eq!("4GB".amount(), Ok(4_000_000_000));
/// assert_eq!("1.5 KiB".amount(), Ok(1536));
/// assert_eq!(2_u64.amount(), Ok(2));
/// assert!("four".amount().is_err());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an amount of a resource",
    label = "expected a `u64`, or a text with a unit",
    note = "convert a number with `as u64` or `u64::from`; a text is like `\"4GB\"` or `\"512 MiB\"`"
)]
pub trait Amount {
    /// Returns the amount as a number.
    ///
    /// # Errors
    ///
    /// The text is no number with a unit, or is larger than a `u64`. The error is a message that says so.
    fn amount(&self) -> Result<u64, String>;
}

impl Amount for u64 {
    fn amount(&self) -> Result<u64, String> {
        Ok(*self)
    }
}

impl Amount for &str {
    fn amount(&self) -> Result<u64, String> {
        parse(self)
    }
}

impl Amount for String {
    fn amount(&self) -> Result<u64, String> {
        parse(self)
    }
}

impl Amount for &String {
    fn amount(&self) -> Result<u64, String> {
        parse(self)
    }
}

impl Amount for Cow<'_, str> {
    fn amount(&self) -> Result<u64, String> {
        parse(self)
    }
}

/// Returns the number in a text such as `4GB`, `512 MiB` or `3`.
fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let wrong = || {
        format!(
            "{text:?} is not an amount; write a whole number, or a number with a unit, such as \"4GB\" or \"512 MiB\""
        )
    };
    let is_plain_fraction =
        text.contains('.') && text.ends_with(|last: char| last.is_ascii_digit());
    if is_plain_fraction {
        return Err(wrong());
    }
    parse_size::parse_size(text).map_err(|error| match error {
        Error::PosOverflow => format!("{text:?} is larger than {}", u64::MAX),
        _ => wrong(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_a_number_and_perhaps_a_unit() {
        for (text, expected) in [
            ("0", 0),
            ("12", 12),
            ("4GB", 4_000_000_000),
            ("4 GB", 4_000_000_000),
            (" 4gb ", 4_000_000_000),
            ("4GiB", 4 << 30),
            ("512 MiB", 512 << 20),
            ("1.5GB", 1_500_000_000),
            ("2k", 2_000),
            ("100 B", 100),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(text.amount(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", " ", "GB", "-1", "-4GB", "0.5", "4 apples", "four", "4GB5", "1,5GB", "NaN"]
        {
            let error = text.amount().expect_err(text);
            assert!(error.contains("is not an amount; write a whole number"), "{error}");
        }
        for text in ["99999999999999999999", "20 EB", "1e40"] {
            let error = text.amount().expect_err(text);
            assert_eq!(error, format!("{text:?} is larger than 18446744073709551615"));
        }
    }

    #[test]
    fn a_text_may_be_borrowed_or_owned() {
        fn of(amount: impl Amount) -> Result<u64, String> {
            amount.amount()
        }

        let text = "1k".to_owned();
        let all = [of("1k"), of(&text), of(Cow::from(&text)), of(text)];
        assert!(all.iter().all(|amount| *amount == Ok(1_000)), "{all:?}");
    }
}

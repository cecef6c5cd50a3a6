//! Parses `refresh = always`, `refresh = "24h"` and `refresh = expr`.

use syn::parse::ParseStream;
use syn::{Expr, Ident, LitStr, Result, Token};

/// When a task runs again although its inputs, parameters and code are unchanged.
pub(crate) enum Refresh {
    /// In each execution.
    Always,
    /// When the output is at least this many seconds old. Contains the text as written.
    After(LitStr, u64),
    /// When the value of this expression has changed.
    OnChange(Box<Expr>),
}

/// The units of a duration, with their lengths in seconds.
const UNITS: [(char, u64); 5] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)];

/// Parses the value of `refresh`.
pub(crate) fn refresh(input: ParseStream<'_>) -> Result<Refresh> {
    if stands_alone::<Ident>(input) && input.fork().parse::<Ident>()? == "always" {
        input.parse::<Ident>()?;
        return Ok(Refresh::Always);
    }
    if stands_alone::<LitStr>(input) {
        let text: LitStr = input.parse()?;
        let seconds = seconds(&text.value()).map_err(|m| syn::Error::new(text.span(), m))?;
        return Ok(Refresh::After(text, seconds));
    }
    Ok(Refresh::OnChange(input.parse()?))
}

/// Returns whether a `T` comes next, and no other token belongs to the value.
fn stands_alone<T: syn::parse::Parse>(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    ahead.parse::<T>().is_ok() && (ahead.is_empty() || ahead.peek(Token![,]))
}

/// Returns the number of seconds in a duration such as `90s`, `15m`, `24h`, `7d`, `2w` or `1h 30m`.
fn seconds(text: &str) -> std::result::Result<u64, String> {
    let wrong = || {
        format!(
            "{text:?} is no duration; write a number with `s`, `m`, `h`, `d` or `w`, such as \"15m\", \
             \"24h\" or \"1h 30m\""
        )
    };
    let mut seconds = 0_u64;
    for part in text.split_whitespace() {
        let unit = part.chars().next_back().and_then(|last| UNITS.iter().find(|u| u.0 == last));
        let (unit, length) = unit.ok_or_else(wrong)?;
        let number = part.strip_suffix(*unit).filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
        let number: u64 = number.and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
        let part = number.checked_mul(*length);
        seconds = part.and_then(|part| seconds.checked_add(part)).ok_or_else(wrong)?;
    }
    match seconds {
        0 if text.trim().is_empty() => Err(wrong()),
        0 => Err("the duration is zero; write `refresh = always`".to_owned()),
        seconds => Ok(seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_parsed() {
        for (text, expected) in
            [("90s", 90), ("15m", 900), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600)]
        {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        assert_eq!(seconds(" 1h  30m "), Ok(5_400));
        for text in [
            "",
            " ",
            "24",
            "h",
            "24 h",
            "1.5h",
            "-1h",
            "+1h",
            "1y",
            "1ä",
            "1h30m",
            "0s",
            "99999999999999999999s",
            "9999999999999999999w",
        ] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}

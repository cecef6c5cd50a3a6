//! Parses durations in texts, such as `"24h"` and `"1h 30m"`.

/// The units of a duration, with their lengths in seconds.
const UNITS: [(char, u64); 5] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)];

/// Returns the number of seconds in a duration such as `90s`, `15m`, `24h`, `7d`, `2w` or `1h 30m`.
///
/// # Errors
///
/// A message that says how a duration is written.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || {
        format!(
            "{text:?} is not a duration; write a number with `s`, `m`, `h`, `d` or `w`, such as \"15m\", \
             \"24h\" or \"1h 30m\""
        )
    };
    if text.trim().is_empty() {
        return Err(wrong());
    }
    let mut seconds = 0_u64;
    for part in text.split_whitespace() {
        let unit = part.chars().next_back().and_then(|last| UNITS.iter().find(|u| u.0 == last));
        let (unit, length) = unit.ok_or_else(wrong)?;
        let number = part.strip_suffix(*unit).filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
        let number: u64 = number.and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
        let part = number.checked_mul(*length);
        seconds = part.and_then(|part| seconds.checked_add(part)).ok_or_else(wrong)?;
    }
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_parsed() {
        for (text, expected) in [
            ("90s", 90),
            ("15m", 900),
            ("24h", 86_400),
            ("7d", 604_800),
            ("2w", 1_209_600),
            ("0s", 0),
        ] {
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
            "99999999999999999999s",
            "9999999999999999999w",
        ] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}

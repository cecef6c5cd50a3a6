//! Durations as text for people.

use std::fmt;

/// A duration in seconds, displayed with a fitting unit: `3.1 ms`, `12.5 s`, `2 min 10 s`, `3 h 5 min`.
///
/// With `{:#}` it is displayed in whole seconds, for durations that change while they are displayed.
pub struct Seconds(pub f64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A unit is chosen after rounding, so that nothing is displayed as `1000.0 ms` or `2 min 60 s`.
        let whole = self.0.max(0.0).round() as u64;
        match self.0 {
            _ if whole >= 2 * 3600 => write!(f, "{} h {} min", whole / 3600, whole % 3600 / 60),
            _ if whole >= 120 => write!(f, "{} min {} s", whole / 60, whole % 60),
            _ if f.alternate() => write!(f, "{whole} s"),
            s if s >= 0.99995 => write!(f, "{s:.1} s"),
            s if s >= 0.000_999_5 => write!(f, "{:.1} ms", s * 1e3),
            s => write!(f, "{:.0} µs", s * 1e6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_fits_the_rounded_duration() {
        let shown = [0.0, 0.000_999_9, 0.99996, 1.04, 119.96, 179.7, 7199.0, 7199.7, 11_159.0];
        let shown = shown.map(|seconds| Seconds(seconds).to_string());
        assert_eq!(shown[..4], ["0 µs", "1.0 ms", "1.0 s", "1.0 s"]);
        let long = ["2 min 0 s", "3 min 0 s", "119 min 59 s", "2 h 0 min", "3 h 5 min"];
        assert_eq!(shown[4..], long);
        let whole = [0.2, 59.6, 130.0].map(|seconds| format!("{:#}", Seconds(seconds)));
        assert_eq!(whole, ["0 s", "60 s", "2 min 10 s"]);
    }
}

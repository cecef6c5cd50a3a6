//! Scales: the position of a number between the smallest and the largest one.

use super::ticks;

/// How many times the smallest number the largest one is at least if the scale is logarithmic: two decades.
const DECADES: f64 = 100.0;

/// A scale of finite numbers, linear or logarithmic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    low: f64,
    /// Greater than `low`.
    high: f64,
    /// Whether the logarithm decides about the position: all numbers are positive and span decades.
    is_log: bool,
}

impl Scale {
    /// Returns the scale of the finite ones of some numbers; `None` if there are none.
    ///
    /// If all are equal, they are in the middle.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let finite = values.into_iter().filter(|value| value.is_finite());
        let ends = finite.fold(None, |ends: Option<(f64, f64)>, value| match ends {
            Some((low, high)) => Some((low.min(value), high.max(value))),
            None => Some((value, value)),
        });
        let (low, high) = ends?;
        if low < high {
            return Some(Self { low, high, is_log: low > 0.0 && high / low >= DECADES });
        }
        let around = (low.abs() / 2.0).max(0.5);
        let (low, high) = ((low - around).max(f64::MIN), (low + around).min(f64::MAX));
        Some(Self { low, high, is_log: false })
    }

    pub(super) fn is_log(&self) -> bool {
        self.is_log
    }

    /// Returns the smallest and the largest number.
    pub(super) fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Returns the position from 0 to 1; `None` for a number that is not finite or is outside of the scale.
    pub(super) fn fraction(&self, value: f64) -> Option<f64> {
        let Self { low, high, is_log } = *self;
        if !(low..=high).contains(&value) {
            return None;
        }
        let fraction = match (is_log, (high - low).is_finite()) {
            (true, _) => (value.ln() - low.ln()) / (high.ln() - low.ln()),
            (false, true) => (value - low) / (high - low),
            (false, false) => (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0),
        };
        Some(fraction.clamp(0.0, 1.0))
    }

    /// Returns the number at a position from 0 to 1.
    pub(super) fn value(&self, fraction: f64) -> f64 {
        let Self { low, high, is_log } = *self;
        match is_log {
            true => (low.ln() + fraction * (high.ln() - low.ln())).exp(),
            false => low * (1.0 - fraction) + high * fraction,
        }
    }

    /// Returns about `count` round numbers of the scale.
    pub(super) fn ticks(&self, count: u32) -> Vec<f64> {
        match self.is_log {
            true => ticks::logarithmic(self.low, self.high, count),
            false => ticks::linear(self.low, self.high, count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_scale_is_proportional() {
        let scale = Scale::of([10.0, f64::NAN, 30.0, f64::INFINITY, 20.0]).expect("numbers");
        assert!(!scale.is_log());
        assert_eq!(
            [10.0, 15.0, 30.0].map(|value| scale.fraction(value)),
            [Some(0.0), Some(0.25), Some(1.0)]
        );
        assert_eq!([9.0, f64::NAN, f64::INFINITY].map(|value| scale.fraction(value)), [None; 3]);
        assert_eq!((scale.value(0.5), scale.ends()), (20.0, (10.0, 30.0)));
        assert_eq!(scale.ticks(4), [10.0, 15.0, 20.0, 25.0, 30.0]);
    }

    #[test]
    fn positive_numbers_that_span_decades_have_a_logarithmic_scale() {
        let scale = Scale::of([0.01, 1.0, 100.0]).expect("numbers");
        assert!(scale.is_log());
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(near(scale.fraction(1.0).expect("inside"), 0.5));
        assert!(near(scale.fraction(0.1).expect("inside"), 0.25));
        assert!(near(scale.value(0.75), 10.0));
        assert_eq!(scale.ticks(6), [0.01, 0.1, 1.0, 10.0, 100.0]);
        for values in [[0.0, 1.0, 100.0], [-1.0, 1.0, 100.0], [1.0, 2.0, 99.0]] {
            assert!(!Scale::of(values).expect("numbers").is_log(), "{values:?}");
        }
    }

    #[test]
    fn equal_numbers_are_in_the_middle_and_extreme_ones_have_a_position() {
        for value in [0.0, 4.0, -1024.0, 5e-324] {
            let scale = Scale::of([value]).expect("a number");
            assert_eq!(scale.fraction(value), Some(0.5), "{value}");
        }
        let widest = Scale::of([f64::MIN, f64::MAX]).expect("numbers");
        assert_eq!((widest.fraction(0.0), widest.fraction(f64::MAX)), (Some(0.5), Some(1.0)));
        assert!(Scale::of([f64::MAX]).expect("a number").fraction(f64::MAX).is_some());
        let smallest = Scale::of([0.0, 5e-324]).expect("numbers");
        assert_eq!(smallest.fraction(5e-324), Some(1.0));
        assert_eq!(Scale::of([f64::NAN, f64::INFINITY]), None);
        assert_eq!(Scale::of([]), None);
    }
}

//! Ticks: round numbers on an axis.
//!
//! Those of a linear axis are multiples of 1, 2 or 5 times a power of ten, as in Paul Heckbert, "Nice numbers for graph
//! labels", Graphics Gems, 1990. Those of a logarithmic axis are powers of ten.

/// The smallest step of a linear axis. Below it, doubles lose digits.
const SMALLEST: f64 = 1e-300;

/// Returns about `count` round numbers from `low` to `high`, which are finite and ascend.
pub(super) fn linear(low: f64, high: f64, count: u32) -> Vec<f64> {
    let count = count.max(1);
    // The difference of the ends may be infinite.
    let rough = high / f64::from(count) - low / f64::from(count);
    if !rough.is_finite() || rough < SMALLEST {
        return vec![low, high];
    }
    let (digit, exponent) = round(rough);
    let power = power(exponent.abs());
    // A division by a power of ten is exact to the last digit, a multiplication by 0.1 is not.
    let at = |multiple: f64| match exponent < 0 {
        true => multiple * digit / power,
        false => multiple * digit * power,
    };
    let first = (low / at(1.0)).floor();
    let mut ticks = Vec::new();
    for place in 0..=2 * count + 3 {
        // Adding 0 makes -0 a 0.
        let tick = at(first + f64::from(place)) + 0.0;
        if tick > high {
            break;
        }
        if tick >= low && ticks.last() != Some(&tick) {
            ticks.push(tick);
        }
    }
    ticks
}

/// Returns at most about `count` powers of ten from `low` to `high`, which are positive and ascend.
pub(super) fn logarithmic(low: f64, high: f64, count: u32) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let stride = (last - first).unsigned_abs().div_ceil(count.max(1)).max(1) as i32;
    let exponents = (first..=last).filter(|exponent| exponent.rem_euclid(stride) == 0);
    exponents.map(power).filter(|tick| (low..=high).contains(tick)).collect()
}

/// Returns the nearest 1, 2 or 5 times a power of ten: the digit and the exponent.
fn round(value: f64) -> (f64, i32) {
    let exponent = value.log10().floor() as i32;
    match value / power(exponent) {
        digit if digit < 1.5 => (1.0, exponent),
        digit if digit < 3.0 => (2.0, exponent),
        digit if digit < 7.0 => (5.0, exponent),
        _ => (1.0, exponent + 1),
    }
}

/// Returns a power of ten, exact to the last digit.
fn power(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_a_linear_axis_are_round() {
        assert_eq!(linear(0.0, 1.0, 5), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(linear(0.1, 0.3, 2), [0.1, 0.2, 0.3]);
        assert_eq!(linear(-3.0, 7.0, 5), [-2.0, 0.0, 2.0, 4.0, 6.0]);
        assert_eq!(linear(0.97, 0.99, 4), [0.97, 0.975, 0.98, 0.985, 0.99]);
        assert_eq!(linear(0.0, 12_345.0, 4), [0.0, 5_000.0, 10_000.0]);
    }

    #[test]
    fn ticks_of_extreme_ranges_are_finite_and_few() {
        for (low, high) in [
            (f64::MIN, f64::MAX),
            (0.0, f64::MAX),
            (0.0, 5e-324),
            (1e16, 1e16 + 4.0),
            (-1e-310, 1e-310),
            (1.0, 1.0 + f64::EPSILON),
        ] {
            let ticks = linear(low, high, 5);
            assert!((1..=12).contains(&ticks.len()), "{low} to {high}: {ticks:?}");
            assert!(
                ticks.iter().all(|tick| (low..=high).contains(tick)),
                "{low} to {high}: {ticks:?}"
            );
            assert!(ticks.is_sorted(), "{ticks:?}");
        }
    }

    #[test]
    fn ticks_of_a_logarithmic_axis_are_powers_of_ten() {
        assert_eq!(logarithmic(0.001, 1_000.0, 7), [0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1_000.0]);
        assert_eq!(logarithmic(0.5, 200.0, 7), [1.0, 10.0, 100.0]);
        assert_eq!(logarithmic(1e-12, 1e12, 5), [1e-10, 1e-5, 1.0, 1e5, 1e10]);
        let ticks = logarithmic(5e-324, f64::MAX, 6);
        assert!(
            (2..=8).contains(&ticks.len()) && ticks.iter().all(|tick| *tick > 0.0),
            "{ticks:?}"
        );
    }
}

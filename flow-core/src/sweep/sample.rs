//! Random numbers that are reproducible in every run, on every machine and in every version.
//!
//! A random number is a hash of the seed, the number of the try, and the parameter. So a larger
//! sample contains a smaller one, adding or removing a parameter does not change the
//! values of the others, and no release of a generator changes which variants are tried.

use std::ops::Range;

use crate::base::key::Hasher;
use crate::task::TaskType;
use crate::task::param::Parameter;

/// Returns the random number of one parameter in one try.
pub(super) fn number(seed: u64, attempt: u64, task: &TaskType, place: usize) -> u64 {
    let mut hasher = Hasher::new("sample");
    hasher.number(seed).number(attempt);
    hasher.text((task.decl)().identity()).text(task.params[place].identity());
    hasher.digest().0 as u64
}

/// Returns the random number that selects the row of one try.
pub(super) fn number_of_row(seed: u64, attempt: u64) -> u64 {
    let mut hasher = Hasher::new("sample of variants");
    hasher.number(seed).number(attempt);
    hasher.digest().0 as u64
}

/// Maps a random number to an index below `len`.
pub(super) fn place(number: u64, len: usize) -> usize {
    ((u128::from(number) * len as u128) >> 64) as usize
}

/// Maps a random number to `0.0..1.0`.
fn unit(number: u64) -> f64 {
    (number >> 11) as f64 / (1_u64 << 53) as f64
}

/// A type whose values can be drawn from a range: all numbers of up to 64 bits.
pub trait Drawn: Parameter + PartialOrd {
    /// Returns why a range is invalid, or `None` if it is valid.
    #[doc(hidden)]
    fn __wrong(range: &Range<Self>, log: bool) -> Option<&'static str>;

    /// Maps a random number to a value of the range.
    ///
    /// All values are equally likely or, if `log`, all orders of magnitude.
    #[doc(hidden)]
    fn __between(range: &Range<Self>, log: bool, number: u64) -> Self;
}

const EMPTY: &str = "is empty";
const NOT_FINITE: &str = "has an end that is not finite";
const NOT_POSITIVE: &str = "does not begin above zero, and orders of magnitude do";

/// Maps a random number to `low..high`, with a uniformly distributed logarithm.
fn by_magnitude(low: f64, high: f64, number: u64) -> f64 {
    (low.ln() + (high.ln() - low.ln()) * unit(number)).exp()
}

macro_rules! floats {
    ($($float:ty)*) => {$(
        impl Drawn for $float {
            fn __wrong(range: &Range<Self>, log: bool) -> Option<&'static str> {
                match range {
                    Range { start, end } if !start.is_finite() || !end.is_finite() => {
                        Some(NOT_FINITE)
                    }
                    range if range.is_empty() => Some(EMPTY),
                    Range { start, .. } if log && *start <= 0.0 => Some(NOT_POSITIVE),
                    _ => None,
                }
            }

            #[allow(clippy::unnecessary_cast)]
            fn __between(range: &Range<Self>, log: bool, number: u64) -> Self {
                let (low, high) = (range.start as f64, range.end as f64);
                let value = match log {
                    true => by_magnitude(low, high, number),
                    // A weighted sum, because `high - low` may overflow.
                    false => low * (1.0 - unit(number)) + high * unit(number),
                };
                // Rounding may lead out of the range.
                let value = value as Self;
                if range.contains(&value) { value } else { range.start }
            }
        }
    )*};
}

floats!(f32 f64);

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl Drawn for $integer {
            fn __wrong(range: &Range<Self>, log: bool) -> Option<&'static str> {
                match range {
                    range if range.is_empty() => Some(EMPTY),
                    Range { start, .. } if log && *start < 1 => Some(NOT_POSITIVE),
                    _ => None,
                }
            }

            fn __between(range: &Range<Self>, log: bool, number: u64) -> Self {
                let (low, high) = (range.start as i128, range.end as i128);
                let value = match log {
                    true => by_magnitude(low as f64, high as f64, number) as i128,
                    false => low + ((u128::from(number) * (high - low) as u128) >> 64) as i128,
                };
                value.clamp(low, high - 1) as Self
            }
        }
    )*};
}

integers!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize);

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers() -> impl Iterator<Item = u64> {
        (0..10_000_u64).map(|n| {
            let mut hasher = Hasher::new("test");
            hasher.number(n);
            hasher.digest().0 as u64
        })
    }

    #[test]
    fn values_fill_their_range_and_stay_in_it() {
        let drawn: Vec<_> = numbers().map(|n| f64::__between(&(-1.0..3.0), false, n)).collect();
        assert!(drawn.iter().all(|value| (-1.0..3.0).contains(value)));
        let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        assert!((mean - 1.0).abs() < 0.05, "{mean}");
        let mut count = [0; 5];
        numbers().for_each(|n| count[(i8::__between(&(-2..3), false, n) + 2) as usize] += 1);
        assert!(count.iter().all(|count| (1800..2200).contains(count)), "{count:?}");
        let mut places = [0; 3];
        numbers().for_each(|n| places[place(n, 3)] += 1);
        assert!(places.iter().all(|count| (3100..3570).contains(count)), "{places:?}");
    }

    #[test]
    fn orders_of_magnitude_are_equally_likely() {
        let mut count = [0; 4];
        for number in numbers() {
            let value = f64::__between(&(1e-2..1e2), true, number);
            assert!((1e-2..1e2).contains(&value), "{value}");
            count[(value.log10() + 2.0).floor() as usize] += 1;
        }
        assert!(count.iter().all(|count| (2350..2650).contains(count)), "{count:?}");
        let integers = numbers().map(|n| u32::__between(&(1..1000), true, n));
        let below_ten = integers.filter(|&value| value < 10).count();
        assert!((3100..3570).contains(&below_ten), "{below_ten}");
    }

    #[test]
    fn the_ends_of_a_range_are_kept() {
        assert_eq!(u64::__between(&(0..u64::MAX), false, u64::MAX), u64::MAX - 1);
        assert_eq!(i64::__between(&(i64::MIN..i64::MAX), false, 0), i64::MIN);
        assert_eq!(f64::__between(&(0.0..1.0), false, 0), 0.0);
        for range in [0.0..1.0, f64::MIN..f64::MAX, 1.0..1.0 + f64::EPSILON] {
            assert!(range.contains(&f64::__between(&range, false, u64::MAX)), "{range:?}");
        }
        assert!((1.0..1.1).contains(&f32::__between(&(1.0..1.1), false, u64::MAX)));
    }

    #[test]
    fn a_range_without_values_is_wrong() {
        assert_eq!(f64::__wrong(&(1.0..1.0), false), Some(EMPTY));
        assert_eq!(f64::__wrong(&(f64::NAN..1.0), false), Some(NOT_FINITE));
        assert_eq!(f64::__wrong(&(0.0..f64::INFINITY), false), Some(NOT_FINITE));
        assert_eq!(f64::__wrong(&(0.0..1.0), true), Some(NOT_POSITIVE));
        assert_eq!(u8::__wrong(&(0..3), true), Some(NOT_POSITIVE));
        assert_eq!(u8::__wrong(&(3..3), false), Some(EMPTY));
        assert_eq!(f64::__wrong(&(1e-3..1.0), true), None);
    }
}

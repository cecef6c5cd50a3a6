//! The delay between two attempts of a task.

use std::time::Duration;

/// The delay before each further attempt of a task that has failed.
///
/// A task declares it by `#[task(retries = 3, backoff = ...)]`. [`Flow::backoff`](crate::Flow::backoff) sets it for the
/// tasks that declare none. The options of `#[task(...)]` also take a [`Duration`], or a number of seconds, for a
/// constant delay.
///
/// ```
/// use std::time::Duration;
///
/// use flow::Backoff;
///
/// let backoff = Backoff::exponential(Duration::from_secs(1)).cap(Duration::from_secs(5));
/// let delays: Vec<u64> = (1..=4).map(|attempt| backoff.delay(attempt, 0).as_secs()).collect();
/// assert_eq!(delays, [1, 2, 4, 5]);
///
/// // Half of each delay is random, so that many instances do not try again at the same moment.
/// let delay = backoff.jitter(0.5).delay(3, 42);
/// assert!(Duration::from_secs(2) <= delay && delay <= Duration::from_secs(4));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The delay after the first attempt.
    first: Duration,
    /// The ratio of each delay to the one before, at least 1.
    factor: f64,
    /// The longest delay.
    cap: Duration,
    /// The share of each delay that is random, from 0 to 1.
    jitter: f64,
}

impl Backoff {
    /// Returns a backoff whose delays are all equal.
    #[must_use]
    pub const fn constant(delay: Duration) -> Self {
        Self { first: delay, factor: 1.0, cap: Duration::MAX, jitter: 0.0 }
    }

    /// Returns a backoff that doubles its delay after each attempt. The first delay is `first`.
    #[must_use]
    pub const fn exponential(first: Duration) -> Self {
        Self { factor: 2.0, ..Self::constant(first) }
    }

    /// Sets the ratio of each delay to the one before.
    ///
    /// # Panics
    ///
    /// Panics if the factor is less than 1 or not finite.
    #[must_use]
    pub fn factor(self, factor: f64) -> Self {
        let is_allowed = factor.is_finite() && factor >= 1.0;
        assert!(is_allowed, "the factor of a backoff is {factor}, and must be at least 1");
        Self { factor, ..self }
    }

    /// Sets the longest delay.
    #[must_use]
    pub const fn cap(self, cap: Duration) -> Self {
        Self { cap, ..self }
    }

    /// Sets the share of each delay that is random, from 0 to 1.
    ///
    /// With a share of 0.25, a delay of 8 s takes between 6 and 8 s. The random numbers follow from the instance and the
    /// attempt.
    ///
    /// # Panics
    ///
    /// Panics if the share is not in `0.0..=1.0`.
    #[must_use]
    pub fn jitter(self, share: f64) -> Self {
        let is_allowed = (0.0..=1.0).contains(&share);
        assert!(is_allowed, "the jitter of a backoff is {share}, and must be from 0 to 1");
        Self { jitter: share, ..self }
    }

    /// Returns the delay after an attempt that failed; the first attempt is number 1.
    ///
    /// `seed` determines the random part of the delay. A run takes the seed of the instance,
    /// [`Cx::seed`](crate::Cx::seed). The result is at most the [cap](Self::cap), however large `attempt` is.
    #[must_use]
    pub fn delay(&self, attempt: u32, seed: u64) -> Duration {
        if self.first.is_zero() {
            return Duration::ZERO;
        }
        let steps = attempt.saturating_sub(1);
        let delay = match self.factor > 1.0 && steps > 0 {
            // An infinite number of seconds is no duration.
            true => scaled(self.first, self.factor.powf(f64::from(steps))).unwrap_or(Duration::MAX),
            false => self.first,
        };
        let delay = delay.min(self.cap);
        match self.jitter > 0.0 {
            true => scaled(delay, 1.0 - self.jitter * random(attempt, seed)).unwrap_or(delay),
            false => delay,
        }
    }
}

impl From<Duration> for Backoff {
    /// Returns a backoff whose delays are all equal.
    fn from(delay: Duration) -> Self {
        Self::constant(delay)
    }
}

/// Returns the product, or `None` if it is too large.
fn scaled(delay: Duration, factor: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(delay.as_secs_f64() * factor).ok()
}

/// Returns a number in `0.0..1.0`: SplitMix64 (Steele, Lea and Flood, 2014) of the seed and the attempt.
fn random(attempt: u32, seed: u64) -> f64 {
    let mut bits = seed.wrapping_add(u64::from(attempt).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    // The 53 bits that an `f64` holds exactly.
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_constant_delay_stays_as_it_is() {
        let delay = Duration::from_nanos(123_456_789);
        let backoff = Backoff::from(delay);
        assert!((0..9).chain([u32::MAX]).all(|attempt| backoff.delay(attempt, 7) == delay));
    }

    #[test]
    fn an_exponential_delay_grows_up_to_its_cap() {
        let backoff = Backoff::exponential(SECOND).factor(3.0);
        assert_eq!(backoff.delay(0, 0), SECOND);
        assert_eq!(backoff.delay(1, 0), SECOND);
        assert_eq!(backoff.delay(3, 0), 9 * SECOND);
        assert_eq!(backoff.cap(4 * SECOND).delay(3, 0), 4 * SECOND);
        assert_eq!(backoff.cap(SECOND / 2).delay(1, 0), SECOND / 2);
    }

    #[test]
    fn no_number_of_attempts_overflows() {
        for first in [Duration::from_nanos(1), SECOND, Duration::MAX] {
            let backoff = Backoff::exponential(first).factor(f64::MAX);
            for attempt in [2, 100, u32::MAX] {
                assert_eq!(backoff.delay(attempt, 1), Duration::MAX, "{attempt}");
                assert!(backoff.jitter(1.0).delay(attempt, 1) < Duration::MAX);
                assert_eq!(backoff.cap(SECOND).delay(attempt, 1), SECOND);
            }
        }
        let nothing = Backoff::exponential(Duration::ZERO).factor(f64::MAX);
        assert_eq!(nothing.delay(u32::MAX, 1), Duration::ZERO);
    }

    #[test]
    fn the_jitter_follows_from_the_seed_and_the_attempt() {
        let backoff = Backoff::constant(8 * SECOND).jitter(0.25);
        let delays: Vec<_> = (1..=100).map(|attempt| backoff.delay(attempt, 5)).collect();
        assert!(delays.iter().all(|delay| (6 * SECOND..=8 * SECOND).contains(delay)), "{delays:?}");
        let (least, most) = (delays.iter().min(), delays.iter().max());
        assert!(least < Some(&(SECOND * 65 / 10)) && most > Some(&(SECOND * 75 / 10)));
        assert_eq!(backoff.delay(1, 5), delays[0]);
        assert_ne!(backoff.delay(1, 6), delays[0]);
        assert_ne!(delays[0], delays[1]);
    }

    #[test]
    #[should_panic(expected = "the factor of a backoff is 0.5")]
    fn a_factor_below_one_is_refused() {
        let _ = Backoff::exponential(SECOND).factor(0.5);
    }

    #[test]
    #[should_panic(expected = "the jitter of a backoff is NaN")]
    fn a_jitter_that_is_no_share_is_refused() {
        let _ = Backoff::exponential(SECOND).jitter(f64::NAN);
    }
}

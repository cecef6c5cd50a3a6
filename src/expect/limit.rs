//! [`Limit`]: a number or text that the values of a column are compared with.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{self, Bound};

use anyhow::Result;

/// A number or a text that the values of a column are compared with.
///
/// It is made from an integer, a float or a text: `expect::table(orders).in_range("price", 0.0..)`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Limit {
    /// An integer, which is compared with the integers of a column without rounding.
    Integer(i128),
    /// A float.
    Float(f64),
    /// A text. For a column of dates, times or durations it is parsed, as `2026-01-31` or `2026-01-31T12:00Z`.
    Text(String),
}

macro_rules! from_integers {
    ($($ty:ty),*) => {
        $(impl From<$ty> for Limit {
            fn from(value: $ty) -> Self {
                Self::Integer(value as i128)
            }
        })*
    };
}

from_integers!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

impl From<f32> for Limit {
    fn from(value: f32) -> Self {
        Self::Float(value.into())
    }
}

impl From<f64> for Limit {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Limit {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Limit {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(value) => write!(f, "{value:?}"),
        }
    }
}

impl Limit {
    pub(super) fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Compares a value of a column with the limit; `None` if they have no order, as NaN has none.
    pub(super) fn compare(&self, value: Value<'_>) -> Option<Ordering> {
        match (value, self) {
            (Value::Integer(value), Self::Integer(limit)) => Some(value.cmp(limit)),
            (Value::Integer(value), Self::Float(limit)) => (value as f64).partial_cmp(limit),
            (Value::Float(value), Self::Integer(limit)) => value.partial_cmp(&(*limit as f64)),
            (Value::Float(value), Self::Float(limit)) => value.partial_cmp(limit),
            (Value::Text(value), Self::Text(limit)) => Some(value.cmp(limit.as_str())),
            (Value::Text(_), _) | (_, Self::Text(_)) => None,
        }
    }
}

/// A range of Rust whose ends are numbers or texts, such as `0.0..`, `1..=5` or `"2026-01-01".."2027-01-01"`.
pub trait LimitRange {
    /// Returns the ends of the range.
    fn limits(self) -> (Bound<Limit>, Bound<Limit>);
}

impl<L: Into<Limit>> LimitRange for ops::Range<L> {
    fn limits(self) -> (Bound<Limit>, Bound<Limit>) {
        (Bound::Included(self.start.into()), Bound::Excluded(self.end.into()))
    }
}

impl<L: Into<Limit>> LimitRange for ops::RangeInclusive<L> {
    fn limits(self) -> (Bound<Limit>, Bound<Limit>) {
        let (least, most) = self.into_inner();
        (Bound::Included(least.into()), Bound::Included(most.into()))
    }
}

impl<L: Into<Limit>> LimitRange for ops::RangeFrom<L> {
    fn limits(self) -> (Bound<Limit>, Bound<Limit>) {
        (Bound::Included(self.start.into()), Bound::Unbounded)
    }
}

impl<L: Into<Limit>> LimitRange for ops::RangeTo<L> {
    fn limits(self) -> (Bound<Limit>, Bound<Limit>) {
        (Bound::Unbounded, Bound::Excluded(self.end.into()))
    }
}

impl<L: Into<Limit>> LimitRange for ops::RangeToInclusive<L> {
    fn limits(self) -> (Bound<Limit>, Bound<Limit>) {
        (Bound::Unbounded, Bound::Included(self.end.into()))
    }
}

impl<L: Into<Limit>> LimitRange for (Bound<L>, Bound<L>) {
    fn limits(self) -> (Bound<Limit>, Bound<Limit>) {
        (self.0.map(Into::into), self.1.map(Into::into))
    }
}

/// A value of a column that is not null.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Integer(i128),
    Float(f64),
    Text(&'a str),
}

/// A range of limits.
pub(super) struct Range {
    pub(super) least: Bound<Limit>,
    pub(super) most: Bound<Limit>,
}

impl Range {
    /// Returns whether the range has texts; `None` if it has no limits.
    pub(super) fn is_text(&self) -> Option<bool> {
        let limit = |bound: &Bound<Limit>| match bound {
            Bound::Included(limit) | Bound::Excluded(limit) => Some(limit.is_text()),
            Bound::Unbounded => None,
        };
        limit(&self.least).or_else(|| limit(&self.most))
    }

    /// Returns the range with converted limits.
    ///
    /// # Errors
    ///
    /// A limit cannot be converted.
    pub(super) fn try_map(&self, map: impl Fn(&Limit) -> Result<Limit>) -> Result<Self> {
        let bound = |bound: &Bound<Limit>| {
            Ok::<_, anyhow::Error>(match bound {
                Bound::Included(limit) => Bound::Included(map(limit)?),
                Bound::Excluded(limit) => Bound::Excluded(map(limit)?),
                Bound::Unbounded => Bound::Unbounded,
            })
        };
        Ok(Self { least: bound(&self.least)?, most: bound(&self.most)? })
    }

    pub(super) fn contains(&self, value: Value<'_>) -> bool {
        let is_above = match &self.least {
            Bound::Included(least) => least.compare(value).is_some_and(Ordering::is_ge),
            Bound::Excluded(least) => least.compare(value).is_some_and(Ordering::is_gt),
            Bound::Unbounded => true,
        };
        is_above
            && match &self.most {
                Bound::Included(most) => most.compare(value).is_some_and(Ordering::is_le),
                Bound::Excluded(most) => most.compare(value).is_some_and(Ordering::is_lt),
                Bound::Unbounded => true,
            }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.least {
            Bound::Included(least) | Bound::Excluded(least) => write!(f, "{least}")?,
            Bound::Unbounded => {}
        }
        match &self.most {
            Bound::Included(most) => write!(f, "..={most}"),
            Bound::Excluded(most) => write!(f, "..{most}"),
            Bound::Unbounded => f.write_str(".."),
        }
    }
}

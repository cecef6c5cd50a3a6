//! Integers of all widths as one type, and floats that can be compared and hashed.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// An integer from `i128::MIN` to `u128::MAX`.
///
/// It converts from all of Rust's integers with `From`, and back with `TryFrom`, which fails if the
/// value does not fit.
///
/// ```
/// use flow_core::value::Int;
///
/// assert_eq!(Int::from(3_u8), Int::from(3_i128));
/// assert_eq!(u8::try_from(Int::from(300)).ok(), None);
/// assert_eq!(Int::from(u128::MAX).to_string(), u128::MAX.to_string());
/// ```
// Two halves instead of a `u128`, which would align every value to 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Int {
    high: u64,
    low: u64,
    /// Never set for zero.
    negative: bool,
}

impl Int {
    fn new(negative: bool, magnitude: u128) -> Self {
        Self { high: (magnitude >> 64) as u64, low: magnitude as u64, negative }
    }

    /// Returns whether the integer is negative.
    pub const fn is_negative(self) -> bool {
        self.negative
    }

    /// Returns the absolute value.
    pub const fn magnitude(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }

    /// Returns the equal float, if there is one with a mantissa of `digits` binary digits.
    fn exactly(self, digits: u32) -> Option<f64> {
        let magnitude = self.magnitude();
        // Zero has 128 leading and 128 trailing zeros.
        let zeros = magnitude.leading_zeros() + magnitude.trailing_zeros();
        let significant = u128::BITS.saturating_sub(zeros);
        if significant > digits {
            return None;
        }
        let float = magnitude as f64;
        Some(if self.negative { -float } else { float })
    }

    /// Returns the equal `f64`, if there is one.
    pub(super) fn as_f64(self) -> Option<f64> {
        self.exactly(f64::MANTISSA_DIGITS)
    }

    /// Returns the equal `f32`, if there is one.
    pub(super) fn as_f32(self) -> Option<f32> {
        self.exactly(f32::MANTISSA_DIGITS).map(|float| float as f32)
    }
}

impl Ord for Int {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.magnitude().cmp(&other.magnitude()),
            (true, true) => other.magnitude().cmp(&self.magnitude()),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

impl PartialOrd for Int {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.magnitude().to_string();
        f.pad_integral(!self.negative, "", &digits)
    }
}

impl fmt::Debug for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The error for an integer that does not fit the requested type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the integer `{0}` does not fit")]
pub struct IntOverflow(Int);

macro_rules! convert {
    ($($signed:ty, $unsigned:ty;)*) => {$(
        impl From<$signed> for Int {
            fn from(value: $signed) -> Self {
                Self::new(value < 0, value.unsigned_abs() as u128)
            }
        }

        impl From<$unsigned> for Int {
            fn from(value: $unsigned) -> Self {
                Self::new(false, value as u128)
            }
        }

        impl TryFrom<Int> for $signed {
            type Error = IntOverflow;

            fn try_from(int: Int) -> Result<Self, IntOverflow> {
                let magnitude = <$unsigned>::try_from(int.magnitude()).map_err(|_| IntOverflow(int))?;
                let value = if int.negative {
                    <$signed>::checked_sub_unsigned(0, magnitude)
                } else {
                    <$signed>::checked_add_unsigned(0, magnitude)
                };
                value.ok_or(IntOverflow(int))
            }
        }

        impl TryFrom<Int> for $unsigned {
            type Error = IntOverflow;

            fn try_from(int: Int) -> Result<Self, IntOverflow> {
                match <$unsigned>::try_from(int.magnitude()) {
                    Ok(value) if !int.negative => Ok(value),
                    _ => Err(IntOverflow(int)),
                }
            }
        }
    )*};
}

convert! {
    i8, u8;
    i16, u16;
    i32, u32;
    i64, u64;
    i128, u128;
    isize, usize;
}

/// A float of either width.
///
/// Two floats are equal if they have the same bits, or both are NaN. So `0.0` and `-0.0` differ. An
/// `f32` is widened, which is exact, but still displayed with the few digits that an `f32` needs.
///
/// ```
/// use flow_core::value::Float;
///
/// assert_eq!(Float::from(f64::NAN), Float::from(-f64::NAN));
/// assert_ne!(Float::from(0.0), Float::from(-0.0));
/// assert_eq!(Float::from(0.5_f32), Float::from(0.5_f64));
/// assert_eq!(Float::from(0.1_f32).to_string(), "0.1");
/// assert_eq!(Float::from(1.0).to_string(), "1.0");
/// ```
#[derive(Clone, Copy)]
pub struct Float {
    wide: f64,
    /// Whether it was an `f32`.
    narrow: bool,
}

impl Float {
    /// Returns the number.
    pub const fn get(self) -> f64 {
        self.wide
    }

    /// Returns the number as an `f32`, if it was created from one.
    pub const fn narrow(self) -> Option<f32> {
        if self.narrow { Some(self.wide as f32) } else { None }
    }
}

impl From<f64> for Float {
    fn from(value: f64) -> Self {
        Self { wide: if value.is_nan() { f64::from_bits(NAN) } else { value }, narrow: false }
    }
}

impl From<f32> for Float {
    fn from(value: f32) -> Self {
        Self { narrow: true, ..f64::from(value).into() }
    }
}

/// The bits of every NaN. They are a literal because the bits of `f64::NAN` are not guaranteed.
const NAN: u64 = 0x7ff8_0000_0000_0000;

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.wide.to_bits() == other.wide.to_bits()
    }
}

impl Eq for Float {}

impl Ord for Float {
    fn cmp(&self, other: &Self) -> Ordering {
        self.wide.total_cmp(&other.wide)
    }
}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Float {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.wide.to_bits().hash(state);
    }
}

/// Writes the shortest digits that parse to the same number, never those of an integer.
impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.narrow() {
            Some(narrow) => fmt::Debug::fmt(&narrow, f),
            None => fmt::Debug::fmt(&self.wide, f),
        }
    }
}

impl fmt::Debug for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

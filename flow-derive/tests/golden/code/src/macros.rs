//! Macros, and what they make.

macro_rules! counts {
    ($($key:literal => $value:expr),* $(,)?) => {{
        let mut counts = std::collections::BTreeMap::new();
        $(counts.insert($key, $crate::macros::checked($value));)*
        counts
    }};
}

pub fn checked(value: i32) -> i32 {
    value.clamp(0, i32::MAX)
}

/// A function for each finger.
macro_rules! finger {
    ($(#[$meta:meta])* $vis:vis $name:ident = $count:tt) => {
        $(#[$meta])*
        $vis fn $name() -> usize {
            $count
        }
    };
}

finger!(
    /// Two.
    pub thumbs = 2
);
finger!(pub others = 8);

pub fn doubled<T>(x: T) -> <T as std::ops::Add>::Output
where
    T: std::ops::Add + Copy,
{
    x + x
}

//! A loaded output.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt;
use std::ops::{
    Add, AddAssign, Deref, Div, DivAssign, Mul, MulAssign, Neg, Rem, RemAssign, Sub, SubAssign,
};
use std::sync::Arc;

/// A loaded output, which derefs to the value and is cheap to clone.
///
/// Tasks that run at the same time and load the same output share one value, so it cannot be
/// changed in place; [`into_owned`](Self::into_owned) returns a value that can.
///
/// A loaded number calculates and compares like the number, and a reference to a loaded collection of the standard
/// library iterates like one to the collection:
///
/// ```
/// use flow::prelude::*;
///
/// #[task(target = Json<f64>)]
/// fn rate() -> f64 {
///     0.25
/// }
///
/// #[task(target = Json<Vec<f64>>)]
/// fn prices() -> Vec<f64> {
///     vec![1.0, 2.0]
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// let (rate, prices) = (flow.get::<rate>()?, flow.get::<prices>()?);
/// assert_eq!(1.0 + &rate, 1.25);
/// assert!(rate < 0.5 && 0.1 < rate);
/// let mut sum = 0.0;
/// for price in &prices {
///     sum += price * &rate;
/// }
/// assert_eq!(sum, 0.75);
/// # Ok(())
/// # }
/// ```
pub struct Loaded<V>(pub(crate) Arc<V>);

impl<V: Clone> Loaded<V> {
    /// Returns the owned value, which is cloned only if it is shared.
    pub fn into_owned(self) -> V {
        Arc::try_unwrap(self.0).unwrap_or_else(|shared| V::clone(&shared))
    }
}

impl<V> Loaded<V> {
    /// Returns the shared value.
    pub fn into_shared(self) -> Arc<V> {
        self.0
    }
}

impl<V> Clone for Loaded<V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<V> Deref for Loaded<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.0
    }
}

impl<V> AsRef<V> for Loaded<V> {
    fn as_ref(&self) -> &V {
        &self.0
    }
}

impl<V: fmt::Debug> fmt::Debug for Loaded<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<V: fmt::Display> fmt::Display for Loaded<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<V: PartialEq> PartialEq for Loaded<V> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<V: PartialEq> PartialEq<V> for Loaded<V> {
    fn eq(&self, other: &V) -> bool {
        *self.0 == *other
    }
}

impl<V: PartialOrd> PartialOrd for Loaded<V> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.0.partial_cmp(&other.0)
    }
}

impl<V: PartialOrd> PartialOrd<V> for Loaded<V> {
    fn partial_cmp(&self, other: &V) -> Option<Ordering> {
        (*self.0).partial_cmp(other)
    }
}

/// Implements the iteration over a reference to a loaded collection of the standard library.
///
/// One impl for all `V` with `&V: IntoIterator` would make the compiler ask for `&Loaded<Loaded<...>>` wherever
/// it has to infer the type of a reference that is iterated over.
macro_rules! iterates {
    ($([$($parameter:ident),*] $collection:ty,)*) => {
        $(
            impl<'a, $($parameter),*> IntoIterator for &'a Loaded<$collection> {
                type Item = <&'a $collection as IntoIterator>::Item;
                type IntoIter = <&'a $collection as IntoIterator>::IntoIter;

                fn into_iter(self) -> Self::IntoIter {
                    (&*self.0).into_iter()
                }
            }
        )*
    };
}

iterates! {
    [T] Vec<T>,
    [T] VecDeque<T>,
    [T] BTreeSet<T>,
    [T, S] HashSet<T, S>,
    [K, V] BTreeMap<K, V>,
    [K, V, S] HashMap<K, V, S>,
}

impl<V: Clone + Neg> Neg for &Loaded<V> {
    type Output = V::Output;

    fn neg(self) -> V::Output {
        -V::clone(self)
    }
}

impl<V: Clone + Neg> Neg for Loaded<V> {
    type Output = V::Output;

    fn neg(self) -> V::Output {
        -self.into_owned()
    }
}

/// Implements the arithmetic of a loaded value: that of the value.
macro_rules! arithmetic {
    ($($operation:ident $function:ident $assign:ident $function_assign:ident,)*) => {
        $(
            impl<V: Clone + $operation<R>, R> $operation<R> for Loaded<V> {
                type Output = V::Output;

                fn $function(self, other: R) -> V::Output {
                    self.into_owned().$function(other)
                }
            }

            impl<V: Clone + $operation<R>, R> $operation<R> for &Loaded<V> {
                type Output = V::Output;

                fn $function(self, other: R) -> V::Output {
                    V::clone(self).$function(other)
                }
            }

            numbers!($operation $function $assign $function_assign f32 f64 i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);
        )*
    };
}

/// Implements an operation of a number with a loaded number, and of a reference to one.
macro_rules! numbers {
    ($operation:ident $function:ident $assign:ident $function_assign:ident $($number:ident)*) => {
        $(
            impl $assign<Loaded<$number>> for $number {
                fn $function_assign(&mut self, other: Loaded<$number>) {
                    self.$function_assign(*other);
                }
            }

            impl $assign<&Loaded<$number>> for $number {
                fn $function_assign(&mut self, other: &Loaded<$number>) {
                    self.$function_assign(**other);
                }
            }

            impl $operation<Loaded<$number>> for $number {
                type Output = $number;

                fn $function(self, other: Loaded<$number>) -> $number {
                    self.$function(*other)
                }
            }

            impl $operation<&Loaded<$number>> for $number {
                type Output = $number;

                fn $function(self, other: &Loaded<$number>) -> $number {
                    self.$function(**other)
                }
            }

            impl $operation<&Loaded<$number>> for &$number {
                type Output = $number;

                fn $function(self, other: &Loaded<$number>) -> $number {
                    (*self).$function(**other)
                }
            }
        )*
    };
}

arithmetic! {
    Add add AddAssign add_assign,
    Sub sub SubAssign sub_assign,
    Mul mul MulAssign mul_assign,
    Div div DivAssign div_assign,
    Rem rem RemAssign rem_assign,
}

/// Implements the comparison of a number with a loaded number.
macro_rules! compares {
    ($($number:ident)*) => {
        $(
            impl PartialEq<Loaded<$number>> for $number {
                fn eq(&self, other: &Loaded<$number>) -> bool {
                    *self == **other
                }
            }

            impl PartialOrd<Loaded<$number>> for $number {
                fn partial_cmp(&self, other: &Loaded<$number>) -> Option<Ordering> {
                    self.partial_cmp(&**other)
                }
            }
        )*
    };
}

compares! { f32 f64 i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize }

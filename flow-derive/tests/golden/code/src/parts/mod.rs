//! A module in a folder, with others in it.

mod row;

pub mod prelude {
    //! What is imported by a glob.
    pub use super::row::Row;
    pub use crate::macros::{doubled, others as fingers, thumbs};
}

pub(in crate::parts) mod far {
    pub type Pair<T> = (T, T);

    pub(crate) fn halved((a, b): Pair<f64>) -> f64 {
        use super::super::kinds::Bits;
        (a + b) / if Bits::of(a) == 0 { 1.0 } else { 2.0 }
    }
}

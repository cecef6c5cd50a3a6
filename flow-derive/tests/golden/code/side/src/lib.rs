//! A path dependency, whose library has a name of its own and which is called by a third one.

mod inner;

pub use inner::{deep as shallow, *};

/// Its default is off, and `wide` is on.
#[cfg(feature = "wide")]
pub const WIDTH: usize = 4;
#[cfg(not(feature = "wide"))]
pub const WIDTH: usize = 2;

/// Of this package.
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

pub fn nobody_calls_it() {}

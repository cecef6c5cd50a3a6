//! Typed data workflows.
pub use flow_core::*;
pub use flow_core::__private;
pub use flow_derive::{Task, tracked};

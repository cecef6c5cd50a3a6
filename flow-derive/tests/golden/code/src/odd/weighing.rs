//! What stands in a place of its own.

use super::values::LIMIT as MOST;

/// By its place.
pub(crate) fn weigh(place: usize) -> f64 {
    1.0 / (place.min(MOST) as f64 + 1.0)
}

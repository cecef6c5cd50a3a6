//! Measures the library and its floor in turns.

use std::time::Instant;

use flow::prelude::*;

/// Returns the times of both in seconds, by round.
///
/// The order alternates, and a first round, besides these, does not count.
///
/// # Errors
///
/// One of both returns an error.
pub fn rounds(
    rounds: usize,
    mut ours: impl FnMut() -> Result<()>,
    mut floor: impl FnMut() -> Result<()>,
) -> Result<Vec<(f64, f64)>> {
    let mut times = Vec::new();
    for round in 0..=rounds {
        times.push(if round % 2 == 0 {
            let first = timed(&mut ours)?;
            (first, timed(&mut floor)?)
        } else {
            let first = timed(&mut floor)?;
            (timed(&mut ours)?, first)
        });
    }
    times.remove(0);
    Ok(times)
}

fn timed(run: &mut impl FnMut() -> Result<()>) -> Result<f64> {
    let begun = Instant::now();
    run()?;
    Ok(begun.elapsed().as_secs_f64())
}

//! The command line of a benchmark: `cargo bench -p flow-benches --bench NAME -- [--large] [CASE ...]`.

use std::env;

/// The arguments of a benchmark.
#[derive(Debug)]
pub struct Args {
    is_large: bool,
    cases: Vec<String>,
}

impl Args {
    /// Reads the arguments of this process.
    pub fn read() -> Self {
        let words: Vec<String> = env::args().skip(1).collect();
        let is_large = words.iter().any(|word| word == "--large");
        // Cargo adds `--bench`.
        let cases = words.into_iter().filter(|word| !word.starts_with('-')).collect();
        Self { is_large, cases }
    }

    /// Returns these sizes, and with `--large` the larger ones too.
    pub fn sizes(&self, sizes: &[u64], large: &[u64]) -> Vec<u64> {
        let large = if self.is_large { large } else { &[] };
        [sizes, large].concat()
    }

    /// Returns whether to measure a case: its name contains an argument, or no argument names a case.
    ///
    /// A number is compared as a whole: `fan_1000` is not contained in `fan_10000`.
    pub fn selects(&self, case: &str) -> bool {
        let contains = |part: &str| {
            let mut ends = case.match_indices(part).map(|(at, _)| &case[at + part.len()..]);
            ends.any(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
        };
        self.cases.is_empty() || self.cases.iter().any(|part| contains(part))
    }
}

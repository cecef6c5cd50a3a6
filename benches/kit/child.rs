//! Measurements in a process of their own, which have a peak memory of their own.
//!
//! The benchmark starts itself with the arguments of a measurement. The child prints its figures.

use std::env;
use std::path::Path;
use std::process::Command;

use flow::prelude::*;

/// Marks the arguments of a child.
const CHILD: &str = "child";

/// Returns the arguments of the measurement, the folder last, if this process is to make one.
pub fn words() -> Option<Vec<String>> {
    let mut words = env::args().skip(1);
    (words.next()? == CHILD).then(|| words.collect())
}

/// Starts this program again to make a measurement in a folder, and returns the numbers that it prints.
///
/// # Errors
///
/// The child cannot be started, fails, or prints something else.
pub fn measure(words: &[&str], folder: &Path) -> Result<Vec<f64>> {
    let mut child = Command::new(env::current_exe()?);
    child.arg(CHILD).args(words).arg(folder);
    let said = child.output()?;
    ensure!(said.status.success(), "{child:?}: {}", String::from_utf8_lossy(&said.stderr));
    let text = String::from_utf8(said.stdout)?;
    let number =
        |word: &str| word.parse::<f64>().with_context(|| format!("{child:?} printed {text}"));
    text.split_whitespace().map(number).collect()
}

//! A custom target: arrays as NumPy's `.npy` files, in a dozen lines.
//!
//! ```text
//! cargo run --example custom_target -- run Spectrum
//! cargo run --example custom_target -- path Spectrum                     # for `numpy.load`
//! cargo run --example custom_target -- load Spectrum --to spectrum.npy   # a copy
//! ```
//!
//! `#[tracked]` above the impl of `Target` works as above an impl of `Run`: after a change in
//! `save` or `load`, only the tasks with this target, and the tasks that load their outputs, run
//! again.

use std::io::Write;
use std::process::ExitCode;

use flow::prelude::*;
use flow::target::{Sink, Source};

/// An array in a file that `numpy.load` reads.
///
/// The format is [version 1.0][format], with one dimension of `float64`.
///
/// [format]: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#[derive(Default)]
struct Npy;

#[tracked]
impl Target for Npy {
    type Value = Vec<f64>;
    const EXTENSION: &'static str = "npy";

    // The target is exact: every bit of every number is preserved, so that downstream tasks may
    // receive the value in memory. If `EXACT` is `false`, the default, they receive the value that
    // the file loads as. That is the safe choice for a format that rounds, sorts or omits
    // something.
    const EXACT: bool = true;

    // The sink writes to a new file, which becomes an output only when it is complete. `save` needs
    // no temporary name, no hash, and no cleanup. The same value must give the same bytes, so do
    // not write the time.
    fn save(&self, numbers: &Vec<f64>, sink: &mut Sink<'_>) -> Result<()> {
        let shape = format!("({},)", numbers.len());
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
        // Magic string, version, and the length of the header, which makes 128 bytes in total.
        sink.write_all(b"\x93NUMPY\x01\x00\x76\x00")?;
        writeln!(sink, "{header:<117}")?;
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        Ok(sink.write_all(&bytes)?)
    }

    fn load(&self, source: &Source) -> Result<Vec<f64>> {
        let file = source.read()?;
        let numbers = file.get(128..).unwrap_or_default().as_chunks().0;
        let numbers = numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        // A truncated file, or a file of another program, must be an error.
        let mut same = Vec::new();
        self.save(&numbers, &mut Sink::new(&mut same))?;
        ensure!(file == same, "it is no `.npy` file of float64 in one dimension, or not all of it");
        Ok(numbers)
    }
}

/// A second of a tone, with its first overtone at half the volume.
#[derive(Task)]
#[task(target = Npy)]
struct Tone {
    #[param(default = 44.0)]
    hertz: f64,
    /// The number of samples.
    #[param(default = 256)]
    samples: usize,
}

#[tracked]
impl Run for Tone {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<f64>> {
        let angle = |i| std::f64::consts::TAU * self.hertz * i as f64 / self.samples as f64;
        Ok((0..self.samples).map(|i| angle(i).sin() + 0.5 * (2.0 * angle(i)).sin()).collect())
    }
}

/// The volume of each frequency, from 0 Hz on.
#[derive(Task)]
#[task(requires = Tone, target = Npy)]
struct Spectrum;

#[tracked]
impl Run for Spectrum {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<f64>> {
        let tone = cx.input().load()?;
        let step = std::f64::consts::TAU / tone.len() as f64;
        let loudness = |hertz: usize| {
            let turn = |i| (step * (hertz * i) as f64).sin_cos();
            let parts = tone.iter().enumerate().map(|(i, x)| (x * turn(i).0, x * turn(i).1));
            let (sin, cos) = parts.fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
            2.0 * f64::hypot(sin, cos) / tone.len() as f64
        };
        Ok((0..tone.len() / 2).map(loudness).collect())
    }
}

fn main() -> ExitCode {
    flow::main!()
}

//! Exports: outputs for people, in a folder that tells what is in it.
//!
//! ```text
//! handed/
//!   manifest.json              what each output is, what it was made from, and how it is read
//!   README.md                  the same for people, with lines to load each
//!   flow_outputs.py            loads them in Python, by task and parameters
//!   Train/model=Logistic.parquet
//!   Split/output/train.parquet one of several outputs
//! ```
//!
//! The names are [`names`]. A [`manifest`] says of each file which it is and what it holds, and is
//! replaced last. What a target tells of its files it says itself, so that no format is known here.
//!
//! A folder may have been there before. What an export has not written it does not touch, and what it
//! has written it replaces only as long as nobody has changed it ([`folder`]). Outputs of earlier
//! exports stay in the manifest, so that several settings come to lie side by side; texts of theirs that
//! become code are used only if they have the [`seal`] of the same store. Two exports at once take
//! [turns](turn). An [import](mod@import) takes an export into a store: each file is verified, and an
//! output is known by its fingerprint from then on.

pub(crate) mod consumer;
pub(crate) mod folder;
pub(crate) mod import;
mod lock;
pub(crate) mod manifest;
pub(crate) mod names;
pub(crate) mod python;
pub(crate) mod readme;
pub(crate) mod seal;
pub(crate) mod text;

/// The files that an export writes besides outputs.
pub(crate) const WRITTEN: [&str; 4] =
    [readme::README, python::MODULE, consumer::CARGO, consumer::SOURCE];

//! The code of a task, as a digest that is part of its fingerprint.
//!
//! `#[tracked]` fills in [`Run::CODE`](crate::Run::CODE) from the tokens of the impl's body.
//! Comments, documentation and formatting are no tokens, so they do not count.

use crate::key::Digest;

/// What identifies the code that makes an output.
///
/// `#[tracked]` on the impl of [`Run`](crate::Run) writes it. Who would rather say by hand when
/// the code has changed leaves the attribute out and writes a version:
///
/// ```
/// # use flow_core::Code;
/// const CODE: Code = Code::version(3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    pub(crate) by: By,
}

/// How code is identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Version(u32),
    Items(&'static [Item]),
}

/// One item of the source that takes part in making an output.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Such as `impl Run for Train`, or `fn standardise`.
    pub name: &'static str,
    /// The file it stands in, relative to the folder of the package.
    pub file: &'static str,
    /// Of its tokens.
    pub digest: u128,
}

impl Code {
    /// Code whose changes the user counts: another number, and the task runs again.
    pub const fn version(version: u32) -> Self {
        Self { by: By::Version(version) }
    }

    #[doc(hidden)]
    pub const fn __tracked(items: &'static [Item]) -> Self {
        Self { by: By::Items(items) }
    }

    /// The digest of it. Names do not count: a task that was renamed has the same code, and
    /// of everything else the name is among the tokens.
    pub(crate) fn digest(self) -> Digest {
        let mut hasher = crate::key::Hasher::new("code");
        match self.by {
            By::Version(version) => hasher.number(0).number(u64::from(version)),
            By::Items(items) => items
                .iter()
                .fold(hasher.number(1), |hasher, item| hasher.bytes(&item.digest.to_le_bytes())),
        };
        hasher.digest()
    }
}

/// All code that makes the outputs of a task: its own first, then that of its targets.
#[derive(Clone, Debug)]
pub(crate) struct Codes(pub(crate) Vec<Code>);

impl Codes {
    pub(crate) fn digest(&self) -> Digest {
        let mut hasher = crate::key::Hasher::new("codes");
        for code in &self.0 {
            hasher.part(code.digest());
        }
        hasher.digest()
    }

    /// The digest of what the outputs are read by: the target, as the user wrote it, and its code.
    pub(crate) fn target_digest(&self, written: &str) -> Digest {
        let mut hasher = crate::key::Hasher::new("target");
        hasher.text(written);
        for code in self.0.iter().skip(1) {
            hasher.part(code.digest());
        }
        hasher.digest()
    }
}

//! Digests of a task's code, which are part of its fingerprint.
//!
//! `#[tracked]` sets [`Run::CODE`](crate::Run::CODE) to a table of the items that the impl reaches.
//! Comments, documentation and formatting are not tokens, so they do not count. Neither do the name
//! and the file of an item, which only appear in reasons.
//!
//! A table is one string with a line for each item, because 200 tasks with 100 items each would
//! otherwise be a million tokens for the compiler.

use std::collections::BTreeSet;

use crate::base::key::Digest;

/// Identifies the code that computes an output.
///
/// `#[tracked]` on the impl of [`Run`](crate::Run) sets it. To declare changes of the code by hand,
/// leave the attribute out and write a version:
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
    /// `#[tracked]` was forgotten. A program with such a task does not compile.
    Missing,
    Version(u32),
    Tracked {
        /// The table that `#[tracked]` wrote. [`rows`] parses it.
        table: &'static str,
        /// The versions of crates whose source was not read, as `#[tracked]` wrote them. Empty if
        /// unknown. [`crates`] parses them.
        crates: &'static str,
        /// The code of the type arguments.
        types: &'static [Code],
    },
}

/// Selects versions of crates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Versioning {
    /// All known versions. A change is reported.
    Told,
    /// The versions that are part of the code. A change makes the task pending.
    Counted,
}

/// One item of the source that takes part in computing an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    /// The digest of its tokens.
    pub(crate) digest: &'a str,
    /// The digest of the items that the names in it refer to.
    pub(crate) names: &'a str,
    /// The name, such as `impl Run for Train` or `standardise`.
    pub(crate) name: &'a str,
    /// The path of its file, relative to the folder of the package.
    pub(crate) file: &'a str,
}

/// Returns the digest of which name refers to which item, and the items.
///
/// That digest is separate because digests of items alone are the same after two imports were
/// exchanged.
fn read(table: &str) -> (&str, impl Iterator<Item = Row<'_>>) {
    let (links, rows) = table.split_once('\n').unwrap_or((table, ""));
    let rows = rows.lines().filter_map(|line| {
        let (digest, rest) = line.split_at_checked(32)?;
        let (names, rest) = rest.split_at_checked(16)?;
        let (name, file) = rest.split_once('\t')?;
        Some(Row { digest, names, name, file })
    });
    (links, rows)
}

/// Returns the items of a table.
pub(crate) fn rows(table: &str) -> impl Iterator<Item = Row<'_>> {
    read(table).1
}

/// Returns the versions of crates, each as its name and its version.
fn crates(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().skip(1).filter_map(|line| line.split_once(' '))
}

/// Returns whether the versions of crates are part of the code. Otherwise changes are only
/// reported.
fn do_crates_count(text: &str) -> bool {
    text.lines().next() == Some("lock")
}

impl Code {
    /// Identifies code by a number. The task runs again when the number changes.
    pub const fn version(version: u32) -> Self {
        Self { by: By::Version(version) }
    }

    /// The code of an impl without `#[tracked]`, which does not compile.
    #[doc(hidden)]
    pub const __MISSING: Self = Self { by: By::Missing };

    /// Fails to compile if `#[tracked]` was forgotten.
    #[doc(hidden)]
    pub const fn __check(self, message: &'static str) {
        assert!(!matches!(self.by, By::Missing), "{}", message);
    }

    #[doc(hidden)]
    pub const fn __tracked(
        table: &'static str,
        crates: &'static str,
        types: &'static [Code],
    ) -> Self {
        Self { by: By::Tracked { table, crates, types } }
    }

    /// Adds the versions of crates that the code was compiled with.
    pub(crate) fn add_crates(
        self,
        all: Versioning,
        to: &mut BTreeSet<(&'static str, &'static str)>,
    ) {
        if let By::Tracked { crates: text, types, .. } = self.by {
            if all == Versioning::Told || do_crates_count(text) {
                to.extend(crates(text));
            }
            types.iter().for_each(|code| code.add_crates(all, to));
        }
    }

    /// Returns the digest of the code.
    ///
    /// The names of items do not count, so that a renamed task has the same code. The names of
    /// other items are among their tokens.
    pub(crate) fn digest(self) -> Digest {
        let mut hasher = crate::base::key::Hasher::new("code");
        match self.by {
            By::Missing => unreachable!("a task without code does not compile"),
            By::Version(version) => {
                hasher.number(0).number(u64::from(version));
            }
            By::Tracked { table, crates: text, types } => {
                let (links, rows) = read(table);
                hasher.number(1).text(links);
                for row in rows {
                    hasher.text(row.digest);
                }
                for code in types {
                    hasher.part(code.digest());
                }
                // Only hashed if they count, so that other tasks keep their digests.
                if do_crates_count(text) {
                    hasher.text("crates");
                    for (name, version) in crates(text) {
                        hasher.text(name).text(version);
                    }
                }
            }
        }
        hasher.digest()
    }
}

/// A type whose code is known, for the type parameters of tasks.
///
/// A task that is generic over a type runs that type's code. `#[tracked]` on `impl<M: Model +
/// Tracked> Run for Fit<M>` therefore counts it too. `#[tracked]` or `#[derive(Tracked)]` on a type
/// implements this trait. The code is the type's definition, its impls of traits, and everything
/// that these reach. Every task is `Tracked`.
///
/// A type of another crate is not. Wrap it in a type of your own, or write a version:
///
/// ```
/// # use flow_core::{Code, Tracked};
/// struct Forest;
///
/// impl Tracked for Forest {
///     const CODE: Code = Code::version(1);
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "the code of `{Self}` is not tracked",
    label = "not tracked",
    note = "a task that is generic over a type runs its code: write `#[tracked]` above the type, and \
            `Tracked` among the bounds of the parameter, or of the trait that it is bound by"
)]
pub trait Tracked: Send + Sync + 'static {
    /// The code of the type and of its impls.
    const CODE: Code;
}

/// Implements `Tracked` for types of the standard library, whose code does not change.
macro_rules! standard {
    ($($ty:ty),* $(,)?) => {
        $(#[diagnostic::do_not_recommend]
        impl Tracked for $ty {
            const CODE: Code = Code::version(0);
        })*
    };
}

standard! {
    bool, char, str, String, (), f32, f64, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128,
    usize, std::path::Path, std::path::PathBuf, std::time::Duration, std::time::SystemTime,
}

/// Implements `Tracked` for types whose code is that of their content.
macro_rules! containers {
    ($([$($parameter:ident),*] $ty:ty),* $(,)?) => {
        $(#[diagnostic::do_not_recommend]
        impl<$($parameter: Tracked),*> Tracked for $ty {
            const CODE: Code = Code::__tracked("", "", &[$($parameter::CODE),*]);
        })*
    };
}

containers! {
    [T] Vec<T>, [T] Option<T>, [T] Box<T>, [T] std::sync::Arc<T>, [T] [T],
    [T] std::collections::VecDeque<T>, [T] std::collections::BTreeSet<T>,
    [T] std::collections::HashSet<T>, [T] std::marker::PhantomData<T>,
    [T, E] Result<T, E>, [K, V] std::collections::BTreeMap<K, V>,
    [K, V] std::collections::HashMap<K, V>, [A] (A,), [A, B] (A, B), [A, B, C] (A, B, C),
    [A, B, C, D] (A, B, C, D),
}

#[diagnostic::do_not_recommend]
impl<T: Tracked, const N: usize> Tracked for [T; N] {
    const CODE: Code = T::CODE;
}

#[diagnostic::do_not_recommend]
impl<T: Tracked + ?Sized> Tracked for &'static T {
    const CODE: Code = T::CODE;
}

/// All code that computes the outputs of a task: its own first, then that of its targets.
#[derive(Clone, Debug)]
pub(crate) struct Codes(pub(crate) Vec<Code>);

impl Codes {
    pub(crate) fn digest(&self) -> Digest {
        let mut hasher = crate::base::key::Hasher::new("codes");
        for code in &self.0 {
            hasher.part(code.digest());
        }
        hasher.digest()
    }

    /// Returns the versions of crates that the code was compiled with, each as its name and its
    /// version.
    pub(crate) fn crates(&self, which: Versioning) -> BTreeSet<(&'static str, &'static str)> {
        let mut crates = BTreeSet::new();
        self.0.iter().for_each(|code| code.add_crates(which, &mut crates));
        crates
    }

    /// Returns the digest of all known versions of crates, if any are known.
    pub(crate) fn crates_digest(&self) -> Option<Digest> {
        let crates = self.crates(Versioning::Told);
        let mut hasher = crate::base::key::Hasher::new("crates");
        for (name, version) in &crates {
            hasher.text(name).text(version);
        }
        (!crates.is_empty()).then(|| hasher.digest())
    }

    /// Returns the digest of the target that reads the outputs: its text, as the user wrote it, and
    /// its code.
    pub(crate) fn target_digest(&self, written: &str) -> Digest {
        let mut hasher = crate::base::key::Hasher::new("target");
        hasher.text(written);
        for code in self.0.iter().skip(1) {
            hasher.part(code.digest());
        }
        hasher.digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "00000000000000000000000000000000\n\
        11111111111111111111111111111111000000000000000aimpl Run for A\tsrc/a.rs\n\
        222222222222222222222222222222220000000000000000helper\tsrc/b.rs\n";

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let read: Vec<Row<'_>> = rows(TABLE).collect();
        let names: Vec<_> = read.iter().map(|row| (row.name, row.file)).collect();
        assert_eq!(names, [("impl Run for A", "src/a.rs"), ("helper", "src/b.rs")]);
        assert_eq!((&read[0].digest[..2], read[0].names), ("11", "000000000000000a"));
    }

    #[test]
    fn names_and_files_do_not_count_and_all_else_does() {
        let digest = |table: &str| {
            let table: &'static str = Box::leak(table.to_owned().into_boxed_str());
            Code::__tracked(table, "", &[]).digest()
        };
        assert_eq!(digest(TABLE), digest(&TABLE.replace("src/b.rs", "src/c.rs")));
        assert_eq!(digest(TABLE), digest(&TABLE.replace("Run for A", "Run for B")));
        assert_ne!(digest(TABLE), digest(&TABLE.replacen("0000", "0001", 1)));
        assert_ne!(digest(TABLE), digest(&TABLE.replace("2222", "2223")));
        const WITH_TYPE: Code = Code::__tracked(TABLE, "", &[Code::version(1)]);
        assert_ne!(digest(TABLE), WITH_TYPE.digest());
        assert_ne!(Vec::<u8>::CODE.digest(), <(u8, u8)>::CODE.digest());
    }

    #[test]
    fn the_digests_are_those_of_earlier_releases() {
        const LOCKED: &str = "lock\nlinfa 0.7.0\nrand 0.8.5\nrand 0.9.1\n";
        const VERSION: Code = Code::version(3);
        const TRACKED: Code = Code::__tracked(TABLE, "direct\nlinfa 0.7.0\n", &[]);
        const GENERIC: Code = Code::__tracked(TABLE, "", &[VERSION, <Vec<u8>>::CODE]);
        const COUNTED: Code = Code::__tracked(TABLE, LOCKED, &[VERSION]);
        let all = [VERSION, TRACKED, GENERIC, COUNTED];
        let names = ["version", "tracked", "generic", "lock"];
        let mut digests = String::new();
        for (name, code) in names.iter().zip(all) {
            digests += &format!("{name} {}\n", code.digest());
        }
        let codes = Codes(all.to_vec());
        digests += &format!("all {}\n", codes.digest());
        digests += &format!("target {}\n", codes.target_digest("Json < u8 >"));
        digests += &format!("crates {}\n", codes.crates_digest().expect("versions"));

        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/code.txt");
        if std::env::var_os("FLOW_ACCEPT_CODE").is_some() {
            std::fs::write(golden, &digests).expect("a file");
        }
        let kept = std::fs::read_to_string(golden).expect("the digests of earlier releases");
        assert_eq!(
            kept, digests,
            "all that was made would run again; FLOW_ACCEPT_CODE=1 accepts it"
        );
    }

    #[test]
    fn versions_of_crates_count_with_lock() {
        let code = |crates: &str| {
            Code::__tracked(TABLE, Box::leak(crates.to_owned().into_boxed_str()), &[])
        };
        let none = code("").digest();
        assert_eq!(code("direct\nlinfa 0.7.0\n").digest(), none);
        assert_eq!(code("direct\nlinfa 0.8.0\n").digest(), none);
        let counted = code("lock\nlinfa 0.7.0\n").digest();
        assert_ne!(counted, none);
        assert_ne!(counted, code("lock\nlinfa 0.8.0\n").digest());

        let codes = |crates: &str| Codes(vec![code(crates), code("lock\nrand 0.9.1\n")]);
        let both = codes("direct\nlinfa 0.7.0\nrand 0.9.1\n");
        let all = both.crates(Versioning::Told).into_iter().collect::<Vec<_>>();
        assert_eq!(all, [("linfa", "0.7.0"), ("rand", "0.9.1")]);
        assert_eq!(both.crates(Versioning::Counted).len(), 1);
        assert_ne!(both.crates_digest(), codes("direct\nlinfa 0.7.1\n").crates_digest());
        assert_eq!(Codes(vec![code(""), Code::version(3)]).crates_digest(), None);
    }
}

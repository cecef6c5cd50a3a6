//! The code of a task, as a digest that is part of its fingerprint.
//!
//! `#[tracked]` fills in [`Run::CODE`](crate::Run::CODE) from the tokens of the impl and of all that
//! it reaches. Comments, documentation and formatting are no tokens, so they do not count.

use std::collections::BTreeSet;

use crate::base::key::Digest;

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
    Tracked {
        /// What `#[tracked]` wrote; [`rows`] reads it.
        table: &'static str,
        /// The versions of crates whose source was not read, as `#[tracked]` wrote them; empty if
        /// they are not known. [`crates`] reads them.
        crates: &'static str,
        /// The code of the type arguments.
        types: &'static [Code],
    },
}

/// Which versions of crates are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Versioning {
    /// All that are known: when another one is used, that is told.
    Told,
    /// Those that are a part of the code: when another one is used, the task runs again.
    Counted,
}

/// One item of the source that takes part in making an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    /// Of its tokens.
    pub(crate) digest: &'a str,
    /// Of what the names in it mean.
    pub(crate) names: &'a str,
    /// Such as `impl Run for Train`, or `standardise`.
    pub(crate) name: &'a str,
    /// The file it stands in, relative to the folder of the package.
    pub(crate) file: &'a str,
}

/// The digest of which name means which item, and the items.
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

/// The items of a table.
pub(crate) fn rows(table: &str) -> impl Iterator<Item = Row<'_>> {
    read(table).1
}

/// The versions of crates, each as its name and its version.
fn crates(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().skip(1).filter_map(|line| line.split_once(' '))
}

/// Whether the versions of crates are a part of the code, or are only told when they are others.
fn do_crates_count(text: &str) -> bool {
    text.lines().next() == Some("lock")
}

impl Code {
    /// Code whose changes the user counts: another number, and the task runs again.
    pub const fn version(version: u32) -> Self {
        Self { by: By::Version(version) }
    }

    #[doc(hidden)]
    pub const fn __tracked(
        table: &'static str,
        crates: &'static str,
        types: &'static [Code],
    ) -> Self {
        Self { by: By::Tracked { table, crates, types } }
    }

    /// Adds the versions of crates that it was compiled with, or those alone that are a part of it.
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

    /// The digest of it. Names do not count: a task that was renamed has the same code, and
    /// of everything else the name is among the tokens.
    pub(crate) fn digest(self) -> Digest {
        let mut hasher = crate::base::key::Hasher::new("code");
        match self.by {
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
                // Nothing is said of them by the many tasks for which they do not count.
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

/// A type whose code is known: what a task may be generic over.
///
/// A task that is generic over a type runs that type's code, so that `#[tracked]` above
/// `impl<M: Model + Tracked> Run for Fit<M>` counts it too. `#[tracked]` or `#[derive(Tracked)]`
/// above a type implements it: the code is the type's definition, its impls of traits, and all that
/// these reach. A task is `Tracked` already.
///
/// A type of another crate has none. Wrap it in one of your own, or count its changes by hand:
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
pub trait Tracked {
    /// The code of the type and of its impls.
    const CODE: Code;
}

/// Types that come with the language, whose code does not change.
macro_rules! standard {
    ($($ty:ty),* $(,)?) => {
        $(impl Tracked for $ty {
            const CODE: Code = Code::version(0);
        })*
    };
}

standard! {
    bool, char, str, String, (), f32, f64, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128,
    usize, std::path::Path, std::path::PathBuf, std::time::Duration, std::time::SystemTime,
}

/// Types whose code is that of what they hold.
macro_rules! containers {
    ($([$($parameter:ident $(: $bound:path)?),*] $ty:ty),* $(,)?) => {
        $(impl<$($parameter: Tracked $(+ $bound)?),*> Tracked for $ty {
            const CODE: Code = Code::__tracked("", "", &[$($parameter::CODE),*]);
        })*
    };
}

containers! {
    [T] Vec<T>, [T] Option<T>, [T] Box<T>, [T] std::rc::Rc<T>, [T] std::sync::Arc<T>, [T] [T],
    [T] std::collections::VecDeque<T>, [T] std::collections::BTreeSet<T>,
    [T] std::collections::HashSet<T>, [T] std::marker::PhantomData<T>,
    [T, E] Result<T, E>, [K, V] std::collections::BTreeMap<K, V>,
    [K, V] std::collections::HashMap<K, V>, [A] (A,), [A, B] (A, B), [A, B, C] (A, B, C),
    [A, B, C, D] (A, B, C, D),
}

impl<T: Tracked, const N: usize> Tracked for [T; N] {
    const CODE: Code = T::CODE;
}

impl<T: Tracked + ?Sized> Tracked for &T {
    const CODE: Code = T::CODE;
}

/// All code that makes the outputs of a task: its own first, then that of its targets.
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

    /// The versions of crates that it was compiled with, each as its name and its version.
    pub(crate) fn crates(&self, which: Versioning) -> BTreeSet<(&'static str, &'static str)> {
        let mut crates = BTreeSet::new();
        self.0.iter().for_each(|code| code.add_crates(which, &mut crates));
        crates
    }

    /// The digest of all of these, if any are known.
    pub(crate) fn crates_digest(&self) -> Option<Digest> {
        let crates = self.crates(Versioning::Told);
        let mut hasher = crate::base::key::Hasher::new("crates");
        for (name, version) in &crates {
            hasher.text(name).text(version);
        }
        (!crates.is_empty()).then(|| hasher.digest())
    }

    /// The digest of what the outputs are read by: the target, as the user wrote it, and its code.
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
    fn versions_of_crates_count_if_that_is_asked_for() {
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
        let told = both.crates(Versioning::Told).into_iter().collect::<Vec<_>>();
        assert_eq!(told, [("linfa", "0.7.0"), ("rand", "0.9.1")]);
        assert_eq!(both.crates(Versioning::Counted).len(), 1);
        assert_ne!(both.crates_digest(), codes("direct\nlinfa 0.7.1\n").crates_digest());
        assert_eq!(Codes(vec![code(""), Code::version(3)]).crates_digest(), None);
    }
}

//! Names of the store's internal folder, of instances' folders, of unique files, of types, and of this machine.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::key::Short;

/// The folder of a store for everything but outputs.
pub(crate) const INTERNAL: &str = ".flow";

/// Returns the key at the end of an instance's folder name.
pub(crate) fn key_of(folder: &str) -> Option<Short> {
    let digits = folder.get(folder.len().checked_sub(16)?..)?;
    let rest = &folder[..folder.len() - 16];
    let lower = digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (lower && (rest.is_empty() || rest.ends_with('-')))
        .then(|| u64::from_str_radix(digits, 16).ok().map(Short))
        .flatten()
}

/// Returns 16 digits that no other call and no other process returns.
pub(crate) fn unique() -> String {
    static START: OnceLock<u64> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);

    // Without a source of randomness, the time and the process id distinguish processes. Creating a
    // file whose name exists is an error in any case.
    let start = START.get_or_init(|| {
        getrandom::u64().unwrap_or_else(|_| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let nanos = now.map_or(0, |since| since.as_nanos() as u64);
            nanos.rotate_left(20) ^ u64::from(std::process::id())
        })
    });
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:016x}", start.wrapping_add(next.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// Returns the name most similar to `name`, if there is a similar one.
pub fn nearest(name: &str, known: &[&str]) -> Option<String> {
    let likeness = |other: &&str| strsim::jaro_winkler(name, other);
    let best = known.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&best) > 0.75).then(|| best.to_owned())
}

/// Returns the name of a type without module paths, such as `Vec<Row>`.
pub fn short_name<T: ?Sized>() -> String {
    short(std::any::type_name::<T>())
}

/// Removes the module paths from the name of a type.
pub(crate) fn short(full: &str) -> String {
    let mut short = String::with_capacity(full.len());
    let mut segment = 0;
    let mut rest = full;
    while let Some(next) = rest.chars().next() {
        if rest.starts_with("::") {
            short.truncate(segment);
            rest = &rest[2..];
            continue;
        }
        short.push(next);
        if !next.is_alphanumeric() && next != '_' {
            segment = short.len();
        }
        rest = &rest[next.len_utf8()..];
    }
    short
}

//! Stamps: what is known of files without opening them, to detect that a file was written
//! meanwhile.
//!
//! A file that is rewritten with equal content has the same digest before and after. A task that
//! read it meanwhile may have read half of it. The size, the times or the inode show the write: no
//! program can set the time of the last change. That time advances in steps, so that two changes
//! within one step cannot be distinguished. [`Stamp::settle`] waits until the step is over.

use std::cell::{Cell, RefCell};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::walk::{Look, Passed};
use super::{Contents, Named, Pattern, is_absent};
use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{FileKind, Stat, inspect};
use crate::base::key::{Digest, Hasher};

/// The longest step of the clock that file systems take times from, in nanoseconds. Kernels advance
/// it with their ticks, at least a hundred times a second.
const STEP: i64 = 12_000_000;

/// The step of a file system that stores whole seconds, or every second one.
const COARSE_STEP: i64 = 2_000_000_000;

/// What is known of the files at a path without opening them.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    digest: Digest,
    /// The time from which any change of the files gives another stamp, in nanoseconds since 1970.
    settled: i64,
    /// The folders above the path, the nearest first. `None` for one that does not exist.
    above: Vec<Option<Above>>,
}

/// A folder above the files. Unrelated files may come and go in it, so its times alone prove
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Above {
    inode: Option<u64>,
    /// When a name in it was last added or removed.
    modified: i64,
    /// When anything about it was last changed. Adding or removing a name sets both times. Renaming
    /// the folder itself sets only this one.
    changed: Option<i64>,
}

impl Above {
    /// Returns whether this is the same folder as `before`, and was not renamed since.
    ///
    /// A rename is not detected if a name was added or removed after it.
    fn is_in_place(&self, before: &Self) -> bool {
        let is_renamed = self.changed != before.changed
            && self.changed.is_some_and(|changed| changed > self.modified);
        self.inode == before.inode && !is_renamed
    }
}

impl Stamp {
    /// Returns whether nothing was written or moved between this stamp and the later one.
    pub(crate) fn is(&self, later: &Self) -> bool {
        let mut above = std::iter::zip(self.above.iter().rev(), later.above.iter().rev());
        let is_in_place = |(before, now): (&Option<Above>, &Option<Above>)| match (before, now) {
            (Some(before), Some(now)) => now.is_in_place(before),
            (Some(_), None) => false,
            // A folder that did not exist before was empty.
            (None, _) => true,
        };
        self.digest == later.digest && above.all(is_in_place)
    }

    /// Waits until a change of the files gives another stamp: a few milliseconds after the last
    /// one.
    pub(crate) fn settle(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let left = self.settled.saturating_sub(now.as_nanos() as i64);
        // A time in the future comes from another clock and proves nothing.
        if let Ok(left @ 1..) = u64::try_from(left)
            && left <= COARSE_STEP as u64
        {
            std::thread::sleep(Duration::from_nanos(left));
        }
    }
}

impl Contents {
    /// Returns the stamp of the files whose digest [`content`](Self::content) returns.
    ///
    /// The stamp detects a change of each file, of each link, and of the names in each folder that
    /// is read completely. It does not detect changes of names in a folder that holds the store,
    /// because runs write there, nor in folders that are only searched for a pattern.
    pub(crate) fn stamp(&self, path: &Path, named: Named) -> Result<Stamp, StoreError> {
        let (stamp, _) = self.stamp_with(path, named, &|_, _| Ok(Digest(0)))?;
        Ok(stamp)
    }

    /// Returns the stamp of the files at a path, and what [`content`](Self::content) returns, from one look at each file.
    ///
    /// Any later change of the files gives another stamp: if they changed just now, this waits, and looks at the content
    /// again.
    pub(crate) fn stamp_and_content(
        &self,
        path: &Path,
        named: Named,
    ) -> Result<(Stamp, Option<Digest>), StoreError> {
        let begun = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let content = |path: &Path, stat| self.file(path, stat);
        let (stamp, found) = self.stamp_with(path, named, &content)?;
        if stamp.settled <= begun.as_nanos() as i64 {
            return Ok((stamp, found));
        }
        // A change after a file was looked at may give the same stamp.
        stamp.settle();
        let found = self.content(path, named)?;
        Ok((stamp, found))
    }

    /// Returns the stamp, and the digest of what `content` finds in each file.
    fn stamp_with(
        &self,
        path: &Path,
        named: Named,
        content: &dyn Fn(&Path, Stat) -> io::Result<Digest>,
    ) -> Result<(Stamp, Option<Digest>), StoreError> {
        let settled = Cell::new(0);
        let passed = RefCell::new(Hasher::new("passed"));
        let pass = |path: &Path, stat: &Stat| {
            settled.set(settled.get().max(settles(stat)));
            let mut passed = passed.borrow_mut();
            passed.bytes(path.as_os_str().as_encoded_bytes());
            hash_stat(&mut passed, stat);
        };
        let file = |path: &Path, stat: Stat| {
            pass(path, &stat);
            content(path, stat)
        };
        let note = |path: &Path, what: Passed| {
            let stat = match what {
                Passed::Folder(stat) => stat,
                Passed::Name => match inspect(&*self.fs, path) {
                    Ok((FileKind::Link, stat)) => stat,
                    Ok(_) => return Ok(()),
                    Err(error) if is_absent(&error) => return Ok(()),
                    Err(error) => return Err(error),
                },
                Passed::Again => return Ok(()),
            };
            pass(path, &stat);
            Ok(())
        };
        let above = self.above(path, named, &note)?;
        let found = self.walk(path, named, Look { file: &file, note: &note })?;
        let digest = passed.borrow().digest();
        Ok((Stamp { digest, settled: settled.get(), above }, found))
    }

    /// Returns the folders above a path, the nearest first, and records the links among them.
    fn above(
        &self,
        path: &Path,
        named: Named,
        note: &dyn Fn(&Path, Passed) -> io::Result<()>,
    ) -> Result<Vec<Option<Above>>, StoreError> {
        let path = std::path::absolute(path).during("inspect", path)?;
        let pattern = Pattern::parse(&path).filter(|_| named == Named::AsPattern);
        let nearest = match &pattern {
            None => path.parent(),
            Some(pattern) => match self.fs.stat(&path) {
                Ok(_) => path.parent(),
                Err(error) if is_absent(&error) => Some(pattern.base()),
                Err(error) => return Err(error).during("inspect", &path),
            },
        };
        let folders = nearest.into_iter().flat_map(Path::ancestors);
        let look = |folder: &Path| {
            let stat = match inspect(&*self.fs, folder) {
                Ok((FileKind::Link, _)) => {
                    note(folder, Passed::Name).during("inspect", folder)?;
                    self.fs.stat(folder)
                }
                found => found.map(|(_, stat)| stat),
            };
            match stat {
                Ok(Stat { inode, modified, changed, .. }) => {
                    Ok(Some(Above { inode, modified, changed }))
                }
                Err(error) if is_absent(&error) => Ok(None),
                error => error.map(|_| None).during("inspect", folder),
            }
        };
        folders.map(look).collect()
    }
}

/// Returns the time from which a change of a file gets another time.
fn settles(stat: &Stat) -> i64 {
    let changed = stat.changed.unwrap_or(stat.modified);
    let step = if changed % 1_000_000_000 == 0 { COARSE_STEP } else { STEP };
    changed.saturating_add(step)
}

/// Hashes everything that is known of a file without opening it, except its device.
///
/// The device may differ each time the disk is mounted.
pub(super) fn hash_stat(hasher: &mut Hasher, stat: &Stat) {
    let optional = |hasher: &mut Hasher, number: Option<u64>| {
        hasher.number(u64::from(number.is_some())).number(number.unwrap_or_default());
    };
    hasher.number(stat.bytes).number(stat.modified as u64);
    optional(hasher, stat.changed.map(|changed| changed as u64));
    optional(hasher, stat.inode);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::base::fs::Disk;

    #[test]
    fn a_file_rewritten_with_equal_content_has_another_stamp() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("data.csv");
        let contents = Contents::unknown(Arc::new(Disk), &folder.path().join("store"));
        let pattern = folder.path().join("*.csv");
        fs::write(&file, "1\n2\n").expect("a file");
        for (path, named) in [
            (&*file, Named::Exactly),
            (folder.path(), Named::Exactly),
            (&*pattern, Named::AsPattern),
        ] {
            let stamp = || contents.stamp(path, named).expect("a stamp");
            let content = || contents.content(path, named).expect("a digest");
            let (before, digest) = (stamp(), content());
            before.settle();
            assert!(before.is(&stamp()));
            fs::write(&file, "1\n2\n").expect("a file");
            assert!(!before.is(&stamp()), "{path:?}");
            assert_eq!(digest, content());
            // Another file takes its name, with the same time.
            let (before, modified) =
                (stamp(), fs::metadata(&file).and_then(|file| file.modified()).expect("a time"));
            before.settle();
            let other = folder.path().join("other");
            fs::write(&other, "1\n2\n").expect("a file");
            let written = fs::File::options().write(true).open(&other).expect("a file");
            written.set_modified(modified).expect("a time");
            fs::rename(&other, &file).expect("a file");
            assert!(!before.is(&stamp()), "{path:?}");
            assert_eq!(digest, content());
        }
    }

    #[test]
    fn a_look_at_stamp_and_content_finds_what_two_looks_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let contents = Contents::unknown(Arc::new(Disk), &folder.path().join("store"));
        let pattern = data.join("*/*.csv");
        for (path, named) in
            [(&data, Named::Exactly), (&pattern, Named::AsPattern), (&data, Named::AsPattern)]
        {
            let look = || contents.stamp_and_content(path, named).expect("a look");
            for name in ["a", "b"] {
                fs::create_dir_all(data.join(name)).expect("a folder");
                fs::write(data.join(name).join("x.csv"), name).expect("a file");
                let (stamp, content) = look();
                assert!(stamp.is(&contents.stamp(path, named).expect("a stamp")));
                assert_eq!(content, contents.content(path, named).expect("a digest"));
            }
            let (before, _) = look();
            fs::rename(data.join("a/x.csv"), data.join("a/y.csv")).expect("a file");
            assert!(!before.is(&look().0), "{path:?}");
            fs::remove_dir_all(&data).expect("a folder");
            assert_eq!(look().1, None);
        }
    }

    #[test]
    fn a_file_that_comes_or_goes_changes_the_stamp() {
        let folder = tempfile::tempdir().expect("a folder");
        let contents = Contents::unknown(Arc::new(Disk), &folder.path().join("store"));
        let pattern = folder.path().join("*.csv");
        let stamp = || contents.stamp(&pattern, Named::AsPattern).expect("a stamp");
        let none = stamp();
        fs::write(folder.path().join("a.csv"), "").expect("a file");
        let one = stamp();
        fs::write(folder.path().join("b.csv"), "").expect("a file");
        assert!(!none.is(&one) && !one.is(&stamp()));
        fs::remove_file(folder.path().join("b.csv")).expect("a file");
        assert!(one.is(&stamp()));
    }
}

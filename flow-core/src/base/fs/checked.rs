//! Remembers which folders were found to be no links a short while ago.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a folder is believed to be no link.
pub(super) const FRESH: Duration = Duration::from_millis(200);

/// The most folders that are remembered.
const REMEMBERED: usize = 256;

/// The folders that were found to be no links a short while ago.
///
/// Each path has one place, which it takes from another path.
pub(super) struct Checked {
    places: Mutex<Vec<Option<(PathBuf, Instant)>>>,
    hasher: RandomState,
}

impl Checked {
    pub(super) fn new() -> Self {
        Self { places: Mutex::new(Vec::new()), hasher: RandomState::new() }
    }

    fn place(&self, folder: &Path) -> usize {
        // The remainder fits into a `usize`.
        (self.hasher.hash_one(folder.as_os_str()) % REMEMBERED as u64) as usize
    }

    /// Returns the deepest folder on the way from `top` to `folder` that was checked, or `top`.
    pub(super) fn deepest<'a>(&self, folder: &'a Path, top: &'a Path, now: Instant) -> &'a Path {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |folder: &Path| match places.get(self.place(folder)) {
            Some(Some((checked, at))) => {
                checked.as_os_str() == folder.as_os_str() && now.duration_since(*at) < FRESH
            }
            _ => false,
        };
        let mut on_the_way = folder.ancestors().take_while(|folder| *folder != top);
        on_the_way.find(|folder| is_fresh(folder)).unwrap_or(top)
    }

    /// Remembers that the folders from `deepest`, without itself, down to `folder` are no links.
    pub(super) fn remember(&self, folder: &Path, deepest: &Path, now: Instant) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.is_empty() {
            places.resize(REMEMBERED, None);
        }
        for folder in folder.ancestors().take_while(|folder| *folder != deepest) {
            places[self.place(folder)] = Some((folder.to_owned(), now));
        }
    }

    /// Forgets a path that is removed or replaced.
    pub(super) fn forget(&self, path: &Path) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get_mut(self.place(path)) {
            *place = None;
        }
    }
}

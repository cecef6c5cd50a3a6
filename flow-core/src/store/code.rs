//! Code tables: the items of a task's code, so that a reason can name the one that changed.
//!
//! A table is written once, to a file named by the digest of the code. The names and files of items
//! appear in reasons only and are not part of the digest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::code;
use crate::base::code::{By, Code, Codes, Versioning};
use crate::base::key::Digest;
use crate::store::change::CodeChange;
use crate::store::crates::Crates;
use crate::store::{Store, bounds, json};

/// The items of a task's code by name, and the versions that stand for code.
///
/// The versions are the task's own, followed by those of its targets. `None` means tracked code.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct CodeTable {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) versions: Vec<Option<u32>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) items: BTreeMap<String, CodeItem>,
    /// The versions of crates that count as part of the code.
    #[serde(default, skip_serializing_if = "Crates::is_empty")]
    pub(crate) crates: Crates,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CodeItem {
    pub(crate) file: String,
    pub(crate) digest: String,
    /// The digest of the items that the names in this item refer to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) names: String,
}

impl CodeTable {
    fn of(codes: &Codes) -> Self {
        let mut table = Self { crates: Crates::of(codes, Versioning::Counted), ..Self::default() };
        for &code in &codes.0 {
            table.add(code);
        }
        table
    }

    fn add(&mut self, code: Code) {
        let (rows, types) = match code.by {
            By::Missing => unreachable!("a task without code does not compile"),
            By::Version(version) => return self.versions.push(Some(version)),
            By::Tracked { table, types, .. } => (code::rows(table), types),
        };
        self.versions.push(None);
        for row in rows {
            let text = |digest: &str| match digest.trim_start_matches('0') {
                "" => String::new(),
                _ => digest.to_owned(),
            };
            let (file, digest) = (row.file.to_owned(), row.digest.to_owned());
            let item = CodeItem { file, digest, names: text(row.names) };
            // Types of different packages may have the same name.
            let names = (1..).map(|count| match count {
                1 => row.name.to_owned(),
                count => format!("{} #{count}", row.name),
            });
            let free = |name: &String| self.items.get(name).is_none_or(|known| *known == item);
            if let Some(name) = names.into_iter().find(free) {
                self.items.insert(name, item);
            }
        }
        for &code in types {
            self.add(code);
        }
    }

    /// Returns the first version that stands for code and differs in `now`.
    fn change_of_version(&self, now: &Self) -> Option<CodeChange> {
        let mut pairs = self.versions.iter().zip(&now.versions).enumerate();
        let (place, (&was, &now)) = pairs.find(|(_, (was, is))| was != is)?;
        Some(CodeChange::Version { of_target: place > 0, was, now })
    }

    /// Returns the changes from this table of a record of format 1 to `now`.
    ///
    /// Digests of tracked items cannot be compared. Format 1 computed those of traits and of types
    /// with derives in another way, and reached fewer items.
    pub(crate) fn changes_of_format_1(&self, now: &Codes) -> Vec<CodeChange> {
        let change = self.change_of_version(&Self::of(now));
        vec![change.unwrap_or(CodeChange::EarlierRelease)]
    }

    /// Returns the changes from this table to `now`.
    pub(crate) fn changes(&self, now: &Codes) -> Vec<CodeChange> {
        let now = Self::of(now);
        if let Some(change) = self.change_of_version(&now) {
            return vec![change];
        }
        let mut changes = Vec::new();
        for (item, CodeItem { file, digest, .. }) in &now.items {
            let (item, file) = (item.clone(), file.clone());
            match self.items.get(&item) {
                Some(old) if old.digest == *digest => {}
                Some(_) => changes.push(CodeChange::Changed { item, file }),
                None => changes.push(CodeChange::New { item, file }),
            }
        }
        let gone = self.items.iter().filter(|(item, _)| !now.items.contains_key(*item));
        changes.extend(gone.map(|(item, old)| {
            let (item, file) = (item.clone(), old.file.clone());
            CodeChange::Gone { item, file }
        }));
        let crates = self.crates.changes(&now.crates);
        changes.extend(crates.map(|change| CodeChange::Crate { what: change.to_string() }));
        if changes.is_empty() {
            let other = now.items.iter().filter(|(name, item)| {
                self.items.get(*name).is_some_and(|old| old.names != item.names)
            });
            changes.extend(other.map(|(item, now)| {
                let (item, file) = (item.clone(), now.file.clone());
                CodeChange::Means { item, file }
            }));
        }
        changes
    }
}

impl Store {
    /// Returns the table with this digest, if it was kept.
    pub(crate) fn code_table(&self, digest: Digest) -> Option<CodeTable> {
        let path = self.internal("code").join(format!("{digest}.json"));
        json::parse(&self.fs.read(&path, bounds::NOTE).ok()?).ok()
    }

    /// Keeps the table of a task's code, which has this digest, once an output is committed. Errors
    /// are ignored: reasons say less then.
    pub(crate) fn keep_code_table(&self, code: &Codes, digest: Digest) {
        let path = self.internal("code").join(format!("{digest}.json"));
        self.note_with_commit(&path, || Some(CodeTable::of(code)));
    }
}

//! The code of a task as a list of items, for tools that show what a task is made of.

use std::collections::BTreeSet;

use crate::base::code::{By, Code, rows};
use crate::task::info::TaskInfo;

/// An item of the program that the code of a task reaches, such as a function or an `impl`.
///
/// [`TaskInfo::code`] returns it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct CodeItem {
    /// The name, such as `standardise` or `impl Run for Train`.
    pub name: String,
    /// The path of its file, relative to the folder of its package. Empty if it is not known.
    pub file: String,
    /// The digest of its tokens, as hexadecimal digits.
    pub digest: String,
}

impl TaskInfo {
    /// Returns the items of the code that is tracked for the task, by name.
    ///
    /// Each is part of the fingerprint of its outputs. The list is empty for external tasks, for aggregates, and for a task whose
    /// code has a version instead.
    ///
    /// ```standalone_crate
    /// use flow::prelude::*;
    /// use flow::task::TaskInfo;
    ///
    /// fn double(n: u64) -> u64 {
    ///     2 * n
    /// }
    ///
    /// #[task(target = Json<u64>)]
    /// fn even(n: u64) -> u64 {
    ///     double(n)
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// let code = TaskInfo::named("even")?.code();
    /// println!("{code:#?}");
    /// assert!(!code.is_empty() && code.iter().all(|item| !item.digest.is_empty()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn code(&self) -> Vec<CodeItem> {
        let mut items = BTreeSet::new();
        for code in (self.task.codes)().0 {
            add(code, &mut items);
        }
        items.into_iter().collect()
    }
}

/// Adds the items of a code, and of the types whose code it runs.
fn add(code: Code, items: &mut BTreeSet<CodeItem>) {
    let By::Tracked { table, types, .. } = code.by else { return };
    items.extend(rows(table).map(|row| CodeItem {
        name: row.name.to_owned(),
        file: row.file.to_owned(),
        digest: row.digest.to_owned(),
    }));
    types.iter().for_each(|&code| add(code, items));
}

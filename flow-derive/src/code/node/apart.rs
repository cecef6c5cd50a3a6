//! Decides whether a name refers to a function that is a task, to the task, or to a local variable.

use super::{Builder, Scope};
use crate::code::names::Name;
use crate::code::references::PathReference;
use crate::code::source::ItemId;

impl Builder<'_> {
    /// Returns whether a path does not refer to `item`, although it has the name of the item.
    ///
    /// That is the case for a function that is a task if the path names the task, and for a function or task if
    /// the path names a local variable.
    pub(super) fn is_apart(
        &self,
        scope: &Scope<'_>,
        reference: &PathReference,
        item: ItemId,
        rest: &[Name],
    ) -> bool {
        let source = self.resolver.source;
        let is_function = source.items[item].task.is_some();
        if is_function && (reference.is_type || !rest.is_empty()) {
            return true;
        }
        (is_function || source.is_function_task(item) || scope.is_task)
            && !reference.is_item
            && !reference.is_type
            && !reference.path.is_global
            && reference.path.segments.first().is_some_and(|&name| {
                reference.path.segments.len() == 1 && scope.locals.bind(name, reference.at)
            })
    }
}

//! One draw: a value of one parameter, and its state on the way downstream.
//!
//! A draw starts open, and tasks downstream [settle](State::settle) it. A draw that is closed, and of which
//! it is known whether it is implied, does not change anymore.

use crate::base::key::Digest;
use crate::plan::types::{NameIndex, SourceIndex, TypeIndex};
use crate::value::Value;

/// One value of one parameter that is drawn from outside.
#[derive(Clone, Copy)]
pub(crate) struct Draw<'a> {
    pub(crate) task: TypeIndex,
    pub(crate) param: usize,
    pub(crate) digest: Digest,
    pub(crate) value: &'a Value,
    /// Whether the parameter would have this value if none reached it.
    ///
    /// That is its default or, if the nearest task downstream with a parameter of that name passes on another
    /// value than its default, this value.
    pub(crate) is_implied: bool,
    /// Whether it is implied by the value of a task downstream, and not by the default.
    pub(crate) is_inherited: bool,
}

/// The setting that fixes a value for everything downstream of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Fixer {
    /// A `with` of a dependency sets the parameter itself.
    With(SourceIndex),
    /// A `with` of a dependency sets a parameter from which the value could be inherited.
    InheritedWith(SourceIndex),
    /// A literal sets a parameter from which the value could be inherited.
    InheritedLiteral,
}

/// The parameter of a consumer with which a draw of the same name is compared.
pub(crate) struct Settled {
    pub(crate) name: NameIndex,
    pub(crate) digest: Digest,
    /// Whether tasks upstream could inherit its value.
    pub(crate) travels: bool,
    pub(crate) is_default: bool,
    pub(crate) fixer: Option<Fixer>,
}

/// A value of a parameter, or the mark that one was fixed by inheritance.
pub(super) struct Drawn {
    pub(super) task: TypeIndex,
    pub(super) param: usize,
    pub(super) name: NameIndex,
    pub(super) value: Option<(Digest, Value)>,
    pub(super) is_default: bool,
}

/// A drawn value and its state on the way downstream.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) drawn: u32,
    /// Its index among the lists of fixers. The list at index 0 is empty.
    pub(super) fixers: u32,
    /// Whether a task further downstream may still fix it by inheritance.
    pub(super) is_open: bool,
    pub(super) implied: Implied,
}

/// Whether a value is implied by the nearest task downstream with a parameter of its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Implied {
    /// No such task was found yet.
    Unknown,
    /// The value equals that of the task.
    ByValue,
    /// The task passes no value on, and the draw is the default.
    ByDefault,
    No,
}

impl State {
    /// Returns whether no parameter further downstream can change it.
    pub(super) fn is_done(&self) -> bool {
        !self.is_open && self.implied != Implied::Unknown
    }

    /// Compares the draw with the parameter of its name of the next task downstream.
    ///
    /// `is_equal` is whether the values are equal, and `is_default` whether the draw is the default. Returns
    /// the setting that fixes the draw by this parameter, if there is one.
    pub(super) fn settle(
        &mut self,
        by: &Settled,
        is_equal: bool,
        is_default: bool,
    ) -> Option<Fixer> {
        if self.implied == Implied::Unknown {
            self.implied = match by.travels && !by.is_default {
                true if is_equal => Implied::ByValue,
                false if is_default => Implied::ByDefault,
                true | false => Implied::No,
            };
        }
        self.is_open &= by.travels && is_equal;
        by.fixer.filter(|_| self.is_open)
    }
}

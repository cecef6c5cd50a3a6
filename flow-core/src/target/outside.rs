//! Outputs whose content is outside of the store, such as in a table of a database.
//!
//! The file that such a target writes is a *receipt*: it says what was written where, and is the same bytes for the same
//! content. The target writes the content in one transaction with a *marker*, which holds the fingerprint of the output
//! and the receipt. A plan compares the marker with the record, so that content that was changed, replaced or half
//! written is never taken for the output: [`Outside`] reads the marker.
//!
//! A target gets what it needs for this from its [`Sink`](super::Sink) and [`Source`](super::Source): the values that the
//! flow provides ([`Provided`]) and, while it writes, the identity of the output ([`OutputContext`]).

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;

use crate::base::key::{Digest, Short};

/// Finds the values that a flow provides, by type.
pub(crate) trait Provide: Send + Sync {
    /// Returns the value of a type, if the flow provides one or a constructor of it is registered.
    fn find(&self, of: TypeId) -> Option<&(dyn Any + Send + Sync)>;
}

/// The values that a flow provides, as a target sees them.
///
/// It is cheap to clone, and may be kept by a value that is read later.
#[derive(Clone, Default)]
pub struct Provided(Option<Arc<dyn Provide>>);

impl Provided {
    pub(crate) fn new(values: Arc<dyn Provide>) -> Self {
        Self(Some(values))
    }

    /// Returns the value of a type that [`Flow::provide`](crate::Flow::provide) gave to the flow, or that a registered
    /// constructor returns.
    ///
    /// There is none for a target that is used outside of a flow, such as by [`read`](super::read).
    pub fn get<C: Send + Sync + 'static>(&self) -> Option<&C> {
        self.0.as_ref()?.find(TypeId::of::<C>())?.downcast_ref()
    }
}

impl fmt::Debug for Provided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provided").finish_non_exhaustive()
    }
}

/// The output that a target writes: its identity, and the values that the flow provides.
#[derive(Clone, Debug)]
pub struct OutputContext {
    pub(crate) key: Option<Short>,
    pub(crate) fingerprint: Digest,
    pub(crate) is_trial: bool,
    pub(crate) provided: Provided,
}

impl OutputContext {
    /// Returns the key of the instance: the 16 digits at the end of its folder's name.
    ///
    /// It is the same for all outputs of one instance, whatever its code and inputs are.
    pub fn key(&self) -> String {
        self.key.map(|key| key.to_string()).unwrap_or_default()
    }

    /// Returns the fingerprint of the output, 32 digits.
    pub fn fingerprint(&self) -> String {
        self.fingerprint.to_string()
    }

    /// Returns whether the output is compared or looked at, and then discarded.
    ///
    /// This is so when `debug` or `bless` runs a task. A target that writes outside of the store must leave no trace then.
    pub fn is_trial(&self) -> bool {
        self.is_trial
    }

    /// Returns the values that the flow provides.
    pub fn provided(&self) -> &Provided {
        &self.provided
    }
}

/// What a target stores outside of the store. [`Target::outside`](super::Target::outside) returns it.
pub trait Outside: Send + Sync {
    /// Returns the type of the value that the target takes from the flow, with its name.
    ///
    /// A flow that does not provide it fails before any task runs.
    fn uses(&self) -> Option<(TypeId, &'static str)>;

    /// Returns the place that the target writes to.
    ///
    /// # Errors
    ///
    /// The flow does not provide what the target uses.
    fn place(&self, provided: &Provided) -> anyhow::Result<OutsidePlace>;

    /// Returns what is at the place now, for the instance with this key.
    ///
    /// Each plan calls this for each instance whose record is up to date. So it must not read the whole content.
    ///
    /// # Errors
    ///
    /// The place cannot be read. The instance counts as incomplete then.
    fn content(&self, key: &str, provided: &Provided) -> anyhow::Result<OutsideContent>;
}

/// A place outside of the store that a target writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsidePlace {
    /// What identifies the place, such as "table `prices` of sqlite:/data/prices.db".
    pub name: String,
    /// Whether several instances may write to it, because each replaces only its own part.
    pub is_shared: bool,
    /// What to do if two instances write to this place and may not share it, such as "give each a table of its own".
    pub advice: &'static str,
}

/// What is at a place outside of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutsideContent {
    /// The content of an output, complete and as it was written.
    Written {
        /// The fingerprint of the output.
        fingerprint: String,
        /// The bytes of the file that the target wrote for this content.
        receipt: Vec<u8>,
    },
    /// Anything else, for this reason, such as "table `prices` was changed by hand".
    Different(String),
}

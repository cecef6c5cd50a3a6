//! The memory that a value takes.
//!
//! The size of a value follows from its type: nothing but its own bytes if the type has no destructor, since it then
//! owns no allocation; otherwise what a function says that is registered for the type. The core registers collections
//! of the standard library, the crate of the formats registers tables, and [`memory_size!`](crate::memory_size) types
//! of users. Buffers that several values share are identified by their addresses and counted once.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

/// The bytes of memory that a value takes.
#[derive(Clone, Debug, Default)]
pub struct Footprint {
    own: u64,
    /// The bytes of each buffer that other values may share, by its address. Most values have none.
    #[expect(clippy::box_collection, reason = "a run may hold a million values")]
    shared: Option<Box<BTreeMap<usize, u64>>>,
}

impl Footprint {
    /// Adds bytes that only this value uses.
    pub fn add(&mut self, bytes: u64) {
        self.own = self.own.saturating_add(bytes);
    }

    /// Adds a buffer that other values may share, with the address of its allocation. It is counted once.
    pub fn add_shared(&mut self, address: usize, bytes: u64) {
        let buffers = self.shared.get_or_insert_default();
        let known = buffers.entry(address).or_default();
        *known = bytes.max(*known);
    }

    /// Adds all of another value.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.add(other.own);
        other.buffers().for_each(|(address, bytes)| self.add_shared(address, bytes));
    }

    /// Returns the bytes that only this value uses.
    pub(crate) fn own(&self) -> u64 {
        self.own
    }

    /// Returns the address and the bytes of each buffer that other values may share.
    pub(crate) fn buffers(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.shared.iter().flat_map(|buffers| buffers.iter().map(|(&at, &bytes)| (at, bytes)))
    }

    /// Returns all bytes.
    pub fn total(&self) -> u64 {
        self.buffers().fold(self.own, |total, (_, bytes)| total.saturating_add(bytes))
    }
}

/// Adds what a value takes, whose type it knows.
type Measure = fn(&dyn Any, &mut Footprint);

/// A type whose values a function measures.
pub struct Measured {
    /// Returns the id of the type.
    pub id: fn() -> TypeId,
    /// Adds what a value of the type takes.
    pub measure: Measure,
}

inventory::collect!(Measured);

/// Returns the memory that a value takes, or `None` if nothing is known about its type.
pub fn footprint<T: 'static>(value: &T) -> Option<Footprint> {
    let mut footprint = Footprint::default();
    match measures().get(&TypeId::of::<T>()) {
        Some(measure) => measure(value, &mut footprint),
        // A type without a destructor owns no allocation.
        None if !std::mem::needs_drop::<T>() => footprint.add(size_of::<T>() as u64),
        None => return None,
    }
    Some(footprint)
}

/// Returns the functions that measure values, by type.
fn measures() -> &'static HashMap<TypeId, Measure> {
    static MEASURES: OnceLock<HashMap<TypeId, Measure>> = OnceLock::new();
    MEASURES.get_or_init(|| {
        let registered = inventory::iter::<Measured>.into_iter();
        let registered = registered.map(|measured| ((measured.id)(), measured.measure));
        // What a user registers takes precedence.
        standard().into_iter().chain(registered).collect()
    })
}

/// Returns the functions for collections of the standard library.
fn standard() -> Vec<(TypeId, Measure)> {
    fn list<T: Copy + 'static>() -> [(TypeId, Measure); 2] {
        let flat: Measure = |value, footprint| {
            if let Some(list) = value.downcast_ref::<Vec<T>>() {
                footprint.add(list_bytes(list));
            }
        };
        let nested: Measure = |value, footprint| {
            if let Some(lists) = value.downcast_ref::<Vec<Vec<T>>>() {
                footprint.add(list_bytes(lists));
                lists.iter().for_each(|list| footprint.add(room::<T>(list.capacity())));
            }
        };
        [(TypeId::of::<Vec<T>>(), flat), (TypeId::of::<Vec<Vec<T>>>(), nested)]
    }
    let text: Measure = |value, footprint| {
        if let Some(text) = value.downcast_ref::<String>() {
            footprint.add(room::<String>(1) + text.capacity() as u64);
        }
    };
    let texts: Measure = |value, footprint| {
        if let Some(texts) = value.downcast_ref::<Vec<String>>() {
            footprint.add(list_bytes(texts));
            texts.iter().for_each(|text| footprint.add(text.capacity() as u64));
        }
    };
    let lists = [
        list::<u8>(),
        list::<u16>(),
        list::<u32>(),
        list::<u64>(),
        list::<u128>(),
        list::<usize>(),
        list::<i8>(),
        list::<i16>(),
        list::<i32>(),
        list::<i64>(),
        list::<i128>(),
        list::<isize>(),
        list::<f32>(),
        list::<f64>(),
        list::<bool>(),
        list::<char>(),
    ];
    let texts = [(TypeId::of::<String>(), text), (TypeId::of::<Vec<String>>(), texts)];
    lists.into_iter().flatten().chain(texts).collect()
}

/// Returns the bytes of a list, without what its items own.
fn list_bytes<T>(list: &Vec<T>) -> u64 {
    room::<Vec<T>>(1) + room::<T>(list.capacity())
}

/// Returns the bytes of some values that lie side by side.
fn room<T>(values: usize) -> u64 {
    (values as u64).saturating_mul(size_of::<T>() as u64)
}

/// Declares how many bytes of memory the values of a type take.
///
/// A run counts values in memory against the [budget](crate::Flow::value_budget) of the flow. The sizes of numbers, texts,
/// lists of them and tables are known. Of other types, such as a model of another library, only the bytes of the type
/// itself are counted, without what it points to, unless this macro declares more. A size need not be exact. Neither it
/// nor a change of it makes a task run again.
///
/// The function must be cheap, and is called once for each value of a [`Memory`](crate::Memory) task. Declare the size of
/// a type once in a program, in the crate that defines the type.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use flow::prelude::*;
///
/// /// A model in memory.
/// struct Model {
///     weights: BTreeMap<u64, Vec<f64>>,
/// }
///
/// flow::memory_size!(Model, |model| {
///     let lists = model.weights.values().map(|weights| 32 + 8 * weights.capacity());
///     lists.sum::<usize>() as u64
/// });
///
/// #[derive(Task)]
/// #[task(target = Memory<Model>)]
/// struct Train;
///
/// #[tracked]
/// impl Run for Train {
///     fn run(&self, _cx: &Cx<Self>) -> Result<Model> {
///         Ok(Model { weights: (0..100).map(|layer| (layer, vec![0.5; 1_000])).collect() })
///     }
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet().value_budget(1_000);
/// let summary = flow.run::<Train>()?;
/// assert!(summary.warnings()[0].to_string().contains("Train"), "it exceeds the budget");
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! memory_size {
    ($type:ty, $size:expr $(,)?) => {
        $crate::__private::inventory::submit! {
            $crate::__private::Measured {
                id: || ::core::any::TypeId::of::<$type>(),
                measure: |value, footprint| {
                    let size: fn(&$type) -> u64 = $size;
                    if let ::core::option::Option::Some(value) = value.downcast_ref::<$type>() {
                        footprint.add(size(value));
                    }
                },
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total<T: 'static>(value: &T) -> Option<u64> {
        footprint(value).map(|footprint| footprint.total())
    }

    #[test]
    fn sizes_of_standard_types_count_their_allocations() {
        assert_eq!(total(&7_u64), Some(8));
        assert_eq!(total(&[0_u16; 100]), Some(200));
        assert_eq!(total(&Vec::<f64>::with_capacity(1_000)), Some(24 + 8_000));
        assert_eq!(total(&vec![vec![0_u8; 10], vec![0_u8; 20]]), Some(24 + 2 * 24 + 30));
        assert_eq!(total(&"abc".repeat(100)), Some(24 + 300));
        assert_eq!(total(&vec!["a".to_owned(), "bc".to_owned()]), Some(24 + 2 * 24 + 3));
        assert_eq!(total(&BTreeMap::from([(1, 2)])), None, "nothing is known about it");
    }

    struct Model(Box<[u8]>);

    crate::memory_size!(Model, |model| model.0.len() as u64);

    #[test]
    fn a_declared_size_counts() {
        assert_eq!(total(&Model(vec![0; 500].into_boxed_slice())), Some(500));
    }

    #[test]
    fn a_shared_buffer_counts_once() {
        let mut footprint = Footprint::default();
        footprint.add(5);
        footprint.add_shared(0x1000, 100);
        footprint.add_shared(0x1000, 100);
        footprint.add_shared(0x2000, 10);
        assert_eq!(footprint.total(), 115);
        let mut both = footprint.clone();
        both.extend(&footprint);
        assert_eq!(both.total(), 120);
        both.add(u64::MAX);
        assert_eq!(both.total(), u64::MAX);
    }
}

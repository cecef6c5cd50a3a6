//! The guarantees of every target, for any value.

use std::fmt::Debug;
use std::io::{self, Write};

use anyhow::Result;
use flow_core::{Sink, Source, Target};

/// Returns the bytes that a value is saved as.
pub(crate) fn bytes<G: Target>(target: &G, value: &G::Value) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    target.save(value, &mut Sink::new(&mut bytes))?;
    Ok(bytes)
}

/// Loads a value from a file with this content.
pub(crate) fn value<G: Target>(target: &G, bytes: &[u8]) -> Result<G::Value> {
    let (_file, source) = file(bytes)?;
    target.load(&source)
}

/// Creates a file with this content, and returns it with its source.
pub(crate) fn file(bytes: &[u8]) -> Result<(tempfile::NamedTempFile, Source)> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), bytes)?;
    let source = Source::file(file.path());
    Ok((file, source))
}

/// Saves and loads a value.
pub(crate) fn reloaded<G: Target>(target: &G, kept: &G::Value) -> Result<G::Value> {
    value(target, &bytes(target, kept)?)
}

/// Returns the error of saving a value that the target cannot store, with all its causes.
#[track_caller]
pub(crate) fn refusal<G: Target>(target: &G, value: &G::Value) -> String {
    format!("{:#}", bytes(target, value).expect_err("it cannot be kept"))
}

/// Returns the error of loading invalid content, with all its causes, and asserts that it names the
/// file.
#[track_caller]
pub(crate) fn complaint<G: Target>(target: &G, content: &[u8]) -> String
where
    G::Value: Debug,
{
    let error = value(target, content).expect_err("it cannot be read");
    let text = format!("{error:#}");
    assert!(text.contains("cannot read /"), "the file is named: {text}");
    text
}

/// Asserts all guarantees for one value. Values are compared by their `Debug` text, which tells
/// `NaN` and `-0.0` apart where equality does not.
#[track_caller]
pub(crate) fn conforms<G: Target>(target: &G, value: &G::Value)
where
    G::Value: Debug,
{
    conforms_as(target, value, |a, b| format!("{a:?}") == format!("{b:?}"));
}

/// Like [`conforms`], with another comparison.
#[track_caller]
pub(crate) fn conforms_as<G: Target>(
    target: &G,
    kept: &G::Value,
    same: impl Fn(&G::Value, &G::Value) -> bool,
) where
    G::Value: Debug,
{
    let written = comes_back(target, kept, same);
    is_not_loaded_in_part(target, &written);
    is_not_saved_in_part(target, kept, written.len());
}

/// Asserts the guarantees of [`conforms_as`] that need a few reads and writes instead of hundreds,
/// for slow formats. Returns the written bytes.
#[track_caller]
pub(crate) fn comes_back<G: Target>(
    target: &G,
    kept: &G::Value,
    same: impl Fn(&G::Value, &G::Value) -> bool,
) -> Vec<u8>
where
    G::Value: Debug,
{
    let written = bytes(target, kept).expect("it is saved");
    assert_eq!(written, bytes(target, kept).expect("it is saved again"), "the bytes differ");

    let loaded = value(target, &written).expect("it is loaded");
    assert!(same(kept, &loaded), "another value came back:\n{kept:#?}\n{loaded:#?}");
    if G::EXACT {
        assert_eq!(format!("{kept:?}"), format!("{loaded:?}"), "it is not exact");
    }

    let again = bytes(target, &loaded).expect("what was loaded is saved");
    let loaded = value(target, &again).expect("it is loaded again");
    assert!(same(kept, &loaded), "another value came back the second time");
    written
}

/// Asserts that a truncated file is an error. Some truncations cannot be detected: a CSV file that
/// ends at the end of a line (or before the first one, without a header), a JSON file of a single
/// number that ends after a digit, and text and bytes. For those, the size in the store's record
/// detects the truncation.
#[track_caller]
fn is_not_loaded_in_part<G: Target>(target: &G, written: &[u8])
where
    G::Value: Debug,
{
    for length in sample(written.len()) {
        let part = &written[..length];
        let hidden = match G::EXTENSION {
            "csv" => part.is_empty() || part.ends_with(b"\n"),
            "txt" | "bin" => true,
            "json" => part.iter().all(|byte| b"-0123456789.".contains(byte)) && length > 0,
            _ => false,
        };
        if !hidden && let Ok(loaded) = value(target, part) {
            panic!("{length} of {} bytes were loaded as {loaded:?}", written.len());
        }
    }
}

/// Asserts that saving fails if the sink fails.
#[track_caller]
fn is_not_saved_in_part<G: Target>(target: &G, kept: &G::Value, length: usize) {
    for room in sample(length) {
        let mut disk = FullDisk { room };
        let result = target.save(kept, &mut Sink::new(&mut disk));
        assert!(result.is_err(), "it was saved with room for {room} of {length} bytes");
    }
}

/// Returns all smaller lengths, or a sample of them if there are many.
fn sample(length: usize) -> impl Iterator<Item = usize> {
    (0..length).step_by(length.div_ceil(200).max(1)).chain(length.checked_sub(1))
}

struct FullDisk {
    room: usize,
}

impl Write for FullDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = bytes.len().min(self.room);
        self.room -= written;
        if written == 0 && !bytes.is_empty() {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! Packs and index segments: many small contents in one object, and where each of them is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::RemoteError;
use crate::names;

/// The number of the format of segments.
const FORMAT: u64 = 1;

/// The largest content that is packed, in bytes.
pub(crate) const SMALL: u64 = 1 << 20;

/// An index segment: the contents of some packs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segment {
    format: u64,
    pub(crate) packs: Vec<Pack>,
}

/// A pack, which is the concatenation of its contents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pack {
    /// The digest of the pack.
    pub(crate) pack: String,
    /// Its size.
    pub(crate) bytes: u64,
    /// Each content: its name, the place of its first byte, and its size.
    pub(crate) contents: Vec<(String, u64, u64)>,
    /// When the contents were put, in seconds since 1970, if the segment is younger: a garbage collection writes segments
    /// anew, and leaves the ages of what it keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<u64>,
}

impl Segment {
    pub(crate) fn new(packs: Vec<Pack>) -> Self {
        Self { format: FORMAT, packs }
    }

    /// Returns the digest of the segment, and the segment as it is stored.
    pub(crate) fn to_bytes(&self) -> (String, Bytes) {
        let bytes = serde_json::to_vec(self).expect("plain data");
        (names::digest(&bytes), bytes.into())
    }

    /// Returns the segment in an object, which anyone may have written.
    pub(crate) fn parse(client: &Client, digest: &str, bytes: &[u8]) -> Result<Self, RemoteError> {
        let name = names::segment(digest);
        if names::digest(bytes) != digest {
            return Err(client.damaged(&name, "it has other content than its name says"));
        }
        let newer = |format| RemoteError::Newer { url: client.url().to_owned(), format };
        let segment: Self = serde_json::from_slice(bytes).map_err(|error| {
            match serde_json::from_slice::<OnlyFormat>(bytes) {
                Ok(OnlyFormat { format }) if format > FORMAT => newer(format),
                _ => client.damaged(&name, error.to_string()),
            }
        })?;
        if segment.format > FORMAT {
            return Err(newer(segment.format));
        }
        match segment.packs.iter().all(Pack::is_sound) {
            true => Ok(segment),
            false => Err(client.damaged(&name, "it names contents that no pack can have")),
        }
    }
}

/// What every format of a segment has.
#[derive(Deserialize)]
struct OnlyFormat {
    format: u64,
}

impl Pack {
    /// Concatenates contents, and returns the pack with its bytes.
    pub(crate) fn of<'a>(contents: impl Iterator<Item = (&'a str, &'a [u8])>) -> (Self, Bytes) {
        let (mut all, mut bytes) = (Vec::new(), Vec::new());
        for (name, content) in contents {
            all.push((name.to_owned(), bytes.len() as u64, content.len() as u64));
            bytes.extend_from_slice(content);
        }
        let pack = names::digest(&bytes);
        (Self { pack, bytes: bytes.len() as u64, contents: all, since: None }, bytes.into())
    }

    /// Returns when the contents were put, in a segment that was stored at a time.
    pub(crate) fn put_at(&self, stored: SystemTime) -> SystemTime {
        let since = self.since.and_then(|since| UNIX_EPOCH.checked_add(Duration::from_secs(since)));
        since.map_or(stored, |since| since.min(stored))
    }

    fn is_sound(&self) -> bool {
        let is_inside = |(name, start, bytes): &(String, u64, u64)| {
            let end = start.checked_add(*bytes);
            let is_inside = end.is_some_and(|end| end <= self.bytes);
            is_inside && *bytes <= SMALL && names::is_valid(name) && names::is_indexed(name)
        };
        names::is_digest(&self.pack) && self.contents.iter().all(is_inside)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::*;
    use crate::progress::Meter;

    fn client() -> Client {
        Client::new(Arc::new(InMemory::new()), "", "memory:", Meter::new(None))
    }

    #[test]
    fn contents_are_found_where_the_segment_says() {
        let contents: [(&str, &[u8]); 3] =
            [("objects/aa/1", b"one"), ("objects/aa/2", b""), ("outputs/T/x.json", b"three")];
        let (pack, bytes) = Pack::of(contents.into_iter());
        for ((name, content), (packed, start, length)) in contents.iter().zip(&pack.contents) {
            assert_eq!(name, packed);
            assert_eq!(&bytes[*start as usize..(start + length) as usize], *content);
        }
        let segment = Segment::new(vec![pack]);
        let (digest, bytes) = segment.to_bytes();
        assert_eq!(Segment::parse(&client(), &digest, &bytes).expect("it is sound"), segment);
    }

    #[test]
    fn a_hostile_segment_is_refused() {
        let refused = |text: &str| {
            let parsed =
                Segment::parse(&client(), &names::digest(text.as_bytes()), text.as_bytes());
            parsed.expect_err("it is hostile").to_string()
        };
        let pack = names::digest(b"pack");
        let with = |content: &str| {
            format!(
                r#"{{"format":1,"packs":[{{"pack":"{pack}","bytes":10,"contents":[{content}]}}]}}"#
            )
        };
        for content in [
            r#"["objects/aa/1",5,6]"#,
            r#"["objects/aa/1",18446744073709551615,6]"#,
            r#"["objects/../../x",0,1]"#,
            r#"["pushes/a",0,1]"#,
        ] {
            assert!(refused(&with(content)).contains("names contents that no pack can have"));
        }
        assert!(refused("{").contains("is damaged"));
        assert_eq!(
            refused(r#"{"format":7,"shards":[]}"#),
            "`memory:` was written by a newer version of this library (format 7): update it"
        );
        let (digest, _) = Segment::new(Vec::new()).to_bytes();
        let other = Segment::parse(&client(), &digest, b"{}").expect_err("it has another digest");
        assert!(other.to_string().ends_with("it has other content than its name says"));
    }
}

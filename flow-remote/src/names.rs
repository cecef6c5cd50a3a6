//! The names of objects below the prefix of a remote. The documentation of the crate lists them.

use flow_core::Digest;

/// The folders whose content never changes under a name, so that the index knows it.
const INDEXED: [&str; 3] = ["objects", "outputs", "tables"];

/// The object that shows the format.
pub(crate) const FORMAT: &str = "flow-remote.json";

/// The object that shows that a garbage collection is in progress.
pub(crate) const COLLECTION: &str = "collection.json";

/// The folder of the objects that show which pushes are in progress.
pub(crate) const PUSHES: &str = "pushes/";

const PACKS: &str = "packs/";
const SEGMENTS: &str = "index/";
const PACK_ENDING: &str = ".pack";
const SEGMENT_ENDING: &str = ".json";

/// The maximal length of a name in bytes, as [`Remote`](flow_core::Remote) promises it.
const LONGEST: usize = 300;

/// Returns the digest of content, which is part of the name of a pack or a segment.
pub(crate) fn digest(content: &[u8]) -> String {
    blake3::hash(content).to_hex()[..32].to_owned()
}

/// Returns the name of the pack with this digest.
pub(crate) fn pack(digest: &str) -> String {
    format!("{PACKS}{digest}{PACK_ENDING}")
}

/// Returns the name of the index segment with this digest.
pub(crate) fn segment(digest: &str) -> String {
    format!("{SEGMENTS}{digest}{SEGMENT_ENDING}")
}

/// Returns the digest in the name of a pack.
pub(crate) fn of_pack(name: &str) -> Option<&str> {
    of(name, PACKS, PACK_ENDING)
}

/// Returns the digest in the name of an index segment.
pub(crate) fn of_segment(name: &str) -> Option<&str> {
    of(name, SEGMENTS, SEGMENT_ENDING)
}

fn of<'a>(name: &'a str, folder: &str, ending: &str) -> Option<&'a str> {
    let digest = name.strip_prefix(folder)?.strip_suffix(ending)?;
    is_digest(digest).then_some(digest)
}

/// Returns whether a text, which others may have written, is a digest.
pub(crate) fn is_digest(text: &str) -> bool {
    text.len() == 32 && text.parse::<Digest>().is_ok()
}

/// Returns whether the index knows the content of this name or folder.
pub(crate) fn is_indexed(name: &str) -> bool {
    let first = name.split('/').next().unwrap_or_default();
    INDEXED.contains(&first)
}

/// Returns whether a name is one that a [`Remote`](flow_core::Remote) may be given, and leads nowhere else.
pub(crate) fn is_valid(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.+=(),".contains(c);
    let is_part =
        |part: &str| !part.is_empty() && !part.starts_with('.') && part.chars().all(is_plain);
    name.len() <= LONGEST && name.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_packs_and_segments_hold_a_digest() {
        let digest = digest(b"content");
        assert!(is_digest(&digest));
        assert_eq!(of_pack(&pack(&digest)), Some(&*digest));
        assert_eq!(of_segment(&segment(&digest)), Some(&*digest));
        assert_eq!(of_pack("packs/../x.pack"), None);
        assert_eq!(of_segment(&pack(&digest)), None);
    }

    #[test]
    fn names_lead_nowhere_else() {
        assert!(is_valid("outputs/Train/8c/a-b(1).json"));
        for name in ["", "/a", "a/", "a//b", "../a", "a/.b", "a b", "a\\b", &"a".repeat(301)] {
            assert!(!is_valid(name), "{name}");
        }
        assert!(is_indexed("objects/8c/x") && is_indexed("outputs") && !is_indexed("leases/a"));
    }
}

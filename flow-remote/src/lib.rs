//! Object stores as remotes: S3 and stores that speak its protocol, Google Cloud Storage, Azure Blob Storage.
//!
//! [`open`] returns an [`ObjectRemote`], which implements [`Remote`](flow_core::Remote). `Flow::push` and `Flow::pull` take
//! it like a folder. The crate `typed-flow` re-exports this crate as `flow::remote`, with the cargo features `s3`, `gcs`
//! and `azure`.
//!
//! # What is in the bucket
//!
//! Everything is below the prefix of the URL. All numbers are of format 1.
//!
//! | object | content |
//! | --- | --- |
//! | `flow-remote.json` | `{"format":1}` |
//! | `objects/8c/8c1f02ab44d01e9f5b2e9c0111aa44d0` | a file of an output; the name is its digest |
//! | `outputs/Train/<fingerprint>/...json` | a manifest: the record of an output |
//! | `tables/<digest>.json` | a table of crate versions |
//! | `packs/<digest>.pack` | many small contents, one after the other, without anything between them |
//! | `index/<digest>.json` | a segment of the index: which contents are in which packs |
//! | `pushes/<unique>.json`, `collection.json` | a push or a garbage collection that is in progress |
//! | `cluster/...` | jobs and files of runs whose workers have this bucket: the crate `flow-cluster` |
//!
//! Digests are the first 128 bits of BLAKE3, in hexadecimal digits. That of a pack or a segment is of its own content. So
//! two processes that put the same name put the same content, and the conditional put of the second one changes nothing.
//!
//! A content is either an object of its own, or part of a pack; under both it has the same name. Contents of at most a
//! mebibyte are packed, if three or more are put together. A segment is
//!
//! ```json
//! {"format":1,"packs":[{"pack":"<digest>","bytes":8190211,"contents":[["objects/8c/8c1f...",0,311],...]}]}
//! ```
//!
//! where a content has its name, the place of its first byte, and its size. A pack has `"since"`, in seconds since 1970, if a
//! garbage collection has written its segment anew: that is when its contents were put. A content that is also an object of its
//! own is read from that object: a repair puts it there.
//!
//! The order makes an interruption harmless: a pack is put before its segment, and the contents of an output before its
//! manifest. A pack without a segment is found by its name when the same contents are pushed again, and removed by the next
//! garbage collection.
//!
//! # How data passes through
//!
//! ```text
//! push: batches of contents ──► segment  a pack and its segment ──► client   conditional puts, repeated
//!       a large file        ──► upload   parts of 8 MiB         ──► client   several at a time
//! pull: a name ──► index  where it is ──► blocks   4 MiB of a pack, for its neighbors, too
//!                                     └─► reader   parts of 8 MiB, requested in advance
//! ```
//!
//! - `index`: one list of the prefix and the segments that are not cached on the local disk (`cache`) tell all names and
//!   sizes. No request is sent for a single name.
//! - `budget`: transfers share the memory for parts, about 200 MB at most.
//! - `client`: each request is repeated if it failed for a passing reason, and each error has words for its cause
//!   ([`RemoteError`]).
//! - `lease`: keeps pushes and garbage collections apart.
//! - `runtime`: the private tokio runtime that requests run on.

mod blocks;
mod budget;
mod cache;
mod client;
mod error;
mod index;
mod lease;
mod names;
mod options;
mod parallel;
mod progress;
mod reader;
mod remote;
mod remove;
mod runtime;
mod segment;
mod upload;

pub use object_store;

pub use crate::error::RemoteError;
pub use crate::options::{OpenOptions, is_url, open};
pub use crate::progress::Progress;
pub use crate::remote::ObjectRemote;

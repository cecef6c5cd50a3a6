//! Putting a large content in parts, several at a time.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};

use bytes::Bytes;
use object_store::{MultipartUpload, PutPayload};

use crate::budget::{Budget, PART, Permit};
use crate::client::Client;
use crate::error::RemoteError;
use crate::runtime::{Pending, run, start};

/// The number of parts that every store accepts, with some to spare.
const MOST_PARTS: u64 = 9_000;

/// Puts content of this many bytes: at once if it is small, in parts otherwise.
///
/// If the content cannot be read to its end, nothing is stored.
pub(crate) fn put(
    client: &Client,
    budget: &Budget,
    name: &str,
    content: &mut dyn Read,
    bytes: u64,
) -> Result<(), RemoteError> {
    if bytes <= PART {
        let content = read_all(content, bytes)?;
        return client.put(name, content);
    }
    let size = part_size(bytes);
    let mut upload =
        Upload { client, name, upload: client.start_upload(name)?, parts: VecDeque::new() };
    let sent = upload.send(budget, content, size);
    match upload.end(sent) {
        // The answer to a request that completed the upload may have been lost. Repeated, it finds no upload any more. A
        // content of this size has the name of its digest.
        Err(RemoteError::Missing { .. }) if client.size(name)? == Some(bytes) => Ok(()),
        ended => ended,
    }
}

/// Returns the size of the parts of content of this many bytes.
fn part_size(bytes: u64) -> u64 {
    PART.max(bytes.div_ceil(MOST_PARTS))
}

/// Reads content of this many bytes to its end.
///
/// It is read beyond the expected size: a reader that verifies reports damage at the end of the content.
pub(crate) fn read_all(content: &mut dyn Read, bytes: u64) -> io::Result<Bytes> {
    let mut all = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
    content.take(bytes + 1).read_to_end(&mut all)?;
    match all.len() as u64 == bytes {
        true => Ok(all.into()),
        false => Err(other_size()),
    }
}

fn other_size() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "it has another size than expected")
}

/// An upload in progress.
struct Upload<'a> {
    client: &'a Client,
    name: &'a str,
    upload: Box<dyn MultipartUpload>,
    /// The parts that are being sent, each with its size.
    parts: VecDeque<(Pending<object_store::Result<()>>, u64, Option<Permit>)>,
}

impl Upload<'_> {
    /// Sends all parts. Returns the number of bytes.
    fn send(
        &mut self,
        budget: &Budget,
        content: &mut dyn Read,
        size: u64,
    ) -> Result<(), RemoteError> {
        loop {
            let mut part = Vec::with_capacity(size as usize);
            (&mut *content).take(size).read_to_end(&mut part)?;
            if part.is_empty() {
                break;
            }
            let (bytes, is_last) = (part.len() as u64, (part.len() as u64) < size);
            // Without a permit, the part is the only one that is being sent.
            let permit = budget.take();
            if permit.is_none() {
                self.wait(0)?;
            }
            let sending = self.upload.put_part(PutPayload::from(part));
            self.parts.push_back((start(sending)?, bytes, permit));
            if is_last {
                break;
            }
        }
        self.wait(0)
    }

    /// Waits until at most this many parts are being sent.
    fn wait(&mut self, most: usize) -> Result<(), RemoteError> {
        while self.parts.len() > most {
            let Some((pending, bytes, _permit)) = self.parts.pop_front() else { break };
            pending.wait()?.map_err(|error| self.client.error("put", self.name, error))?;
            self.client.meter().add_sent(bytes);
        }
        Ok(())
    }

    /// Completes the upload, or removes what was sent.
    fn end(self, sent: Result<(), RemoteError>) -> Result<(), RemoteError> {
        let Self { client, name, mut upload, parts } = self;
        let Err(error) = sent else {
            let completed = run(async move { upload.complete().await })?;
            return completed.map(drop).map_err(|error| client.error("put", name, error));
        };
        parts.into_iter().for_each(|(pending, ..)| drop(pending.wait()));
        // If this fails, the store removes the parts by a rule of its own, or they stay without a name.
        let _ = run(async move { upload.abort().await });
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_content_has_too_many_parts() {
        assert_eq!(part_size(PART + 1), PART);
        for bytes in [1_u64 << 36, (1 << 40) + 7] {
            assert!(bytes.div_ceil(part_size(bytes)) <= MOST_PARTS);
        }
    }

    #[test]
    fn content_of_another_size_is_refused() {
        let read = |text: &str, bytes| read_all(&mut text.as_bytes(), bytes);
        assert_eq!(read("four", 4).expect("it has four bytes"), "four");
        assert!(read("four", 3).is_err() && read("four", 5).is_err());
    }
}

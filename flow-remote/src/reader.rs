//! Reading a large object in parts, the next ones in advance.
//!
//! Each part is a request of its own. So a broken connection costs one part, which is requested again, and several
//! connections are in use.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;

use bytes::{Buf, Bytes};

use crate::budget::{Budget, PART, Permit};
use crate::client::Client;
use crate::runtime::Pending;

/// How many parts are requested in advance, at most.
const AHEAD: usize = 4;

/// A request for a part.
struct Requested {
    range: Range<u64>,
    pending: Pending<object_store::Result<Bytes>>,
    /// The first part of a reader needs no permit.
    permit: Option<Permit>,
}

/// The content of an object, from its first byte to its last.
pub(crate) struct PartReader {
    client: Client,
    budget: Budget,
    name: String,
    bytes: u64,
    /// The first byte that was not requested yet.
    next: u64,
    requested: VecDeque<Requested>,
    /// What is left of the present part.
    part: Bytes,
    /// The permit of the present part.
    permit: Option<Permit>,
}

impl PartReader {
    pub(crate) fn new(client: &Client, budget: &Budget, name: &str, bytes: u64) -> Self {
        Self {
            client: client.clone(),
            budget: budget.clone(),
            name: name.to_owned(),
            bytes,
            next: 0,
            requested: VecDeque::new(),
            part: Bytes::new(),
            permit: None,
        }
    }

    /// Requests the next parts, as far as the memory allows it.
    fn request_ahead(&mut self) -> io::Result<()> {
        while self.next < self.bytes && self.requested.len() < AHEAD {
            let permit = self.budget.take();
            if permit.is_none() && !self.requested.is_empty() {
                break;
            }
            let range = self.next..self.bytes.min(self.next + PART);
            let pending = self.client.start_get_range(&self.name, range.clone())?;
            self.next = range.end;
            self.requested.push_back(Requested { range, pending, permit });
        }
        Ok(())
    }
}

impl Read for PartReader {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.part.is_empty() {
            self.permit = None;
            self.request_ahead()?;
            let Some(requested) = self.requested.pop_front() else { return Ok(0) };
            let Requested { range, pending, permit } = requested;
            let length = range.end - range.start;
            self.part = match pending.wait()? {
                Ok(part) => part,
                // The client repeats the request, and knows the words for its error.
                Err(_) => self.client.get_range(&self.name, range)?,
            };
            self.permit = permit;
            if self.part.len() as u64 != length {
                return Err(self.client.damaged(&self.name, "it is shorter than it was").into());
            }
        }
        let length = self.part.len().min(to.len());
        self.part.copy_to_slice(&mut to[..length]);
        Ok(length)
    }
}

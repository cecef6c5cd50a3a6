//! Frames: messages on the socket between a process and its child.
//!
//! A frame is the length of the message, four bytes in the order of the network, and the message as JSON. JSON costs a
//! little more than a binary format and needs no further dependency; parameters and metadata are JSON anyway.

use std::io::{self, ErrorKind, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The number of bytes before a message.
const HEADER: usize = 4;

/// How many bytes are read at a time.
const CHUNK: usize = 64 << 10;

/// Writes one message.
///
/// # Errors
///
/// The other process has ended, or the message has more than four gigabytes.
pub(super) fn write(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut frame = vec![0; HEADER];
    serde_json::to_writer(&mut frame, message)?;
    let length = u32::try_from(frame.len() - HEADER)
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "the message is too long"))?;
    frame[..HEADER].copy_from_slice(&length.to_be_bytes());
    to.write_all(&frame)
}

/// Reads one message. Returns `None` if the other process has closed the socket.
///
/// # Errors
///
/// The socket cannot be read, or the message is not one of this program.
pub(super) fn read<M: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<M>> {
    let mut header = [0; HEADER];
    match from.read_exact(&mut header) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut message = Vec::new();
    let length = u64::from(u32::from_be_bytes(header));
    from.take(length).read_to_end(&mut message)?;
    if message.len() as u64 != length {
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&message)?))
}

/// The bytes that were read from a socket and are not taken as messages yet.
#[derive(Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    /// The number of bytes at the beginning that were taken.
    taken: usize,
}

impl Frames {
    /// Reads once, without waiting for a whole message. Returns the number of bytes, which is 0 at the end.
    pub(super) fn fill(&mut self, from: &mut impl Read) -> io::Result<usize> {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        let before = self.bytes.len();
        self.bytes.resize(before + CHUNK, 0);
        let read = from.read(&mut self.bytes[before..]);
        self.bytes.truncate(before + *read.as_ref().unwrap_or(&0));
        read
    }

    /// Takes the next message, if all of it was read.
    pub(super) fn next<M: DeserializeOwned>(&mut self) -> io::Result<Option<M>> {
        let bytes = &self.bytes[self.taken..];
        let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else { return Ok(None) };
        let length = u32::from_be_bytes(*header) as usize;
        let Some(message) = rest.get(..length) else { return Ok(None) };
        let message = serde_json::from_slice(message)?;
        self.taken += HEADER + length;
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_whole_and_in_order() -> io::Result<()> {
        let mut sent = Vec::new();
        let messages: Vec<String> = (0..3).map(|n| "x".repeat(n * CHUNK)).collect();
        messages.iter().try_for_each(|message| write(&mut sent, message))?;

        let mut from = &sent[..];
        for message in &messages {
            assert_eq!(read::<String>(&mut from)?.as_ref(), Some(message));
        }
        assert_eq!(read::<String>(&mut from)?, None);

        let (mut from, mut frames, mut taken) = (&sent[..], Frames::default(), Vec::new());
        while frames.fill(&mut from)? > 0 {
            while let Some(message) = frames.next::<String>()? {
                taken.push(message);
            }
        }
        assert_eq!(taken, messages);
        Ok(())
    }

    #[test]
    fn a_message_that_is_cut_off_is_none() -> io::Result<()> {
        let mut sent = Vec::new();
        write(&mut sent, &"text")?;
        assert_eq!(read::<String>(&mut &sent[..sent.len() - 1])?, None);
        assert_eq!(read::<String>(&mut &sent[..2])?, None);
        assert!(read::<u8>(&mut &sent[..]).is_err());
        Ok(())
    }
}

//! Reads a file of lines while another process appends to it.

/// The longest line, in bytes. A message of a job may contain the description of many outputs.
const LONGEST: usize = 256 << 20;

/// How far a file was read. The last line may be torn: it is taken when the rest of it is there.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    offset: u64,
    rest: Vec<u8>,
}

/// The error of a line that is longer than any that a worker or a run writes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Tail {
    /// Returns the number of bytes that were read.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes the bytes that follow. Returns the lines that are whole now, without line breaks.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, TooLong> {
        self.offset += bytes.len() as u64;
        // What was there before has no line break, and is not searched again.
        let end = bytes.iter().rposition(|&byte| byte == b'\n').map(|end| self.rest.len() + end);
        self.rest.extend_from_slice(bytes);
        let Some(end) = end else {
            return if self.rest.len() > LONGEST { Err(TooLong) } else { Ok(Vec::new()) };
        };
        let rest = self.rest.split_off(end + 1);
        let mut whole = std::mem::replace(&mut self.rest, rest);
        whole.pop();
        Ok(whole.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_is_taken_when_it_is_whole() {
        let mut tail = Tail::default();
        assert_eq!(tail.take(b"one\ntw"), Ok(vec![b"one".to_vec()]));
        assert_eq!(tail.offset(), 6);
        assert_eq!(tail.take(b""), Ok(Vec::new()));
        assert_eq!(
            tail.take(b"o\n\nthree\n"),
            Ok(vec![b"two".to_vec(), vec![], b"three".to_vec()])
        );
        assert_eq!(tail.offset(), 15);
        assert_eq!(tail.take(b""), Ok(Vec::new()));
    }
}

//! A connection between the daemon and a client: bytes on their way, and how many it takes.

/// Both directions of it.
#[derive(Debug)]
pub struct Socket {
    /// From the daemon: read to `read_at`, of which up to `parsed_at` is done with.
    pub got: Vec<u8>,
    pub read_at: usize,
    pub parsed_at: usize,
    /// Unread bytes with which it takes no more.
    pub capacity: usize,
    /// From the client, not yet received.
    pub said: Vec<u8>,
    /// Whether the daemon was told that it takes no more, and waits.
    pub is_blocked: bool,
    /// Turns in which it takes nothing, though there is room.
    pub again: u32,
    /// Whether the client says no more.
    pub has_ended: bool,
}

impl Socket {
    pub fn new(capacity: usize, said: Vec<u8>) -> Self {
        Self {
            got: Vec::new(),
            read_at: 0,
            parsed_at: 0,
            capacity,
            said,
            is_blocked: false,
            again: 0,
            has_ended: false,
        }
    }

    /// Bytes that the client has not read.
    pub fn unread(&self) -> usize {
        self.got.len() - self.read_at
    }

    pub fn room(&self) -> usize {
        self.capacity.saturating_sub(self.unread())
    }

    /// Takes the first `size` bytes of `parts`.
    pub fn take(&mut self, parts: &[&[u8]], size: usize) {
        let mut left = size;
        for part in parts {
            let taken = left.min(part.len());
            self.got.extend_from_slice(&part[..taken]);
            left -= taken;
        }
    }

    /// What was read and is not done with.
    pub fn pending(&self) -> &[u8] {
        &self.got[self.parsed_at..self.read_at]
    }

    /// The first `size` bytes of that are done with.
    pub fn parsed(&mut self, size: usize) {
        self.parsed_at += size;
        if self.parsed_at == self.got.len() {
            self.got.clear();
            (self.read_at, self.parsed_at) = (0, 0);
        } else if self.parsed_at > 64 * 1024 {
            self.got.drain(..self.parsed_at);
            (self.read_at, self.parsed_at) = (self.read_at - self.parsed_at, 0);
        }
    }
}

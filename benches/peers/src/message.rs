//! What is sent: as many bytes as kymo sends, with a number and a time where a frame has them.

use kymo_benches::Outcome;
use kymo_benches::cost::boot_ns;
use kymo_benches::reader::Seen;
use kymo_benches::sample;

/// Bytes of a vitals frame.
pub const VITALS_SIZE: usize = sample::FRAME_SIZE;

/// Bytes of an event's payload.
pub const EVENT_SIZE: usize = kymo_benches::events::EVENT_SIZE;

/// A message that is sent again and again.
#[derive(Clone, Debug)]
pub struct Message {
    bytes: Vec<u8>,
    sequence: u64,
}

impl Message {
    /// The beginning of a vitals frame, `size` bytes of it.
    ///
    /// # Errors
    ///
    /// When it would have no room for the number and the time.
    pub fn new(size: usize) -> Outcome<Self> {
        let bytes = sample::frame()?.get(..size).ok_or("longer than a frame")?.to_vec();
        if size < 32 {
            return Err("shorter than a header".into());
        }
        Ok(Self { bytes, sequence: 0 })
    }

    /// The next one, at this time.
    ///
    /// # Errors
    ///
    /// When the system has no clock.
    pub fn stamped(&mut self) -> Outcome<&[u8]> {
        self.sequence += 1;
        self.bytes[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        self.bytes[24..32].copy_from_slice(&boot_ns()?.to_le_bytes());
        Ok(&self.bytes)
    }

    /// What a subscriber makes of one that came by `now_ns`; `None` when it is none.
    #[must_use]
    pub fn seen(bytes: &[u8], now_ns: u64) -> Option<Seen> {
        let number = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let (sequence, boot_ns) = (number(16)?, number(24)?);
        Some(Seen { sequence, boot_ns, late_ns: now_ns.saturating_sub(boot_ns) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_as_it_was_sent() {
        let mut message = Message::new(EVENT_SIZE).unwrap();
        message.stamped().unwrap();
        let bytes = message.stamped().unwrap();
        assert_eq!(bytes.len(), 64);
        let seen = Message::seen(bytes, u64::MAX).unwrap();
        assert_eq!((seen.sequence, seen.late_ns), (2, u64::MAX - seen.boot_ns));
        assert!(Message::seen(&bytes[..31], 0).is_none());
    }
}

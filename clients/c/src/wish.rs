//! What a subscriber wants.

use std::ffi::c_void;

use kymo::protocol::{StreamId, Streams};

use crate::callback::KymoReady;
use crate::error::{Fail, Outcome};
use crate::text::{KymoText, list};

/// The streams, as bits: of KymoWish.streams, and of the items that belong to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum KymoStream {
    /// The machine's vitals.
    Vitals = 1,
    /// What sensors read, group by group, and the catalog that names them.
    Samples = 2,
    /// The processes that take most.
    Processes = 4,
    /// The application's events.
    Events = 8,
}

/// What a subscriber wants. All zeros but the size: vitals and all events, at the hub's rate.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoWish {
    /// `sizeof(KymoWish)`.
    pub size: u32,
    /// Bits of ::KymoStream; 0 for vitals and events.
    pub streams: u32,
    /// How often, in thousandths of a hertz; 0 for the hub's own rate.
    pub rate_mhz: u32,
    /// 1 for each frame of telemetry in order, with gaps, instead of the newest.
    pub every: u32,
    /// Patterns of topics, such as `build.*`; none for all events.
    pub topics: *const KymoText,
    /// How many there are.
    pub topics_count: usize,
    /// Groups of sensors, such as `hwmon*`; none for all. What nobody wants is not read.
    pub groups: *const KymoText,
    /// How many there are.
    pub groups_count: usize,
    /// May be NULL. Not for clients.
    pub on_ready: KymoReady,
    /// Handed to it.
    pub context: *mut c_void,
}

impl KymoWish {
    pub(crate) fn streams(&self) -> Outcome<Streams> {
        let all = (1 << Streams::COUNT) - 1;
        match u16::try_from(self.streams) {
            Ok(0) => Ok(Streams::default().with(StreamId::VITALS).with(StreamId::EVENTS)),
            Ok(streams) if streams & !all == 0 => Ok(Streams(streams)),
            _ => Err(Fail::invalid(format_args!("{:#x} is no set of streams", self.streams))),
        }
    }

    pub(crate) fn is_every(&self) -> Outcome<bool> {
        match self.every {
            0 | 1 => Ok(self.every == 1),
            other => Err(Fail::invalid(format_args!("every is 0 or 1, and not {other}"))),
        }
    }

    /// Patterns of topics, and of groups. A program says few of them, and that once.
    pub(crate) fn patterns(&self) -> Outcome<[Vec<&str>; 2]> {
        Ok([texts(self.topics, self.topics_count)?, texts(self.groups, self.groups_count)?])
    }
}

fn texts<'a>(first: *const KymoText, count: usize) -> Outcome<Vec<&'a str>> {
    list::<KymoText>(first, count)?.iter().map(KymoText::str).collect()
}

/// The bit of a stream; 0 for what is none.
pub fn bit(stream: StreamId) -> u32 {
    Streams::default().with(stream).0.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    /// What one wants who says nothing.
    const ANY: KymoWish = KymoWish {
        size: 0,
        streams: 0,
        rate_mhz: 0,
        every: 0,
        topics: ptr::null(),
        topics_count: 0,
        groups: ptr::null(),
        groups_count: 0,
        on_ready: None,
        context: ptr::null_mut(),
    };

    #[test]
    fn bits_are_those_of_the_protocol() {
        assert_eq!(bit(StreamId::VITALS), KymoStream::Vitals as u32);
        assert_eq!(bit(StreamId::SAMPLES), KymoStream::Samples as u32);
        assert_eq!(bit(StreamId::PROCESSES), KymoStream::Processes as u32);
        assert_eq!(bit(StreamId::EVENTS), KymoStream::Events as u32);
        assert_eq!(bit(StreamId::NONE), 0);
    }

    #[test]
    fn what_is_no_wish_is_found() {
        assert_eq!(ANY.streams().unwrap().0, 0b1001);
        for streams in [16, 0x1_0000] {
            assert!(KymoWish { streams, ..ANY }.streams().is_err());
        }
        assert!(KymoWish { every: 2, ..ANY }.is_every().is_err());
        assert!(KymoWish { topics_count: 1, ..ANY }.patterns().is_err());
        let topics = [KymoText::of(b"a.*"), KymoText::of(b"b")];
        let wish = KymoWish { topics: topics.as_ptr(), topics_count: 2, ..ANY };
        assert_eq!(wish.patterns().unwrap(), [vec!["a.*", "b"], vec![]]);
    }
}

//! A recording: the frames of a connection in a file, each of which proves itself.
//!
//! A file is records, back to back from its first byte on. A record is a head, a content, and
//! nothing else; its size is a multiple of 8. Everything is little-endian.
//!
//! | offset | type | head | meaning |
//! |---|---|---|---|
//! | 0 | u8 × 4 | mark | `KYRC` |
//! | 4 | u32 | head_crc | CRC-32 of bytes 8 to 31 |
//! | 8 | u32 | content_crc | CRC-32 of the content |
//! | 12 | u16 | words | bytes of the content, divided by 8; at most those of the largest frame |
//! | 14 | u16 | kind | see below; a reader skips a kind that it does not know |
//! | 16 | u64 | number | of the record in the file, from 0, without holes |
//! | 24 | u64 | identity | of the file: random, and the same in each of its records |
//!
//! CRC-32 is that of zlib and Ethernet.
//!
//! | kind | content |
//! |---|---|
//! | 1 start | [`Start`]: always the first record |
//! | 2 frame | one frame as it came: welcome, subscribed, catalog, vitals, samples, processes, event, gap or heartbeat |
//! | 3 lost | [`Lost`]: the connection ended here |
//! | 4 missed | [`Missed`]: frames of which the client knows that they are lost, and for which no gap frame came |
//! | 5 fresh | [`Fresh`]: the events go on in another history |
//! | 6 index | [`IndexEntry`]s: where to begin to read for a time |
//! | 7 end | [`End`]: always the last record; a file without one was cut off |
//!
//! Each connection is a welcome, a subscribed, and what follows, so that frames are read as a
//! client reads them: catalogs stand before the samples that they name, and the clock map of the
//! last welcome or heartbeat tells wall times.
//!
//! **A record proves itself.** One that was damaged takes no other with it: the head has a checksum
//! of its own, so that its size can be trusted whatever became of the content, and who finds no
//! head looks for the next one. Numbers tell how many are gone ([`Scanner`]). A recording that
//! somebody put into an event has another identity, so it is not taken for a part of this one. The
//! index repeats what a scan finds; its loss costs time and nothing else.

mod content;
mod record;
mod scan;

pub use content::{End, Fresh, IndexEntry, Lost, Missed, Outcome, Start, lost};
pub use record::{Content, RecordError, RecordId, RecordKind, Recorded, emit};
pub use scan::{Damage, Scanner, Step};

use crate::limits::FRAME_MAX;

/// Version of the format.
pub const RECORDING_VERSION: u16 = 1;

/// Bytes of a record before its content.
pub const RECORD_HEAD_SIZE: usize = 32;

/// Bytes of the largest record.
pub const RECORD_MAX: usize = RECORD_HEAD_SIZE + FRAME_MAX;

/// Bytes of the record at a whole file's end.
pub const END_SIZE: usize = RECORD_HEAD_SIZE + size_of::<End>();

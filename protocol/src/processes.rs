//! The processes that take most, by processor time and by memory.
//!
//! | offset | type | field | meaning |
//! |---|---|---|---|
//! | 0 | u16 | count | entries, at most 64 |
//! | 2 | u16 | by_cpu | how many of them are ranked by cpu, at most 32 |
//! | 4 | u16 | by_memory | how many of them are ranked by memory, at most 32 |
//! | 6 | u16 | flags | bit 0 `truncated`: the scan did not see all processes |
//! | 8 | u32 | total | processes that the scan saw; 0 without a value |
//! | 12 | u32 | merged | frames due to this subscriber that this one replaces |
//! | 16 | u32 | scan_ms | age of the oldest entry: milliseconds up to the frame's timestamp |
//! | 20 | u8 | state | of total: ok, or why there is none; then there are no entries |
//! | 21 | u8 × 3 | reserved | 0 |
//! | 24 | 64 × n | processes | see below |
//!
//! | offset | type | field of a process | meaning |
//! |---|---|---|---|
//! | 0 | u32 | pid | its number, as the server sees it |
//! | 4 | u32 | uid | its user |
//! | 8 | u64 | start_ns | when it started, on the boot clock |
//! | 16 | u64 | memory | bytes of it in memory |
//! | 24 | f32 | cpu | % of one CPU; NaN while it is not known |
//! | 28 | u8 | state | a letter, as `ps` shows it; `?` unknown |
//! | 29 | u8 | rank_by_cpu | from 1 to by_cpu; 0 none |
//! | 30 | u8 | rank_by_memory | from 1 to by_memory; 0 none |
//! | 31 | u8 | name_len | bytes of name, from 1 to 32 |
//! | 32 | u8 × 32 | name | UTF-8 without control characters, the rest 0 |
//!
//! A number may be used again; a number and a start together are not. That ranks are told once each
//! is not checked.

use zerocopy::FromBytes;
use zerocopy::little_endian::{F32, U16, U32, U64};
use zerocopy_derive::*;

use crate::frame_error::FrameError;
use crate::header::{FrameKind, StreamId};
use crate::limits::{HEADER_SIZE, PROCESS_NAME_MAX, PROCESS_RANKS_MAX, PROCESSES_MAX};
use crate::payload::{Position, Stamp, emit_bytes};
use crate::state::State;
use crate::text::is_printable;

/// The payload of a processes frame.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Processes {
    /// The fixed part.
    pub fixed: ProcessesFixed,
    /// The processes, in any order; the ranks tell.
    pub entries: [Process],
}

/// The part of a processes frame before its entries.
#[derive(
    Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct ProcessesFixed {
    count: U16,
    /// How many are ranked by cpu.
    pub by_cpu: U16,
    /// How many are ranked by memory.
    pub by_memory: U16,
    flags: U16,
    total: U32,
    /// Frames due to this subscriber that this one replaces.
    pub merged: U32,
    /// Age of the oldest entry in milliseconds.
    pub scan_ms: U32,
    state: u8,
    reserved: [u8; 3],
}

/// One process; the module's second table is its layout.
#[derive(
    Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Process {
    /// Its number.
    pub pid: U32,
    /// Its user.
    pub uid: U32,
    /// When it started, on the boot clock.
    pub start_ns: U64,
    /// Bytes of it in memory.
    pub memory: U64,
    /// Percent of one CPU; NaN while it is not known.
    pub cpu: F32,
    state: u8,
    /// From 1; 0 for none.
    pub rank_by_cpu: u8,
    /// From 1; 0 for none.
    pub rank_by_memory: u8,
    name_len: u8,
    name: [u8; PROCESS_NAME_MAX],
}

const _: () = assert!(size_of::<ProcessesFixed>() == 24);
const _: () = assert!(core::mem::offset_of!(ProcessesFixed, merged) == 12);
const _: () = assert!(core::mem::offset_of!(ProcessesFixed, state) == 20);
const _: () = assert!(size_of::<Process>() == 64);
const _: () = assert!(core::mem::offset_of!(Process, cpu) == 24);
const _: () = assert!(core::mem::offset_of!(Process, name) == 32);

const TRUNCATED: u16 = 1;

impl ProcessesFixed {
    /// Sets how many processes the scan saw; where the state has no value, why there is none.
    pub fn set_total(&mut self, state: State, total: u32) {
        self.state = state as u8;
        self.total.set(if state.has_value() { total } else { 0 });
    }

    /// Processes that the scan saw; `None` when there is no telling.
    #[must_use]
    pub fn total(&self) -> Option<u32> {
        self.state().has_value().then(|| self.total.get())
    }

    /// What is known of the total.
    #[must_use]
    pub fn state(&self) -> State {
        State::from_byte(self.state).unwrap_or(State::Fault)
    }

    /// Says whether the scan saw all processes.
    pub fn set_truncated(&mut self, truncated: bool) {
        self.flags.set(u16::from(truncated));
    }

    /// Whether there are processes that the scan did not see.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.flags.get() & TRUNCATED != 0
    }
}

impl Processes {
    /// Where `merged` stands in a whole frame: four bytes, little-endian.
    pub const MERGED_OFFSET: usize = HEADER_SIZE + core::mem::offset_of!(ProcessesFixed, merged);

    /// Bytes of a whole frame of `count` processes.
    #[must_use]
    pub const fn frame_size(count: usize) -> usize {
        HEADER_SIZE + size_of::<ProcessesFixed>() + count * size_of::<Process>()
    }

    /// Writes a header and hands out the payload behind it, with the size of the whole frame. Of
    /// the payload the count is set; the rest is to be set in place, each entry's name and state
    /// included.
    ///
    /// # Errors
    ///
    /// [`FrameError::Length`] for more than [`PROCESSES_MAX`], [`FrameError::Short`] when the frame
    /// does not fit.
    pub fn emit(
        buffer: &mut [u8],
        sequence: u64,
        stamp: Stamp,
        count: usize,
    ) -> Result<(&mut Self, usize), FrameError> {
        if count > PROCESSES_MAX {
            return Err(FrameError::Length);
        }
        let at = Position { stream: StreamId::PROCESSES, sequence };
        let size = Self::frame_size(count);
        let payload = emit_bytes(buffer, FrameKind::Processes, at, stamp, size - HEADER_SIZE)?;
        let this = Self::mut_from_bytes(payload).map_err(|_| FrameError::Short)?;
        this.fixed.count.set(u16::try_from(count).map_err(|_| FrameError::Length)?);
        Ok((this, size))
    }

    pub(crate) fn check(&self) -> Result<(), FrameError> {
        let ProcessesFixed { count, by_cpu, by_memory, flags, reserved, .. } = self.fixed;
        let state = State::from_byte(self.fixed.state).ok_or(FrameError::Value)?;
        if usize::from(count.get()) != self.entries.len() || self.entries.len() > PROCESSES_MAX {
            return Err(FrameError::Length);
        }
        if reserved != [0; 3] {
            return Err(FrameError::Reserved);
        }
        if !state.has_value() && u32::from(count.get()) | self.fixed.total.get() != 0 {
            return Err(FrameError::Value);
        }
        let (by_cpu, by_memory) = (by_cpu.get(), by_memory.get());
        if flags.get() & !TRUNCATED != 0 || usize::from(by_cpu.max(by_memory)) > PROCESS_RANKS_MAX {
            return Err(FrameError::Value);
        }
        for entry in &self.entries {
            let has_ranks = u16::from(entry.rank_by_cpu) <= by_cpu
                && u16::from(entry.rank_by_memory) <= by_memory;
            if !has_ranks || entry.state() != char::from(entry.state) {
                return Err(FrameError::Value);
            }
            entry.check_name()?;
        }
        Ok(())
    }
}

impl Process {
    /// Sets the letter of what it does; what is no letter becomes `?`.
    pub fn set_state(&mut self, letter: u8) {
        self.state = if letter.is_ascii_alphabetic() { letter } else { b'?' };
    }

    /// The letter of what it does, such as `R` or `S`; `?` when it is unknown.
    #[must_use]
    pub fn state(&self) -> char {
        if self.state.is_ascii_alphabetic() { char::from(self.state) } else { '?' }
    }

    /// Sets the name from whatever the system has for one: what is no text, and control characters,
    /// become `?`, and so does a name of no bytes. Cut between characters when it is too long.
    pub fn set_name(&mut self, name: &[u8]) {
        self.name.fill(0);
        let mut at = 0;
        'chunks: for chunk in name.utf8_chunks() {
            let invalid = if chunk.invalid().is_empty() { "" } else { "?" };
            for char in chunk.valid().chars().chain(invalid.chars()) {
                let char = if char.is_control() { '?' } else { char };
                let room = self.name.get_mut(at..at + char.len_utf8());
                let Some(room) = room else { break 'chunks };
                char.encode_utf8(room);
                at += char.len_utf8();
            }
        }
        if at == 0 {
            self.name[0] = b'?';
        }
        self.name_len = u8::try_from(at.max(1)).unwrap_or_default();
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        let name = self.name.get(..usize::from(self.name_len)).unwrap_or_default();
        core::str::from_utf8(name).unwrap_or_default()
    }

    fn check_name(&self) -> Result<(), FrameError> {
        let (name, rest) =
            self.name.split_at_checked(self.name_len.into()).ok_or(FrameError::Value)?;
        if rest.iter().any(|byte| *byte != 0) {
            return Err(FrameError::Reserved);
        }
        if name.is_empty() || !is_printable(name) { Err(FrameError::Value) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Body, Frame};

    const SIZE: usize = Processes::frame_size(1);

    fn frame() -> [u8; SIZE] {
        let mut bytes = [0xFF; SIZE];
        let (processes, size) = Processes::emit(&mut bytes, 7, Stamp { boot_ns: 9 }, 1).unwrap();
        assert_eq!(size, SIZE);
        processes.fixed.by_cpu.set(32);
        processes.fixed.by_memory.set(2);
        processes.fixed.set_truncated(true);
        processes.fixed.set_total(State::Ok, 0x0304);
        processes.fixed.scan_ms.set(0x0506);
        let entry = &mut processes.entries[0];
        entry.pid.set(0x0708);
        entry.uid.set(1000);
        entry.start_ns.set(0x090A);
        entry.memory.set(0x0B0C);
        entry.cpu.set(1.5);
        entry.set_state(b'R');
        (entry.rank_by_cpu, entry.rank_by_memory) = (32, 2);
        entry.set_name(b"kymod");
        bytes
    }

    #[test]
    fn bytes_are_those_of_the_specification() {
        let bytes = frame();
        assert_eq!(&bytes[8..24], [88, 0, 0, 0, 18, 0, 3, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
        let payload = &bytes[HEADER_SIZE..];
        assert_eq!(&payload[..16], [1, 0, 32, 0, 2, 0, 1, 0, 4, 3, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&payload[16..24], [6, 5, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&payload[24..40], [8, 7, 0, 0, 0xE8, 3, 0, 0, 0xA, 9, 0, 0, 0, 0, 0, 0]);
        assert_eq!(&payload[40..56], b"\x0C\x0B\0\0\0\0\0\0\0\0\xC0\x3FR\x20\x02\x05");
        assert_eq!(&payload[56..62], b"kymod\0");
    }

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = frame();
        bytes[Processes::MERGED_OFFSET] = 3;
        let Body::Processes(read) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        assert!(read.fixed.is_truncated());
        assert_eq!((read.fixed.total(), read.fixed.merged.get()), (Some(0x0304), 3));
        let [entry] = &read.entries else { panic!("one") };
        assert_eq!((entry.name(), entry.state()), ("kymod", 'R'));
    }

    #[test]
    fn what_is_not_known_is_not_0() {
        let mut bytes = [0; Processes::frame_size(0)];
        let (processes, _) = Processes::emit(&mut bytes, 7, Stamp { boot_ns: 9 }, 0).unwrap();
        processes.fixed.set_total(State::Denied, 9);
        let Body::Processes(read) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        assert_eq!((read.fixed.total(), read.fixed.state()), (None, State::Denied));
        bytes[HEADER_SIZE + 8] = 1;
        assert_eq!(Frame::parse(&bytes).err(), Some(FrameError::Value));
        // One entry of one process that nobody looked at.
        let mut bytes = frame();
        bytes[HEADER_SIZE + 8..HEADER_SIZE + 10].copy_from_slice(&[1, 0]);
        assert!(Frame::parse(&bytes).is_ok());
        bytes[HEADER_SIZE + 20] = State::Denied as u8;
        assert_eq!(Frame::parse(&bytes).err(), Some(FrameError::Value));
    }

    #[test]
    fn names_and_letters_are_made_fit() {
        let mut bytes = frame();
        let (processes, _) = Processes::emit(&mut bytes, 1, Stamp { boot_ns: 0 }, 1).unwrap();
        let entry = &mut processes.entries[0];
        for (raw, name) in [
            (b"".as_slice(), "?"),
            (b"sh\n\x1B[2J", "sh??[2J"),
            (b"a\xFFb\xC2", "a?b?"),
            ("a\u{85}é".as_bytes(), "a?é"),
            ("ééééééééééééééééé".as_bytes(), "éééééééééééééééé"),
            ("xéééééééééééééééé".as_bytes(), "xééééééééééééééé"),
            (b"0123456789012345678901234567890\xC3\xA9\xFFz", "0123456789012345678901234567890"),
        ] {
            entry.set_name(raw);
            assert_eq!((entry.name(), entry.check_name()), (name, Ok(())), "{raw:?}");
        }
        for (letter, state) in [(b't', 't'), (b'0', '?'), (0xE9, '?'), (0, '?')] {
            entry.set_state(letter);
            assert_eq!(entry.state(), state);
        }
    }

    #[test]
    fn damage_is_named() {
        let cases = [
            (0, 0, FrameError::Length),
            (2, 33, FrameError::Value),
            (2, 31, FrameError::Value),
            (4, 33, FrameError::Value),
            (4, 1, FrameError::Value),
            (6, 2, FrameError::Value),
            (20, 1, FrameError::Value),
            (20, 8, FrameError::Value),
            (21, 1, FrameError::Reserved),
            (23, 1, FrameError::Reserved),
            (52, 0, FrameError::Value),
            (52, 0xE9, FrameError::Value),
            (53, 33, FrameError::Value),
            (54, 3, FrameError::Value),
            (55, 0, FrameError::Reserved),
            (55, 4, FrameError::Reserved),
            (55, 6, FrameError::Value),
            (55, 33, FrameError::Value),
            (56, 0xFF, FrameError::Value),
            (87, 1, FrameError::Reserved),
        ];
        for (offset, byte, error) in cases {
            let mut bytes = frame();
            bytes[HEADER_SIZE + offset] = byte;
            assert_eq!(Frame::parse(&bytes).err(), Some(error), "byte {offset}");
        }
        let mut bytes = frame();
        bytes[HEADER_SIZE + 55..].fill(0);
        assert_eq!(Frame::parse(&bytes).err(), Some(FrameError::Value), "no name");
    }

    #[test]
    fn frames_are_bounded_on_both_sides() {
        let mut bytes = [0; Processes::frame_size(PROCESSES_MAX + 1)];
        let stamp = Stamp { boot_ns: 0 };
        let mut emit = |count| {
            let (processes, size) = Processes::emit(&mut bytes, 1, stamp, count)?;
            for entry in &mut processes.entries {
                entry.set_state(b'S');
                entry.set_name(b"x");
            }
            Frame::parse(&bytes[..size]).map(|_| size)
        };
        assert_eq!((emit(0), emit(PROCESSES_MAX)), (Ok(56), Ok(4152)));
        assert_eq!(emit(PROCESSES_MAX + 1), Err(FrameError::Length));
        let short = Processes::emit(&mut bytes[..119], 1, stamp, 1).map(|_| ());
        assert_eq!(short, Err(FrameError::Short));

        let entry: [u8; 64] = *bytes[56..].first_chunk().unwrap();
        let size = bytes.len() - HEADER_SIZE;
        let at = Position::NONE;
        let payload = emit_bytes(&mut bytes, FrameKind::Processes, at, stamp, size).unwrap();
        payload[0] = 65;
        payload[24..].chunks_mut(64).for_each(|target| target.copy_from_slice(&entry));
        assert_eq!(Frame::parse(&bytes).err(), Some(FrameError::Length));
    }
}

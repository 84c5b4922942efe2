//! A disk that tears, loses, reorders and damages what is written to it, runs full, fails to sync,
//! and kills whoever uses it in the middle of an operation.
//!
//! All clones are one disk: the world keeps one, the journal of each life has another.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use kymo::journal::Storage;

use crate::random::Random;

pub const SEGMENTS: usize = 8;
pub const SEGMENT_SIZE: usize = 32 * 1024;
/// What a disk writes whole or not at all.
const SECTOR: usize = 512;
const SECTORS: usize = SEGMENT_SIZE / SECTOR;

/// Operations of a storage, as a death counts them.
pub const OPERATIONS: [&str; 3] = ["read", "write", "sync"];

#[derive(Clone, Debug)]
pub struct Disk(Arc<Mutex<State>>);

#[derive(Clone, Debug)]
struct State {
    segments: Vec<Piece>,
    /// Writes so far.
    clock: u64,
    /// Operations until death, and how much of a write gets through then.
    kill: Option<(u64, usize)>,
    /// The operation of which whoever used it died.
    died_in: Option<usize>,
    /// Whether the last write was torn by a death.
    is_torn: bool,
    is_full: bool,
    failing_syncs: u32,
    /// Writes that found no room, and syncs that failed.
    refused: [u64; 2],
    /// The canary: so many writes from now, one that is acknowledged and does not happen.
    drop_in: Option<u64>,
}

#[derive(Clone, Debug)]
struct Piece {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    /// When each sector was written last; 0 when that is synced.
    written: [u64; SECTORS],
}

impl Disk {
    pub fn new() -> Self {
        let zeros = vec![0; SEGMENT_SIZE];
        let piece = Piece { bytes: zeros.clone(), synced: zeros, written: [0; SECTORS] };
        Self(Arc::new(Mutex::new(State {
            segments: vec![piece; SEGMENTS],
            clock: 0,
            kill: None,
            died_in: None,
            is_torn: false,
            is_full: false,
            failing_syncs: 0,
            refused: [0; 2],
            drop_in: None,
        })))
    }

    /// The same bytes on a disk of their own, without faults.
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        for (to, from) in copy.state().segments.iter_mut().zip(&self.state().segments) {
            to.bytes.copy_from_slice(&from.bytes);
        }
        copy
    }

    /// After so many operations the next one is the last of this life; of a write `size` bytes get
    /// through.
    pub fn kill_after(&self, operations: u64, size: usize) {
        self.state().kill = Some((operations, size));
    }

    /// Whether its user died of it.
    pub fn is_deadly(&self) -> bool {
        self.state().died_in.is_some()
    }

    /// For another life: the operation of which the last one died, and whether that was torn.
    pub fn revive(&self) -> (Option<usize>, bool) {
        let mut state = self.state();
        state.kill = None;
        (state.died_in.take(), std::mem::take(&mut state.is_torn))
    }

    pub fn set_full(&self, is_full: bool) {
        self.state().is_full = is_full;
    }

    pub fn fail_sync(&self) {
        self.state().failing_syncs += 1;
    }

    /// Writes that found no room, and syncs that failed, since this was asked before.
    pub fn take_refused(&self) -> [u64; 2] {
        std::mem::take(&mut self.state().refused)
    }

    /// The canary.
    pub fn drop_write(&self, number: u64) {
        self.state().drop_in = Some(number);
    }

    /// Changes a bit behind a segment's headers.
    pub fn flip(&self, random: &mut Random) {
        let (segment, bit) = (random.index(SEGMENTS), random.index(8));
        let offset = SECTOR + random.index(SEGMENT_SIZE - SECTOR);
        self.state().segments[segment].bytes[offset] ^= 1 << bit;
    }

    /// The power goes: sectors that were not synced are there or not, in whatever order they were
    /// written. How many are lost, and how many are there though an older one is not.
    pub fn lose_power(&self, random: &mut Random) -> [u64; 2] {
        let (mut oldest_lost, mut lost, mut kept) = (u64::MAX, 0, Vec::new());
        // Now and then everything stays, or goes.
        let chance = random.below(4);
        for piece in &mut self.state().segments {
            for sector in 0..SECTORS {
                let at = std::mem::take(&mut piece.written[sector]);
                let range = sector * SECTOR..(sector + 1) * SECTOR;
                if at == 0 {
                    continue;
                } else if random.below(3) < chance {
                    kept.push(at);
                } else {
                    (oldest_lost, lost) = (oldest_lost.min(at), lost + 1);
                    piece.bytes[range.clone()].copy_from_slice(&piece.synced[range]);
                }
            }
            piece.synced.copy_from_slice(&piece.bytes);
        }
        [lost, kept.iter().filter(|at| **at > oldest_lost).count() as u64]
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    /// Begins an operation: whether this is not the end.
    fn begin(&mut self, operation: usize) -> bool {
        match &mut self.kill {
            _ if self.died_in.is_some() => {}
            Some((0, _)) => self.died_in = Some(operation),
            Some((left, _)) => *left -= 1,
            None => {}
        }
        self.died_in.is_none()
    }

    fn write(&mut self, segment: usize, offset: usize, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.clock += 1;
        let piece = &mut self.segments[segment];
        let end = offset + bytes.len();
        piece.bytes[offset..end].copy_from_slice(bytes);
        piece.written[offset / SECTOR..end.div_ceil(SECTOR)].fill(self.clock);
    }
}

fn failed<T>(kind: io::ErrorKind) -> io::Result<T> {
    Err(kind.into())
}

impl Storage for Disk {
    fn segments(&self) -> usize {
        SEGMENTS
    }

    fn segment_size(&self) -> usize {
        SEGMENT_SIZE
    }

    fn read(&mut self, segment: usize, offset: usize, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        if !state.begin(0) {
            return failed(io::ErrorKind::Other);
        }
        let there = &state.segments[segment].bytes[offset..];
        let size = there.len().min(buffer.len());
        buffer[..size].copy_from_slice(&there[..size]);
        Ok(size)
    }

    fn write(&mut self, segment: usize, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let is_dead = state.died_in.is_some();
        if !state.begin(1) {
            let torn = state.kill.map_or(0, |(_, size)| size.min(bytes.len()));
            if !is_dead {
                state.is_torn = torn > 0 && torn < bytes.len();
                state.write(segment, offset, &bytes[..torn]);
            }
            return failed(io::ErrorKind::Other);
        }
        if state.is_full {
            state.refused[0] += 1;
            return failed(io::ErrorKind::StorageFull);
        }
        match &mut state.drop_in {
            // That of a batch: headers and marks are there twice or can be done without.
            Some(0) if offset >= SECTOR && bytes.len() > 256 => {
                state.drop_in = None;
                return Ok(());
            }
            Some(left) => *left = left.saturating_sub(1),
            None => {}
        }
        state.write(segment, offset, bytes);
        Ok(())
    }

    fn sync(&mut self, segment: usize) -> io::Result<()> {
        let mut state = self.state();
        if !state.begin(2) {
            return failed(io::ErrorKind::Other);
        }
        if state.failing_syncs > 0 {
            state.failing_syncs -= 1;
            state.refused[1] += 1;
            return failed(io::ErrorKind::Other);
        }
        let piece = &mut state.segments[segment];
        piece.synced.copy_from_slice(&piece.bytes);
        piece.written = [0; SECTORS];
        Ok(())
    }

    fn set_aside(&mut self, _: usize) -> io::Result<()> {
        Ok(())
    }
}

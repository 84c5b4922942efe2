//! A journal's storage in memory, with the faults of a real one: for tests and the simulation.
//!
//! All clones are the same storage. A test keeps one, lets the journal have the other, and after a
//! "kill" opens the same bytes again.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::journal::storage::Storage;

/// What a disk writes whole or not at all, more or less.
const SECTOR: usize = 512;

/// Segments in memory; see the module.
#[derive(Clone, Debug)]
pub struct MemoryStorage {
    disk: Arc<Mutex<Disk>>,
}

#[derive(Debug)]
struct Disk {
    segment_size: usize,
    segments: Vec<Piece>,
    /// Writes so far, whether they succeeded or not.
    writes: u64,
    /// The write at which the process is killed, and how much of it gets through.
    kill: Option<(u64, usize)>,
    is_killed: bool,
    /// Writes that fail from now on, and how much of each gets through.
    failing_writes: (u64, usize),
    failing_syncs: u64,
}

#[derive(Clone, Debug)]
struct Piece {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    /// Bytes beyond this are not there.
    size: usize,
    evidence: Option<Vec<u8>>,
}

impl MemoryStorage {
    /// `segments` segments of `segment_size` zeros.
    #[must_use]
    pub fn new(segments: usize, segment_size: usize) -> Self {
        let zeros = vec![0; segment_size];
        let size = segment_size;
        let piece = Piece { bytes: zeros.clone(), synced: zeros, size, evidence: None };
        let disk = Disk {
            segment_size,
            segments: vec![piece; segments],
            writes: 0,
            kill: None,
            is_killed: false,
            failing_writes: (0, 0),
            failing_syncs: 0,
        };
        Self { disk: Arc::new(Mutex::new(disk)) }
    }

    /// The same bytes in a storage of their own, without faults.
    #[must_use]
    pub fn copy(&self) -> Self {
        let disk = self.disk();
        let copy = Disk {
            segment_size: disk.segment_size,
            segments: disk.segments.clone(),
            writes: 0,
            kill: None,
            is_killed: false,
            failing_writes: (0, 0),
            failing_syncs: 0,
        };
        Self { disk: Arc::new(Mutex::new(copy)) }
    }

    /// Of the `write`th write from now, counted from 0, only `size` bytes get through; it and
    /// everything after it fails, until [`revive`](Self::revive).
    pub fn kill_at(&self, write: u64, size: usize) {
        let mut disk = self.disk();
        disk.kill = Some((disk.writes + write, size));
    }

    /// Ends all faults; whether a kill had happened.
    pub fn revive(&self) -> bool {
        let mut disk = self.disk();
        disk.kill = None;
        (disk.failing_writes, disk.failing_syncs) = ((0, 0), 0);
        std::mem::take(&mut disk.is_killed)
    }

    /// The next `count` writes fail after `size` bytes each.
    pub fn fail_writes(&self, count: u64, size: usize) {
        self.disk().failing_writes = (count, size);
    }

    /// The next `count` syncs fail.
    pub fn fail_syncs(&self, count: u64) {
        self.disk().failing_syncs = count;
    }

    /// Writes so far.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.disk().writes
    }

    /// Changes the bits of one byte that are set in `mask`.
    pub fn flip(&self, segment: usize, offset: usize, mask: u8) {
        if let Some(byte) = self.disk().piece(segment).and_then(|p| p.bytes.get_mut(offset)) {
            *byte ^= mask;
        }
    }

    /// Cuts a segment off.
    pub fn truncate(&self, segment: usize, size: usize) {
        if let Some(piece) = self.disk().piece(segment) {
            piece.size = piece.size.min(size);
            let size = piece.size;
            if let Some(rest) = piece.bytes.get_mut(size..) {
                rest.fill(0);
            }
        }
    }

    /// What a loss of power does: each sector that was written since the last sync is there or not,
    /// as `is_kept` decides.
    pub fn lose_power(&self, mut is_kept: impl FnMut() -> bool) {
        for piece in &mut self.disk().segments {
            let sectors = piece.bytes.chunks_mut(SECTOR).zip(piece.synced.chunks(SECTOR));
            for (new, old) in sectors {
                if new != old && !is_kept() {
                    new.copy_from_slice(old);
                }
            }
            piece.synced.copy_from_slice(&piece.bytes);
        }
    }

    /// The copy of a damaged segment that was kept.
    #[must_use]
    pub fn evidence(&self, segment: usize) -> Option<Vec<u8>> {
        self.disk().piece(segment).and_then(|piece| piece.evidence.clone())
    }

    /// The bytes of a segment.
    #[must_use]
    pub fn bytes(&self, segment: usize) -> Vec<u8> {
        self.disk().piece(segment).map(|piece| piece.bytes.clone()).unwrap_or_default()
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    fn piece(&mut self, segment: usize) -> Option<&mut Piece> {
        self.segments.get_mut(segment)
    }

    /// How much of a write of `size` bytes gets through.
    fn admit(&mut self, size: usize) -> usize {
        let number = self.writes;
        self.writes += 1;
        if self.is_killed {
            return 0;
        }
        if let Some((_, torn)) = self.kill.filter(|(write, _)| *write == number) {
            self.is_killed = true;
            return torn.min(size);
        }
        let (count, torn) = self.failing_writes;
        if count > 0 {
            self.failing_writes.0 -= 1;
            return torn.min(size);
        }
        size
    }

    /// Whether a write that got through whole succeeded all the same.
    fn is_failing(&self, before: u64) -> bool {
        self.is_killed || self.failing_writes.0 != before
    }
}

impl Storage for MemoryStorage {
    fn segments(&self) -> usize {
        self.disk().segments.len()
    }

    fn segment_size(&self) -> usize {
        self.disk().segment_size
    }

    fn read(&mut self, segment: usize, offset: usize, buffer: &mut [u8]) -> io::Result<usize> {
        let mut disk = self.disk();
        let piece = disk.piece(segment).ok_or(io::ErrorKind::NotFound)?;
        let there = piece.bytes.get(offset..piece.size).unwrap_or_default();
        let size = there.len().min(buffer.len());
        let (room, _) = buffer.split_at_mut(size);
        room.copy_from_slice(there.get(..size).unwrap_or_default());
        Ok(size)
    }

    fn write(&mut self, segment: usize, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk();
        let failing = disk.failing_writes.0;
        let size = disk.admit(bytes.len());
        let is_failing = disk.is_failing(failing);
        let piece = disk.piece(segment).ok_or(io::ErrorKind::NotFound)?;
        let end = offset + bytes.len();
        let room = piece.bytes.get_mut(offset..end).ok_or(io::ErrorKind::StorageFull)?;
        for (to, from) in room.iter_mut().zip(bytes).take(size) {
            *to = *from;
        }
        if size > 0 {
            piece.size = piece.bytes.len();
        }
        if is_failing { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
    }

    fn sync(&mut self, segment: usize) -> io::Result<()> {
        let mut disk = self.disk();
        if disk.is_killed {
            return Err(io::ErrorKind::Other.into());
        }
        if disk.failing_syncs > 0 {
            disk.failing_syncs -= 1;
            return Err(io::ErrorKind::Other.into());
        }
        let piece = disk.piece(segment).ok_or(io::ErrorKind::NotFound)?;
        piece.synced.copy_from_slice(&piece.bytes);
        Ok(())
    }

    fn set_aside(&mut self, segment: usize) -> io::Result<()> {
        let mut disk = self.disk();
        let piece = disk.piece(segment).ok_or(io::ErrorKind::NotFound)?;
        piece.evidence = piece.bytes.get(..piece.size).map(<[u8]>::to_vec);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_last_as_long_as_asked_for() {
        let mut disk = MemoryStorage::new(2, SECTOR);
        disk.fail_writes(1, 2);
        assert!(disk.write(0, 0, &[1; 4]).is_err());
        assert_eq!((disk.bytes(0)[..4].to_vec(), disk.writes()), (vec![1, 1, 0, 0], 1));
        assert!(disk.write(0, 0, &[2; 4]).is_ok());
        disk.fail_syncs(1);
        assert!(disk.sync(0).is_err() && disk.sync(0).is_ok());
        disk.kill_at(1, 1);
        assert!(disk.write(1, 0, &[3; 4]).is_ok());
        assert!(disk.write(1, 0, &[4; 4]).is_err() && disk.sync(1).is_err());
        assert!(disk.write(1, 0, &[5; 4]).is_err(), "it is dead until it is revived");
        assert_eq!((disk.bytes(1)[..4].to_vec(), disk.writes()), (vec![4, 3, 3, 3], 5));
        assert!(disk.revive() && !disk.revive());
        assert!(disk.write(1, 0, &[6; 4]).is_ok());
    }

    #[test]
    fn a_write_that_does_not_get_through_makes_no_segment_whole() {
        let mut disk = MemoryStorage::new(1, SECTOR);
        disk.truncate(0, 100);
        disk.fail_writes(1, 0);
        assert!(disk.write(0, 0, &[1]).is_err());
        assert_eq!(disk.read(0, 0, &mut [0; SECTOR]).unwrap(), 100);
        assert!(disk.write(0, 0, &[1]).is_ok());
        assert_eq!(disk.read(0, 0, &mut [0; SECTOR]).unwrap(), SECTOR);
    }

    #[test]
    fn a_loss_of_power_takes_back_what_was_not_synced() {
        let mut disk = MemoryStorage::new(1, 3 * SECTOR);
        disk.write(0, 0, &[1; SECTOR]).unwrap();
        disk.sync(0).unwrap();
        disk.write(0, SECTOR, &[2; 2 * SECTOR]).unwrap();
        let mut asked = 0;
        disk.lose_power(|| {
            asked += 1;
            asked == 2
        });
        let first: Vec<u8> = disk.bytes(0).chunks(SECTOR).map(|sector| sector[0]).collect();
        assert_eq!((asked, first), (2, vec![1, 0, 2]));
    }
}

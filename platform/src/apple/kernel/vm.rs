//! What the virtual memory tells: `HOST_VM_INFO64`.
//!
//! | offset | type | field | since |
//! |---|---|---|---|
//! | 0 | u32 | free, speculative pages included | revision 0 |
//! | 12 | u32 | wired | |
//! | 48 | u64 | faults | |
//! | 88 | u32 | purgeable | |
//! | 92 | u32 | speculative | |
//! | 112 | u64 | swapins | revision 1 |
//! | 120 | u64 | swapouts | |
//! | 128 | u32 | pages the compressor stands on | |
//! | 136 | u32 | external: what files can be read from again | |
//! | 140 | u32 | internal: what nothing but memory holds | |
//!
//! Revision 1, which came with the compressor in OS X 10.9, ends at 152; nothing behind it is asked
//! for. The caller's count says how much there is room for and must be set before each call.

use super::bytes::{u32_at, u64_at};
use super::{Kernel, Refusal};

/// Words of revision 1.
pub const WORDS: usize = 38;
/// Words of revision 0, from before there was a compressor.
pub const WORDS_BEFORE: usize = 24;
/// The kernel answers anew two to ten times a second, over all programs that Apple didn't sign, and
/// then repeats itself. kymo asks once a second for vitals and once for samples.
pub const INTERVAL_NS: u64 = 1_000_000_000;

/// Counts of pages, and of what happened to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VmStatistics {
    /// Not in use, or read ahead and not asked for yet.
    pub free: u64,
    /// Of those, read ahead.
    pub speculative: u64,
    /// Kept in place by the kernel.
    pub wired: u64,
    /// Of the internal ones, what their owners would do without.
    pub purgeable: u64,
    /// What files hold too, speculative ones included.
    pub external: u64,
    /// What nothing but memory holds.
    pub internal: u64,
    /// What the compressor stands on.
    pub compressor: u64,
    /// Page faults.
    pub faults: u64,
    /// Pages read back from swap.
    pub swap_ins: u64,
    /// Pages written to swap.
    pub swap_outs: u64,
}

impl VmStatistics {
    /// From the words of a kernel that knows the compressor.
    #[must_use]
    pub fn parse(words: &[u32]) -> Option<Self> {
        let mut record = [0; WORDS * 4];
        let room = record.as_chunks_mut::<4>().0;
        if words.len() < WORDS {
            return None;
        }
        room.iter_mut().zip(words).for_each(|(bytes, word)| *bytes = word.to_ne_bytes());
        let pages = |offset| u32_at(&record, offset).map(u64::from);
        let count = |offset| u64_at(&record, offset);
        Some(Self {
            free: pages(0)?,
            speculative: pages(92)?,
            wired: pages(12)?,
            purgeable: pages(88)?,
            external: pages(136)?,
            internal: pages(140)?,
            compressor: pages(128)?,
            faults: count(48)?,
            swap_ins: count(112)?,
            swap_outs: count(120)?,
        })
    }

    /// Pages of free memory: what was read ahead is of files.
    #[must_use]
    pub const fn unused(&self) -> u64 {
        self.free.saturating_sub(self.speculative)
    }

    /// Pages that hold what files hold too, or what nobody would miss.
    #[must_use]
    pub const fn cached(&self) -> u64 {
        self.external.saturating_add(self.purgeable)
    }

    /// Pages that new work could get without swapping or compressing: the free ones, and those that
    /// the kernel takes from files and from purgeable memory first.
    #[must_use]
    pub const fn available(&self) -> u64 {
        self.unused().saturating_add(self.cached())
    }

    /// Pages of programs: Activity Monitor's App Memory.
    #[must_use]
    pub const fn anonymous(&self) -> u64 {
        self.internal.saturating_sub(self.purgeable)
    }
}

/// Asks no more often than is worth it.
#[derive(Debug, Default)]
pub(crate) struct PacedVm {
    last: Option<(u64, Result<VmStatistics, Refusal>)>,
}

impl PacedVm {
    /// What the kernel tells, or told less than [`INTERVAL_NS`] ago.
    pub(crate) fn read(&mut self, kernel: &mut dyn Kernel) -> Result<VmStatistics, Refusal> {
        let now_ns = kernel.clock().awake_ns();
        match self.last {
            Some((at_ns, told)) if now_ns.saturating_sub(at_ns) < INTERVAL_NS => told,
            _ => {
                let told = read(kernel);
                self.last = Some((now_ns, told));
                told
            }
        }
    }
}

/// What the kernel tells now.
///
/// # Errors
///
/// What it said instead; a kernel without a compressor is a fault.
pub fn read(kernel: &mut dyn Kernel) -> Result<VmStatistics, Refusal> {
    let mut words = [0; WORDS];
    let count = kernel.vm_statistics(&mut words)?;
    words.get(..count).and_then(VmStatistics::parse).ok_or(Refusal::Fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each word its own place, so that none can be taken for another.
    fn numbered() -> Vec<u32> {
        (100..).take(WORDS).collect()
    }

    #[test]
    fn every_field_is_at_its_place() {
        let expected = VmStatistics {
            free: 100,
            speculative: 123,
            wired: 103,
            purgeable: 122,
            external: 134,
            internal: 135,
            compressor: 132,
            faults: 112 | 113 << 32,
            swap_ins: 128 | 129 << 32,
            swap_outs: 130 | 131 << 32,
        };
        assert_eq!(VmStatistics::parse(&numbered()), Some(expected));
        // A newer kernel may tell more; an older one has no compressor to tell of.
        let newer: Vec<u32> = (100..).take(WORDS + 40).collect();
        assert_eq!(VmStatistics::parse(&newer), Some(expected));
        assert_eq!(VmStatistics::parse(&numbered()[..WORDS_BEFORE]), None);
        assert_eq!(VmStatistics::parse(&[]), None);
    }

    #[test]
    fn parts_of_memory() {
        let vm = VmStatistics {
            free: 10,
            speculative: 3,
            external: 20,
            purgeable: 5,
            internal: 50,
            ..VmStatistics::default()
        };
        assert_eq!((vm.unused(), vm.cached(), vm.available(), vm.anonymous()), (7, 25, 32, 45));
        // The counts are of no one moment.
        let torn = VmStatistics { speculative: 11, purgeable: 51, ..vm };
        assert_eq!((torn.unused(), torn.anonymous()), (0, 0));
    }

    proptest! {
        #[test]
        fn any_words_are_fine(words: Vec<u32>) {
            if let Some(vm) = VmStatistics::parse(&words) {
                let _ = (vm.available(), vm.anonymous());
            }
        }
    }
}

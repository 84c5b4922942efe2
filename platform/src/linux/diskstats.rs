//! Disk traffic from `/proc/diskstats`, summed over whole disks.
//!
//! One line per block device: major, minor, name, then reads, merged reads, sectors read, ms,
//! writes, merged writes, sectors written and more. A sector is 512 bytes here whatever the device.
//! Which names are whole disks is not decided here: counting partitions, or device-mapper and RAID
//! on top of disks, would count the same bytes twice. The sum falls when a disk goes away.

use kymo_protocol::{NoData, Reading};

use super::text::{lines, number, words};
use crate::machine::Transfer;

/// Bytes in a sector of this file, by the kernel's definition.
const SECTOR_SIZE: u64 = 512;

/// A block device as a line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device<'t> {
    /// Major number.
    pub major: u64,
    /// Minor number.
    pub minor: u64,
    /// Name, such as `nvme0n1`; it may hold a `/`.
    pub name: &'t [u8],
}

/// The sum so far, line by line.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskStats {
    disks: u32,
    sum: Transfer,
    damaged: bool,
}

impl DiskStats {
    /// Adds one line of the file, if `is_disk` says so of its device.
    pub fn line(&mut self, line: &[u8], is_disk: &mut dyn FnMut(Device<'_>) -> bool) {
        self.damaged |= self.add(line, is_disk).is_none();
    }

    /// The sum, after the last line. Without any whole disk there is none, rather than 0.
    pub fn finish(self) -> Reading<Transfer> {
        if self.damaged {
            Err(NoData::Fault)
        } else if self.disks == 0 {
            Err(NoData::Absent)
        } else {
            Ok(self.sum)
        }
    }

    fn add(&mut self, line: &[u8], is_disk: &mut dyn FnMut(Device<'_>) -> bool) -> Option<()> {
        let mut words = words(line);
        let (major, minor) = (number(words.next()?)?, number(words.next()?)?);
        if !is_disk(Device { major, minor, name: words.next()? }) {
            return Some(());
        }
        let read = number(words.nth(2)?)?.checked_mul(SECTOR_SIZE)?;
        let written = number(words.nth(3)?)?.checked_mul(SECTOR_SIZE)?;
        self.sum.inward = self.sum.inward.checked_add(read)?;
        self.sum.outward = self.sum.outward.checked_add(written)?;
        self.disks = self.disks.saturating_add(1);
        Some(())
    }
}

/// Takes the sum from the whole text.
pub fn parse(text: &[u8], is_disk: &mut dyn FnMut(Device<'_>) -> bool) -> Reading<Transfer> {
    let mut sum = DiskStats::default();
    lines(text).for_each(|line| sum.line(line, is_disk));
    sum.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::disks::{Kind, kind_by_name};
    use proptest::prelude::*;

    fn read(text: &str) -> Reading<Transfer> {
        parse(text.as_bytes(), &mut |device| kind_by_name(device.name) == Kind::Disk)
    }

    const OURS: &str = "   7       0 loop0 9 9 9 9 9 9 9 9 0 0 0 0 0 0 0 0 0\n 254       0 vda \
        5438 2622 1764458 4237 759 5342 295488 774 0 2096 5168 3056 43 39120 154 54 2\n \
        253       0 zram0 9 9 9 9 9 9 9 9 0 0 0 0 0 0 0 0 0\n";

    #[test]
    fn real_texts() {
        let sum = Transfer { inward: 1_764_458 * 512, outward: 295_488 * 512 };
        assert_eq!(read(OURS), Ok(sum));
        assert_eq!(read(OURS.trim_end()), Ok(sum));
        // Linux 2.6 had eleven numbers a disk and four a partition.
        let old = "   8    0 sda 1 0 10 0 1 0 20 0 0 0 0\n   8    1 sda1 1 8 1 8\n";
        assert_eq!(read(old), Ok(Transfer { inward: 5_120, outward: 10_240 }));
    }

    #[test]
    fn partitions_and_what_lies_on_disks_are_not_counted_twice() {
        let numbers = "1 0 2 0 1 0 4 0 0 0 0";
        let mut text = String::new();
        for name in ["nvme0n1", "mmcblk0", "cciss/c0d0"] {
            text.push_str(&format!("259 0 {name} {numbers}\n"));
        }
        for name in ["nvme0n1p1", "mmcblk0p2", "mmcblk0boot0p1", "dm-0", "md127", "zram0", "ram15"]
        {
            text.push_str(&format!("259 1 {name} {numbers}\n"));
        }
        assert_eq!(read(&text), Ok(Transfer { inward: 3 * 1024, outward: 3 * 2048 }));
    }

    #[test]
    fn extremes() {
        let sectors = u64::MAX / 512;
        let largest = format!("8 0 sda 1 0 {sectors} 0 1 0 {sectors} 0 0 0 0\n");
        assert_eq!(read(&largest), Ok(Transfer { inward: sectors * 512, outward: sectors * 512 }));
        let overflow = format!("8 0 sda 1 0 {} 0 1 0 0 0 0 0 0\n", u64::MAX);
        assert_eq!(read(&overflow), Err(NoData::Fault));
        assert_eq!(read(&format!("{largest}{largest}")), Err(NoData::Fault));
    }

    #[test]
    fn what_the_kernel_does_not_write_is_a_fault() {
        for text in
            ["", "8", "8 0", "8 x sda", "8 0 sda 1 0 2 0 1 0", "8 0 sda 1 0 -2 0 1 0 4 0", "\u{0}"]
        {
            assert_eq!(read(text), Err(NoData::Fault), "{text:?}");
        }
        assert_eq!(read("7 0 loop0 0 0 0 0 0 0 0 0 0 0 0\n"), Err(NoData::Absent));
    }

    proptest! {
        #[test]
        fn any_bytes_are_fine(bytes: Vec<u8>) {
            let _ = read(&String::from_utf8_lossy(&bytes));
            let _ = parse(&bytes, &mut |_| true);
        }

        #[test]
        fn any_damage_is_fine(
            at: proptest::sample::Index, size in 0..30usize, with in "[-0-9.: \n]{0,30}",
        ) {
            let mut text = OURS.as_bytes().to_vec();
            let at = at.index(text.len());
            let end = text.len().min(at + size);
            text.splice(at..end, with.bytes());
            let _ = parse(&text, &mut |_| true);
        }

        #[test]
        fn well_formed_text_round_trips(
            disks in proptest::collection::vec((0..1u64 << 45, 0..1u64 << 45), 1..60),
        ) {
            let mut text = String::new();
            let mut sum = Transfer::default();
            for (number, (read, written)) in disks.iter().enumerate() {
                text.push_str(&format!(
                    " 259 {number:7} nvme{number}n1 1 2 {read} 3 4 5 {written} 6 0 7 8\n"
                ));
                sum.inward += read * 512;
                sum.outward += written * 512;
            }
            prop_assert_eq!(read(&text), Ok(sum));
        }
    }
}

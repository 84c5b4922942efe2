//! Memory and swap from `/proc/meminfo`.
//!
//! Lines of a key, a number and `kB`, which means 1,024 bytes. What has no line is absent: kernels
//! before 3.14 and some containers have no MemAvailable. What can't be true is a fault, by itself.

use kymo_protocol::{NoData, Reading};

use super::text::{lines, number, words};
use crate::machine::Memory;

/// Takes the four values from the text of the file.
pub fn parse(text: &[u8]) -> Memory {
    let mut memory = none(NoData::Absent);
    let mut missing = 4;
    for line in lines(text) {
        let mut words = words(line);
        let value = match words.next() {
            Some(b"MemTotal:") => &mut memory.total,
            Some(b"MemAvailable:") => &mut memory.available,
            Some(b"SwapTotal:") => &mut memory.swap_total,
            Some(b"SwapFree:") => &mut memory.swap_free,
            _ => continue,
        };
        // A key comes once; if it came twice, the first would hold.
        if *value != Err(NoData::Absent) {
            continue;
        }
        *value = bytes(words.next(), words.next());
        missing -= 1;
        if missing == 0 {
            break;
        }
    }
    if missing == 4 { none(NoData::Fault) } else { plausible(memory) }
}

/// The same reason for all four values.
pub fn none(reason: NoData) -> Memory {
    Memory {
        total: Err(reason),
        available: Err(reason),
        swap_total: Err(reason),
        swap_free: Err(reason),
    }
}

fn bytes(value: Option<&[u8]>, unit: Option<&[u8]>) -> Reading<u64> {
    let kib = value.and_then(number).filter(|_| unit == Some(b"kB"));
    kib.and_then(|kib| kib.checked_mul(1024)).ok_or(NoData::Fault)
}

fn plausible(mut memory: Memory) -> Memory {
    if memory.total == Ok(0) {
        memory.total = Err(NoData::Fault);
    }
    if exceeds(memory.available, memory.total) {
        memory.available = Err(NoData::Fault);
    }
    if exceeds(memory.swap_free, memory.swap_total) {
        memory.swap_free = Err(NoData::Fault);
    }
    memory
}

fn exceeds(part: Reading<u64>, whole: Reading<u64>) -> bool {
    matches!((part, whole), (Ok(part), Ok(whole)) if part > whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OURS: &str = "MemTotal:       24682416 kB\nMemFree:        24372212 kB\n\
        MemAvailable:   24385884 kB\nBuffers:             676 kB\nCached:           222668 kB\n\
        SwapCached:            0 kB\nActive:            17972 kB\nSwapTotal:       2097148 kB\n\
        SwapFree:        2097144 kB\nHugePages_Total:       0\nDirectMap4k:       26624 kB\n";

    #[test]
    fn real_text() {
        let read = parse(OURS.as_bytes());
        assert_eq!(read.total, Ok(24_682_416 * 1024));
        assert_eq!(read.available, Ok(24_385_884 * 1024));
        assert_eq!(read.swap_total, Ok(2_097_148 * 1024));
        assert_eq!(read.swap_free, Ok(2_097_144 * 1024));
        assert_eq!(parse(OURS.trim_end().as_bytes()), read);
    }

    #[test]
    fn a_machine_without_swap_has_read_zeroes() {
        let read = parse(b"MemTotal: 8 kB\nMemAvailable: 4 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n");
        assert_eq!((read.swap_total, read.swap_free), (Ok(0), Ok(0)));
    }

    #[test]
    fn without_mem_available_only_that_is_absent() {
        let read = parse(b"MemTotal: 8 kB\nMemFree: 4 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n");
        assert_eq!((read.total, read.available), (Ok(8192), Err(NoData::Absent)));
    }

    #[test]
    fn what_can_not_be_true_is_a_fault_by_itself() {
        let read = parse(b"MemTotal: 8 kB\nMemAvailable: 9 kB\nSwapTotal: 1 kB\nSwapFree: 2 kB\n");
        assert_eq!((read.total, read.available), (Ok(8192), Err(NoData::Fault)));
        assert_eq!((read.swap_total, read.swap_free), (Ok(1024), Err(NoData::Fault)));
        let read = parse(b"MemTotal: 0 kB\nMemAvailable: 18446744073709551615 kB\n");
        assert_eq!((read.total, read.available), (Err(NoData::Fault), Err(NoData::Fault)));
        assert_eq!(read.swap_total, Err(NoData::Absent));
    }

    #[test]
    fn a_line_cut_short_or_damaged_is_a_fault() {
        for line in
            ["MemTotal:", "MemTotal: 24", "MemTotal: 24 k", "MemTotal: 2x kB", "MemTotal: kB"]
        {
            assert_eq!(parse(line.as_bytes()).total, Err(NoData::Fault), "{line}");
        }
        for text in ["", "\n\n", "Hello: 4 kB", "\u{0}\u{1}\u{2}", "MemTotal"] {
            assert_eq!(parse(text.as_bytes()), none(NoData::Fault), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_fine(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }

        #[test]
        fn any_damage_is_fine(
            at: proptest::sample::Index, size in 0..30usize, with in "[-0-9.: \n]{0,30}",
        ) {
            let mut text = OURS.as_bytes().to_vec();
            let at = at.index(text.len());
            let end = text.len().min(at + size);
            text.splice(at..end, with.bytes());
            let _ = parse(&text);
        }

        #[test]
        fn well_formed_text_round_trips(
            total in 1..u64::MAX / 1024, available: u64, swap in 0..u64::MAX / 1024, free: u64,
        ) {
            let (available, free) = (available % (total + 1), free % (swap + 1));
            let text = format!(
                "MemTotal: {total} kB\nMemFree: 1 kB\nMemAvailable: {available} kB\n\
                 SwapTotal: {swap} kB\nSwapFree: {free} kB\n"
            );
            prop_assert_eq!(parse(text.as_bytes()), Memory {
                total: Ok(total * 1024),
                available: Ok(available * 1024),
                swap_total: Ok(swap * 1024),
                swap_free: Ok(free * 1024),
            });
        }
    }
}

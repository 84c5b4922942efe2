//! CPU time from `/proc/stat`: its first line, the sum over all CPUs.
//!
//! Ticks of 1/100 s: user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice. Old
//! kernels have only the first four. Guest time is inside user and nice already. The kernel may
//! correct idle and iowait downwards, so a difference of two readings can be negative.

use kymo_protocol::{NoData, Reading};

use super::text::{number, words};
use crate::machine::CpuTime;

const COLUMNS_MIN: usize = 4;
/// Up to steal: what comes later is counted in earlier columns.
const COLUMNS: usize = 8;
const IDLE: usize = 3;
const IOWAIT: usize = 4;

/// Takes the CPU time from the beginning of the file; only its first line is looked at.
pub fn parse(text: &[u8]) -> Reading<CpuTime> {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut words = words(line);
    if words.next() != Some(b"cpu") {
        return Err(NoData::Fault);
    }
    let mut time = CpuTime::default();
    let mut columns = 0;
    for word in words.take(COLUMNS) {
        let ticks = number(word).ok_or(NoData::Fault)?;
        time.total = time.total.checked_add(ticks).ok_or(NoData::Fault)?;
        if columns != IDLE && columns != IOWAIT {
            // Never more than the total, which didn't overflow.
            time.busy = time.busy.saturating_add(ticks);
        }
        columns += 1;
    }
    if columns < COLUMNS_MIN { Err(NoData::Fault) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn real_texts() {
        let ours = b"cpu  930 0 1195 139078 142 0 15 12 0 0\ncpu0 309 0 490 69859 7 0 3 5 0 0\n";
        assert_eq!(parse(ours), Ok(CpuTime { busy: 2152, total: 141_372 }));
        // A host of virtual machines: guest time is part of user and is not added again.
        let host = b"cpu  1000 20 300 4000 50 6 7 8 900 10\n";
        assert_eq!(parse(host), Ok(CpuTime { busy: 1341, total: 5391 }));
        let linux_2_4 = b"cpu  100 20 30 400\ncpu0 100 20 30 400\n";
        assert_eq!(parse(linux_2_4), Ok(CpuTime { busy: 150, total: 550 }));
        assert_eq!(parse(b"cpu 1 2 3 4"), Ok(CpuTime { busy: 6, total: 10 }));
        assert_eq!(parse(b"cpu  0 0 0 0 0 0 0 0 0 0\n"), Ok(CpuTime::default()));
    }

    #[test]
    fn only_the_first_line_counts_whatever_the_number_of_cpus() {
        let mut text = String::from("cpu  256 0 256 25600 0 0 0 0 0 0\n");
        for cpu in 0..256 {
            text.push_str(&format!("cpu{cpu} 1 0 1 100 0 0 0 0 0 0\n"));
        }
        assert_eq!(parse(text.as_bytes()), Ok(CpuTime { busy: 512, total: 26_112 }));
    }

    #[test]
    fn extremes() {
        let idle = format!("cpu 0 0 0 {}", u64::MAX);
        assert_eq!(parse(idle.as_bytes()), Ok(CpuTime { busy: 0, total: u64::MAX }));
        let overflow = format!("cpu 1 0 0 {}", u64::MAX);
        assert_eq!(parse(overflow.as_bytes()), Err(NoData::Fault));
    }

    #[test]
    fn what_the_kernel_does_not_write_is_a_fault() {
        let texts: [&[u8]; 9] = [
            b"",
            b"\n",
            b"cpu",
            b"cpu  1 2 3",
            b"cpu0 1 2 3 4 5 6 7 8",
            b"cpu 1 2 x 4",
            b"cpu 1 2 -3 4",
            b"intr 1 2 3 4\ncpu 1 2 3 4",
            b"\x7fELF\x02\x01\x01\0",
        ];
        for text in texts {
            assert_eq!(parse(text), Err(NoData::Fault), "{text:?}");
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
            let mut text = b"cpu  930 0 1195 139078 142 0 15 12 0 0\ncpu0 1 2 3 4\n".to_vec();
            let at = at.index(text.len());
            let end = text.len().min(at + size);
            text.splice(at..end, with.bytes());
            let _ = parse(&text);
        }

        #[test]
        fn well_formed_text_round_trips(
            ticks in proptest::collection::vec(0..u64::MAX / 16, 4..=10),
        ) {
            let mut text = String::from("cpu ");
            for ticks in &ticks {
                text.push_str(&format!(" {ticks}"));
            }
            let counted = &ticks[..ticks.len().min(COLUMNS)];
            let total: u64 = counted.iter().sum();
            let idle: u64 = counted.iter().skip(IDLE).take(2).sum();
            prop_assert_eq!(parse(text.as_bytes()), Ok(CpuTime { busy: total - idle, total }));
        }
    }
}

//! Network traffic from `/proc/net/dev`, summed over all interfaces but loopback.
//!
//! Two lines of headings, then one line per interface: a name, a colon, eight numbers received and
//! eight sent, bytes first. Old kernels put no blank behind the colon, and named aliases `eth0:1`.
//! The sum falls when an interface goes away; a difference of two readings can be negative. The
//! interfaces are those of the network namespace that the file was opened in.

use kymo_protocol::{NoData, Reading};

use super::text::{lines, number, words};
use crate::machine::Transfer;

/// Bytes sent are the ninth number.
const SENT: usize = 8;
const HEADINGS: u32 = 2;

/// The sum so far, line by line.
#[derive(Clone, Copy, Debug, Default)]
pub struct NetDev {
    lines: u32,
    interfaces: u32,
    sum: Transfer,
    damaged: bool,
}

impl NetDev {
    /// Adds one line of the file; they come in order.
    pub fn line(&mut self, line: &[u8]) {
        self.lines = self.lines.saturating_add(1);
        let good =
            if self.lines <= HEADINGS { line.contains(&b'|') } else { self.add(line).is_some() };
        self.damaged |= !good;
    }

    /// The sum, after the last line. Without any interface there is none, rather than 0.
    pub fn finish(self) -> Reading<Transfer> {
        if self.damaged || self.lines < HEADINGS {
            Err(NoData::Fault)
        } else if self.interfaces == 0 {
            Err(NoData::Absent)
        } else {
            Ok(self.sum)
        }
    }

    fn add(&mut self, line: &[u8]) -> Option<()> {
        let colon = line.iter().rposition(|byte| *byte == b':')?;
        let name = line.get(..colon)?.trim_ascii_start();
        if name.is_empty() {
            return None;
        }
        let mut words = words(line.get(colon + 1..)?);
        let received = number(words.next()?)?;
        let sent = number(words.nth(SENT - 1)?)?;
        if name == b"lo" || name.starts_with(b"lo:") {
            return Some(());
        }
        self.sum.inward = self.sum.inward.checked_add(received)?;
        self.sum.outward = self.sum.outward.checked_add(sent)?;
        self.interfaces = self.interfaces.saturating_add(1);
        Some(())
    }
}

/// Takes the sum from the whole text.
pub fn parse(text: &[u8]) -> Reading<Transfer> {
    let mut sum = NetDev::default();
    lines(text).for_each(|line| sum.line(line));
    sum.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: &str = "Inter-|   Receive                                           |  Transmit\n \
        face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs \
        drop fifo colls carrier compressed\n";

    fn read(lines: &str) -> Reading<Transfer> {
        parse(format!("{HEAD}{lines}").as_bytes())
    }

    #[test]
    fn real_text() {
        let ours = "    lo:    3193      29    0    0    0     0          0         0     3193 \
            29    0    0    0     0       0          0\n  ifb0:       0       0    0    0    0 \
            0 0 0 0 0 0    0    0     0       0          0\n  eth0: 11936321     713    0    0 \
            0     0 0 0 90058     634    0    0    0     0       0          0\n";
        assert_eq!(read(ours), Ok(Transfer { inward: 11_936_321, outward: 90_058 }));
        assert_eq!(read(ours.trim_end()), read(ours));
    }

    #[test]
    fn names_of_any_kind() {
        let numbers = "5 0 0 0 0 0 0 0 7 0 0 0 0 0 0 0";
        let five_seven = Ok(Transfer { inward: 5, outward: 7 });
        for name in ["wlx0123456789ab", "eth0:1", "br-0a1b2c3d4e5f", "a|b", "lo0", "loop", "tun-é"]
        {
            assert_eq!(read(&format!("{name}: {numbers}\n")), five_seven, "{name}");
            assert_eq!(read(&format!("{name}:{numbers}\n")), five_seven, "{name}");
        }
        assert_eq!(read(&format!("lo: {numbers}\nlo:1: {numbers}\n")), Err(NoData::Absent));
        assert_eq!(read(""), Err(NoData::Absent));
    }

    #[test]
    fn extremes() {
        let largest = format!("eth0: {0} 0 0 0 0 0 0 0 {0} 0 0 0 0 0 0 0\n", u64::MAX);
        assert_eq!(read(&largest), Ok(Transfer { inward: u64::MAX, outward: u64::MAX }));
        let more = format!("{largest}eth1: 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n");
        assert_eq!(read(&more), Err(NoData::Fault));
    }

    #[test]
    fn what_the_kernel_does_not_write_is_a_fault() {
        for line in
            ["eth0", "eth0:", "eth0: 1 2 3 4 5 6 7 8", "eth0: x 0 0 0 0 0 0 0 1", ": 1 2", "\n"]
        {
            assert_eq!(read(&format!("{line}\n")), Err(NoData::Fault), "{line:?}");
        }
        assert_eq!(parse(b""), Err(NoData::Fault));
        assert_eq!(parse(b"eth0: 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n"), Err(NoData::Fault));
        assert_eq!(parse(b"\xff\xfe|\0|\n|\n\x80:"), Err(NoData::Fault));
    }

    proptest! {
        #[test]
        fn any_bytes_are_fine(bytes: Vec<u8>) {
            let _ = parse(&bytes);
            let _ = read(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn any_damage_is_fine(
            at: proptest::sample::Index, size in 0..30usize, with in "[-0-9.: \n]{0,30}",
        ) {
            let mut text = HEAD.as_bytes().to_vec();
            text.extend_from_slice(b"eth0: 1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0\n");
            let at = at.index(text.len());
            let end = text.len().min(at + size);
            text.splice(at..end, with.bytes());
            let _ = parse(&text);
        }

        #[test]
        fn well_formed_text_round_trips(
            devices in proptest::collection::vec(
                ("[a-z][a-z0-9.@-]{2,14}", 0..1u64 << 58, 0..1u64 << 58), 1..40,
            ),
        ) {
            let mut text = String::new();
            let mut sum = Transfer::default();
            for (name, inward, outward) in &devices {
                text.push_str(&format!(
                    "{name:>6}: {inward} 1 2 3 4 5 6 7 {outward} 9 8 7 6 5 4 3\n"
                ));
                sum.inward += inward;
                sum.outward += outward;
            }
            prop_assert_eq!(read(&text), Ok(sum));
        }
    }
}

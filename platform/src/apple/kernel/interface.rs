//! A network interface: `struct ifmibdata`, 180 bytes, of which `net.link.generic.ifalldata` has
//! one for each.
//!
//! | offset | type | field |
//! |---|---|---|
//! | 0 | u8 × 16 | name, empty for one that is being taken away |
//! | 20 | u32 | flags |
//! | 32 | u32 | packets dropped on sending |
//! | 52 | u8 | type |
//! | 76 | u64 | packets received |
//! | 84 | u64 | errors on receipt |
//! | 92 | u64 | packets sent |
//! | 100 | u64 | errors on sending |
//! | 116 | u64 | bytes received |
//! | 124 | u64 | bytes sent |
//! | 148 | u64 | packets dropped on receipt |
//!
//! `NET_RT_IFLIST2` tells the same of each, but to a program that Apple did not sign it tells bytes
//! in steps of 1,024 and, since macOS 13, without their upper 32 bits.

use super::bytes::{text_at, u32_at, u64_at};
use super::{Kernel, Refusal};

/// Bytes of a record.
pub const SIZE: usize = 180;
/// Bytes of a name, with its NUL.
const NAME_SIZE: usize = 16;

// Of `net/if.h` and `net/if_types.h`.
const IFF_LOOPBACK: u32 = 0x8;
const IFF_POINT_TO_POINT: u32 = 0x10;
const IFT_STF: u8 = 0x39;
const IFT_L2VLAN: u8 = 0x87;
const IFT_IEEE8023ADLAG: u8 = 0x88;
const IFT_BRIDGE: u8 = 0xd1;
const IFT_PKTAP: u8 = 0xfe;
const IFT_CELLULAR: u8 = 0xff;
/// To the machine's own chips, to virtual machines, and pairs of ends in one machine.
const INTERNAL: [&[u8]; 3] = [b"anpi", b"vmenet", b"feth"];

/// What there is of an interface, with its counts since it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface<'r> {
    /// `en0`, `utun3`.
    pub name: &'r [u8],
    flags: u32,
    kind: u8,
    /// Bytes, packets, errors and drops on receipt.
    pub received: [u64; 4],
    /// The same on sending.
    pub sent: [u64; 4],
}

impl<'r> Interface<'r> {
    /// `None` for one that is being taken away.
    #[must_use]
    pub fn parse(record: &'r [u8]) -> Option<Self> {
        let name = text_at(record, 0, NAME_SIZE).filter(|name| !name.is_empty())?;
        let count = |offset| u64_at(record, offset);
        Some(Self {
            name,
            flags: u32_at(record, 20)?,
            kind: *record.get(52)?,
            received: [count(116)?, count(76)?, count(84)?, count(148)?],
            sent: [count(124)?, count(92)?, count(100)?, u32_at(record, 32)?.into()],
        })
    }

    /// Whether its bytes are the machine's traffic, and no other interface's again. Tunnels, VLANs,
    /// aggregates and bridges move their bytes over another one; loopback moves none anywhere; a
    /// tap sees those of all.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        let is_within = self.flags & IFF_LOOPBACK != 0
            || self.flags & IFF_POINT_TO_POINT != 0 && self.kind != IFT_CELLULAR
            || matches!(
                self.kind,
                IFT_STF | IFT_L2VLAN | IFT_IEEE8023ADLAG | IFT_BRIDGE | IFT_PKTAP
            );
        !is_within && !INTERNAL.iter().any(|name| self.name.starts_with(name))
    }
}

/// Hands each interface of a kernel to `each`; `table` is where its records go.
///
/// # Errors
///
/// What the kernel said instead; records of another size are a fault.
pub fn each(
    kernel: &mut dyn Kernel,
    table: &mut [u8],
    each: &mut dyn FnMut(&Interface<'_>),
) -> Result<(), Refusal> {
    let size = kernel.interfaces(table)?;
    let (records, rest) = table.get(..size).unwrap_or_default().as_chunks::<SIZE>();
    if records.is_empty() && size > 0 || !rest.is_empty() {
        return Err(Refusal::Fault);
    }
    records.iter().filter_map(|record| Interface::parse(record)).for_each(|one| each(&one));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A record with its own number in each field of 64 bits.
    fn record(name: &[u8], flags: u32, kind: u8) -> [u8; SIZE] {
        let mut record = [0xee; SIZE];
        record[..NAME_SIZE].fill(0);
        record[..name.len()].copy_from_slice(name);
        record[20..24].copy_from_slice(&flags.to_ne_bytes());
        record[32..36].copy_from_slice(&7u32.to_ne_bytes());
        record[52] = kind;
        for offset in (68..164).step_by(8) {
            let number = u64::try_from(offset).unwrap() << 32 | 1;
            record[offset..offset + 8].copy_from_slice(&number.to_ne_bytes());
        }
        record
    }

    #[test]
    fn every_field_is_at_its_place() {
        let record = record(b"en0", 0x8863, 6);
        let at = |offset: u64| offset << 32 | 1;
        let expected = Interface {
            name: b"en0",
            flags: 0x8863,
            kind: 6,
            received: [at(116), at(76), at(84), at(148)],
            sent: [at(124), at(92), at(100), 7],
        };
        assert_eq!(Interface::parse(&record), Some(expected));
        assert_eq!(Interface::parse(&record[..155]), None);
        assert_eq!(Interface::parse(&[0; SIZE]), None);
        let long = Interface::parse(&[b'x'; SIZE]).unwrap().name.len();
        assert_eq!(long, NAME_SIZE);
    }

    #[test]
    fn no_byte_counts_twice() {
        let counted = |name: &str, flags, kind| {
            Interface::parse(&record(name.as_bytes(), flags, kind)).unwrap().is_counted()
        };
        for (name, flags, kind) in [
            ("en0", 0x8863, 6),
            ("awdl0", 0x8943, 6),
            ("llw0", 0x8863, 6),
            ("ap1", 0x8802, 6),
            ("pdp_ip0", 0x8011, 0xff),
        ] {
            assert!(counted(name, flags, kind), "{name}");
        }
        for (name, flags, kind) in [
            ("lo0", 0x8049, 24),
            ("gif0", 0x8010, 0x37),
            ("stf0", 0, 0x39),
            ("pktap0", 0x41, 0xfe),
            ("utun3", 0x8051, 1),
            ("ppp0", 0x8051, 23),
            ("bridge0", 0x8863, 0xd1),
            ("vlan0", 0x8843, 0x87),
            ("bond0", 0x8843, 0x88),
            ("anpi0", 0x8863, 6),
            ("vmenet0", 0x8b63, 6),
            ("feth0", 0x8843, 6),
        ] {
            assert!(!counted(name, flags, kind), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_fine(bytes: Vec<u8>, record in proptest::array::uniform32(any::<u8>())) {
            let _ = Interface::parse(&bytes).map(|interface| interface.is_counted());
            let _ = Interface::parse(&record.repeat(6)).map(|interface| interface.is_counted());
        }
    }
}

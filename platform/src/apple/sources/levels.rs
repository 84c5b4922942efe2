//! Which processors are fast and which slow: `hw.perflevelN`, fastest first.
//!
//! The kernel tells how many there are of each level, not which. On chips of one die, up to the M4,
//! the slow ones have the lowest numbers (public reports of M1 to M4); of two dies joined, and of
//! newer chips, nothing is told rather than something wrong.

use std::ffi::CStr;

use crate::apple::kernel::values::{self, Text};
use crate::apple::kernel::{Kernel, Refusal};

/// How many, and what they are called.
const NAMES: [(&CStr, &CStr); 2] = [
    (c"hw.perflevel0.logicalcpu_max", c"hw.perflevel0.name"),
    (c"hw.perflevel1.logicalcpu_max", c"hw.perflevel1.name"),
];
const CHIPS: [&[u8]; 4] = [b"Apple M1", b"Apple M2", b"Apple M3", b"Apple M4"];

/// The levels of processors that are known by their numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Levels {
    /// Those of lower numbers first: up to which number, and the name.
    levels: heapless::Vec<(usize, Text), 2>,
}

impl Levels {
    /// Of a machine with `count` processors.
    pub(super) fn read(kernel: &mut dyn Kernel, count: usize) -> Self {
        Self::known(kernel, count).unwrap_or_default()
    }

    fn known(kernel: &mut dyn Kernel, count: usize) -> Result<Self, Refusal> {
        let chip = values::text(kernel, c"machdep.cpu.brand_string")?;
        let is_known = CHIPS.iter().any(|known| {
            let rest = chip.strip_prefix(*known);
            matches!(rest, Some(b"" | b" Pro" | b" Max"))
        });
        if !is_known || values::number(kernel, c"hw.nperflevels")? != 2 {
            return Err(Refusal::Absent);
        }
        let mut levels = Self::default();
        let mut end = 0;
        for (number, name) in NAMES.iter().rev() {
            let number = values::number(kernel, number)?;
            end += usize::try_from(number).map_err(|_| Refusal::Fault)?;
            // Two of two.
            let _ = levels.levels.push((end, values::text(kernel, name)?));
        }
        if end == count { Ok(levels) } else { Err(Refusal::Fault) }
    }

    /// What the level of a processor is called, if it is known.
    pub(super) fn of(&self, number: usize) -> Option<&str> {
        let (_, name) = self.levels.iter().find(|(end, _)| number < *end)?;
        core::str::from_utf8(name).ok().filter(|name| !name.contains(char::is_control))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apple::kernel::fake::{FakeKernel, FakeMac};
    use crate::apple::kernel::macs;

    fn levels(mac: FakeMac, count: usize) -> Vec<Option<String>> {
        let levels = Levels::read(&mut FakeKernel::new(mac), count);
        (0..count).map(|number| levels.of(number).map(str::to_owned)).collect()
    }

    #[test]
    fn the_slow_ones_come_first_where_that_is_known() {
        let told = levels(macs::m1(), 8);
        let [slow, fast] = ["Efficiency", "Performance"].map(|name| Some(name.to_owned()));
        assert!(told[..4].iter().all(|level| *level == slow), "{told:?}");
        assert!(told[4..].iter().all(|level| *level == fast), "{told:?}");
        let told = levels(macs::m3_max(), 16);
        assert_eq!(told.iter().filter(|level| **level == fast).count(), 12);
        assert_eq!((&told[3], &told[4]), (&slow, &fast));
        for (mac, count) in [
            (macs::intel(), 8),
            (macs::m1_ultra(), 20),
            (macs::m1().with(c"machdep.cpu.brand_string", b"Apple M5 Max\0"), 8),
            (macs::m1().with(c"machdep.cpu.brand_string", b"Apple M10\0"), 8),
            (macs::m1().with(c"hw.nperflevels", &3u32.to_ne_bytes()), 8),
            // Some of them are switched off.
            (macs::m1(), 6),
            (FakeMac::default(), 0),
        ] {
            assert!(levels(mac, count).iter().all(Option::is_none));
        }
    }
}

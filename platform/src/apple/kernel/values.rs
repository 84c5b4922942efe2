//! Values of `sysctlbyname`.
//!
//! | name | bytes | layout |
//! |---|---|---|
//! | `vm.swapusage` | 32 | u64 total, u64 available, u64 used, u32 bytes of a page, u32 encrypted |
//! | `vm.loadavg` | 24 | u32 × 3, 4 bytes of padding, i64 what 1.0 is |
//! | `hw.memsize` and other numbers | 4 or 8 | u32 or u64 |
//! | `hw.perflevelN.name`, `machdep.cpu.brand_string` | | text with a NUL |

use std::ffi::CStr;

use super::bytes::{take, text_at, u32_at, u64_at};
use super::{Kernel, Refusal};

/// Names that end in more than this are of no chip.
pub const TEXT_SIZE_MAX: usize = 64;

/// A text of the kernel.
pub type Text = heapless::Vec<u8, TEXT_SIZE_MAX>;

/// Swap space, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swap {
    /// All of it: it grows and shrinks with the need, down to none at all.
    pub total: u64,
    /// Not in use.
    pub available: u64,
    /// In use.
    pub used: u64,
}

impl Swap {
    /// `vm.swapusage`.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let number = |offset| u64_at(value, offset);
        let swap = Self { total: number(0)?, available: number(8)?, used: number(16)? };
        (swap.available <= swap.total && swap.used <= swap.total).then_some(swap)
    }

    /// The same from a kernel.
    ///
    /// # Errors
    ///
    /// What the kernel said instead; a value that can't be true is a fault.
    pub fn read(kernel: &mut dyn Kernel) -> Result<Self, Refusal> {
        let mut value = [0; 32];
        let size = kernel.sysctl(c"vm.swapusage", &mut value)?;
        value.get(..size).and_then(Self::parse).ok_or(Refusal::Fault)
    }
}

/// Tasks that run or wait for a processor, averaged over 1, 5 and 15 minutes. `vm.loadavg`.
#[must_use]
pub fn load(value: &[u8]) -> Option<[f32; 3]> {
    let scale = take(value, 16).map(i64::from_ne_bytes).filter(|scale| *scale > 0)?;
    let mut loads = [0.0; 3];
    for (place, load) in loads.iter_mut().enumerate() {
        *load = narrow(f64::from(u32_at(value, place * 4)?) / scale as f64);
    }
    Some(loads)
}

/// Loads are told in hundredths or so.
#[expect(clippy::cast_possible_truncation, reason = "rounding is meant")]
fn narrow(load: f64) -> f32 {
    load as f32
}

/// A number, of whichever width the kernel has it.
///
/// # Errors
///
/// What the kernel said instead; one of another width is a fault.
pub fn number(kernel: &mut dyn Kernel, name: &CStr) -> Result<u64, Refusal> {
    let mut value = [0; 8];
    let size = kernel.sysctl(name, &mut value)?;
    let number = match size {
        4 => u32_at(&value, 0).map(u64::from),
        8 => u64_at(&value, 0),
        _ => None,
    };
    number.ok_or(Refusal::Fault)
}

/// A text, without its NUL.
///
/// # Errors
///
/// What the kernel said instead.
pub fn text(kernel: &mut dyn Kernel, name: &CStr) -> Result<Text, Refusal> {
    let mut value = [0; TEXT_SIZE_MAX];
    let size = kernel.sysctl(name, &mut value)?;
    let text = text_at(&value, 0, size).and_then(|text| Text::from_slice(text).ok());
    text.ok_or(Refusal::Fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_as_macs_answer_them() {
        // 2 GiB, of which 1.25 are free; pages of 16 KiB, encrypted.
        let mut swap = [0u8; 32];
        swap[3] = 0x80;
        swap[11] = 0x50;
        swap[19] = 0x30;
        swap[25] = 0x40;
        swap[28] = 1;
        let expected = Swap { total: 2 << 30, available: 5 << 28, used: 3 << 28 };
        assert_eq!(Swap::parse(&swap), Some(expected));
        assert_eq!(Swap::parse(&[0; 32]), Some(Swap { total: 0, available: 0, used: 0 }));
        assert_eq!(Swap::parse(&swap[..23]), None);
        // More is free than there is.
        swap[12] = 1;
        assert_eq!(Swap::parse(&swap), None);

        // 1.5, 2.25 and 0 of 2048, with what lies in the padding.
        let mut loads = [0u8; 24];
        loads[1] = 0x0c;
        loads[5] = 0x12;
        loads[12..16].fill(0xff);
        loads[17] = 0x08;
        assert_eq!(load(&loads), Some([1.5, 2.25, 0.0]));
        assert_eq!(load(&loads[..20]), None);
        loads[17] = 0;
        assert_eq!(load(&loads), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_fine(bytes: Vec<u8>) {
            let _ = Swap::parse(&bytes);
            if let Some(loads) = load(&bytes) {
                prop_assert!(loads.iter().all(|load| load.is_finite() && *load >= 0.0));
            }
        }
    }
}

//! A short name for the kernel, built without allocating: what lies below an open directory.
//!
//! A name that grows too long, or holds a NUL, names nothing.

use std::ffi::CStr;

use super::text::number;

/// Longer than any attribute of sysfs with the folder it lies in, and a NUL.
const SIZE_MAX: usize = 96;

/// A name that grows at its end.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    /// Zeroes from `size` on.
    bytes: [u8; SIZE_MAX],
    size: usize,
}

impl Name {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; SIZE_MAX], size: 0 }
    }

    /// `prefix`, `index` in decimal, `suffix`: `temp1_input`.
    pub(crate) fn indexed(prefix: &str, index: u16, suffix: &str) -> Self {
        let mut name = Self::new();
        name.extend(prefix.as_bytes());
        let digits = index.checked_ilog10().unwrap_or(0);
        for place in (0..=digits).rev() {
            let digit = u32::from(index) / 10u32.pow(place) % 10;
            name.push(b'0' + u8::try_from(digit).unwrap_or(0));
        }
        name.extend(suffix.as_bytes());
        name
    }

    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.push(*byte));
    }

    pub(crate) fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.size) {
            *place = byte;
        }
        self.size = self.size.saturating_add(1);
    }

    /// The name, unless it is too long or holds a NUL.
    pub(crate) fn as_c_str(&self) -> Option<&CStr> {
        CStr::from_bytes_with_nul(self.bytes.get(..=self.size)?).ok()
    }
}

/// The index in a name of the form `prefix`, decimal index, `suffix`. An index with zeros in front
/// is none: the name made of it would be another one.
pub(crate) fn index_in(name: &[u8], prefix: &str, suffix: &str) -> Option<u16> {
    let rest = name.strip_prefix(prefix.as_bytes())?.strip_suffix(suffix.as_bytes())?;
    let index = u16::try_from(number(rest)?).ok()?;
    (rest.len() == 1 || !rest.starts_with(b"0")).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact_or_none() {
        for (index, expected) in [
            (0, c"temp0_input"),
            (7, c"temp7_input"),
            (10, c"temp10_input"),
            (65_535, c"temp65535_input"),
        ] {
            let name = Name::indexed("temp", index, "_input");
            assert_eq!(name.as_c_str(), Some(expected));
            assert_eq!(index_in(expected.to_bytes(), "temp", "_input"), Some(index));
        }
        let mut name = Name::new();
        name.extend(&[b'x'; SIZE_MAX - 1]);
        assert_eq!(name.as_c_str().map(CStr::count_bytes), Some(SIZE_MAX - 1));
        name.push(b'x');
        assert_eq!(name.as_c_str(), None);
        let mut name = Name::new();
        name.extend(b"a\0b");
        assert_eq!(name.as_c_str(), None);
        for other in [
            "temp_input",
            "temp1",
            "temp65536_input",
            "temp-1_input",
            "fan1_input",
            "temp022_input",
            "temp00_input",
        ] {
            assert_eq!(index_in(other.as_bytes(), "temp", "_input"), None, "{other}");
        }
    }
}

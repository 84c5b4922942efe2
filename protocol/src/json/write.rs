//! Writing JSON text into a fixed buffer.

use crate::frame_error::FrameError;

/// Appends JSON text to a buffer. What does not fit is remembered and told once, by
/// [`finish`](Self::finish), so that callers read as the text they write.
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    at: usize,
    overflow: bool,
}

/// Bytes that stand in a string as they are.
const IS_PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 0x20 {
        plain[byte] = false;
        byte += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\\' as usize] = false;
    plain[0x7F] = false;
    plain
};

impl<'a> Writer<'a> {
    /// A writer to the front of `buffer`.
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, at: 0, overflow: false }
    }

    /// The bytes written.
    ///
    /// # Errors
    ///
    /// [`FrameError::Short`] when the buffer was too small.
    pub fn finish(self) -> Result<usize, FrameError> {
        if self.overflow { Err(FrameError::Short) } else { Ok(self.at) }
    }

    /// Text that is JSON already. A call of its own: there are hundreds, and few of them count.
    #[inline(never)]
    pub fn raw(&mut self, text: &str) {
        self.put(text);
    }

    /// The same, for the lines that are written a million times a second.
    #[inline]
    pub(crate) fn put(&mut self, text: &str) {
        let bytes = text.as_bytes();
        match self.buffer.get_mut(self.at..).and_then(|rest| rest.get_mut(..bytes.len())) {
            Some(target) => {
                target.copy_from_slice(bytes);
                self.at += bytes.len();
            }
            None => self.overflow = true,
        }
    }

    /// A string: quotes, backslashes and control characters are escaped.
    pub fn string(&mut self, text: &str) {
        self.put("\"");
        let mut plain_from = 0;
        for (index, byte) in text.bytes().enumerate() {
            if IS_PLAIN[usize::from(byte)] {
                continue;
            }
            self.put(&text[plain_from..index]);
            plain_from = index + 1;
            match byte {
                b'"' => self.put("\\\""),
                b'\\' => self.put("\\\\"),
                b'\n' => self.put("\\n"),
                b'\r' => self.put("\\r"),
                b'\t' => self.put("\\t"),
                control => {
                    self.put("\\u00");
                    self.hex(&[control]);
                }
            }
        }
        self.put(&text[plain_from..]);
        self.put("\"");
    }

    /// Bytes as lower-case hexadecimal digits, without quotes.
    pub fn hex(&mut self, bytes: &[u8]) {
        const DIGITS: [&str; 16] =
            ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"];
        for byte in bytes {
            self.put(DIGITS[usize::from(byte >> 4)]);
            self.put(DIGITS[usize::from(byte & 15)]);
        }
    }

    /// An integer.
    #[inline(never)] // as `raw`
    pub fn integer(&mut self, value: u64) {
        self.put(itoa::Buffer::new().format(value));
    }

    /// A number; `null` when it is not finite.
    pub fn float(&mut self, value: f32) {
        if value.is_finite() {
            self.put(zmij::Buffer::new().format_finite(value));
        } else {
            self.put("null");
        }
    }

    /// The same for numbers that are carried in 64 bits.
    pub fn double(&mut self, value: f64) {
        if value.is_finite() {
            self.put(zmij::Buffer::new().format_finite(value));
        } else {
            self.put("null");
        }
    }

    /// Thousandths as a decimal number without needless digits: 25000 is `25`, 100 is `0.1`.
    pub fn thousandths(&mut self, value: u64) {
        self.integer(value / 1000);
        let rest = value % 1000;
        if rest == 0 {
            return;
        }
        self.put(".");
        let digits = digits::<3>(rest);
        let text = core::str::from_utf8(&digits).unwrap_or_default();
        self.put(text.trim_end_matches('0'));
    }

    /// Nanoseconds as seconds with six decimals.
    pub fn seconds(&mut self, nanoseconds: u64) {
        self.integer(nanoseconds / 1_000_000_000);
        self.put(".");
        let digits = digits::<6>(nanoseconds % 1_000_000_000 / 1000);
        self.put(core::str::from_utf8(&digits).unwrap_or_default());
    }
}

/// The last `N` decimal digits of `value`, with leading zeros.
fn digits<const N: usize>(mut value: u64) -> [u8; N] {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        #[allow(clippy::cast_possible_truncation)] // a digit
        let units = (value % 10) as u8;
        *digit += units;
        value /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Writer<'_>)) -> heapless::String<256> {
        let mut buffer = [0; 256];
        let mut writer = Writer::new(&mut buffer);
        write(&mut writer);
        let size = writer.finish().unwrap();
        core::str::from_utf8(&buffer[..size]).unwrap().try_into().unwrap()
    }

    #[test]
    fn strings_are_escaped() {
        let text = written(|w| w.string("a\"b\\c\n\u{1b}]0;x\u{7}é\u{7f}"));
        assert_eq!(text, r#""a\"b\\c\n\u001b]0;x\u0007é\u007f""#);
        // The first that stands as it is, and its neighbour.
        assert_eq!(written(|w| w.string(" \u{1f}\r\t~")), r#"" \u001f\r\t~""#);
    }

    #[test]
    fn numbers_have_their_forms() {
        assert_eq!(written(|w| w.thousandths(25_000)), "25");
        assert_eq!(written(|w| w.thousandths(100)), "0.1");
        assert_eq!(written(|w| w.thousandths(1_005)), "1.005");
        assert_eq!(written(|w| w.seconds(1_699_000_000_000_123_999)), "1699000000.000123");
        assert_eq!(written(|w| w.float(f32::NAN)), "null");
        assert_eq!(written(|w| w.float(12.5)), "12.5");
        assert_eq!(written(|w| w.integer(u64::MAX)), "18446744073709551615");
    }

    #[test]
    fn overflow_is_told_at_the_end() {
        let mut buffer = [0; 4];
        let mut writer = Writer::new(&mut buffer);
        writer.raw("abc");
        writer.raw("de");
        assert_eq!(writer.finish(), Err(FrameError::Short));
    }
}

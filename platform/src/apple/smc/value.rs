//! Types of values, and the numbers they hold.
//!
//! | type | bytes | number |
//! |---|---|---|
//! | `flt ` | 4 | IEEE 754, the lowest byte first |
//! | `ioft` | 8 | signed, the lowest byte first, / 65,536 |
//! | `ui8 ` to `ui64`, `si8 ` to `si64` | 1 to 8 | the highest byte first, unless attribute bit 2 is set |
//! | `fpXY` | 2 | unsigned, the highest byte first, / 2^Y; X and Y are hex digits that add up to 16 |
//! | `spXY` | 2 | the same signed, and they add up to 15 |
//! | `flag` | 1 | 0 or 1 |
//! | `pwm ` | 2 | unsigned, the highest byte first, / 65,536 |
//!
//! All others (`hex_`, `ch8*`, `{fds` and more structures) are no numbers.

use super::FourCc;

/// Why bytes are no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Values of this type are none.
    Type,
    /// A value of this type has another size.
    Size,
    /// Not a number, or infinite.
    NotFinite,
}

/// A type whose values are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `flt `
    Float,
    /// `ioft`
    Ioft,
    /// `fpXY`, by its Y.
    Unsigned16(u8),
    /// `spXY`, by its Y.
    Signed16(u8),
    /// `ui8 ` and the others, by their size.
    Natural(u8),
    /// `si8 ` and the others, by their size.
    Integer(u8),
    /// `flag`
    Flag,
    /// `pwm `
    Pwm,
}

/// `sp78`, in which most temperatures of Intel machines are.
pub(super) const SP78: Kind = Kind::Signed16(8);
/// Bit of a key's attributes: its integers have the lowest byte first.
const LOW_FIRST: u8 = 1 << 2;

impl Kind {
    /// The type of this name, if its values are numbers.
    #[must_use]
    pub fn parse(name: FourCc) -> Option<Self> {
        match &name.letters() {
            b"flt " => Some(Self::Float),
            b"ioft" => Some(Self::Ioft),
            b"flag" => Some(Self::Flag),
            b"pwm " => Some(Self::Pwm),
            [b'u', b'i', bits @ ..] => size_of_bits(*bits).map(Self::Natural),
            [b's', b'i', bits @ ..] => size_of_bits(*bits).map(Self::Integer),
            [b'f', b'p', whole, fraction] => fixed(*whole, *fraction, 16).map(Self::Unsigned16),
            [b's', b'p', whole, fraction] => fixed(*whole, *fraction, 15).map(Self::Signed16),
            _ => None,
        }
    }

    /// Bytes of a value.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Float => 4,
            Self::Ioft => 8,
            Self::Unsigned16(_) | Self::Signed16(_) | Self::Pwm => 2,
            Self::Natural(size) | Self::Integer(size) => size as usize,
            Self::Flag => 1,
        }
    }

    /// Whether quantities are measured in it, rather than counted or chosen.
    #[must_use]
    pub const fn is_measure(self) -> bool {
        matches!(self, Self::Float | Self::Ioft | Self::Unsigned16(_) | Self::Signed16(_))
    }

    /// The number in `bytes`.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn decode(self, attributes: u8, bytes: &[u8]) -> Result<f64, Unreadable> {
        if bytes.len() != self.size() {
            return Err(Unreadable::Size);
        }
        let is_low_first = attributes & LOW_FIRST != 0;
        let number = match self {
            Self::Float => f64::from(f32::from_le_bytes(array(bytes)?)),
            Self::Ioft => i64::from_le_bytes(array(bytes)?) as f64 / 65_536.0,
            Self::Unsigned16(fraction) => {
                f64::from(u16::from_be_bytes(array(bytes)?)) / power_of_two(fraction)
            }
            Self::Signed16(fraction) => {
                f64::from(i16::from_be_bytes(array(bytes)?)) / power_of_two(fraction)
            }
            Self::Natural(_) => natural(bytes, is_low_first) as f64,
            Self::Integer(size) => {
                // Moved up to the highest bit and back, so that its sign goes with it.
                let unused = 64 - 8 * u32::from(size);
                ((natural(bytes, is_low_first) << unused).cast_signed() >> unused) as f64
            }
            Self::Flag => f64::from(u8::from(bytes != [0])),
            Self::Pwm => f64::from(u16::from_be_bytes(array(bytes)?)) / 65_536.0,
        };
        if number.is_finite() { Ok(number) } else { Err(Unreadable::NotFinite) }
    }
}

/// The number that a value of type `name` holds.
///
/// ```
/// use kymo_platform::apple::smc::{FourCc, Unreadable, decode};
///
/// assert_eq!(decode(FourCc::new(b"fpe2"), 0, &[0x1F, 0x40]), Ok(2000.0));
/// assert_eq!(decode(FourCc::new(b"hex_"), 0, &[0; 4]), Err(Unreadable::Type));
/// ```
///
/// # Errors
///
/// When it holds none.
pub fn decode(name: FourCc, attributes: u8, bytes: &[u8]) -> Result<f64, Unreadable> {
    Kind::parse(name).ok_or(Unreadable::Type)?.decode(attributes, bytes)
}

/// What a fan is called, which its descriptor says from byte 4 on.
#[must_use]
pub fn fan_name(descriptor: &[u8]) -> heapless::String<12> {
    let mut name = heapless::String::<12>::new();
    for letter in descriptor.iter().skip(4).take_while(|letter| **letter != 0) {
        if letter.is_ascii_graphic() || *letter == b' ' {
            // What there is no room for is left out.
            let _ = name.push(char::from(*letter));
        }
    }
    let short = name.trim();
    heapless::String::try_from(short).unwrap_or_default()
}

fn size_of_bits(bits: [u8; 2]) -> Option<u8> {
    match &bits {
        b"8 " => Some(1),
        b"16" => Some(2),
        b"32" => Some(4),
        b"64" => Some(8),
        _ => None,
    }
}

/// The bits behind the point, if both parts are `bits`.
fn fixed(whole: u8, fraction: u8, bits: u32) -> Option<u8> {
    let digit = |letter: u8| char::from(letter).to_digit(16);
    let fraction = digit(fraction)?;
    if digit(whole)? + fraction == bits { u8::try_from(fraction).ok() } else { None }
}

fn power_of_two(exponent: u8) -> f64 {
    f64::from(1u32 << exponent.min(31))
}

fn natural(bytes: &[u8], is_low_first: bool) -> u64 {
    let add = |number: u64, byte: &u8| (number << 8) | u64::from(*byte);
    if is_low_first { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) }
}

fn array<const SIZE: usize>(bytes: &[u8]) -> Result<[u8; SIZE], Unreadable> {
    bytes.try_into().map_err(|_| Unreadable::Size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(text: &str) -> Vec<u8> {
        text.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    }

    #[test]
    fn golden_bytes_of_every_type() {
        for (name, bytes, number) in [
            // From machines' reports; see docs/PLATFORM.md.
            ("flt ", "9a 49 19 42", 38.321_876_525_878_906),
            ("flt ", "00 00 80 c0", -4.0),
            ("flt ", "20 49 92 cd", -306_783_232.0),
            ("ioft", "66 e6 19 00 00 00 00 00", 25.899_993_896_484_375),
            ("ioft", "00 80 1e 00 00 00 00 00", 30.5),
            ("ui32", "00 00 09 69", 2409.0),
            ("ui16", "13 88", 5000.0),
            ("si8 ", "ff", -1.0),
            // Computed.
            ("ioft", "00 80 ff ff ff ff ff ff", -0.5),
            ("ui8 ", "fe", 254.0),
            ("ui64", "00 00 00 01 00 00 00 00", 4_294_967_296.0),
            ("si16", "ff 85", -123.0),
            ("si32", "ff ff ff 74", -140.0),
            ("si64", "ff ff ff ff ff ff ff ff", -1.0),
            ("fpe2", "1f 40", 2000.0),
            ("fp88", "01 80", 1.5),
            ("fp2e", "c0 00", 3.0),
            ("fpa6", "00 60", 1.5),
            ("fpc4", "00 18", 1.5),
            ("fp1f", "c0 00", 1.5),
            ("fp79", "ff ff", 127.998_046_875),
            ("sp78", "3a 80", 58.5),
            ("sp78", "f6 00", -10.0),
            ("sp87", "00 c0", 1.5),
            ("sp96", "00 60", 1.5),
            ("spa5", "ff d0", -1.5),
            ("spb4", "00 18", 1.5),
            ("sp69", "03 00", 1.5),
            ("sp5a", "06 00", 1.5),
            ("sp4b", "0c 00", 1.5),
            ("sp3c", "18 00", 1.5),
            ("sp2d", "30 00", 1.5),
            ("sp1e", "60 00", 1.5),
            ("spf0", "ff fe", -2.0),
            ("flag", "00", 0.0),
            ("flag", "04", 1.0),
            ("pwm ", "80 00", 0.5),
        ] {
            let letters = FourCc::new(name.as_bytes().try_into().unwrap());
            assert_eq!(decode(letters, 0, &hex(bytes)), Ok(number), "{name} {bytes}");
            let size = hex(bytes).len();
            for other in [0, size - 1, size + 1, 32] {
                if other != size {
                    let found = decode(letters, 0, &vec![0; other]);
                    assert_eq!(found, Err(Unreadable::Size), "{name} of {other}");
                }
            }
        }
    }

    #[test]
    fn integers_may_have_the_lowest_byte_first() {
        let number = |name: &[u8; 4], bytes: &str| decode(FourCc::new(name), 0x84, &hex(bytes));
        assert_eq!(number(b"ui16", "d9 31"), Ok(12_761.0));
        assert_eq!(number(b"si32", "74 ff ff ff"), Ok(-140.0));
        assert_eq!(number(b"fpe2", "1f 40"), Ok(2000.0), "of integers alone");
    }

    #[test]
    fn what_is_no_number() {
        for name in
            [b"hex_", b"ch8*", b"{fds", b"sp79", b"fpe1", b"spg0", b"fp  ", b"ui24", b"\0\0\0\0"]
        {
            assert_eq!(decode(FourCc::new(name), 0, &[0; 2]), Err(Unreadable::Type), "{name:?}");
        }
        for bits in [0x7F80_0000u32, 0xFF80_0000, 0x7FC0_0000] {
            let found = decode(FourCc::new(b"flt "), 0, &bits.to_le_bytes());
            assert_eq!(found, Err(Unreadable::NotFinite));
        }
        assert_eq!(Kind::parse(FourCc::new(b"ui8\0")), Some(Kind::Natural(1)));
    }

    #[test]
    fn fans_have_names() {
        assert_eq!(fan_name(b"\0\0\0\0Left side   "), "Left side");
        assert_eq!(fan_name(b"\0\0\0\0Exhaust\0xyz"), "Exhaust");
        assert_eq!(fan_name(b"\0\0\0\0\x1b[2J\xffabcdefghijkl"), "[2Jabcdefghi");
        assert_eq!(fan_name(b"\0\0"), "");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_finite_number_or_none(
            name in any::<u32>(),
            known in 0usize..40,
            attributes in any::<u8>(),
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            const NAMES: &[u8] =
                b"flt ioftui8 ui16ui32ui64si8 si16si32si64flagpwm fpe2sp78spf0hex_";
            let letters = NAMES.chunks(4).nth(known);
            let known = letters.map(|letters| FourCc::new(letters.try_into().unwrap()));
            for name in [Some(FourCc(name)), known].into_iter().flatten() {
                match decode(name, attributes, &bytes) {
                    Ok(number) => {
                        prop_assert!(number.is_finite());
                        prop_assert_eq!(bytes.len(), Kind::parse(name).unwrap().size());
                    }
                    Err(Unreadable::Type) => prop_assert_eq!(Kind::parse(name), None),
                    Err(_) => prop_assert!(Kind::parse(name).is_some()),
                }
                let _ = fan_name(&bytes);
            }
        }
    }
}

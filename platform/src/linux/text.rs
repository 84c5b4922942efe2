//! Numbers and words in the kernel's texts, from any bytes, without allocating or panicking.
//!
//! Only what the kernel writes is a number: decimal digits, nothing before or after. `None` is
//! anything else, a number too large for its type included.

/// The words of a line: what stands between blanks.
pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty())
}

/// What stands behind the first `count` words of a line.
pub(crate) fn behind(line: &[u8], count: u32) -> &[u8] {
    (0..count).fold(line, |rest, _| {
        let rest = rest.trim_ascii_start();
        let end = rest.iter().position(|byte| matches!(byte, b' ' | b'\t'));
        end.and_then(|end| rest.get(end..)).unwrap_or_default()
    })
}

/// Lines without their ends; the last one may lack its end.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.split(|byte| *byte == b'\n')
}

/// A decimal number.
pub(crate) fn number(word: &[u8]) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0u64, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// A decimal number that may be negative.
pub(crate) fn signed(word: &[u8]) -> Option<i64> {
    match word.strip_prefix(b"-") {
        Some(digits) => 0i64.checked_sub_unsigned(number(digits)?),
        None => i64::try_from(number(word)?).ok(),
    }
}

/// A number with a decimal point, as whole units and billionths.
pub(crate) fn decimal(word: &[u8]) -> Option<(u64, u32)> {
    let point = word.iter().position(|byte| *byte == b'.')?;
    let (whole, fraction) = (word.get(..point)?, word.get(point + 1..)?);
    let missing = 9u32.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    let billionths = number(fraction)?.checked_mul(10u64.checked_pow(missing)?)?;
    Some((number(whole)?, u32::try_from(billionths).ok()?))
}

/// The one word of a sysfs attribute: its text without the line end.
pub(crate) fn attribute(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_digits_are_numbers() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        let others: [&[u8]; 8] =
            [b"", b"18446744073709551616", b"-1", b"+1", b"1e3", b"0x1", b" 1", b"\xff"];
        for text in others {
            assert_eq!(number(text), None, "{text:?}");
        }
        assert_eq!(signed(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(signed(b"9223372036854775808"), None);
        assert_eq!(signed(b"--1"), None);
    }

    #[test]
    fn words_are_counted_from_the_front() {
        assert_eq!(behind(b"  8 0 1 1 2", 3), b" 1 2");
        assert_eq!(behind(b"a b", 0), b"a b");
        for (line, count) in [(&b"a b"[..], 2), (b"a b ", 3), (b"", 1)] {
            assert_eq!(behind(line, count), b"", "{line:?}");
        }
    }

    #[test]
    fn decimals_keep_their_fraction() {
        assert_eq!(decimal(b"708.40"), Some((708, 400_000_000)));
        assert_eq!(decimal(b"0.000000001"), Some((0, 1)));
        for text in ["", ".", "1", "1.", ".5", "nan", "inf", "1.0000000001", "1.-1", "1.2.3"] {
            assert_eq!(decimal(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn numbers_round_trip(value: u64, negative: i64, billionths in 0u32..1_000_000_000) {
            prop_assert_eq!(number(value.to_string().as_bytes()), Some(value));
            prop_assert_eq!(signed(negative.to_string().as_bytes()), Some(negative));
            let text = format!("{value}.{billionths:09}");
            prop_assert_eq!(decimal(text.as_bytes()), Some((value, billionths)));
        }

        #[test]
        fn any_bytes_are_fine(bytes: Vec<u8>, almost in "-?[0-9]{0,30}[.]?[0-9]{0,12}") {
            let almost = almost.as_bytes();
            let _ = (number(almost), signed(almost), decimal(almost));
            let _ = (number(&bytes), signed(&bytes), decimal(&bytes));
            prop_assert!(words(&bytes).all(|word| !word.is_empty()));
            prop_assert!(lines(&bytes).all(|line| !line.contains(&b'\n')));
        }
    }
}

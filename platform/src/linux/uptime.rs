//! Time since boot from `/proc/uptime`: seconds with two decimals, suspend included.
//!
//! Good to 10 ms. It is read to find the offset of the boot clock, which then tells the time; a
//! container may have its own uptime here.

use kymo_protocol::{NoData, Reading};

use super::text::{decimal, words};

/// Takes the uptime in nanoseconds; the idle time that follows is left.
pub fn parse(text: &[u8]) -> Reading<u64> {
    words(text.trim_ascii_end()).next().and_then(nanoseconds).ok_or(NoData::Fault)
}

fn nanoseconds(word: &[u8]) -> Option<u64> {
    let (seconds, billionths) = decimal(word)?;
    seconds.checked_mul(1_000_000_000)?.checked_add(u64::from(billionths))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn real_texts() {
        assert_eq!(parse(b"708.40 1390.78\n"), Ok(708_400_000_000));
        assert_eq!(parse(b"0.01 0.00\n"), Ok(10_000_000));
        // An LXC container, and a text without its end.
        assert_eq!(parse(b"31536000.00 0.00"), Ok(31_536_000_000_000_000));
        assert_eq!(parse(b"1.50"), Ok(1_500_000_000));
    }

    #[test]
    fn what_the_kernel_does_not_write_is_a_fault() {
        for text in ["", " ", "708", "708.", "-1.00 0.00", "nan", "18446744073.71 0.00", "\u{0}"] {
            assert_eq!(parse(text.as_bytes()), Err(NoData::Fault), "{text:?}");
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
            let mut text = b"708.40 1390.78\n".to_vec();
            let at = at.index(text.len());
            let end = text.len().min(at + size);
            text.splice(at..end, with.bytes());
            let _ = parse(&text);
        }

        #[test]
        fn well_formed_text_round_trips(hundredths in 0..u64::MAX / 10_000_000) {
            let text = format!("{}.{:02} 1.00\n", hundredths / 100, hundredths % 100);
            prop_assert_eq!(parse(text.as_bytes()), Ok(hundredths * 10_000_000));
        }
    }
}

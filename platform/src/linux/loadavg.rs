//! Load averages from `/proc/loadavg`: three numbers with two decimals, then fields kymo leaves.
//!
//! The kernel computes them every five seconds; asking more often tells nothing new.

use kymo_protocol::{NoData, Reading};

use super::text::{decimal, words};

/// Above this no machine of any size can be: it has at most 2²² processes and threads.
const LOAD_MAX: u64 = 1 << 22;

/// Takes the averages over 1, 5 and 15 minutes.
pub fn parse(text: &[u8]) -> Reading<[f32; 3]> {
    let mut words = words(text.trim_ascii_end());
    let mut next = || words.next().and_then(load).ok_or(NoData::Fault);
    Ok([next()?, next()?, next()?])
}

fn load(word: &[u8]) -> Option<f32> {
    let (whole, billionths) = decimal(word)?;
    let whole = u32::try_from(whole).ok().filter(|whole| u64::from(*whole) <= LOAD_MAX)?;
    narrow(f64::from(whole) + f64::from(billionths) / 1e9)
}

/// Two decimals fit into an f32 up to 2¹⁷; above, the error stays below 10⁻⁵ of the value.
#[expect(clippy::cast_possible_truncation, reason = "at most 2²², and rounding is meant")]
fn narrow(value: f64) -> Option<f32> {
    Some(value as f32).filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn real_texts() {
        assert_eq!(parse(b"0.00 0.00 0.00 1/80 2590\n"), Ok([0.0, 0.0, 0.0]));
        assert_eq!(parse(b"20.41 3.07 0.98 21/1024 99999\n"), Ok([20.41, 3.07, 0.98]));
        assert_eq!(parse(b"1.00 2.50 3.25"), Ok([1.0, 2.5, 3.25]));
    }

    #[test]
    fn what_the_kernel_does_not_write_is_a_fault() {
        for text in [
            "",
            "\n",
            "0.00",
            "0.00 0.00",
            "0.00 0.00 ",
            "0.00 0.00 1",
            "nan 0.00 0.00",
            "inf 0.00 0.00",
            "-0.01 0.00 0.00",
            "1e2 0.00 0.00",
            "0,00 0,00 0,00",
            "99999999999999999999.00 0.00 0.00",
            "4294967295.00 0.00 0.00",
            "\u{0}\u{1}",
        ] {
            assert_eq!(parse(text.as_bytes()), Err(NoData::Fault), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_fine(bytes: Vec<u8>) {
            if let Ok(loads) = parse(&bytes) {
                prop_assert!(loads.iter().all(|load| load.is_finite() && *load >= 0.0));
            }
        }

        #[test]
        fn any_damage_is_fine(
            at: proptest::sample::Index, size in 0..30usize, with in "[-0-9.: \n]{0,30}",
        ) {
            let mut text = b"0.00 12.34 0.00 1/80 2590\n".to_vec();
            let at = at.index(text.len());
            let end = text.len().min(at + size);
            text.splice(at..end, with.bytes());
            let _ = parse(&text);
        }

        #[test]
        fn well_formed_text_round_trips(hundredths: [u32; 3]) {
            let hundredths = hundredths.map(|value| value % (1 << 22));
            let [one, five, fifteen] =
                hundredths.map(|value| format!("{}.{:02}", value / 100, value % 100));
            let text = format!("{one} {five} {fifteen} 1/80 2590\n");
            let expected = [one, five, fifteen].map(|text| text.parse::<f32>().unwrap());
            prop_assert_eq!(parse(text.as_bytes()), Ok(expected));
        }
    }
}

//! Floats from text.

use kymo_protocol::parse_float;
use proptest::prelude::*;

proptest! {
    /// Core's own reader is right, and larger.
    #[test]
    fn a_float_is_what_core_reads(
        bits: u64,
        text in "-?[0-9]{1,30}([.][0-9]{1,30})?([eE][+-]?[0-9]{1,3})?",
    ) {
        let value = Some(f64::from_bits(bits)).filter(|value| value.is_finite()).unwrap_or(0.1);
        for text in [text, format!("{value}"), format!("{value:e}")] {
            let core: f64 = text.parse().unwrap();
            prop_assert_eq!(parse_float(&text).map(f64::to_bits), Some(core.to_bits()), "{}", text);
        }
    }
}

//! Whether a number can be true: values that firmware writes where nothing is measured.
//!
//! | where | number | is |
//! |---|---|---|
//! | on the die | from −40 to below 15 °C | `gated`: a part that is switched off reads as 0, or as 0 and the correction of its sensor: −4, 1.5, 2.2, 4.633, 6.7, 8.425 and others were seen, each with the neighbours at 30 °C and more |
//! | on a processor's die, `flt ` | exactly 40 °C | `gated`, unless the reading before was another near it: parked cores of some M3 Max and M4 read so in every sensor, and a real core does not stay there to 2^-18 |
//! | elsewhere, any temperature | exactly 0 °C | `absent`: a place where nothing is fitted |
//! | Intel's types | 127 to 129.99, 220, and 128 and more read as signed | `absent`: no sensor |
//! | any temperature | up to −40 °C, from 150 °C | `fault` |
//! | a fan | below 0, above 100,000 RPM | `fault`; 0 stands still |
//! | the whole machine's power | exactly 0 W | `absent`: who reads it takes some |
//! | power, voltage, current | beyond ± 10,000 | `fault` |
//!
//! A battery, the air or a module may well have 16 °C and less.

use kymo_protocol::{NoData, Reading};

use super::class::{Class, Place};
use super::value::{Kind, SP78, Unreadable};

const TEMPERATURES: (f64, f64) = (-40.0, 150.0);
/// Nothing on a die that is in use is as cold.
const DIE_MIN: f64 = 15.0;
/// What parked cores of some machines read.
const PARKED: f32 = 40.0;
/// How near to that the reading before must have been for it to be true.
const PARKED_NEAR: f64 = 3.0;
const FAN_MAX: f64 = 100_000.0;
const OTHERS_MAX: f64 = 10_000.0;

/// The number in a value of `kind`, as what a key of `class` measures.
///
/// Some firmware says `flt ` of temperatures that are `sp78`: in two bytes, or in the first two of
/// four. Read as the former those are numbers below 2^-126, which nothing measures.
///
/// # Errors
///
/// When there is none.
pub(super) fn number(
    class: Class,
    kind: Kind,
    attributes: u8,
    bytes: &[u8],
) -> Result<f64, Unreadable> {
    let is_wrong = matches!((class, kind), (Class::Temperature(_), Kind::Float));
    match bytes {
        [high, low] if is_wrong => SP78.decode(0, &[*high, *low]),
        [high, low, 0, 0] if is_wrong && (*high, *low) != (0, 0) => SP78.decode(0, &[*high, *low]),
        _ => kind.decode(attributes, bytes),
    }
}

/// What a number of a key of `class` says; `last` is the number before, NaN if there was none.
pub(super) fn judge(class: Class, kind: Kind, number: f64, last: f64) -> Reading<f64> {
    let within = |least: f64, most: f64| {
        if (least..=most).contains(&number) { Ok(number) } else { Err(NoData::Fault) }
    };
    match class {
        Class::Temperature(place) => temperature(place, kind, number, last),
        Class::Fan | Class::FanLimit(_) => within(0.0, FAN_MAX),
        Class::Power(Some(Place::System)) if number == 0.0 => Err(NoData::Absent),
        Class::Power(_) | Class::Voltage(_) | Class::Current(_) => within(-OTHERS_MAX, OTHERS_MAX),
        Class::None => Err(NoData::Absent),
    }
}

fn temperature(place: Place, kind: Kind, number: f64, last: f64) -> Reading<f64> {
    let is_fixed = matches!(kind, Kind::Signed16(_) | Kind::Unsigned16(_));
    let is_no_sensor =
        (127.0..130.0).contains(&number) || number == 220.0 || (-128.0..=-126.0).contains(&number);
    if is_fixed && is_no_sensor {
        return Err(NoData::Absent);
    }
    let (least, most) = TEMPERATURES;
    // NaN is in no range.
    if !(number > least && number < most) {
        return Err(NoData::Fault);
    }
    if place.is_die() && number < DIE_MIN {
        return Err(NoData::Gated);
    }
    if number == 0.0 {
        return Err(NoData::Absent);
    }
    let is_parked = place == Place::Cpu && kind == Kind::Float && number == f64::from(PARKED);
    let passes = (last - number).abs() < PARKED_NEAR && last != number;
    if is_parked && !passes { Err(NoData::Gated) } else { Ok(number) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use NoData::{Absent, Fault, Gated};
    use proptest::prelude::*;

    const CPU: Class = Class::Temperature(Place::Cpu);
    const NONE: f64 = f64::NAN;

    fn at(place: Place, number: f64) -> Reading<f64> {
        judge(Class::Temperature(place), Kind::Float, number, NONE)
    }

    #[test]
    fn parts_of_the_die_that_are_off() {
        // Of reports of an M2 Max, an M3 Max, an M4 Pro and an M5 Pro.
        for parked in [
            0.0, 4.633, 6.7, 8.425, 5.325, -2.75, -8.75, -0.5, -4.0, 1.5, 2.2, 2.4, 2.5, 3.4, 4.0,
            5.2, 14.9,
        ] {
            for place in [Place::Cpu, Place::Gpu, Place::Ane, Place::Soc] {
                assert_eq!(at(place, parked), Err(Gated), "{place:?} {parked}");
            }
        }
        assert_eq!(at(Place::Cpu, 15.0), Ok(15.0));
        assert_eq!(at(Place::Cpu, 120.0), Ok(120.0));
        assert_eq!(at(Place::Board, -306_783_232.0), Err(Fault));
        assert_eq!(at(Place::Cpu, -306_783_232.0), Err(Fault));
        assert_eq!(at(Place::Cpu, f64::NAN), Err(Fault));
    }

    #[test]
    fn forty_degrees_count_on_the_way_through_and_no_longer() {
        assert_eq!(judge(CPU, Kind::Float, 40.0, NONE), Err(Gated));
        assert_eq!(judge(CPU, Kind::Float, 40.0, 39.2), Ok(40.0));
        assert_eq!(judge(CPU, Kind::Float, 40.0, 40.0), Err(Gated));
        assert_eq!(judge(CPU, Kind::Float, 40.0, 29.0), Err(Gated));
        assert_eq!(judge(CPU, SP78, 40.0, 40.0), Ok(40.0), "Intel's steps are that wide");
        assert_eq!(at(Place::Battery, 40.0), Ok(40.0));
        assert_eq!(at(Place::Gpu, 40.0), Ok(40.0));
    }

    #[test]
    fn elsewhere_it_may_be_cold() {
        for place in [Place::Battery, Place::Ambient, Place::Memory, Place::Storage] {
            assert_eq!(at(place, 16.0), Ok(16.0));
            assert_eq!(at(place, 3.5), Ok(3.5));
            assert_eq!(at(place, -5.0), Ok(-5.0));
            assert_eq!(at(place, 0.0), Err(Absent));
        }
        for none in [127.0, 128.0, 129.0, 129.9, 220.0, -128.0, -127.0] {
            assert_eq!(judge(CPU, SP78, none, NONE), Err(Absent), "{none}");
        }
        assert_eq!(at(Place::Board, 128.0), Ok(128.0), "a float that says so means it");
        assert_eq!(at(Place::Board, 200.0), Err(Fault));
    }

    #[test]
    fn fans_and_watts() {
        let of = |class, number| judge(class, Kind::Float, number, NONE);
        assert_eq!(of(Class::Fan, 0.0), Ok(0.0));
        assert_eq!(of(Class::Fan, -1.0), Err(Fault));
        assert_eq!(of(Class::FanLimit(super::super::class::Limit::Max), 6000.0), Ok(6000.0));
        assert_eq!(of(Class::Power(Some(Place::System)), 0.0), Err(Absent));
        assert_eq!(of(Class::Power(None), 0.0), Ok(0.0));
        assert_eq!(of(Class::Power(None), 1e9), Err(Fault));
        assert_eq!(of(Class::Current(None), -1.5), Ok(-1.5));
    }

    #[test]
    fn a_float_that_is_none() {
        let of = |bytes: &[u8]| number(CPU, Kind::Float, 0, bytes);
        assert_eq!(of(&[0x1E, 0x80, 0, 0]), Ok(30.5));
        assert_eq!(of(&[0x1E, 0x80]), Ok(30.5));
        assert_eq!(of(&[0, 0, 0, 0]), Ok(0.0));
        assert_eq!(of(&42.5f32.to_le_bytes()), Ok(42.5));
        assert_eq!(of(&[1, 2, 3]), Err(Unreadable::Size));
        assert_eq!(number(Class::Fan, Kind::Float, 0, &[0, 1]), Err(Unreadable::Size));
    }

    proptest! {
        #[test]
        fn a_reading_is_the_number_itself_and_sane(bits in any::<u64>(), last in any::<f64>()) {
            let found = f64::from_bits(bits);
            for place in [Place::Cpu, Place::Battery] {
                for kind in [Kind::Float, SP78] {
                    if let Ok(value) = judge(Class::Temperature(place), kind, found, last) {
                        prop_assert_eq!(value, found);
                        prop_assert!(value > -40.0 && value < 150.0);
                    }
                }
            }
        }
    }
}

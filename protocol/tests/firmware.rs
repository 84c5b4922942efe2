//! The example for firmware, on the host.
#![allow(clippy::unwrap_used)] // a test may stop

#[path = "../examples/firmware/src/vitals.rs"]
mod vitals;

use kymo_protocol::{Body, Field, Frame, State};

#[test]
fn a_temperature_goes_there_and_back_and_nothing_else_is_claimed() {
    let mut frame = [0xFF; vitals::FRAME_SIZE];
    let size = vitals::write(&mut frame, 7, 5_000_000_000, 36.5).unwrap();
    assert_eq!(size, vitals::FRAME_SIZE);
    assert_eq!(vitals::temperature(&frame), Some(36.5));
    let parsed = Frame::parse(&frame).unwrap();
    assert_eq!(parsed.header.sequence.get(), 7);
    let Body::Vitals(said) = parsed.body else { panic!("{parsed:?}") };
    for field in Field::ALL {
        let expected = if field == Field::Temperature { State::Ok } else { State::Absent };
        assert_eq!(said.state(field), expected, "{field:?}");
    }
    frame[0] ^= 1;
    assert_eq!(vitals::temperature(&frame), None);
}

//! Properties of binary frames, of the decoder and of version-1 messages.

use crate::invariants::{decoder_split, frame_parse, opta1};
use crate::support::{frame, raw_frame, vitals};
use kymo_protocol::opta1::{ENCODED_MAX, Head, decode, encode};
use kymo_protocol::{Body, Field, Frame, Payload, Position, Stamp, StreamId, Vitals, emit};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use zerocopy::{FromBytes, IntoBytes};

/// Changes to bytes: at most three set, and perhaps a cut.
fn damage() -> impl Strategy<Value = (Vec<(Index, u8)>, Option<Index>)> {
    (vec(any::<(Index, u8)>(), 0..4), proptest::option::weighted(0.2, any::<Index>()))
}

fn damaged(mut bytes: Vec<u8>, (changes, cut): &(Vec<(Index, u8)>, Option<Index>)) -> Vec<u8> {
    if !bytes.is_empty() {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
    }
    bytes
}

/// A version-1 message with processes, put together by hand.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let process = (any::<u32>(), ".{0,16}", any::<u64>());
    (vec(any::<u8>(), 54), vec(process, 0..=10), vec(any::<u32>(), 0..=4)).prop_map(
        |(mut payload, processes, fans)| {
            payload.push(u8::try_from(processes.len()).unwrap());
            for (pid, name, numbers) in processes {
                payload.extend(pid.to_le_bytes());
                payload.push(u8::try_from(name.len()).unwrap());
                payload.extend(name.bytes());
                payload.extend(numbers.to_le_bytes());
            }
            payload.push(u8::try_from(fans.len()).unwrap());
            payload.extend(fans.iter().flat_map(|fan| fan.to_le_bytes()));
            let len = u32::try_from(payload.len()).unwrap();
            let mut bytes = (len + 12).to_le_bytes().to_vec();
            bytes.extend(b"ATPO\x01\0\0\0");
            bytes.extend(len.to_le_bytes());
            bytes.extend(payload);
            bytes
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_parses_to_what_was_written(bytes in frame()) {
        Frame::parse(&bytes).expect("a frame of a writer");
        frame_parse::check(&bytes);
    }

    #[test]
    fn vitals_parse_to_the_numbers_that_were_set(bytes in vitals()) {
        let set = Vitals::read_from_bytes(&bytes[32..]).unwrap();
        let mut again = [0xFF; Vitals::FRAME_SIZE];
        let at = Position { stream: StreamId::VITALS, sequence: 1 };
        *emit::<Vitals>(&mut again, at, Stamp { boot_ns: 2 }).unwrap().0 = set;
        let Body::Vitals(read) = Frame::parse(&again).unwrap().body else { panic!("kind") };
        prop_assert_eq!(read.as_bytes(), set.as_bytes());
        for (place, field) in Field::ALL.into_iter().enumerate() {
            prop_assert_eq!(read.state(field) as u8, bytes[32 + 160 + place]);
            let age = &bytes[32 + 184 + 4 * place..][..4];
            prop_assert_eq!(read.age_ms(field).to_le_bytes(), age);
        }
    }

    #[test]
    fn any_split_finds_the_same_frames(
        frames in vec(frame(), 0..6),
        hurt in damage(),
        cuts in any::<u8>(),
        steps in vec(1usize..400, 1..20),
    ) {
        let stream = damaged(frames.concat(), &hurt);
        decoder_split::check(&[&[cuts], stream.as_slice()].concat());
        let mut step = steps.iter().cycle();
        let found = decoder_split::decoded(&stream, |_| *step.next().unwrap());
        prop_assert_eq!(found, decoder_split::decoded(&stream, |_| 1));
    }

    #[test]
    fn no_bytes_make_a_frame_panic(bytes in vec(any::<u8>(), 0..400)) {
        frame_parse::check(&bytes);
        decoder_split::check(&bytes);
        opta1::check(&bytes);
    }

    #[test]
    fn no_payload_makes_a_frame_panic(
        kind in prop_oneof![0u16..20, Just(32u16)],
        sparse in vec(prop_oneof![4 => Just(0u8), 1 => 0u8..4, 1 => any::<u8>()], 0..50),
        size in prop::sample::select(vec![
            0usize, 8, 16, 24, 32, 40, 48, 56, 64, 72, 88, 96, 120, 128, 288,
        ]),
    ) {
        let mut payload = sparse;
        payload.resize(size, 0);
        frame_parse::check(&raw_frame(kind, 1, (1, 1), &payload));
    }

    #[test]
    fn a_damaged_frame_is_refused_or_still_sound(bytes in frame(), hurt in damage()) {
        frame_parse::check(&damaged(bytes, &hurt));
    }

    #[test]
    fn version_1_messages_decode_to_what_they_say(bytes in message(), hurt in damage()) {
        let (_, size) = decode(&bytes).unwrap().expect("whole");
        prop_assert_eq!(size, bytes.len());
        opta1::check(&bytes);
        opta1::check(&damaged(bytes, &hurt));
    }

    #[test]
    fn version_1_of_vitals_has_the_values_that_were_read(bytes in vitals(), wall_ns: u64) {
        let Body::Vitals(vitals) = Frame::parse(&bytes).unwrap().body else { panic!("kind") };
        let mut message = [0xFF; ENCODED_MAX];
        let size = encode(&mut message, vitals, wall_ns).unwrap();
        let (message, decoded) = decode(&message).unwrap().expect("whole");
        prop_assert_eq!(decoded, size);
        let read = |field| vitals.state(field).has_value();
        let is_told = |field, value: f32| read(field) && value.is_finite();
        let or_zero = |field, value| if is_told(field, value) { value } else { 0.0 };
        let Head { cpu_usage, temperature, memory_used, timestamp_ms, .. } = message.head;
        prop_assert_eq!(cpu_usage.get(), or_zero(Field::CpuUsage, vitals.cpu_usage.get()));
        prop_assert_eq!(temperature.get(), or_zero(Field::Temperature, vitals.temperature.get()));
        let used = if read(Field::MemoryUsed) { vitals.memory_used.get() } else { 0 };
        prop_assert_eq!(memory_used.get(), used);
        prop_assert_eq!(timestamp_ms.get(), wall_ns / 1_000_000);
        let fans: Vec<u32> = vitals.fans().filter(|_| read(Field::FanSpeeds)).take(4).collect();
        prop_assert_eq!(message.fans.as_slice(), fans.as_slice());
    }
}

//! Frames and lines, written and read.

use std::hint::black_box;

use kymo_benches::Outcome;
use kymo_benches::sample::{self, Readings};
use kymo_protocol::json::{ClockMap, LineOptions, write_line};
use kymo_protocol::limits::VITALS_LINE_MAX;
use kymo_protocol::{
    Body, Data, Decoder, Event, EventFields, Frame, FrameError, Stamp, Words, opta1,
};

const CLOCK: ClockMap = ClockMap { boot_ns: 1_000_000_000, wall_ns: 1_790_000_000_123_456_789 };

/// 64 KiB, some of them cut by the end of a read.
const STREAM_FRAMES: usize = 200;
const READ_SIZE: usize = 4096;

pub fn encode_binary(calls: u32) -> Outcome<()> {
    let (readings, mut buffer) = (Readings::default(), [0; 512]);
    for sequence in 1..=u64::from(calls) {
        let at = 1_000_000_000 + sequence * 1_000_000;
        black_box(sample::encode(black_box(&mut buffer), black_box(&readings), sequence, at)?);
    }
    Ok(())
}

pub fn encode_line(calls: u32) -> Outcome<()> {
    let bytes = sample::frame()?;
    write_lines(&Frame::parse(&bytes)?, calls)
}

fn write_lines(frame: &Frame<'_>, calls: u32) -> Outcome<()> {
    let mut buffer = [0; VITALS_LINE_MAX];
    for _ in 0..calls {
        let target = black_box(&mut buffer);
        black_box(write_line(target, black_box(frame), CLOCK, LineOptions::default())?);
    }
    Ok(())
}

pub fn encode_opta1(calls: u32) -> Outcome<()> {
    let (bytes, mut buffer) = (sample::frame()?, [0; VITALS_LINE_MAX]);
    let Body::Vitals(vitals) = Frame::parse(&bytes)?.body else { return Err("no vitals".into()) };
    for _ in 0..calls {
        black_box(opta1::encode(black_box(&mut buffer), black_box(vitals), CLOCK.wall_ns)?);
    }
    Ok(())
}

pub fn parse_frame(calls: u32) -> Outcome<()> {
    let bytes = sample::frame()?;
    for _ in 0..calls {
        black_box(Frame::parse(black_box(&bytes))?);
    }
    Ok(())
}

pub fn decode_stream(calls: u32) -> Outcome<()> {
    let stream = sample::frame()?.repeat(STREAM_FRAMES);
    let mut decoder = Decoder::<8192>::new();
    for _ in 0..calls {
        for piece in black_box(&stream).chunks(READ_SIZE) {
            decoder.space()[..piece.len()].copy_from_slice(piece);
            decoder.filled(piece.len());
            while let Some(frame) = decoder.next_frame()? {
                black_box(frame);
            }
        }
    }
    Ok(())
}

/// A topic, and a line of data.
pub fn event() -> EventFields<'static> {
    let data = Data::Text(Words::Plain("all of 29 tests have passed."));
    EventFields { wall_ns: CLOCK.wall_ns, ..EventFields::custom("bench.event", data) }
}

fn event_frame(buffer: &mut [u8]) -> Result<usize, FrameError> {
    let mut payload = [0; 128];
    let size = black_box(event()).write(&mut payload)?;
    Event::emit(buffer, 1, Stamp { boot_ns: CLOCK.boot_ns }, &payload[..size])
}

pub fn encode_event(calls: u32) -> Outcome<()> {
    let mut buffer = [0; 256];
    for _ in 0..calls {
        black_box(event_frame(black_box(&mut buffer))?);
    }
    Ok(())
}

pub fn encode_event_line(calls: u32) -> Outcome<()> {
    let mut buffer = [0; 256];
    let size = event_frame(&mut buffer)?;
    write_lines(&Frame::parse(&buffer[..size])?, calls)
}

pub fn parse_event(calls: u32) -> Outcome<()> {
    let mut buffer = [0; 256];
    let size = event_frame(&mut buffer)?;
    for _ in 0..calls {
        black_box(Frame::parse(black_box(&buffer[..size]))?);
    }
    Ok(())
}

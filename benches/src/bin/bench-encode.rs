//! How long does it take to write a vitals frame, and to read one?

use std::hint::black_box;
use std::process::ExitCode;

use kymo_benches::Outcome;
use kymo_benches::args::Args;
use kymo_benches::pairs::Pairs;
use kymo_benches::program::{Report, run};
use kymo_benches::row::Row;
use kymo_benches::sample::{self, FRAME_SIZE, Readings};
use kymo_benches::timing::per_call;
use kymo_protocol::json::{ClockMap, LineOptions, write_line};
use kymo_protocol::limits::VITALS_LINE_MAX;
use kymo_protocol::{Body, Decoder, Frame, opta1};

const QUESTION: &str = "How long does it take to write a vitals frame, and to read one?";

/// Frames of the stream that is decoded: 64 KiB, some of them cut by the end of a read.
const STREAM_FRAMES: u32 = 200;
const READ_SIZE: usize = 4096;

fn main() -> ExitCode {
    run(QUESTION, |args, report| {
        let mut bench = Bench { args, report };
        bench.binary()?;
        bench.text()?;
        bench.parse()?;
        bench.stream()
    })
}

struct Bench<'a> {
    args: &'a Args,
    report: &'a mut Report,
}

impl Bench<'_> {
    /// Times `work` against a copy of `size` bytes; both are called often enough for the clock.
    fn beside_copy(
        &self,
        size: usize,
        frames: u32,
        mut work: impl FnMut() -> Outcome<()>,
    ) -> Outcome<Pairs<1>> {
        // Once where an error shows; what follows does the same.
        work()?;
        let calls = if self.args.quick { 2_000 } else { 40_000 }.max(frames) / frames;
        let (source, mut target) = (vec![1u8; size], vec![0u8; size]);
        Pairs::take(
            self.args.rounds(31),
            || Ok([per_call(calls, || drop(black_box(work()))) / f64::from(frames)]),
            || {
                let copy = || black_box(&mut target[..]).copy_from_slice(black_box(&source));
                Ok([per_call(calls, copy) / f64::from(frames)])
            },
        )
    }

    fn row(&mut self, what: &str, pairs: &Pairs<1>) -> Row {
        Row::new(what, pairs.kymo(0), "ns")
            .beside(pairs.floor(0), pairs.ratio(0))
            .note("the floor is a copy of the same bytes")
    }

    fn binary(&mut self) -> Outcome<()> {
        let (readings, mut buffer) = (Readings::default(), [0; 512]);
        let mut sequence = 0;
        let pairs = self.beside_copy(FRAME_SIZE, 1, || {
            sequence += 1;
            let at = 1_000_000_000 + sequence * 1_000_000;
            let target = black_box(&mut buffer);
            black_box(sample::encode(target, black_box(&readings), sequence, at)?);
            Ok(())
        })?;
        let row = self.row("encode a vitals frame, binary", &pairs).limits(100.0, 50.0);
        self.report.row(&row);
        Ok(())
    }

    fn text(&mut self) -> Outcome<()> {
        let bytes = sample::frame()?;
        let frame = Frame::parse(&bytes)?;
        let clock = ClockMap { boot_ns: 1_000_000_000, wall_ns: 1_790_000_000_123_456_789 };
        let mut buffer = [0; VITALS_LINE_MAX];
        let size = write_line(&mut buffer, &frame, clock, LineOptions::default())?;
        let pairs = self.beside_copy(size, 1, || {
            let target = black_box(&mut buffer);
            black_box(write_line(target, black_box(&frame), clock, LineOptions::default())?);
            Ok(())
        })?;
        let row = self.row("encode a vitals frame, JSON line", &pairs);
        self.report.row(&row);

        let Body::Vitals(vitals) = frame.body else { return Err("no vitals".into()) };
        let size = opta1::encode(&mut buffer, vitals, clock.wall_ns)?;
        let pairs = self.beside_copy(size, 1, || {
            let target = black_box(&mut buffer);
            black_box(opta1::encode(target, black_box(vitals), clock.wall_ns)?);
            Ok(())
        })?;
        let row = self.row("encode a vitals frame, opta1", &pairs);
        self.report.row(&row);
        Ok(())
    }

    fn parse(&mut self) -> Outcome<()> {
        let bytes = sample::frame()?;
        let pairs = self.beside_copy(FRAME_SIZE, 1, || {
            black_box(Frame::parse(black_box(&bytes))?);
            Ok(())
        })?;
        let row = self.row("parse a vitals frame", &pairs);
        self.report.row(&row);
        Ok(())
    }

    fn stream(&mut self) -> Outcome<()> {
        let bytes = sample::frame()?.repeat(usize::try_from(STREAM_FRAMES)?);
        let mut decoder = Decoder::<8192>::new();
        let pairs = self.beside_copy(bytes.len(), STREAM_FRAMES, || {
            for piece in black_box(&bytes).chunks(READ_SIZE) {
                decoder.space()[..piece.len()].copy_from_slice(piece);
                decoder.filled(piece.len());
                while let Some(frame) = decoder.next_frame()? {
                    black_box(frame);
                }
            }
            Ok(())
        })?;
        let row = self.row("decode a stream, per vitals frame", &pairs);
        self.report.row(&row);
        Ok(())
    }
}

//! Vitals as a block on a terminal, from binary frames.

use std::io::Write;

use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{
    Body, Decoder, ErrorCode, Frame, FrameError, Hello, Payload, Position, Stamp, StreamId,
    Streams, emit,
};

use crate::block::{Line, Tone, block};
use crate::failure::{Ending, Failure};
use crate::link::{Link, Received};
use crate::rates::Rates;
use crate::screen::Screen;
use crate::{tell, terminal};

/// Bytes of the largest frame of a known kind that a daemon sends unasked.
const FRAME_MAX: usize = 8 * 1024;

/// Where the blocks go.
#[derive(Debug)]
pub struct Frames<W> {
    /// The terminal.
    pub screen: Screen<W>,
    /// Frames still to be shown; `None` for no end.
    pub left: Option<u64>,
}

/// What is known of one connection.
#[derive(Debug, Default)]
struct Source {
    name: String,
    rate_mhz: u32,
    rates: Rates,
}

impl<W: Write> Frames<W> {
    /// Shows what comes over `link` until something ends it.
    pub fn follow(&mut self, link: &mut Link, rate_mhz: u32) -> Ending {
        // What was told meanwhile stands below the last block.
        self.screen.forget();
        let request = match request(rate_mhz) {
            Ok(request) => request,
            Err(error) => return Ending::Failed(Failure::new(error.to_string())),
        };
        // A daemon that takes no one more may have closed already; its reason can still be read.
        let _ = link.send(&request);
        let mut source = Source { name: link.name(), rate_mhz, rates: Rates::default() };
        let mut decoder = Decoder::<FRAME_MAX>::new();
        loop {
            match link.receive(decoder.space()) {
                Ok(Received::OutputClosed) => return Ending::Done,
                Ok(Received::Bytes(0)) => return Ending::Lost("the connection ended".into()),
                Ok(Received::Bytes(size)) => decoder.filled(size),
                Err(error) => return Ending::Lost(error.to_string()),
            }
            loop {
                let ending = match decoder.next_frame() {
                    Ok(None) => break,
                    Ok(Some(frame)) => self.take(&frame, &mut source),
                    Err(error) => Some(Ending::Lost(error.to_string())),
                };
                if let Some(ending) = ending {
                    return ending;
                }
            }
        }
    }

    fn take(&mut self, frame: &Frame<'_>, source: &mut Source) -> Option<Ending> {
        match frame.body {
            Body::Subscribed(granted) => source.rate_mhz = granted.rate_mhz.get(),
            Body::Vitals(vitals) => {
                source.rates.add(frame.header.timestamp.get(), vitals);
                let merged = vitals.merged.get();
                let mut lines = vec![source.line(frame.header.sequence.get(), merged)];
                lines.extend(block(vitals, &source.rates));
                if let Err(error) = self.screen.draw(&lines, terminal::size()) {
                    return Some(Ending::of_output(&error));
                }
                let left = self.left.as_mut()?;
                *left = left.saturating_sub(1);
                return (*left == 0).then_some(Ending::Done);
            }
            Body::Gap(gap) => {
                let (first, last) = (gap.first.get(), gap.last.get());
                self.tell(format_args!("frames {first} to {last} are lost"));
            }
            Body::Goodbye(goodbye) => {
                self.tell(format_args!("the daemon says goodbye: {}", goodbye.reason().name()));
            }
            Body::Error(report) => {
                let code = report.code().map_or("unknown", ErrorCode::name);
                return Some(Ending::of_error(report.text().chars(), code.chars()));
            }
            _ => {}
        }
        None
    }

    /// A line on standard error, which may be the same terminal.
    fn tell(&mut self, text: std::fmt::Arguments<'_>) {
        tell(text);
        self.screen.forget();
    }
}

impl Source {
    /// Where a frame came from, and which one it is.
    fn line(&self, sequence: u64, merged: u32) -> Line {
        let hz = f64::from(self.rate_mhz) / 1000.0;
        let mut value = format!("frame {sequence} at {hz} Hz from {}", self.name);
        if merged > 0 {
            value = format!("{merged} merged, {value}");
        }
        Line { label: "kymo", value, tone: Tone::Plain }
    }
}

/// Hello and subscribe, which may be sent together.
fn request(rate_mhz: u32) -> Result<Vec<u8>, FrameError> {
    let stamp = Stamp { boot_ns: 0 };
    let mut bytes = vec![0; Hello::FRAME_SIZE + SubscribeFixed::FRAME_SIZE];
    let (hello, size) = emit::<Hello>(&mut bytes, Position::NONE, stamp)?;
    hello.set("kymo watch");
    let rest = bytes.get_mut(size..).unwrap_or_default();
    let (subscribe, _) = emit::<SubscribeFixed>(rest, Position::NONE, stamp)?;
    subscribe.rate_mhz.set(rate_mhz);
    subscribe.streams.set(Streams::default().with(StreamId::VITALS).0);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Style;
    use kymo_protocol::{ErrorReport, Goodbye, GoodbyeReason, Subscribed, Vitals};

    fn take(frames: &mut Frames<Vec<u8>>, source: &mut Source, bytes: &[u8]) -> Option<Ending> {
        frames.take(&Frame::parse(bytes).unwrap(), source)
    }

    fn bytes<P: Payload>(fill: impl FnOnce(&mut P)) -> Vec<u8> {
        let mut bytes = vec![0; P::FRAME_SIZE];
        let at = Position { stream: StreamId::VITALS, sequence: 7 };
        let at = if P::KIND == Vitals::KIND { at } else { Position::NONE };
        fill(emit::<P>(&mut bytes, at, Stamp { boot_ns: 5 }).unwrap().0);
        bytes
    }

    #[test]
    fn requests_are_two_frames() {
        let mut decoder = Decoder::<1024>::new();
        let bytes = request(5_000).unwrap();
        decoder.space()[..bytes.len()].copy_from_slice(&bytes);
        decoder.filled(bytes.len());
        let Body::Hello(hello) = decoder.next_frame().unwrap().unwrap().body else { panic!() };
        assert_eq!(hello.name(), "kymo watch");
        let subscribe = decoder.next_frame().unwrap().unwrap();
        let Body::Subscribe(subscribe) = subscribe.body else { panic!() };
        assert_eq!(subscribe.fixed.rate_mhz.get(), 5_000);
        assert!(subscribe.streams().contains(StreamId::VITALS));
    }

    #[test]
    fn frames_are_drawn_and_counted() {
        let screen = Screen::new(Vec::new(), Style::Plain);
        let mut frames = Frames { screen, left: Some(2) };
        let mut source = Source { name: "/d".into(), ..Source::default() };
        let subscribed = bytes::<Subscribed>(|granted| granted.rate_mhz.set(12_500));
        assert_eq!(take(&mut frames, &mut source, &subscribed), None);
        let vitals = bytes::<Vitals>(|vitals| vitals.merged.set(3));
        assert_eq!(take(&mut frames, &mut source, &vitals), None);
        let line = source.line(7, 3);
        assert_eq!(line.value, "3 merged, frame 7 at 12.5 Hz from /d");
        assert_eq!(take(&mut frames, &mut source, &vitals), Some(Ending::Done));
    }

    #[test]
    fn last_words_are_understood() {
        let mut frames = Frames { screen: Screen::new(Vec::new(), Style::Plain), left: None };
        let mut source = Source::default();
        let goodbye = bytes::<Goodbye>(|goodbye| goodbye.set(GoodbyeReason::Shutdown));
        assert_eq!(take(&mut frames, &mut source, &goodbye), None);
        let error = bytes::<ErrorReport>(|report| report.set(ErrorCode::Full, "no\u{1b}room"));
        let failure = Failure::new("the daemon says: no�room (full)");
        assert_eq!(take(&mut frames, &mut source, &error), Some(Ending::Failed(failure)));
    }
}

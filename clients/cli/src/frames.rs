//! Vitals as a block on a terminal, events as lines above it.

use std::io::Write;

use kymo_client::{Body, Gap, GapReason, Item, StreamId};
use kymo_platform::LocalTime;

use crate::block::{Line, Tone, block};
use crate::event_text::event_text;
use crate::failure::Ending;
use crate::rates::Rates;
use crate::screen::Screen;
use crate::{tell, terminal};

/// Where the blocks go, and what is known of their source.
#[derive(Debug)]
pub struct Frames<W> {
    /// The terminal.
    pub screen: Screen<W>,
    /// Frames still to be shown; `None` for no end.
    pub left: Option<u64>,
    /// For the time of events.
    pub zone: LocalTime,
    /// Where they come from.
    pub source: String,
    /// Granted.
    pub rate_mhz: u32,
    /// Of counters.
    pub rates: Rates,
}

impl<W: Write> Frames<W> {
    /// A connection begins.
    pub fn begin(&mut self, rate_mhz: u32) {
        self.rate_mhz = rate_mhz;
        self.rates = Rates::default();
        // What was told meanwhile stands below the last block.
        self.screen.forget();
    }

    /// Shows an item.
    pub fn show(&mut self, item: &Item<'_>) -> Option<Ending> {
        let drawn = match item {
            Item::Frame(frame) => {
                let sequence = frame.header.sequence.get();
                match frame.body {
                    Body::Vitals(vitals) => {
                        self.rates.add(frame.header.timestamp.get(), vitals);
                        let mut lines = vec![self.line(sequence, vitals.merged.get())];
                        lines.extend(block(vitals, &self.rates));
                        self.screen.draw(&lines, terminal::size())
                    }
                    Body::Event(event) => {
                        let text = event_text(event, sequence, self.zone);
                        self.screen.print(&text, terminal::size())
                    }
                    _ => return None,
                }
            }
            Item::Gap(gap) if gap.stream == StreamId::EVENTS => {
                self.screen.print(&gap_text(gap), terminal::size())
            }
            Item::Gap(gap) => {
                tell(format_args!("{}", gap_text(gap)));
                self.screen.forget();
                return None;
            }
            _ => return None,
        };
        if let Err(error) = drawn {
            return Some(Ending::of_output(&error));
        }
        let left = self.left.as_mut()?;
        *left = left.saturating_sub(1);
        (*left == 0).then_some(Ending::Done)
    }

    /// Where a frame came from, and which one it is.
    fn line(&self, sequence: u64, merged: u32) -> Line {
        let hz = f64::from(self.rate_mhz) / 1000.0;
        let mut value = format!("frame {sequence} at {hz} Hz from {}", self.source);
        if merged > 0 {
            value = format!("{merged} merged, {value}");
        }
        Line { label: "kymo", value, tone: Tone::Plain }
    }
}

fn gap_text(gap: &Gap) -> String {
    let Gap { first, last, count, .. } = gap;
    let what = if gap.stream == StreamId::EVENTS { "events" } else { "frames" };
    let why = match gap.reason {
        Some(GapReason::Lapped) => "they were more than the daemon remembers",
        Some(GapReason::Retention) => "its journal keeps them no longer",
        Some(GapReason::Damage) => "its journal was damaged",
        Some(GapReason::Unjournalled) => "its journal could not be written",
        None => "there was no connection",
    };
    let up_to = if *count > last - first { "" } else { "up to " };
    format!("{what} {first} to {last} are lost, {up_to}{count}: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Style;
    use kymo_client::{Data, EventFields, Frame};
    use kymo_protocol::{Payload, Position, Stamp, Vitals, emit};

    fn frames(style: Style, left: Option<u64>) -> Frames<Vec<u8>> {
        Frames {
            screen: Screen::new(Vec::new(), style),
            left,
            zone: LocalTime::new(),
            source: "/d".into(),
            rate_mhz: 12_500,
            rates: Rates::default(),
        }
    }

    fn vitals() -> Vec<u8> {
        let mut bytes = vec![0; Vitals::FRAME_SIZE];
        let at = Position { stream: StreamId::VITALS, sequence: 7 };
        let (vitals, _) = emit::<Vitals>(&mut bytes, at, Stamp { boot_ns: 5 }).unwrap();
        vitals.merged.set(3);
        bytes
    }

    #[test]
    fn frames_are_drawn_and_counted() {
        let mut frames = frames(Style::Plain, Some(2));
        let bytes = vitals();
        let item = Item::Frame(Frame::parse(&bytes).unwrap());
        assert_eq!(frames.show(&Item::Fresh { lost_after: None }), None);
        assert_eq!(frames.show(&item), None);
        assert_eq!(frames.line(7, 3).value, "3 merged, frame 7 at 12.5 Hz from /d");
        assert_eq!(frames.show(&item), Some(Ending::Done));
    }

    #[test]
    fn events_and_gaps_stand_above_the_block() {
        let mut frames = frames(Style::InPlace { color: false }, None);
        let bytes = vitals();
        frames.show(&Item::Frame(Frame::parse(&bytes).unwrap()));
        let (mut payload, mut bytes) = ([0; 256], [0; 512]);
        let fields = EventFields::custom("t", Data::Json("1"));
        let size = fields.write(&mut payload).unwrap();
        let stamp = Stamp { boot_ns: 0 };
        let size = kymo_client::Event::emit(&mut bytes, 7, stamp, &payload[..size]).unwrap();
        frames.show(&Item::Frame(Frame::parse(&bytes[..size]).unwrap()));
        let reason = Some(GapReason::Lapped);
        let gap = Gap { stream: StreamId::EVENTS, first: 8, last: 9, count: 2, reason };
        frames.show(&Item::Gap(gap));
        let text = String::from_utf8(frames.screen.output().clone()).unwrap();
        let event = text.find("#7      t  1\n").unwrap();
        let gap = text.find("events 8 to 9 are lost, 2: they were more").unwrap();
        assert!(event < gap && gap < text.rfind("uptime").unwrap(), "{text}");
        assert_eq!(text.matches("\x1b[14A").count(), 2, "the block was taken away twice");
    }

    #[test]
    fn gaps_say_what_is_known() {
        let gap = Gap { stream: StreamId::EVENTS, first: 1, last: 9, count: 4, reason: None };
        let expected = "events 1 to 9 are lost, up to 4: there was no connection";
        assert_eq!(gap_text(&gap), expected);
    }
}

//! Vitals, processes and sensors as a block on a terminal, events as lines above it.

use std::io::{self, Write};

use kymo_client::{Body, Item, StreamId};
use kymo_platform::LocalTime;
use kymo_top::gap_text::gap_text;

use crate::block::{Line, Tone, block};
use crate::event_text::event_text;
use crate::failure::Ending;
use crate::process_block::process_lines;
use crate::rates::Rates;
use crate::screen::Screen;
use crate::sensor_block::SensorBlock;
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
    /// The sensors that are shown, if some are.
    pub sensors: Option<SensorBlock>,
    /// The processes of the last frame of them.
    pub processes: Vec<Line>,
    /// Whether vitals come, below which they stand.
    pub has_vitals: bool,
}

impl<W: Write> Frames<W> {
    /// A connection begins.
    pub fn begin(&mut self, rate_mhz: u32) {
        self.rate_mhz = rate_mhz;
        self.rates = Rates::default();
        if let Some(sensors) = &mut self.sensors {
            sensors.begin();
        }
        self.processes.clear();
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
                        self.add_others(&mut lines);
                        self.screen.draw(&lines, terminal::size())
                    }
                    Body::Processes(processes) => {
                        // One row is the cursor's, one that of the frame.
                        let rows = terminal::size().map(|size| usize::from(size.rows));
                        let rows = rows.map(|rows| rows.saturating_sub(2));
                        self.processes = process_lines(processes, rows);
                        if self.has_vitals {
                            return None;
                        }
                        let mut lines = vec![self.line(sequence, processes.fixed.merged.get())];
                        self.add_others(&mut lines);
                        self.screen.draw(&lines, terminal::size())
                    }
                    Body::Event(event) => {
                        let text = event_text(event, sequence, self.zone);
                        self.screen.print(&text, terminal::size())
                    }
                    _ => {
                        if let Some(sensors) = &mut self.sensors {
                            sensors.handle(item);
                        }
                        return None;
                    }
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
        self.count(drawn)
    }

    /// Draws sensors that have no vitals beside them, when all that came at once is here.
    pub fn flush(&mut self) -> Option<Ending> {
        let (sequence, merged) = self.sensors.as_mut()?.take_news()?;
        let mut lines = vec![self.line(sequence, merged)];
        self.add_others(&mut lines);
        let drawn = self.screen.draw(&lines, terminal::size());
        self.count(drawn)
    }

    fn add_others(&self, lines: &mut Vec<Line>) {
        lines.extend_from_slice(&self.processes);
        let Some(sensors) = &self.sensors else { return };
        // One row is the cursor's.
        let rows = terminal::size().map_or(usize::MAX, |size| usize::from(size.rows) - 1);
        lines.extend(sensors.lines(rows.saturating_sub(lines.len())));
    }

    /// Something was drawn, or could not be.
    fn count(&mut self, drawn: io::Result<()>) -> Option<Ending> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Style;
    use kymo_client::{Data, EventFields, Frame, Gap, GapReason};
    use kymo_protocol::{Payload, Position, Stamp, Vitals, emit};

    fn frames(style: Style, left: Option<u64>) -> Frames<Vec<u8>> {
        Frames {
            screen: Screen::new(Vec::new(), style),
            left,
            zone: LocalTime::new(),
            source: "/d".into(),
            rate_mhz: 12_500,
            rates: Rates::default(),
            sensors: None,
            processes: Vec::new(),
            has_vitals: true,
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
    fn sensors_alone_are_drawn_once_for_what_came_at_once() {
        use crate::readings::tests::{catalog, fields, samples};
        use crate::sensor_filter::SensorFilter;
        let mut frames = frames(Style::Plain, Some(2));
        frames.sensors = Some(SensorBlock::new(SensorFilter::default(), true));
        let told = [(1, kymo_client::State::Ok, 0, 1.5)];
        assert_eq!(frames.flush(), None);
        for bytes in [catalog(1, &[fields(1)]), samples(1, 5, &told), samples(1, 6, &told)] {
            assert_eq!(frames.show(&Item::Frame(Frame::parse(&bytes).unwrap())), None);
        }
        assert_eq!((frames.flush(), frames.flush()), (None, None));
        let text = String::from_utf8(frames.screen.output().clone()).unwrap();
        assert_eq!(text.matches("\n\n").count(), 1, "{text}");
        assert!(text.contains("frame 9 at 12.5 Hz from /d\nhwmon "), "{text}");
        frames.begin(1000);
        assert_eq!(frames.flush(), None, "nothing of another connection is shown");
    }

    #[test]
    fn sensors_stand_below_the_vitals() {
        use crate::readings::tests::{catalog, fields, samples};
        use crate::sensor_filter::SensorFilter;
        let told = [(1, kymo_client::State::Ok, 0, 1.5)];
        let mut frames = frames(Style::Plain, None);
        frames.sensors = Some(SensorBlock::new(SensorFilter::default(), false));
        for bytes in [catalog(1, &[fields(1)]), samples(1, 5, &told), vitals()] {
            assert_eq!(frames.show(&Item::Frame(Frame::parse(&bytes).unwrap())), None);
            assert_eq!(frames.flush(), None);
        }
        let text = String::from_utf8(frames.screen.output().clone()).unwrap();
        let (uptime, sensor) = (text.find("uptime").unwrap(), text.find("hwmon").unwrap());
        assert!(uptime < sensor && text.matches("hwmon").count() == 1, "{text}");
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
}

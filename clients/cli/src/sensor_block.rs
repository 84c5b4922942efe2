//! Chosen sensors as lines of a block that is drawn again and again, counters with their rates.

use std::collections::BTreeMap;

use kymo_client::{Body, Frame, Instrument, Item, Samples, Sensor, State};

use crate::block::{Line, Tone};
use crate::quantity::{rate, span};
use crate::rates::Window;
use crate::readings::{Change, Reading, Readings};
use crate::sensor_filter::SensorFilter;
use crate::sensor_table::{label, value};

/// Columns of a label; what is longer is cut.
const LABEL: usize = 30;

/// Columns of a value.
const VALUE: usize = 16;

/// Columns of a rate.
const RATE: usize = 11;

/// An age from which on it is shown, as that of vitals.
const AGE_MS_MIN: u64 = 1000;

/// The sensors; see the module.
#[derive(Debug)]
pub struct SensorBlock {
    filter: SensorFilter,
    readings: Readings,
    /// Of the counters, by id.
    windows: BTreeMap<u16, Window>,
    /// Whether nothing else is drawn that they would stand below.
    is_alone: bool,
    /// Sequence of the newest frame, and how many others those stood for that came since the last
    /// block.
    news: Option<(u64, u32)>,
}

impl SensorBlock {
    /// A block of the sensors that `filter` wants.
    pub fn new(filter: SensorFilter, is_alone: bool) -> Self {
        let (readings, windows) = (Readings::default(), BTreeMap::new());
        Self { filter, readings, windows, is_alone, news: None }
    }

    /// A connection begins: what sensors there are will be told anew.
    pub fn begin(&mut self) {
        (self.readings, self.news) = (Readings::default(), None);
        self.windows.clear();
    }

    /// Takes in an item.
    pub fn handle(&mut self, item: &Item<'_>) {
        match (self.readings.handle(item), item) {
            // Ids may mean something else now.
            (Change::Catalog, _) => self.windows.clear(),
            (Change::Samples, Item::Frame(frame)) => {
                if let Body::Samples(samples) = frame.body {
                    self.handle_samples(frame, samples);
                }
            }
            _ => {}
        }
    }

    fn handle_samples(&mut self, frame: &Frame<'_>, samples: &Samples) {
        let (_, merged) = self.news.unwrap_or_default();
        let merged = merged.saturating_add(samples.merged());
        self.news = Some((frame.header.sequence.get(), merged));
        for (sensor, sample) in self.readings.catalog().named(samples).into_iter().flatten() {
            if sensor.instrument == Instrument::Counter && self.filter.wants(sensor) {
                let reading = Reading::of(sample);
                let frame_ns = frame.header.timestamp.get();
                let read_ns = frame_ns.saturating_sub(reading.age_ms * 1_000_000);
                self.windows.entry(sensor.id).or_default().add(read_ns, reading.value);
            }
        }
    }

    /// Sequence and merged of what is to be drawn; `None` when that is nothing, or is drawn with
    /// something else.
    pub fn take_news(&mut self) -> Option<(u64, u32)> {
        self.news.take().filter(|_| self.is_alone)
    }

    /// At most `rows` lines, group by group.
    pub fn lines(&self, rows: usize) -> Vec<Line> {
        let wanted = self.readings.all().filter(|(sensor, _)| self.filter.wants(sensor));
        let mut wanted: Vec<(&Sensor, Reading)> = wanted.collect();
        wanted.sort_by_key(|(sensor, _)| sensor.group);
        if wanted.is_empty() {
            let value = match self.readings.catalog().topology() {
                Some(_) => "none is like that",
                None => "pending",
            };
            return vec![Line { label: "sensors", value: value.into(), tone: Tone::Faint }];
        }
        let shown = if wanted.len() > rows { rows.saturating_sub(1) } else { wanted.len() };
        let mut last = None;
        let mut lines: Vec<Line> = Vec::with_capacity(shown + 1);
        for (sensor, reading) in &wanted[..shown] {
            let is_first = last.replace(sensor.group) != Some(sensor.group);
            let label = if is_first { sensor.group.name() } else { "" };
            let rate = self.windows.get(&sensor.id).and_then(Window::per_second);
            lines.push(line(label, sensor, *reading, rate));
        }
        if shown < wanted.len() {
            let value = format!("and {} more than the terminal has room for", wanted.len() - shown);
            lines.push(Line { label: "", value, tone: Tone::Faint });
        }
        lines
    }
}

fn line(group: &'static str, sensor: &Sensor, reading: Reading, per_second: Option<f64>) -> Line {
    let name: String = label(sensor).chars().take(LABEL).collect();
    if reading.value.is_none() {
        let value = format!("{name:LABEL$}  {:>VALUE$}", reading.state.name());
        return Line { label: group, value, tone: Tone::Faint };
    }
    let mut value = format!("{name:LABEL$}  {:>VALUE$}", value(sensor, reading));
    if let Some(per_second) = per_second {
        value.push_str(&format!("  {:>RATE$}", rate(per_second, &sensor.unit)));
    }
    if reading.state == State::Held {
        value.push_str(" held");
    }
    if reading.age_ms >= AGE_MS_MIN {
        value.push_str(&format!(" {}", span(reading.age_ms)));
    }
    Line { label: group, value, tone: Tone::Plain }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readings::tests::{catalog, fields, samples};
    use kymo_client::Group;
    use kymo_protocol::SensorFields;

    fn block(pattern: &str) -> SensorBlock {
        let mut filter = SensorFilter::default();
        filter.push(pattern).unwrap();
        let mut block = SensorBlock::new(filter, true);
        let cpu = SensorFields { group: Group::Cpu, label: "cpu0", ..fields(3) };
        let told = [
            (1, State::Ok, 999, 54.0),
            (2, State::Held, 61_000, 0.25),
            (3, State::Pending, 0, 0.0),
        ];
        for bytes in [catalog(1, &[fields(1), fields(2), cpu]), samples(1, 5, &told)] {
            block.handle(&Item::Frame(Frame::parse(&bytes).unwrap()));
        }
        block
    }

    fn text(block: &SensorBlock, rows: usize) -> Vec<String> {
        let lines = block.lines(rows).into_iter();
        lines.map(|line| format!("{:10} {}", line.label, line.value)).collect()
    }

    #[test]
    fn lines_stand_by_group_with_states_and_ages() {
        let block = block("*");
        assert_eq!(
            text(&block, 9),
            [
                "cpu        cpu0                                     pending",
                "hwmon      system.cpu.time                           54.0 s",
                "           system.cpu.time                         250.0 ms held 61 s",
            ]
        );
        assert_eq!(block.lines(9)[0].tone, Tone::Faint);
        assert!(text(&block, 9).iter().all(|line| line.chars().count() <= 78));
    }

    #[test]
    fn counters_have_rates_until_ids_mean_something_else() {
        let mut block = block("hwmon/a/one");
        let more = samples(1, 1005, &[(1, State::Ok, 999, 54.25)]);
        block.handle(&Item::Frame(Frame::parse(&more).unwrap()));
        assert!(!text(&block, 9)[0].contains('%'), "read too soon after the first");
        let more = samples(1, 1005, &[(1, State::Ok, 0, 54.25)]);
        block.handle(&Item::Frame(Frame::parse(&more).unwrap()));
        let line = text(&block, 9).remove(0);
        // 0.25 s in 1.005 s.
        assert!(line.ends_with("  54.2 s       24.9 %"), "{line:?}");
        block.handle(&Item::Frame(Frame::parse(&catalog(2, &[fields(1)])).unwrap()));
        assert!(block.windows.is_empty());
    }

    #[test]
    fn what_has_no_room_is_counted() {
        let block = block("*");
        let lines = text(&block, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].contains("and 2 more than"), "{lines:?}");
        assert_eq!(text(&block, 3).len(), 3);
    }

    #[test]
    fn nothing_found_is_said() {
        assert!(text(&block("nobody"), 9)[0].contains("none is like that"));
        let mut block = block("*");
        assert_eq!(block.take_news(), Some((9, 0)));
        assert_eq!(block.take_news(), None, "it was drawn");
        block.begin();
        assert!(text(&block, 9)[0].contains("pending"));
    }
}

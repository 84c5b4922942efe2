//! Chosen sensors as lines of a block that is drawn again and again.

use kymo_client::{Body, Item, Sensor};

use crate::block::{Line, Tone};
use crate::quantity::span;
use crate::readings::{Change, Reading, Readings};
use crate::sensor_filter::SensorFilter;
use crate::sensor_table::{label, value};

/// Columns of a label; what is longer is cut.
const LABEL: usize = 36;

/// Columns of a value.
const VALUE: usize = 16;

/// An age from which on it is shown, as that of vitals.
const AGE_MS_MIN: u64 = 1000;

/// The sensors; see the module.
#[derive(Debug)]
pub struct SensorBlock {
    filter: SensorFilter,
    readings: Readings,
    /// Whether nothing else is drawn that they would stand below.
    is_alone: bool,
    /// Sequence of the newest frame, and how many others those stood for that came since the last
    /// block.
    news: Option<(u64, u32)>,
}

impl SensorBlock {
    /// A block of the sensors that `filter` wants.
    pub fn new(filter: SensorFilter, is_alone: bool) -> Self {
        Self { filter, readings: Readings::default(), is_alone, news: None }
    }

    /// A connection begins: what sensors there are will be told anew.
    pub fn begin(&mut self) {
        (self.readings, self.news) = (Readings::default(), None);
    }

    /// Takes in an item.
    pub fn handle(&mut self, item: &Item<'_>) {
        if self.readings.handle(item) == Change::Samples
            && let Item::Frame(frame) = item
            && let Body::Samples(samples) = frame.body
        {
            let (_, merged) = self.news.unwrap_or_default();
            let merged = merged.saturating_add(samples.merged());
            self.news = Some((frame.header.sequence.get(), merged));
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
            lines.push(line(label, sensor, *reading));
        }
        if shown < wanted.len() {
            let value = format!("and {} more than the terminal has room for", wanted.len() - shown);
            lines.push(Line { label: "", value, tone: Tone::Faint });
        }
        lines
    }
}

fn line(group: &'static str, sensor: &Sensor, reading: Reading) -> Line {
    let name: String = label(sensor).chars().take(LABEL).collect();
    if reading.value.is_none() {
        let value = format!("{name:LABEL$}  {:>VALUE$}", reading.state.name());
        return Line { label: group, value, tone: Tone::Faint };
    }
    let mut value = format!("{name:LABEL$}  {:>VALUE$}", value(sensor, reading));
    if reading.state == kymo_client::State::Held {
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
    use kymo_client::{Frame, Group, State};
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
                "cpu        cpu0                                           pending",
                "hwmon      system.cpu.time                                 54.0 s",
                "           system.cpu.time                               250.0 ms held 61 s",
            ]
        );
        assert_eq!(block.lines(9)[0].tone, Tone::Faint);
        assert!(text(&block, 9).iter().all(|line| line.chars().count() <= 78));
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

//! What comes as JSON Lines, the same that a daemon writes.

use std::io::Write;

use kymo_client::{ClockMap, Gap, GapReason, Item, Samples};
use kymo_protocol::json::{LineOptions, write_line};
use kymo_protocol::limits::{EVENT_BYTES_MAX, line_bytes};
use kymo_protocol::{Body, Frame, FrameError, Payload, Position, Stamp, emit};

use crate::clean::clean_json;
use crate::failure::{Ending, Failure};
use crate::readings::{Change, Reading, Readings};
use crate::sensor_filter::SensorFilter;
use crate::sensor_json::{members, timestamp};
use crate::tell;
use crate::value::Value;

/// Text is brought out when it is longer than this, or when nothing more is there.
const TEXT_MAX: usize = 32 * 1024;

/// Where the lines go.
#[derive(Debug)]
pub struct Lines<W> {
    /// Standard output, unless a test says otherwise.
    output: W,
    /// Whether it is a terminal, which would act on control characters.
    is_terminal: bool,
    /// Lines still to be printed; `None` for no end.
    left: Option<u64>,
    /// Lines on their way.
    text: String,
    line: Box<[u8]>,
    /// The sensors to be printed, and what is known of them.
    filter: SensorFilter,
    readings: Readings,
    /// Whether it was said that none of them is there.
    is_told: bool,
    /// Whether they are those of a recording.
    pub is_recorded: bool,
}

impl<W: Write> Lines<W> {
    /// Prints to `output`, `left` lines if that is a number; of sensors those that `filter` wants.
    pub fn new(output: W, is_terminal: bool, left: Option<u64>, filter: SensorFilter) -> Self {
        let line = vec![0; line_bytes(EVENT_BYTES_MAX) as usize].into_boxed_slice();
        let readings = Readings::default();
        Self {
            output,
            is_terminal,
            left,
            text: String::new(),
            line,
            filter,
            readings,
            is_told: false,
            is_recorded: false,
        }
    }

    /// A connection begins: what sensors there are will be told anew.
    pub fn begin(&mut self) {
        self.readings = Readings::default();
    }

    /// Prints an item, if it is one that has a line.
    pub fn show(&mut self, item: &Item<'_>, clock: ClockMap) -> Option<Ending> {
        let size = match item {
            Item::Frame(frame) => match frame.body {
                Body::Catalog(_) => {
                    if self.readings.handle(item) == Change::Catalog {
                        self.look_for_wanted();
                    }
                    return None;
                }
                Body::Samples(samples) => return self.show_samples(item, frame, samples, clock),
                _ => write(&mut self.line, frame, clock),
            },
            Item::Gap(gap) => write_gap(&mut self.line, gap),
            _ => return None,
        };
        let line = size.map(|size| self.line.get(..size).unwrap_or_default());
        match line.map(str::from_utf8) {
            Ok(Ok(line)) => push(&mut self.text, line.trim_end_matches('\n'), self.is_terminal),
            _ => {
                return Some(Ending::Failed(Failure::new("the daemon sent data that is not JSON")));
            }
        }
        self.count()
    }

    /// Prints what no frame tells.
    pub fn notice<const N: usize>(
        &mut self,
        kind: &str,
        members: [(&str, Value); N],
    ) -> Option<Ending> {
        let kind = [("type", Value::text(kind))];
        let line = Value::object(kind.into_iter().chain(members)).json();
        push(&mut self.text, &line, self.is_terminal);
        self.count()
    }

    /// Says, once, that no sensor is wanted: nothing else would.
    fn look_for_wanted(&mut self) {
        let mut sensors = self.readings.catalog().sensors().iter();
        if !self.is_told && !sensors.any(|sensor| self.filter.wants(sensor)) {
            self.is_told = true;
            tell(match self.is_recorded {
                true => format_args!(
                    "no sensor of the recording is like that so far; the first line of kymo export \
                     --csv names them"
                ),
                false => {
                    format_args!("no sensor is like that so far; kymo sensors --long shows them")
                }
            });
        }
    }

    /// Prints a line for each wanted sensor of a frame.
    fn show_samples(
        &mut self,
        item: &Item<'_>,
        frame: &Frame<'_>,
        samples: &Samples,
        clock: ClockMap,
    ) -> Option<Ending> {
        if self.readings.handle(item) != Change::Samples {
            return None;
        }
        let lines: Vec<String> = sensor_lines(&self.readings, &self.filter, frame, samples, clock);
        for line in lines {
            push(&mut self.text, &line, self.is_terminal);
            if let Some(ending) = self.count() {
                return Some(ending);
            }
        }
        None
    }

    /// One line more is printed.
    fn count(&mut self) -> Option<Ending> {
        if self.text.len() > TEXT_MAX
            && let Some(ending) = self.flush()
        {
            return Some(ending);
        }
        let left = self.left.as_mut()?;
        *left = left.saturating_sub(1);
        (*left == 0).then_some(Ending::Done)
    }

    /// Brings out what was printed: everything that came at once goes at once.
    pub fn flush(&mut self) -> Option<Ending> {
        if self.text.is_empty() {
            return None;
        }
        let printed = self.output.write_all(self.text.as_bytes());
        self.text.clear();
        let printed = printed.and_then(|()| self.output.flush());
        printed.err().map(|error| Ending::of_output(&error))
    }
}

/// Adds a line to `text`, without what a terminal would act on.
fn push(text: &mut String, line: &str, is_terminal: bool) {
    match is_terminal {
        true => text.push_str(&clean_json(line)),
        false => text.push_str(line),
    }
    text.push('\n');
}

/// The lines of a frame's sensors: type, seq and timestamp, the members of a sensor, and how many
/// frames this one replaces, if it does.
fn sensor_lines(
    readings: &Readings,
    filter: &SensorFilter,
    frame: &Frame<'_>,
    samples: &Samples,
    clock: ClockMap,
) -> Vec<String> {
    let head = format!(
        "{{\"type\":\"sensor\",\"seq\":{},\"timestamp\":{}",
        frame.header.sequence.get(),
        timestamp(clock.wall_at(frame.header.timestamp.get())),
    );
    let end = match samples.merged() {
        0 => "}".into(),
        merged => format!(",\"merged\":{merged}}}"),
    };
    let named = readings.catalog().named(samples).into_iter().flatten();
    let wanted = named.filter(|(sensor, _)| filter.wants(sensor));
    let lines = wanted.map(|(sensor, sample)| {
        let members = members(sensor, Reading::of(sample));
        format!("{head},{members}{end}")
    });
    lines.collect()
}

fn write(buffer: &mut [u8], frame: &Frame<'_>, clock: ClockMap) -> Result<usize, FrameError> {
    if let Body::Event(event) = frame.body {
        // It goes into the line as it is.
        event.check_json()?;
    }
    write_line(buffer, frame, clock, LineOptions::default())
}

fn write_gap(buffer: &mut [u8], told: &Gap) -> Result<usize, FrameError> {
    let mut bytes = [0; kymo_protocol::Gap::FRAME_SIZE];
    let at = Position { stream: told.stream, sequence: 0 };
    let (gap, _) = emit::<kymo_protocol::Gap>(&mut bytes, at, Stamp { boot_ns: 0 })?;
    gap.set(told.first, told.last, told.reason.unwrap_or(GapReason::Lapped));
    gap.count.set(told.count);
    write_line(buffer, &Frame::parse(&bytes)?, ClockMap::default(), LineOptions::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_client::{Data, Event, EventFields, State, StreamId};
    use kymo_protocol::Words;

    fn lines(is_terminal: bool, left: Option<u64>) -> Lines<Vec<u8>> {
        Lines::new(Vec::new(), is_terminal, left, SensorFilter::default())
    }

    fn event(data: Data<'_>) -> Vec<u8> {
        let (mut payload, mut bytes) = ([0; 512], vec![0; 1024]);
        let size = EventFields::custom("t", data).write(&mut payload).unwrap();
        let size = Event::emit(&mut bytes, 7, Stamp { boot_ns: 0 }, &payload[..size]).unwrap();
        bytes.truncate(size);
        bytes
    }

    fn show(lines: &mut Lines<Vec<u8>>, bytes: &[u8]) -> Option<Ending> {
        lines.show(&Item::Frame(Frame::parse(bytes).unwrap()), ClockMap::default())
    }

    #[test]
    fn frames_and_gaps_are_counted_and_come_out_at_once() {
        let mut lines = lines(false, Some(2));
        let item = Item::Fresh { lost_after: None };
        assert_eq!(lines.show(&item, ClockMap::default()), None);
        assert_eq!(show(&mut lines, &event(Data::Json("1"))), None);
        assert!(lines.output.is_empty());
        let gap = Gap {
            stream: StreamId::EVENTS,
            first: 8,
            last: 19,
            count: 5,
            reason: Some(GapReason::Retention),
        };
        let ending = lines.show(&Item::Gap(gap), ClockMap::default());
        assert_eq!((ending, lines.flush()), (Some(Ending::Done), None));
        assert_eq!(
            str::from_utf8(&lines.output).unwrap(),
            "{\"type\":\"event\",\"topic\":\"t\",\"seq\":7,\"timestamp\":0.000000,\"data\":1}\n\
             {\"type\":\"gap\",\"stream\":\"events\",\"first\":8,\"last\":19,\"count\":5,\
             \"reason\":\"retention\"}\n"
        );
    }

    #[test]
    fn each_wanted_sensor_is_a_line() {
        use crate::readings::tests::{catalog, fields, samples};
        let mut lines = lines(false, Some(3));
        lines.filter.push("hwmon/*").unwrap();
        lines.filter.push("b*/three").unwrap();
        let told = [(1, State::Ok, 5, 1.5), (2, State::Denied, 0, 0.0), (9, State::Ok, 0, 1.0)];
        assert_eq!(show(&mut lines, &samples(1, 1, &told)), None, "nothing names them");
        assert_eq!(show(&mut lines, &catalog(1, &[1, 2].map(fields))), None);
        let mut frame = samples(1, 1, &told);
        frame[Samples::MERGED_OFFSET] = 4;
        assert_eq!(show(&mut lines, &frame), None);
        assert_eq!(show(&mut lines, &frame), Some(Ending::Done), "in the midst of a frame");
        lines.flush();
        let text = str::from_utf8(&lines.output).unwrap();
        let values: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told = values.iter().map(|v| (v["identity"].as_str().unwrap(), &v["state"]));
        assert!(told.eq([
            ("hwmon/a/one", &"ok".into()),
            ("hwmon/a/two", &"denied".into()),
            ("hwmon/a/one", &"ok".into()),
        ]));
        let (first, expected) = (&values[0], (1.5, 5, 9, 4));
        assert_eq!(first["type"], "sensor");
        assert_eq!(
            (first["value"].as_f64(), first["age_ms"].as_u64()),
            (Some(expected.0), Some(5))
        );
        assert_eq!((first["seq"].as_u64(), first["merged"].as_u64()), (Some(9), Some(expected.3)));
        // Another connection gives ids anew.
        lines.left = None;
        lines.begin();
        lines.output.clear();
        show(&mut lines, &frame);
        lines.flush();
        assert!(lines.output.is_empty());
    }

    #[test]
    fn much_text_is_not_kept_back() {
        let mut lines = lines(false, None);
        let bytes = event(Data::Text(Words::Plain(&"x".repeat(400))));
        (0..100).for_each(|_| assert_eq!(show(&mut lines, &bytes), None));
        assert!(lines.output.len() > TEXT_MAX && lines.text.len() < TEXT_MAX);
    }

    #[test]
    fn what_is_not_json_is_not_printed() {
        let mut bytes = event(Data::Json("[1]"));
        let at = bytes.windows(3).position(|three| three == b"[1]").unwrap();
        bytes[at + 2] = b'x';
        let mut lines = lines(false, None);
        assert!(matches!(show(&mut lines, &bytes), Some(Ending::Failed(_))));
        assert_eq!((lines.flush(), lines.output.len()), (None, 0));
    }

    #[test]
    fn terminals_get_no_control_characters() {
        let mut lines = lines(true, None);
        show(&mut lines, &event(Data::Text(Words::Plain("\u{9b}2J"))));
        lines.notice("lost", [("why", Value::text("\u{9b}2J"))]);
        lines.flush();
        let end = b"\"data\":\"\\u009b2J\"}\n{\"type\":\"lost\",\"why\":\"\\u009b2J\"}\n";
        assert!(lines.output.ends_with(end));
    }
}

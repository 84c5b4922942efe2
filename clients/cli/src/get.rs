//! `kymo get`: one look at the vitals.

use std::fmt::Write;
use std::task::Poll;
use std::time::{Duration, Instant};

use kymo_client::{ClockMap, Item, StreamId, Streams};
use kymo_protocol::json::{LineOptions, write_line};
use kymo_protocol::limits::VITALS_LINE_MAX;
use kymo_protocol::{Body, Field, Frame, State, Vitals};

use crate::args::{Get, Watch};
use crate::failure::{FAILED, Failure};
use crate::link::{Link, wait_until};
use crate::say;
use crate::value::Value;

/// Shares are those of the time since the frame before: soon enough for who waits, and long enough
/// to mean something.
const RATE_MHZ: u32 = 10_000;

/// Prints what the vitals are, or those of them that are asked for.
///
/// # Errors
///
/// The [`Failure`] that it came to; also when a field that was named has no value, behind what
/// there is to print.
pub fn get(options: &Get) -> Result<(), Failure> {
    let look = Look::take(options)?;
    let fields = if options.fields.is_empty() { &Field::ALL[..] } else { &options.fields };
    say(&match (options.json, fields) {
        (true, fields) => look.object(fields).json() + "\n",
        (false, [field]) => look.text(*field) + "\n",
        (false, fields) => look.table(fields),
    })?;
    let without = options.fields.iter().find(|field| !look.state(**field).has_value());
    match without {
        None => Ok(()),
        Some(field) => {
            let text = format!("{} is {}", field.name(), look.state(*field).name());
            Err(Failure { code: FAILED, text })
        }
    }
}

/// A frame of vitals, and the line that tells it.
pub struct Look {
    /// The frame.
    pub vitals: Vitals,
    line: Value,
}

impl Look {
    /// Takes the first frame in which nothing that is wanted is pending, or the last one before the
    /// wait is over; but one at least.
    ///
    /// # Errors
    ///
    /// When nobody tells any.
    pub fn take(options: &Get) -> Result<Self, Failure> {
        let streams = Streams::default().with(StreamId::VITALS);
        let directory = options.directory.clone();
        let watch = Watch { streams, directory, ..Watch::default() };
        let mut link = Link::open(&watch, RATE_MHZ, None)?;
        let end = Instant::now() + options.wait;
        let mut look = None;
        loop {
            let clock = link.subscriber.clock();
            match link.subscriber.poll_next()? {
                Poll::Ready(Item::Frame(frame)) => {
                    look = Self::of(&frame, clock)?.or(look);
                    let is_settled = look.as_ref().is_some_and(|look| look.is_settled(options));
                    if let Some(look) = look.take_if(|_| is_settled || Instant::now() >= end) {
                        return Ok(look);
                    }
                }
                Poll::Ready(Item::Lost(why)) => {
                    return Err(Failure::new(format!("lost the daemon: {why}")));
                }
                Poll::Ready(_) => {}
                Poll::Pending => {
                    if let Some(error) = link.subscriber.last_error() {
                        return Err(Failure::of_client(error));
                    }
                    // Frames come ten times a second, and with them the end is noticed.
                    let next = Instant::now() + options.wait.max(Duration::from_secs(1));
                    wait_until(&link.subscriber, next)
                        .map_err(|error| Failure::new(format!("can't wait: {error}")))?;
                }
            }
        }
    }

    fn of(frame: &Frame<'_>, clock: ClockMap) -> Result<Option<Self>, Failure> {
        let Body::Vitals(vitals) = frame.body else { return Ok(None) };
        let mut buffer = vec![0; VITALS_LINE_MAX];
        let size = write_line(&mut buffer, frame, clock, LineOptions::default());
        let text = size.ok().and_then(|size| str::from_utf8(buffer.get(..size)?).ok());
        let line = text.and_then(|text| Value::parse(text.trim_end()).ok());
        let line = line.ok_or_else(|| Failure::new("the daemon's vitals have no line"))?;
        Ok(Some(Self { vitals: *vitals, line }))
    }

    fn is_settled(&self, options: &Get) -> bool {
        let wanted = |field: &Field| options.fields.is_empty() || options.fields.contains(field);
        Field::ALL.into_iter().filter(wanted).all(|field| self.state(field) != State::Pending)
    }

    /// What is known of a field.
    pub fn state(&self, field: Field) -> State {
        self.vitals.state(field)
    }

    /// The members of the line that are about `fields`.
    fn object(&self, fields: &[Field]) -> Value {
        let names = || fields.iter().map(|field| field.name());
        let about = |key: &str| {
            let members = self.line.get(key);
            let told = names().filter_map(|name| Some((name, members?.get(name)?.clone())));
            Value::object(told)
        };
        let member = |key| (key, self.line.get(key).cloned().unwrap_or(Value::Null));
        let start = ["type", "timestamp"].map(member).into_iter();
        let end = ["validity", "age_ms"].map(|key| (key, about(key)));
        Value::object(start.chain(names().map(member)).chain(end))
    }

    /// The value for a script: as in JSON, but a text bare and a list by spaces.
    fn text(&self, field: Field) -> String {
        let word = |value: &Value| value.word().map_or_else(|| value.json(), Into::into);
        match self.line.get(field.name()) {
            Some(Value::List(list)) => list.iter().map(word).collect::<Vec<_>>().join(" "),
            Some(Value::Null) | None => self.state(field).name().into(),
            Some(value) => word(value),
        }
    }

    fn table(&self, fields: &[Field]) -> String {
        let width = fields.iter().map(|field| field.name().len()).max().unwrap_or(0);
        let mut table = String::new();
        for field in fields {
            let unit = match self.state(*field).has_value() {
                true => field.unit(),
                false => "",
            };
            let line = format!("{:width$}  {} {unit}", field.name(), self.text(*field));
            // Writing to a string can't fail.
            let _ = writeln!(table, "{}", line.trim_end());
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::{Position, Stamp, emit};

    fn look(fill: impl FnOnce(&mut Vitals)) -> Look {
        let mut bytes = [0; 512];
        let (vitals, size) =
            emit::<Vitals>(&mut bytes, Position::NONE, Stamp { boot_ns: 0 }).unwrap();
        fill(vitals);
        let frame = Frame::parse(&bytes[..size]).unwrap();
        Look::of(&frame, ClockMap::default()).unwrap().unwrap()
    }

    #[test]
    fn a_value_is_what_a_script_can_use_and_never_a_number_that_was_not_read() {
        let look = look(|v| {
            v.cpu_usage.set(12.5);
            v.load = [0.5.into(), 1.25.into(), 12.0.into()];
            v.fan_count = 2;
            v.fan_speeds[1].set(1200);
            v.set_state(Field::Temperature, State::Denied, 0);
            v.set_state(Field::CpuUsage, State::Held, 2_000);
        });
        let fields = [Field::CpuUsage, Field::Load, Field::FanSpeeds, Field::Temperature];
        assert_eq!(
            fields.map(|field| look.text(field)),
            ["12.5", "0.5 1.25 12.0", "0 1200", "denied"]
        );
        assert_eq!(
            look.object(&fields[..1]).json(),
            "{\"type\":\"vitals\",\"timestamp\":0.000000,\"cpu_usage\":12.5,\
             \"validity\":{\"cpu_usage\":\"held\"},\"age_ms\":{\"cpu_usage\":2000}}"
        );
        assert_eq!(
            look.table(&[Field::CpuUsage, Field::Temperature]),
            "cpu_usage    12.5 %\ntemperature  denied\n"
        );
    }

    #[test]
    fn only_what_is_wanted_is_waited_for() {
        let options = |fields| Get { fields, directory: None, json: false, wait: Duration::ZERO };
        let look = look(|v| v.set_state(Field::CpuUsage, State::Pending, 0));
        assert!(look.is_settled(&options(vec![Field::Load])));
        assert!(!look.is_settled(&options(vec![Field::CpuUsage])));
        assert!(!look.is_settled(&options(Vec::new())));
    }
}

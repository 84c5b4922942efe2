//! An application's event, on its way in and out.

use kymo::protocol::{AppState, Data, Event, EventFields, EventKind, Number, NumberValue, Words};

use crate::error::{Fail, Outcome};
use crate::text::KymoText;

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum KymoEventKind {
    /// Anything about a topic of the application's own: a name and data.
    Custom = 0,
    /// A session begins: a session_id, or none.
    SessionStart = 1,
    /// A session ends: the same.
    SessionEnd = 2,
    /// The application's state is another now: a state.
    StateChange = 3,
    /// A piece of recognised speech: text, session_id, words, wpm, latency_ms. Its name is the time
    /// of day; where it is empty it is filled in.
    Transcription = 4,
    /// Figures about the running session: a state, and all numbers but retry_count.
    MetricsUpdate = 5,
    /// A hook has something to tell: its name, and data that is JSON; retry_count.
    Notification = 6,
}

/// What an application is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum KymoAppState {
    /// It is not said.
    None = 0,
    /// Nothing.
    Idle = 1,
    /// Taking something in.
    Recording = 2,
    /// Working on what it took in.
    Processing = 3,
    /// It can't.
    Error = 4,
}

/// What an event's data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum KymoForm {
    /// UTF-8.
    Text = 0,
    /// One JSON value.
    Json = 1,
    /// Anything.
    Bytes = 2,
}

/// Bits of KymoEvent.present: which numbers an event has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum KymoHas {
    /// session_id.
    SessionId = 1,
    /// segments.
    Segments = 2,
    /// words.
    Words = 4,
    /// retry_count.
    RetryCount = 8,
    /// wpm.
    Wpm = 16,
    /// duration_s.
    DurationS = 32,
    /// latency_ms.
    LatencyMs = 64,
    /// gpu_memory_mb.
    GpuMemoryMb = 128,
    /// gpu_memory_percent.
    GpuMemoryPercent = 256,
    /// cpu_percent.
    CpuPercent = 512,
}

/// An event. Of numbers only those count whose bit of ::KymoHas stands in `present`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoEvent {
    /// `sizeof(KymoEvent)`. What is 0 besides means that it is not said.
    pub size: u32,
    /// A ::KymoEventKind.
    pub kind: u32,
    /// A ::KymoAppState.
    pub state: u32,
    /// A ::KymoForm: of the data.
    pub form: u32,
    /// Bits of ::KymoHas.
    pub present: u32,
    /// Whether it is told again to a newcomer. Does not count on the way in.
    pub is_catchup: u32,
    /// Nanoseconds since 1970. On the way in 0 becomes the time at which the loop takes it.
    pub wall_ns: u64,
    /// Topic of a custom event, hook of a notification, time of day of a transcription. Topics that
    /// begin with `kymo.` are kymo's own.
    pub name: KymoText,
    /// Its data.
    pub data: KymoText,
    /// The session it belongs to.
    pub session_id: u64,
    /// Pieces of speech in the session.
    pub segments: u64,
    /// Words.
    pub words: u64,
    /// How often a notification was tried before.
    pub retry_count: u64,
    /// Words per minute.
    pub wpm: f64,
    /// Length of the session.
    pub duration_s: f64,
    /// Time from speech to text.
    pub latency_ms: f64,
    /// Memory of the graphics processor in use.
    pub gpu_memory_mb: f64,
    /// The same as a share.
    pub gpu_memory_percent: f64,
    /// Share of the processors in use.
    pub cpu_percent: f64,
}

impl KymoEvent {
    /// An event of a kind, with nothing said.
    pub(crate) fn new(kind: KymoEventKind) -> Self {
        Self {
            size: u32::try_from(size_of::<Self>()).unwrap_or(0),
            kind: kind as u32,
            state: 0,
            form: 0,
            present: 0,
            is_catchup: 0,
            wall_ns: 0,
            name: KymoText::EMPTY,
            data: KymoText::EMPTY,
            session_id: 0,
            segments: 0,
            words: 0,
            retry_count: 0,
            wpm: 0.0,
            duration_s: 0.0,
            latency_ms: 0.0,
            gpu_memory_mb: 0.0,
            gpu_memory_percent: 0.0,
            cpu_percent: 0.0,
        }
    }

    /// The same for the protocol. `time_of_day` is for who has not said it.
    pub(crate) fn fields<'a>(&'a self, time_of_day: &'a str) -> Outcome<EventFields<'a>> {
        let kind = u16::try_from(self.kind).ok().and_then(EventKind::from_number);
        let kind = kind.ok_or_else(|| self.unknown("kind", self.kind))?;
        let mut fields = EventFields { wall_ns: self.wall_ns, ..EventFields::new(kind) };
        fields.state = u16::try_from(self.state).ok().and_then(AppState::from_number);
        if fields.state.is_none() && self.state != KymoAppState::None as u32 {
            return Err(self.unknown("state", self.state));
        }
        let name = self.name.str()?;
        let is_untimed = kind == EventKind::Transcription && name.is_empty();
        fields.name = Words::Plain(if is_untimed { time_of_day } else { name });
        fields.data = match self.form {
            form if form == KymoForm::Text as u32 => Data::Text(Words::Plain(self.data.str()?)),
            form if form == KymoForm::Json as u32 => Data::Json(self.data.str()?),
            form if form == KymoForm::Bytes as u32 => Data::Bytes(self.data.bytes()?),
            form => return Err(self.unknown("form", form)),
        };
        let all = (1 << Number::ALL.len()) - 1;
        if self.present & !all != 0 {
            return Err(self.unknown("present", self.present));
        }
        for number in Number::ALL.into_iter().filter(|number| self.present & bit(*number) != 0) {
            let value = self.number(number);
            fields.numbers.set(number, value);
            if !fields.numbers.has(number) {
                let name = number.name();
                return Err(Fail::invalid(format_args!("an event's {name} is not finite")));
            }
        }
        Ok(fields)
    }

    fn unknown(&self, what: &str, number: u32) -> Fail {
        Fail::invalid(format_args!("{number} is no {what} of an event"))
    }

    fn number(&self, number: Number) -> NumberValue {
        use NumberValue::{Float, Integer};
        match number {
            Number::SessionId => Integer(self.session_id),
            Number::Segments => Integer(self.segments),
            Number::Words => Integer(self.words),
            Number::RetryCount => Integer(self.retry_count),
            Number::Wpm => Float(self.wpm),
            Number::DurationS => Float(self.duration_s),
            Number::LatencyMs => Float(self.latency_ms),
            Number::GpuMemoryMb => Float(self.gpu_memory_mb),
            Number::GpuMemoryPercent => Float(self.gpu_memory_percent),
            Number::CpuPercent => Float(self.cpu_percent),
        }
    }
}

const fn bit(number: Number) -> u32 {
    1 << number as u8
}

impl From<&Event> for KymoEvent {
    /// Texts lie where the event does.
    fn from(event: &Event) -> Self {
        let mut told = Self::new(KymoEventKind::Custom);
        told.kind = event.kind() as u32;
        told.state = event.state().map_or(0, |state| state as u32);
        told.is_catchup = event.is_catchup().into();
        told.wall_ns = event.wall_ns();
        told.name = KymoText::of(event.name().as_bytes());
        let (form, data) = match event.data() {
            Data::Json(text) => (KymoForm::Json, text.as_bytes()),
            Data::Bytes(bytes) => (KymoForm::Bytes, bytes),
            Data::Text(Words::Plain(text)) => (KymoForm::Text, text.as_bytes()),
            // What was read is none of the others.
            Data::Text(_) | Data::Base64(_) => (KymoForm::Text, &b""[..]),
        };
        (told.form, told.data) = (form as u32, KymoText::of(data));
        for number in Number::ALL {
            let Some(value) = event.number(number) else { continue };
            told.present |= bit(number);
            match (number, value) {
                (Number::SessionId, NumberValue::Integer(value)) => told.session_id = value,
                (Number::Segments, NumberValue::Integer(value)) => told.segments = value,
                (Number::Words, NumberValue::Integer(value)) => told.words = value,
                (Number::RetryCount, NumberValue::Integer(value)) => told.retry_count = value,
                (Number::Wpm, NumberValue::Float(value)) => told.wpm = value,
                (Number::DurationS, NumberValue::Float(value)) => told.duration_s = value,
                (Number::LatencyMs, NumberValue::Float(value)) => told.latency_ms = value,
                (Number::GpuMemoryMb, NumberValue::Float(value)) => told.gpu_memory_mb = value,
                (Number::GpuMemoryPercent, NumberValue::Float(value)) => {
                    told.gpu_memory_percent = value;
                }
                (Number::CpuPercent, NumberValue::Float(value)) => told.cpu_percent = value,
                // A number has one type.
                _ => {}
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(event: &KymoEvent) -> KymoEvent {
        let mut payload = [0; 512];
        let size = event.fields("12:34:56").unwrap().write(&mut payload).unwrap();
        let payload = Box::leak(Box::new(payload));
        KymoEvent::from(Event::parse(&payload[..size]).unwrap())
    }

    #[test]
    fn what_goes_in_comes_out() {
        let mut event = KymoEvent::new(KymoEventKind::MetricsUpdate);
        event.state = KymoAppState::Processing as u32;
        event.present = 0b11_1111_0111;
        (event.session_id, event.segments, event.words) = (1, 2, 3);
        (event.wpm, event.duration_s, event.latency_ms) = (4.5, 5.5, 6.5);
        (event.gpu_memory_mb, event.gpu_memory_percent, event.cpu_percent) = (7.5, 8.5, 9.5);
        event.wall_ns = 42;
        let told = round(&event);
        assert_eq!(
            format!("{:?}", KymoEvent { name: event.name, data: event.data, ..told }),
            format!("{event:?}")
        );
        let mut event = KymoEvent::new(KymoEventKind::Notification);
        (event.present, event.retry_count) = (KymoHas::RetryCount as u32, 9);
        (event.name, event.form) = (KymoText::of(b"hook"), KymoForm::Json as u32);
        event.data = KymoText::of(b"{\"a\": 1}");
        let told = round(&event);
        assert_eq!((told.present, told.retry_count), (event.present, 9));
        assert_eq!((told.name.str().unwrap(), told.data.str().unwrap()), ("hook", "{\"a\":1}"));
    }

    #[test]
    fn a_transcription_has_a_time_of_day() {
        let mut event = KymoEvent::new(KymoEventKind::Transcription);
        event.data = KymoText::of("Grüße".as_bytes());
        assert_eq!(round(&event).name.str().unwrap(), "12:34:56");
        event.name = KymoText::of(b"01:02:03");
        let told = round(&event);
        assert_eq!((told.name.str().unwrap(), told.data.str().unwrap()), ("01:02:03", "Grüße"));
    }

    #[test]
    fn what_is_no_event_is_named() {
        let custom = KymoEvent::new(KymoEventKind::Custom);
        let metrics = KymoEvent::new(KymoEventKind::MetricsUpdate);
        let wpm = KymoHas::Wpm as u32;
        for event in [
            KymoEvent { kind: 7, ..custom },
            KymoEvent { kind: 65_536, ..custom },
            KymoEvent { state: 5, ..custom },
            KymoEvent { form: 3, ..custom },
            KymoEvent { present: 1024, ..custom },
            KymoEvent { present: wpm, wpm: f64::NAN, ..metrics },
            KymoEvent { name: KymoText::of(b"\xFF"), ..custom },
        ] {
            assert!(event.fields("").is_err(), "{event:?}");
        }
    }
}

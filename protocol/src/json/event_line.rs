//! An event as its line: the keys that clients of its kind have always known, and `seq`.

use crate::event::{Data, Event};
use crate::event_kind::EventKind;
use crate::json::notice_line::timestamp;
use crate::json::{Writer, base64_text};
use crate::numbers::{Number, NumberValue};
use crate::text::Words;

/// Figures of a piece of speech; its session is not told.
const TRANSCRIPTION: [Number; 3] = [Number::Wpm, Number::LatencyMs, Number::Words];

/// Writes the members of an event's object, without its closing brace. `sequence` is 0 when it is
/// not to be told.
pub(super) fn write_event(w: &mut Writer<'_>, event: &Event, sequence: u64, catchup: bool) {
    let kind = event.kind();
    w.put("{\"type\":\"");
    w.put(kind.name());
    w.put("\"");
    if kind == EventKind::Custom {
        w.put(",\"topic\":");
        w.string(event.name());
    }
    if sequence > 0 {
        w.put(",\"seq\":");
        w.integer(sequence);
    }
    match kind {
        EventKind::Custom => {
            timestamp(w, event.wall_ns());
            custom_data(w, event);
        }
        EventKind::SessionStart | EventKind::SessionEnd => {
            number(w, event, Number::SessionId);
            timestamp(w, event.wall_ns());
        }
        EventKind::StateChange => {
            state(w, event);
            timestamp(w, event.wall_ns());
        }
        EventKind::Transcription => {
            w.put(",\"text\":");
            text(w, event);
            w.put(",\"timestamp\":");
            w.string(event.name());
            for figure in TRANSCRIPTION {
                number(w, event, figure);
            }
        }
        EventKind::MetricsUpdate => {
            state(w, event);
            for figure in kind.numbers() {
                number(w, event, *figure);
            }
        }
        EventKind::Notification => {
            w.put(",\"hook_name\":");
            w.string(event.name());
            w.put(",\"hook_data\":");
            text(w, event);
            number(w, event, Number::RetryCount);
            timestamp(w, event.wall_ns());
        }
    }
    if catchup {
        w.put(",\"catchup\":true");
    }
}

fn state(w: &mut Writer<'_>, event: &Event) {
    w.put(",\"state\":");
    match event.state() {
        Some(state) => w.string(state.name()),
        None => w.put("null"),
    }
}

fn number(w: &mut Writer<'_>, event: &Event, number: Number) {
    w.put(",\"");
    w.put(number.name());
    w.put("\":");
    match event.number(number) {
        Some(NumberValue::Integer(value)) => w.integer(value),
        Some(NumberValue::Float(value)) => w.double(value),
        None => w.put("null"),
    }
}

/// The data of a kind that has text or JSON.
fn text(w: &mut Writer<'_>, event: &Event) {
    match event.data() {
        Data::Text(Words::Plain(text)) => w.string(text),
        Data::Json(json) => w.put(json),
        _ => w.put("null"),
    }
}

fn custom_data(w: &mut Writer<'_>, event: &Event) {
    let Data::Bytes(bytes) = event.data() else {
        w.put(",\"data\":");
        return text(w, event);
    };
    w.put(",\"data_base64\":\"");
    base64_text::write(w, bytes);
    w.put("\"");
}

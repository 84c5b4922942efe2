//! What an event says, on one line.

use kymo_protocol::json::Writer;
use kymo_protocol::numbers::{Number, NumberValue};
use kymo_protocol::{Data, Event, EventKind, Words};

/// What it says besides its topic: data, state and numbers. As the publisher wrote it: make it
/// harmless ([`clean`](crate::clean::clean)) before a terminal shows it.
#[must_use]
pub fn event_detail(event: &Event) -> String {
    let said = match event.kind() {
        EventKind::Notification => format!("{} {}", event.name(), data(event.data())),
        EventKind::StateChange | EventKind::MetricsUpdate => {
            event.state().map_or_else(String::new, |state| state.name().into())
        }
        _ => data(event.data()),
    };
    let mut parts = vec![said, numbers(event)];
    parts.retain(|part| !part.is_empty());
    parts.join("  ")
}

fn data(data: Data<'_>) -> String {
    match data {
        Data::Text(Words::Plain(text)) | Data::Json(text) => text.into(),
        Data::Bytes(bytes) => format!("{} bytes", bytes.len()),
        _ => String::new(),
    }
}

fn numbers(event: &Event) -> String {
    let named = Number::ALL.into_iter().filter_map(|number| {
        let mut buffer = [0; 64];
        let mut writer = Writer::new(&mut buffer);
        match event.number(number)? {
            NumberValue::Integer(value) => writer.integer(value),
            NumberValue::Float(value) => writer.double(value),
        }
        let size = writer.finish().ok()?;
        Some(format!("{}={}", number.name(), str::from_utf8(buffer.get(..size)?).ok()?))
    });
    named.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::{AppState, EventFields};

    fn detail(fields: &EventFields<'_>) -> String {
        let mut payload = [0; 1024];
        let size = fields.write(&mut payload).unwrap();
        event_detail(Event::parse(&payload[..size]).unwrap())
    }

    #[test]
    fn each_kind_says_what_it_has() {
        let custom = EventFields::custom("t", Data::Json("{\"ok\":true}"));
        assert_eq!(detail(&custom), "{\"ok\":true}");
        let state = Some(AppState::Idle);
        let state = EventFields { state, ..EventFields::new(EventKind::StateChange) };
        assert_eq!(detail(&state), "idle");
        let bytes = EventFields::custom("t", Data::Bytes(&[0, 1, 2]));
        assert_eq!(detail(&bytes), "3 bytes");
        let mut spoken = EventFields {
            name: Words::Plain("12:00:00"),
            data: Data::Text(Words::Plain("Hello world")),
            ..EventFields::new(EventKind::Transcription)
        };
        spoken.numbers.set(Number::Words, NumberValue::Integer(2));
        assert_eq!(detail(&spoken), "Hello world  words=2");
    }
}

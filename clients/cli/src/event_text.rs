//! An event as one line for people.

use kymo_platform::LocalTime;
use kymo_protocol::Event;
use kymo_top::event_text::event_detail;

use crate::clean::clean;

/// Time of day, sequence, topic, and what it says; without control characters.
pub fn event_text(event: &Event, sequence: u64, zone: LocalTime) -> String {
    let time = zone.hms(event.wall_ns());
    let time = str::from_utf8(&time).unwrap_or_default();
    let place = match sequence {
        // A snapshot is no part of the history, and says what an application is since then.
        0 => "-".into(),
        sequence => format!("#{sequence}"),
    };
    let mut parts = vec![format!("{time}  {place:<6}  {}", event.topic()), event_detail(event)];
    match sequence {
        0 => parts.push("(state)".into()),
        _ if event.is_catchup() => parts.push("(again)".into()),
        _ => {}
    }
    parts.retain(|part| !part.is_empty());
    clean(parts.join("  ").chars())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::numbers::{Number, NumberValue};
    use kymo_protocol::{AppState, Data, EventFields, EventKind, Words};

    fn text(fields: &EventFields<'_>, sequence: u64) -> String {
        let mut payload = [0; 1024];
        let size = fields.write(&mut payload).unwrap();
        let event = Event::parse(&payload[..size]).unwrap();
        event_text(event, sequence, LocalTime::new())[8..].into()
    }

    #[test]
    fn events_look_like_this() {
        let fields = EventFields::custom("build.done", Data::Json("{\"ok\":true}"));
        assert_eq!(text(&fields, 42), "  #42     build.done  {\"ok\":true}");
        let state =
            EventFields { state: Some(AppState::Idle), ..EventFields::new(EventKind::StateChange) };
        assert_eq!(text(&state, 0), "  -       state_change  idle  (state)");
        let mut spoken = EventFields {
            name: Words::Plain("12:00:00"),
            data: Data::Text(Words::Plain("Hello world")),
            ..EventFields::new(EventKind::Transcription)
        };
        spoken.numbers.set(Number::Words, NumberValue::Integer(2));
        spoken.numbers.set(Number::Wpm, NumberValue::Float(145.5));
        assert_eq!(text(&spoken, 7), "  #7      transcription  Hello world  words=2 wpm=145.5");
        let bytes = EventFields::custom("t", Data::Bytes(&[0, 1, 2]));
        assert_eq!(text(&bytes, 7), "  #7      t  3 bytes");
    }

    #[test]
    fn control_characters_do_not_get_through() {
        let fields = EventFields::custom("t", Data::Text(Words::Plain("a\u{1b}[2J\r\n\u{9b}")));
        assert_eq!(text(&fields, 7), "  #7      t  a�[2J���");
    }
}

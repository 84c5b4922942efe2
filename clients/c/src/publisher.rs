//! The way in for events of the program's own threads.

use kymo::platform::{LocalTime, clock};
use kymo::{Overflow, Publisher};
use std::mem::MaybeUninit;

use crate::error::{KymoError, KymoWhy, Outcome, enter};
use crate::event::{KymoEvent, KymoEventKind, KymoForm, KymoHas};
use crate::handle::{given, place};
use crate::sized;
use crate::text::KymoText;

/// A publisher. Any thread, and any number of them at once. Publishing never waits for room,
/// allocates nothing, and is not for signal handlers. It may outlive its hub: ::KYMO_ENDED then.
#[derive(Debug)]
pub struct KymoPublisher {
    inside: Publisher,
    zone: LocalTime,
}

/// What became of events, of all publishers of a hub together.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KymoCounts {
    /// Taken in.
    pub published: u64,
    /// Not taken in, whatever the error.
    pub refused: u64,
    /// Taken in, and dropped for newer ones.
    pub dropped: u64,
}

impl KymoPublisher {
    pub(crate) fn new(inside: Publisher, drops_oldest: bool, zone: LocalTime) -> Self {
        let overflow = if drops_oldest { Overflow::DropOldest } else { Overflow::Refuse };
        Self { inside: inside.with_overflow(overflow), zone }
    }

    fn publish(&self, event: &KymoEvent) -> Outcome {
        let is_untimed = event.kind == KymoEventKind::Transcription as u32 && event.name.size == 0;
        let hms = if is_untimed { self.zone.hms(clock::now().wall_ns) } else { [b'0'; 8] };
        // Digits and colons.
        let fields = event.fields(str::from_utf8(&hms).unwrap_or_default())?;
        Ok(self.inside.publish(&fields)?)
    }
}

/// A custom event.
fn custom(topic: KymoText, form: KymoForm, data: KymoText) -> KymoEvent {
    let form = form as u32;
    KymoEvent { name: topic, form, data, ..KymoEvent::new(KymoEventKind::Custom) }
}

/// The beginning or the end of a session.
fn session(kind: KymoEventKind, session_id: u64) -> KymoEvent {
    let present = if session_id == 0 { 0 } else { KymoHas::SessionId as u32 };
    KymoEvent { present, session_id, ..KymoEvent::new(kind) }
}

fn publish(publisher: Option<&KymoPublisher>, event: &KymoEvent) -> KymoError {
    enter(None, || given(publisher, "publisher")?.publish(event))
}

/// Publishes an event. ::KYMO_OK means that it waits for the loop, which takes it even when it is
/// stopped in that moment. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_publish(
    publisher: Option<&KymoPublisher>,
    event: *const KymoEvent,
    why: Option<&mut MaybeUninit<KymoWhy>>,
) -> KymoError {
    enter(why, || given(publisher, "publisher")?.publish(&sized::read(event, "event")?))
}

/// Publishes a JSON value about a topic. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_publish_json(
    publisher: Option<&KymoPublisher>,
    topic: KymoText,
    json: KymoText,
) -> KymoError {
    publish(publisher, &custom(topic, KymoForm::Json, json))
}

/// Publishes a text about a topic. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_publish_text(
    publisher: Option<&KymoPublisher>,
    topic: KymoText,
    text: KymoText,
) -> KymoError {
    publish(publisher, &custom(topic, KymoForm::Text, text))
}

/// Publishes bytes about a topic. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_publish_bytes(
    publisher: Option<&KymoPublisher>,
    topic: KymoText,
    bytes: KymoText,
) -> KymoError {
    publish(publisher, &custom(topic, KymoForm::Bytes, bytes))
}

/// Says that a session begins; 0 for no session_id. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_publish_session_start(
    publisher: Option<&KymoPublisher>,
    session_id: u64,
) -> KymoError {
    publish(publisher, &session(KymoEventKind::SessionStart, session_id))
}

/// Says that a session ends; 0 for no session_id. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_publish_session_end(
    publisher: Option<&KymoPublisher>,
    session_id: u64,
) -> KymoError {
    publish(publisher, &session(KymoEventKind::SessionEnd, session_id))
}

/// Says what the application is doing now, a ::KymoAppState. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_publish_state(publisher: Option<&KymoPublisher>, state: u32) -> KymoError {
    publish(publisher, &KymoEvent { state, ..KymoEvent::new(KymoEventKind::StateChange) })
}

/// Publishes a piece of recognised speech, at the present time of day. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_publish_transcription(
    publisher: Option<&KymoPublisher>,
    text: KymoText,
) -> KymoError {
    publish(publisher, &KymoEvent { data: text, ..KymoEvent::new(KymoEventKind::Transcription) })
}

/// Tells what became of events so far. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_publisher_counts(
    publisher: Option<&KymoPublisher>,
    counts: Option<&mut MaybeUninit<KymoCounts>>,
) -> KymoError {
    enter(None, || {
        let told = given(publisher, "publisher")?.inside.counts();
        let (published, refused, dropped) = (told.published, told.refused, told.dropped);
        place(counts, "counts")?.write(KymoCounts { published, refused, dropped });
        Ok(())
    })
}

/// Frees a publisher; NULL is fine. Not while another thread is in a call with it.
#[unsafe(no_mangle)]
pub extern "C" fn kymo_publisher_free(publisher: Option<Box<KymoPublisher>>) {
    let _ = enter(None, || {
        drop(publisher);
        Ok(())
    });
}

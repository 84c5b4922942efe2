//! What must not compile. Each function does it right; the line below a `cfg(misuse)` does it
//! wrong, with the error whose code stands beside it, and belongs to one try of the test alone.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::thread;

use kymo::platform::clock::Now;
use kymo::platform::{Fake, Freshness, Machine, SensorInfo, Source, SourceSpec};
use kymo::protocol::{Data, EventFields, Frame, Reading, Sample, Words};
use kymo::{Builder, Hub, Inbox, LocalSubscriber, Publisher, Reactor, Report, Running, SessionId};
use kymo::{StartError, Wish};

/// A loop is of one thread at a time, and may move between them.
fn a_reactor_is_not_shared(mut reactor: Reactor) {
    thread::scope(|scope| {
        #[cfg(misuse = "two_threads_in_a_reactor")] // E0277
        scope.spawn(|| reactor.deadline());
        scope.spawn(move || reactor.turn(None));
    });
}

/// Events are taken out by one thread.
fn an_inbox_is_not_shared(inbox: Inbox, publisher: &Publisher) {
    thread::scope(|scope| {
        scope.spawn(|| publisher.counts());
        #[cfg(misuse = "two_threads_in_an_inbox")] // E0277
        scope.spawn(|| inbox.counts());
        scope.spawn(move || inbox.take(|_| ()));
    });
}

/// A loop that runs on a thread of its own is there, and not here as well.
fn a_spawned_reactor_is_gone(mut reactor: Reactor) {
    reactor.stop();
    let running = reactor.spawn();
    #[cfg(misuse = "a_reactor_that_was_spawned")] // E0382
    reactor.stop();
    drop(running);
}

/// Who has stopped a loop has no way left to ask it for a publisher.
fn a_stopped_loop_is_gone(running: Running) {
    let publisher = running.publisher();
    let ended = running.stop();
    #[cfg(misuse = "a_loop_that_was_stopped")] // E0382
    let publisher = running.publisher();
    drop((publisher, ended));
}

/// A dropped [`Running`] has ended its loop, so nobody drops it without meaning to.
#[deny(unused_must_use)]
fn a_running_loop_is_held(reactors: [Reactor; 2]) {
    let [first, second] = reactors.map(|reactor| reactor.spawn().unwrap());
    drop(first);
    #[cfg(misuse = "a_loop_that_ends_at_once")] // unused_must_use
    Builder::new().build().unwrap().spawn().unwrap();
    drop(second);
}

/// Settings alone open nothing.
#[deny(unused_must_use)]
fn a_builder_is_built() -> Result<Reactor, StartError> {
    #[cfg(misuse = "a_builder_that_builds_nothing")] // unused_must_use
    Builder::new().in_directory("/nowhere").sensors();
    Builder::new().in_directory("/nowhere").sensors().build()
}

/// A frame is a view of the subscriber's buffer, good until the next one.
fn a_frame_ends_with_the_next(subscriber: &mut LocalSubscriber) -> bool {
    let first = subscriber.next_frame();
    #[cfg(misuse = "two_frames_of_a_subscriber")] // E0499
    let second = subscriber.next_frame();
    first.is_ok()
}

/// A frame is a view of the bytes it was parsed from.
fn a_frame_ends_with_its_bytes(buffer: Vec<u8>) -> u64 {
    let frame = Frame::parse(&buffer).unwrap();
    #[cfg(misuse = "a_frame_without_its_bytes")] // E0505
    drop(buffer);
    frame.header.sequence.get()
}

/// An event borrows its texts.
fn an_event_ends_with_its_text(publisher: &Publisher, text: String) -> bool {
    let event = EventFields::custom("build.done", Data::Text(Words::Plain(&text)));
    #[cfg(misuse = "an_event_without_its_text")] // E0505
    drop(text);
    publisher.publish(&event).is_ok()
}

/// What the hub wants sent lies in its rings until it is told how much was.
fn parts_end_with_the_next_word(hub: &mut Hub, id: SessionId, now: Now) {
    let parts = hub.transmit(id, now);
    #[cfg(misuse = "parts_behind_the_hubs_back")] // E0499
    hub.handle_hangup(id, now);
    let size = parts.concat().len();
    drop(parts);
    hub.handle_sent(id, size, now);
}

/// What was not read is no number.
fn a_reading_has_a_reason(machine: &mut Fake, sample: &Sample) -> (u64, f64) {
    let bytes = machine.memory().total.unwrap_or_default();
    #[cfg(misuse = "a_reading_as_a_number")] // E0308
    let bytes: u64 = machine.memory().total;
    let value = sample.reading().unwrap_or(f64::NAN);
    #[cfg(misuse = "a_sample_as_a_number")] // E0308
    let value: f64 = sample.reading();
    (bytes, value)
}

/// There will be more to report.
fn reports_grow(report: Report<'_>) -> bool {
    match report {
        Report::Accepting(_) | Report::Writing | Report::Counters(_) => true,
        Report::Reloading | Report::Reloaded => true,
        Report::NotAccepting(..) | Report::NotWriting(_) | Report::NotReloaded(_) => false,
        Report::Stopping(_) => false,
        #[cfg(not(misuse = "every_report_of_today"))] // E0004
        _ => false,
    }
}

/// A source moves to the thread that reads it.
struct Counter<T>(T);

impl<T: Send> Source for Counter<T> {
    fn spec(&self) -> SourceSpec {
        unimplemented!()
    }

    fn scan(&mut self, _: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        0
    }

    fn read(&mut self, _: &mut [Reading<f64>]) -> Freshness {
        Freshness::Current
    }
}

/// What the loop calls lives where the loop does.
fn what_the_loop_has_moves_with_it(reactor: &mut Reactor, local: Rc<Cell<u32>>) {
    let builder = Builder::new().source(Box::new(Counter(0)));
    #[cfg(misuse = "a_source_of_one_thread")] // E0277
    let builder = builder.source(Box::new(Counter(Rc::clone(&local))));
    let subscriber = reactor.attach(&Wish::default(), || ());
    #[cfg(misuse = "a_wake_of_one_thread")] // E0277
    let subscriber = reactor.attach(&Wish::default(), move || local.set(1));
    drop((builder, subscriber));
}

/// Connections are told apart by what the hub gave out, and by nothing else.
fn a_session_is_the_hubs(sessions: &BTreeMap<SessionId, String>) -> Option<&String> {
    let id = sessions.keys().next().copied()?;
    #[cfg(misuse = "a_session_of_ones_own")] // E0423
    let id = SessionId(7, 7);
    sessions.get(&id)
}

impl<T> fmt::Debug for Counter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counter")
    }
}

//! Events from another thread to one subscriber: through kymo, or as barely as it can be done.
//!
//! The floor is an `ArrayQueue` of payloads, a loop that copies them behind ready-made headers into
//! sends of 32 KiB, and a socketpair. It numbers nothing, keeps nothing, checks nothing, and waits
//! for a subscriber that is slow.

use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{env, fs, process};

use crossbeam_queue::ArrayQueue;
use kymo::limits::INBOX_SMALL_SLOTS;
use kymo::{Config, JournalSettings, Publisher, Reactor};
use kymo_platform::Fake;
use kymo_protocol::limits::HEADER_SIZE;
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::{
    Data, Event, EventFields, Hello, Payload, Position, Stamp, StreamId, Streams, Subscribe, Words,
    emit,
};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::Outcome;
use crate::cost::boot_ns;

/// Bytes of an event's payload: its head, a topic, a line of data.
pub const EVENT_SIZE: usize = 64;

/// Bytes of a line of such an event, with a sequence of seven digits.
const LINE_SIZE: usize = 121;

/// Where a payload has its time.
const WALL_OFFSET: usize = 16;

/// What the floor sends at once.
const SEND_SIZE: usize = 32 * 1024;

/// A turn that waits this long looks whether it is to end.
const TURN: Duration = Duration::from_millis(100);

/// Numbers the journals of one run.
static JOURNALS: AtomicU64 = AtomicU64::new(0);

/// What a subscriber gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Frames.
    Binary,
    /// JSON Lines.
    Lines,
}

/// Hands an event with this time over, 0 for now; `false` when there is no room.
pub type Publish = Box<dyn FnMut(u64) -> bool + Send>;

/// A loop in a thread, its publisher, and its subscriber.
#[allow(missing_debug_implementations)] // a closure has none
pub struct Way {
    /// For any thread.
    pub publish: Publish,
    /// The subscriber's end.
    pub stream: UnixStream,
    /// The loop.
    pub handle: LoopHandle,
}

/// A loop in a thread.
#[derive(Debug)]
pub struct LoopHandle {
    ending: Arc<AtomicBool>,
    thread: JoinHandle<Outcome<Ended>>,
    directory: Option<PathBuf>,
}

/// What a loop says at its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ended {
    /// Events that the subscriber's socket took.
    pub sent: u64,
    /// Events that were overwritten before the subscriber was that far.
    pub lost: u64,
}

impl LoopHandle {
    /// Ends the loop.
    ///
    /// # Errors
    ///
    /// What went wrong in it.
    pub fn end(self) -> Outcome<Ended> {
        self.ending.store(true, Ordering::Relaxed);
        let ended = self.thread.join().map_err(|_| "the loop panicked")?;
        if let Some(directory) = self.directory {
            fs::remove_dir_all(directory)?;
        }
        ended
    }
}

/// The event that everything here is about.
#[must_use]
pub fn fields(wall_ns: u64) -> EventFields<'static> {
    let data = Data::Text(Words::Plain("all of 29 tests have passed."));
    EventFields { wall_ns, ..EventFields::custom("bench.event", data) }
}

impl Way {
    /// Through kymo, with a journal in a directory of its own or without; nobody subscribes when
    /// there is no form.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn kymo(form: Option<Form>, is_journalled: bool) -> Outcome<Self> {
        let mut config = Config::default();
        let directory = is_journalled.then(|| {
            let number = JOURNALS.fetch_add(1, Ordering::Relaxed);
            env::temp_dir().join(format!("kymo-bench-{}-{number}", process::id()))
        });
        if let Some(directory) = &directory {
            fs::create_dir_all(directory)?;
            let directory = directory.to_str().ok_or("a directory without a name")?;
            let path = directory.try_into().map_err(|_| "the directory's path is too long")?;
            config.journal = Some(JournalSettings { path: Some(path), ..Default::default() });
        }
        let mut reactor = Reactor::new(&config, Box::new(Fake::new()))?;
        let publisher: Publisher = reactor.publisher().ok_or("no inbox")?;
        let mut stream = reactor.connect()?;
        if let Some(form) = form {
            subscribe(&mut stream, form)?;
        }
        let handle = start(directory, move |is_ending| {
            while !is_ending.load(Ordering::Relaxed) {
                reactor.turn(Some(TURN))?;
            }
            let counters = reactor.hub().counters();
            Ok(Ended { sent: counters.events_sent, lost: counters.events_lost })
        })?;
        let publish = Box::new(move |wall_ns| publisher.publish(&fields(wall_ns)).is_ok());
        Ok(Self { publish, stream, handle })
    }

    /// The floor.
    ///
    /// # Errors
    ///
    /// When the system gives no sockets.
    pub fn bare(form: Form) -> Outcome<Self> {
        let (ours, stream) = UnixStream::pair()?;
        let queue = Arc::new(ArrayQueue::new(INBOX_SMALL_SLOTS));
        let wake = Arc::new(EventFd::from_flags(EfdFlags::EFD_NONBLOCK)?);
        let is_asleep = Arc::new(AtomicBool::new(false));
        let (mut payload, mut record) = ([0; EVENT_SIZE], vec![b' '; LINE_SIZE]);
        fields(0).write(&mut payload)?;
        match form {
            Form::Binary => {
                record.resize(HEADER_SIZE + EVENT_SIZE, 0);
                Event::emit(&mut record, 1, Stamp { boot_ns: 1 }, &payload)?;
            }
            Form::Lines => payload[EVENT_SIZE - 1] = b'\n',
        }
        record.truncate(record.len() - EVENT_SIZE);
        let mut bare = BareLoop {
            queue: Arc::clone(&queue),
            wake: Arc::clone(&wake),
            is_asleep: Arc::clone(&is_asleep),
            head: record,
            peer: ours,
        };
        let handle = start(None, move |is_ending| {
            // A peer that is gone is the end, too.
            while !is_ending.load(Ordering::Relaxed) && bare.turn().is_ok() {}
            Ok(Ended::default())
        })?;
        let publish = Box::new(move |wall_ns: u64| {
            let mut payload = payload;
            if wall_ns > 0 {
                payload[WALL_OFFSET..WALL_OFFSET + 8].copy_from_slice(&wall_ns.to_le_bytes());
            }
            let is_room = queue.push(payload).is_ok();
            fence(Ordering::SeqCst);
            if is_room
                && is_asleep.load(Ordering::Relaxed)
                && is_asleep.swap(false, Ordering::AcqRel)
            {
                let _ = wake.write(1);
            }
            is_room
        });
        Ok(Self { publish, stream, handle })
    }
}

fn start(
    directory: Option<PathBuf>,
    body: impl FnOnce(&AtomicBool) -> Outcome<Ended> + Send + 'static,
) -> Outcome<LoopHandle> {
    let ending = Arc::new(AtomicBool::new(false));
    let is_ending = Arc::clone(&ending);
    let thread = thread::Builder::new().name("loop".into()).spawn(move || body(&is_ending))?;
    Ok(LoopHandle { ending, thread, directory })
}

fn subscribe(stream: &mut UnixStream, form: Form) -> Outcome<()> {
    if form == Form::Lines {
        return Ok(stream.write_all(b"{\"subscribe\":[\"events\"]}\n")?);
    }
    let stamp = Stamp { boot_ns: boot_ns()? };
    let mut bytes = [0; 512];
    let (hello, size) = emit::<Hello>(&mut bytes, Position::NONE, stamp)?;
    hello.set("bench");
    let mut fixed = SubscribeFixed::default();
    fixed.streams.set(Streams::default().with(StreamId::EVENTS).0);
    let rest = Subscribe::emit(&mut bytes[Hello::FRAME_SIZE..], stamp, &fixed, &[], &[])?;
    Ok(stream.write_all(&bytes[..size + rest])?)
}

struct BareLoop {
    queue: Arc<ArrayQueue<[u8; EVENT_SIZE]>>,
    wake: Arc<EventFd>,
    is_asleep: Arc<AtomicBool>,
    /// What stands before each payload.
    head: Vec<u8>,
    peer: UnixStream,
}

impl BareLoop {
    /// Takes what waits, at most what one send takes, and sends it; sleeps when there is nothing.
    fn turn(&mut self) -> Outcome<()> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(self.wake.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
        let mut bytes = Vec::with_capacity(SEND_SIZE);
        loop {
            bytes.clear();
            while bytes.len() + self.head.len() + EVENT_SIZE <= SEND_SIZE
                && let Some(payload) = self.queue.pop()
            {
                bytes.extend_from_slice(&self.head);
                bytes.extend_from_slice(&payload);
            }
            if !bytes.is_empty() {
                self.peer.write_all(&bytes)?;
                continue;
            }
            self.is_asleep.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            if !self.queue.is_empty() {
                self.is_asleep.store(false, Ordering::Relaxed);
                continue;
            }
            let mut events = [EpollEvent::empty(); 1];
            let turn_ms = u16::try_from(TURN.as_millis())?;
            if epoll.wait(&mut events, EpollTimeout::from(turn_ms))? == 0 {
                return Ok(());
            }
            self.wake.read()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kymo_protocol::Frame;
    use kymo_protocol::json::{ClockMap, LineOptions, write_line};

    #[test]
    fn the_floors_send_as_many_bytes() {
        let mut payload = [0; EVENT_SIZE];
        let wall_ns = 1_700_000_000_123_456_789;
        assert_eq!(fields(wall_ns).write(&mut payload), Ok(EVENT_SIZE));
        assert_eq!(payload[WALL_OFFSET..WALL_OFFSET + 8], wall_ns.to_le_bytes());
        let mut frame = [0; HEADER_SIZE + EVENT_SIZE];
        let size = Event::emit(&mut frame, 1_000_000, Stamp { boot_ns: 1 }, &payload).unwrap();
        let frame = Frame::parse(&frame[..size]).unwrap();
        let mut line = [0; 512];
        let options = LineOptions { bare: false, catchup: false };
        assert_eq!(write_line(&mut line, &frame, ClockMap::default(), options), Ok(LINE_SIZE));
    }
}

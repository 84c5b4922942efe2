//! The honest ones: 64 who read, one who publishes, and newcomers.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kymo_platform::clock;
use kymo_protocol::limits::FRAME_MAX;
use kymo_protocol::{Body, Decoder};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::{Value, json};

use crate::client::{Client, Manner, TOPIC};
use crate::common::{Daemon, Owner, subscribe};
use crate::record::Record;

/// Who they are.
const MANNERS: [(Manner, usize); 7] = [
    (Manner::Frames, 22),
    (Manner::EveryFrame, 4),
    (Manner::FramesAndEvents, 4),
    (Manner::FramesAndAllEvents, 2),
    (Manner::Lines, 16),
    (Manner::LinesAndEvents, 4),
    (Manner::Version1, 12),
];

/// How many they are.
pub const HONEST: usize = 64;

/// From one event of the publisher's to the next.
const BEAT: Duration = Duration::from_millis(50);

/// From one newcomer to the next, and how long each waits for its first frame.
const VISIT: Duration = Duration::from_millis(200);
const VISIT_MAX: Duration = Duration::from_secs(2);

/// The readers' thread looks up so often, so that it knows when it was kept from reading.
const LOOK_MS: u8 = 5;

type Shared = Arc<Mutex<Record>>;

/// Honest clients at work; they go with this.
#[derive(Debug)]
pub struct Honest {
    record: Shared,
    /// What asks and publishes, in turns.
    desk: Arc<Mutex<Owner>>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Honest {
    /// Connects all of them.
    pub fn begin(daemon: &Daemon) -> Self {
        let clients: Vec<Client> = MANNERS
            .iter()
            .flat_map(|(manner, count)| std::iter::repeat_n(*manner, *count))
            .map(|manner| Client::connect(daemon, manner))
            .collect();
        assert_eq!(clients.len(), HONEST);
        let desk = Arc::new(Mutex::new(daemon.owner()));
        let (record, over) = (Shared::default(), Arc::new(AtomicBool::new(false)));
        let mut honest = Self { record, desk, over, threads: Vec::new() };
        let (record, over) = (Arc::clone(&honest.record), Arc::clone(&honest.over));
        honest.spawn(move || read(clients, &record, &over));
        let (record, over) = (Arc::clone(&honest.record), Arc::clone(&honest.over));
        let desk = Arc::clone(&honest.desk);
        honest.spawn(move || publish(&desk, &record, &over));
        let (record, over) = (Arc::clone(&honest.record), Arc::clone(&honest.over));
        let path = daemon.path("stream.sock");
        honest.spawn(move || visit(&path, &record, &over));
        honest
    }

    fn spawn(&mut self, work: impl FnOnce() + Send + 'static) {
        self.threads.push(std::thread::spawn(work));
    }

    /// What was measured since this was asked last.
    pub fn take(&self) -> Record {
        std::mem::take(&mut *lock(&self.record))
    }

    /// The daemon's status, by its owner's own connection.
    pub fn status(&self) -> Result<Value, String> {
        ask(&self.desk, &json!({ "action": "status" }))
    }
}

impl Drop for Honest {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Reads until it is over.
fn read(mut clients: Vec<Client>, record: &Shared, over: &AtomicBool) {
    let mut buffer = vec![0; 64 * 1024];
    let mut looked = Instant::now();
    while !over.load(Ordering::Relaxed) {
        let ready: Vec<bool> = {
            let mut watched: Vec<PollFd<'_>> = clients.iter().map(watch).collect();
            let _ = poll(&mut watched, PollTimeout::from(LOOK_MS));
            watched.iter().map(|watched| watched.any().unwrap_or(false)).collect()
        };
        let mut record = lock(record);
        let away = looked.elapsed().saturating_sub(Duration::from_millis(LOOK_MS.into()));
        record.away_ns = record.away_ns.max(u64::try_from(away.as_nanos()).unwrap_or(u64::MAX));
        looked = Instant::now();
        let mut ready = ready.into_iter();
        clients.retain_mut(|client| {
            if !ready.next().unwrap_or(false) {
                return true;
            }
            let outcome = client.read(&mut buffer, clock::now, &mut record);
            if let Err(why) = outcome {
                record.ended += 1;
                record.why = Some(format!("{:?}: {why}", client.manner));
                return false;
            }
            true
        });
    }
}

fn watch(client: &Client) -> PollFd<'_> {
    PollFd::new(client.stream.as_fd(), PollFlags::POLLIN)
}

/// Publishes an event with each beat.
fn publish(desk: &Mutex<Owner>, record: &Shared, over: &AtomicBool) {
    let mut beat = 0u64;
    while !over.load(Ordering::Relaxed) {
        let begin = Instant::now();
        let event = json!({"topic": TOPIC, "data": beat});
        let reply = ask(desk, &json!({"action": "submit", "event": event}));
        let took_ns = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        {
            let mut record = lock(record);
            record.replies_ns.push(took_ns);
            match reply {
                Ok(_) => (beat, record.published) = (beat + 1, record.published + 1),
                Err(why) => {
                    record.ended += 1;
                    record.why = Some(format!("the publisher: {why}"));
                    return;
                }
            }
        }
        std::thread::sleep(BEAT.saturating_sub(begin.elapsed()));
    }
}

/// Comes, waits for a frame, and goes, again and again.
fn visit(path: &Path, record: &Shared, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        let begin = Instant::now();
        let was_told = welcomed(path);
        let took_ns = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut record = lock(record);
        match was_told {
            Some(()) => record.newcomers_ns.push(took_ns),
            None => record.turned_away += 1,
        }
        drop(record);
        std::thread::sleep(VISIT.saturating_sub(begin.elapsed()));
    }
}

fn welcomed(path: &Path) -> Option<()> {
    let mut stream = UnixStream::connect(path).ok()?;
    stream.set_read_timeout(Some(VISIT_MAX)).ok()?;
    stream.write_all(&subscribe(25_000, false).concat()).ok()?;
    let mut decoder = Box::<Decoder<FRAME_MAX>>::default();
    loop {
        while let Some(frame) = decoder.next_frame().ok()? {
            if let Body::Vitals(_) = frame.body {
                return Some(());
            }
        }
        let size = stream.read(decoder.space()).ok().filter(|size| *size > 0)?;
        decoder.filled(size);
    }
}

/// The reply to a request, which must be a success.
fn ask(desk: &Mutex<Owner>, request: &Value) -> Result<Value, String> {
    let mut desk = lock(desk);
    let reply = desk.0.say(&request.to_string()).try_line().ok_or("no reply")?;
    if reply["status"] == "success" { Ok(reply) } else { Err(reply.to_string()) }
}

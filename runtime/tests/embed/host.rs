//! What a host relies on.

use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use kymo::platform::{Freshness, SensorInfo, Source, SourceSpec};
use kymo::protocol::metric::OWN_METRIC_MIN;
use kymo::protocol::{
    Body, Cost, Data, EventFields, Group, Instrument, Metric, Reading, Scope, StreamId, Streams,
};
use kymo::{Builder, Handled, PublishError, Wish};
use kymo_platform::Fake;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::held;
use crate::scratch::Scratch;

fn builder() -> Builder {
    Builder::new().machine(Box::new(Fake::seeded(7)))
}

/// A loop of the host's: it waits for the descriptor and for what it is told to wait for.
#[test]
fn in_the_loop_of_the_host_it_ticks_on_time_and_does_not_spin() {
    let mut reactor = builder().build().unwrap();
    let wish = Wish { rate_mhz: 100_000, ..Wish::default() };
    let mut subscriber = reactor.attach(&wish, || ()).unwrap();
    let (mut turns, mut frames) = (0, 0);
    let end = Instant::now() + Duration::from_secs(2);
    while Instant::now() < end {
        let timeout = reactor.deadline().map(|deadline| deadline + Duration::from_millis(1));
        let timeout = timeout.map_or(PollTimeout::NONE, |timeout| timeout.try_into().unwrap());
        poll(&mut [PollFd::new(reactor.as_fd(), PollFlags::POLLIN)], timeout).unwrap();
        reactor.turn(Some(Duration::ZERO)).unwrap();
        turns += 1;
        while let Some(frame) = subscriber.next_frame().unwrap() {
            frames += u32::from(matches!(frame.body, Body::Vitals(_)));
        }
    }
    assert!((150..=205).contains(&frames), "{frames} frames in two seconds at 100 Hz");
    assert!(turns < 3 * frames, "{turns} turns for {frames} frames");
}

/// Hosts like mio and tokio are told of changes only: what one turn leaves is not told again.
#[test]
fn a_host_that_is_told_of_changes_alone_misses_none() {
    const CLIENTS: usize = kymo::limits::EVENTS_PER_TURN + 100;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard.min(4096), hard).unwrap();
    let clients = u32::try_from(CLIENTS).unwrap();
    let mut reactor = builder().with(|config| config.limits.clients = clients).build().unwrap();
    let mut poll = mio::Poll::new().unwrap();
    let mut events = mio::Events::with_capacity(4);
    let fd = reactor.as_raw_fd();
    let interest = mio::Interest::READABLE;
    poll.registry().register(&mut mio::unix::SourceFd(&fd), mio::Token(0), interest).unwrap();
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| reactor.connect().unwrap()).collect();
    for client in &mut clients {
        // Of events alone, so that no tick wakes the loop again.
        client.write_all(b"{\"subscribe\":[\"events\"]}\n").unwrap();
        client.set_nonblocking(true).unwrap();
    }
    let end = Instant::now() + Duration::from_millis(1500);
    while Instant::now() < end {
        let timeout = reactor.deadline().unwrap_or(Duration::MAX).min(Duration::from_millis(100));
        poll.poll(&mut events, Some(timeout)).unwrap();
        if !events.is_empty() || reactor.deadline() == Some(Duration::ZERO) {
            reactor.turn(Some(Duration::ZERO)).unwrap();
        }
    }
    let answered = clients.iter_mut().filter_map(|client| client.read(&mut [0; 64]).ok()).count();
    assert_eq!(answered, CLIENTS);
}

#[test]
fn stopped_from_another_thread_it_ends_while_it_sleeps() {
    let mut reactor = builder().build().unwrap();
    let stopper = reactor.stopper();
    let the_loop = thread::spawn(move || reactor.run());
    thread::sleep(Duration::from_millis(50));
    let begun = Instant::now();
    stopper.stop();
    the_loop.join().unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
}

/// Runs itself as a process of its own, because the other tests open and close things meanwhile.
#[test]
fn a_hundred_loops_leave_nothing_behind() {
    const MARK: &str = "KYMO_TEST_HUNDRED";
    if std::env::var_os(MARK).is_none() {
        let program = std::env::current_exe().unwrap();
        let name = "host::a_hundred_loops_leave_nothing_behind";
        let output = Command::new(program).args(["--exact", name]).env(MARK, "1").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let directory = Scratch::new();
    let before = held();
    let mut publishers = Vec::new();
    for number in 0..100 {
        let place = directory.0.join(format!("hub{}", number % 2));
        let mut reactor = builder().in_directory(&place).sensors().build().unwrap();
        let subscriber = reactor.attach(&Wish::default(), || ()).unwrap();
        let running = reactor.spawn().unwrap();
        publishers.push(running.publisher().unwrap());
        drop(UnixStream::connect(place.join("json.sock")).unwrap());
        if number % 3 == 0 {
            drop(subscriber);
        }
        drop(running);
        assert!(!place.join("json.sock").exists());
    }
    let event = EventFields::custom("test.late", Data::Json("1"));
    for publisher in &publishers {
        assert_eq!(publisher.publish(&event), Err(PublishError::Closed));
    }
    // A thread that waits for a bus may need a moment.
    let end = Instant::now() + Duration::from_secs(10);
    while held() != before {
        assert!(Instant::now() < end, "{before:?} became {:?}", held());
        thread::sleep(Duration::from_millis(10));
    }
}

/// Publishers that are at it while their loop ends: each learns of it, none waits for ever, what
/// they believe was taken in was, and what subscribers got is without a hole.
#[test]
fn publishers_and_an_end_meet_at_any_moment() {
    for round in 0..100 {
        let mut reactor = builder().build().unwrap();
        let streams = Streams::default().with(StreamId::EVENTS);
        let mut subscriber = reactor.attach(&Wish { streams, ..Wish::default() }, || ()).unwrap();
        let running = reactor.spawn().unwrap();
        let publishers: Vec<_> = (0..3)
            .map(|_| {
                let publisher = running.publisher().unwrap();
                thread::spawn(move || {
                    let event = EventFields::custom("test.end", Data::Json("1"));
                    let end = Instant::now() + Duration::from_secs(20);
                    let mut believed = 0;
                    loop {
                        match publisher.publish(&event) {
                            Err(PublishError::Closed) => break (publisher, believed),
                            outcome => believed += u64::from(outcome.is_ok()),
                        }
                        assert!(Instant::now() < end, "nobody says that the loop has ended");
                    }
                })
            })
            .collect();
        thread::sleep(Duration::from_micros(50 * round));
        running.stopper().stop();
        let mut last = 0;
        loop {
            let Some(frame) = subscriber.next_frame().unwrap() else {
                if subscriber.is_ended() {
                    break;
                }
                thread::sleep(Duration::from_micros(200));
                continue;
            };
            let sequence = frame.header.sequence.get();
            match frame.body {
                Body::Event(_) if sequence > 0 => assert_eq!(sequence, last + 1),
                Body::Gap(gap) => assert_eq!(gap.first.get(), last + 1),
                _ => continue,
            }
            last = if let Body::Gap(gap) = frame.body { gap.last.get() } else { sequence };
        }
        running.stop().unwrap();
        let ended = publishers.into_iter().map(|thread| thread.join().unwrap());
        let (publishers, believed): (Vec<_>, Vec<u64>) = ended.unzip();
        let counts = publishers[0].counts();
        assert_eq!((counts.published, counts.dropped), (believed.iter().sum(), 0));
        assert!(last <= counts.published, "{last} of {counts:?}");
    }
}

#[test]
fn a_handler_that_panics_has_refused() {
    let directory = Scratch::new();
    let place = directory.0.join("hub");
    let mut calls = 0;
    let running = builder()
        .in_directory(&place)
        .on_command(move |_| {
            calls += 1;
            assert!(calls > 1, "on purpose");
            Handled::done("done the second time")
        })
        .build()
        .unwrap()
        .spawn()
        .unwrap();
    for (status, word) in [("error", "the host's handler panicked"), ("success", "second time")] {
        let mut stream = UnixStream::connect(place.join("control.sock")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(b"{\"action\":\"toggle\"}").unwrap();
        let mut answer = [0; 4096];
        let size = stream.read(&mut answer).unwrap();
        let answer = str::from_utf8(&answer[..size]).unwrap();
        assert!(answer.contains(status) && answer.contains(word), "{answer}");
    }
    running.stop().unwrap();
}

/// A sensor that no table of kymo's knows.
struct Queue;

static LENGTH: Metric = Metric {
    number: OWN_METRIC_MIN + 1,
    name: "app.queue.length",
    unit: "{job}",
    instrument: Instrument::Gauge,
    group: Group::Cpu,
    brief: "jobs that wait",
};

impl Source for Queue {
    fn spec(&self) -> SourceSpec {
        SourceSpec {
            name: "queue",
            group: Group::Cpu,
            interval_ns: 10_000_000,
            cadence_ms: 10,
            cost: Cost::Cheap,
            may_block: false,
            is_vital: false,
        }
    }

    fn scan(&mut self, found: &mut dyn FnMut(&SensorInfo<'_>)) -> u32 {
        found(&SensorInfo {
            metric: &LENGTH,
            label: "mail",
            attributes: &[("app.queue", "mail")],
            identity: "app/queue/mail",
            cadence_ms: 10,
            scope: Scope::Host,
        });
        0
    }

    fn read(&mut self, readings: &mut [Reading<f64>]) -> Freshness {
        if let Some(reading) = readings.first_mut() {
            *reading = Ok(42.0);
        }
        Freshness::Current
    }
}

#[test]
fn a_sensor_of_the_host_is_one_like_any_other() {
    let mut reactor = builder().source(Box::new(Queue)).build().unwrap();
    let reader = thread::current();
    let streams = Streams::default().with(StreamId::SAMPLES);
    let wish = Wish { streams, rate_mhz: 50_000, ..Wish::default() };
    let mut subscriber = reactor.attach(&wish, move || reader.unpark()).unwrap();
    let running = reactor.spawn().unwrap();
    let (mut id, mut value) = (None, None);
    let end = Instant::now() + Duration::from_secs(20);
    while value.is_none() && Instant::now() < end {
        match subscriber.next_frame().unwrap().map(|frame| frame.body) {
            Some(Body::Catalog(catalog)) => {
                for sensor in catalog.sensors() {
                    assert_eq!((sensor.name(), sensor.unit()), ("app.queue.length", "{job}"));
                    assert_eq!(sensor.identity(), "app/queue/mail");
                    id = Some(sensor.id());
                }
            }
            Some(Body::Samples(samples)) => {
                let sample = samples.samples.iter().find(|sample| Some(sample.id.get()) == id);
                value = sample.and_then(|sample| sample.reading());
            }
            Some(_) => {}
            None => thread::park_timeout(Duration::from_millis(100)),
        }
    }
    assert_eq!(value, Some(42.0));
    running.stop().unwrap();
}

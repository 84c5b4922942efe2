#![forbid(unsafe_code)]
//! kymo samples the machine and streams its vitals, and the events of its host, on one clock, to
//! any number of local user interfaces. `kymod` is this library in a `main`.
//!
//! A host picks how deep it goes. Each depth below runs as it stands; `examples/` has more of each.
//!
//! | depth | the host gives | it calls |
//! |---|---|---|
//! | [a thread](#a-thread-of-its-own) | nothing | [`Builder::build`], [`Reactor::spawn`] |
//! | [a loop](#the-hosts-own-loop) | one descriptor's and one deadline's worth of waiting | [`Reactor::turn`] |
//! | [the hub](#without-sockets-or-clocks) | bytes and time | [`Hub`]'s `handle_*` and `poll_*` |
//!
//! # A thread of its own
//!
//! ```
//! use std::thread;
//!
//! use kymo::protocol::{Body, Field};
//! use kymo::{Builder, Wish};
//!
//! // `.in_directory(path)` lets other processes connect; `.sensors()` adds every sensor.
//! let mut reactor = Builder::new().build()?;
//! let reader = thread::current();
//! let wish = Wish { rate_mhz: 25_000, ..Wish::default() };
//! let mut subscriber = reactor.attach(&wish, move || reader.unpark())?;
//! let running = reactor.spawn()?;
//! let percent = loop {
//!     match subscriber.next_frame()?.map(|frame| frame.body) {
//!         // What was not read has a state that says why, and is never 0.
//!         Some(Body::Vitals(vitals)) if vitals.state(Field::CpuUsage).has_value() => {
//!             break vitals.cpu_usage.get();
//!         }
//!         Some(_) => {}
//!         None => thread::park(),
//!     }
//! };
//! assert!((0.0..=100.0).contains(&percent));
//! running.stop()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Events go in through [`Running::publisher`] from any thread; [`Broadcaster`] paces figures.
//!
//! # The host's own loop
//!
//! A [`Reactor`] is one descriptor ([`AsFd`](std::os::fd::AsFd)) and one
//! [`deadline`](Reactor::deadline). The loop is always the same, whatever waits: poll, epoll,
//! kqueue, mio, tokio or calloop.
//!
//! ```
//! use std::os::fd::AsFd;
//! use std::time::Duration;
//!
//! use kymo::{Builder, Wish};
//! use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
//!
//! let mut kymo = Builder::new().build()?;
//! let mut subscriber = kymo.attach(&Wish::default(), || ())?;
//! let mut frames = 0;
//! while frames < 3 {
//!     // 1. Wait for the descriptor, beside those of the host, and no longer than the deadline.
//!     let deadline = kymo.deadline().map(|deadline| deadline + Duration::from_millis(1));
//!     let timeout = deadline.map_or(Ok(PollTimeout::NONE), PollTimeout::try_from)?;
//!     poll(&mut [PollFd::new(kymo.as_fd(), PollFlags::POLLIN)], timeout)?;
//!     // 2. Take a turn, which does not wait: ticks, connections, events, sends, each bounded.
//!     kymo.turn(Some(Duration::ZERO))?;
//!     // 3. Read what it brought.
//!     while subscriber.next_frame()?.is_some() {
//!         frames += 1;
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Without sockets or clocks
//!
//! The [`Hub`] is everything but the operating system: bytes and time go in, bytes and deadlines
//! come out, and the same input gives the same output. For transports of one's own (a serial line,
//! a tunnel, a test that takes no time):
//!
//! ```
//! use kymo::platform::clock::Now;
//! use kymo::platform::{Fake, LocalTime, peer::Peer};
//! use kymo::{Config, History, Hub, Identity, Sampler};
//!
//! let mut now = Now { mono_ns: 1_000_000_000, boot_ns: 1_000_000_000, wall_ns: 1 << 60 };
//! let identity = Identity { epoch: 1, run: 2, uid: 0 };
//! let mut hub =
//!     Hub::new(&Config::default(), identity, History::none(), LocalTime::new(), now);
//! let mut sampler = Sampler::new(Box::new(Fake::seeded(7)));
//!
//! // 1. Tell what happened: somebody came and said something.
//! let peer = Peer { uid: 0, gid: 0, pid: None };
//! let id = hub.accept(None, peer, now).map_err(|refusal| format!("{refusal:?}"))?;
//! let wish = b"{\"subscribe\":[\"vitals\"],\"rate_hz\":10}\n";
//! hub.input_space(id)[..wish.len()].copy_from_slice(wish);
//! hub.handle_received(id, wish.len(), now);
//!
//! let (mut wire, end_ns) = (Vec::new(), now.mono_ns + 2_000_000_000);
//! while now.mono_ns < end_ns {
//!     // 2. Tell what time it is, and do what is due.
//!     let slept_ns = hub.handle_time(now);
//!     sampler.handle_resume(slept_ns);
//!     if let Some(tick_ns) = hub.take_tick(now) {
//!         sampler.handle_tick(tick_ns, now);
//!         hub.plan_tick(tick_ns);
//!         hub.publish(tick_ns, now, &sampler);
//!     }
//!     hub.handle_deadlines(now);
//!     // Events are sent when they are committed, and not before.
//!     hub.commit(now);
//!     // 3. Send, as much as the transport takes.
//!     while let Some(id) = hub.poll_ready() {
//!         let bytes = hub.transmit(id, now).concat();
//!         wire.extend_from_slice(&bytes);
//!         hub.handle_sent(id, bytes.len(), now);
//!     }
//!     // 4. Close what is to be closed.
//!     while let Some(_id) = hub.poll_closed() {}
//!     // 5. Sleep until the next tick or deadline: here by moving the clock.
//!     let tick_ns = hub.ticks().map(|ticks| ticks.first_ns);
//!     let next_ns = [tick_ns, hub.deadline_ns()].into_iter().flatten().min().unwrap_or(end_ns);
//!     let passed_ns = next_ns.saturating_sub(now.mono_ns).max(1);
//!     (now.mono_ns, now.boot_ns) = (now.mono_ns + passed_ns, now.boot_ns + passed_ns);
//!     now.wall_ns += passed_ns;
//! }
//! let text = String::from_utf8(wire)?;
//! assert_eq!(text.matches("{\"type\":\"vitals\"").count(), 20);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What the library does not do
//!
//! It keeps no state outside its values, installs no signal handlers, writes no logs, reads no
//! environment (the C library finds the time zone there), and changes nothing of its process:
//! neither umask, working directory nor limits. It starts no thread but one to sync a journal that
//! is configured, and two where sensors may keep their reader waiting. After [`Builder::build`] or
//! [`Reactor::new`] it allocates nothing. It never panics on a peer's input. Programs that the host
//! starts inherit none of its descriptors, and a dropped [`Reactor`] leaves none. `tests/embed`
//! checks that.
//!
//! # Units
//!
//! Names end in them: `_ns` nanoseconds, `_mhz` thousandths of a hertz, `_bytes` and `_size` bytes,
//! `_ppm` millionths. `mono_ns` and `boot_ns` are the system's clocks without and with the time
//! asleep, `wall_ns` is since 1970.
//!
//! The order to read the modules in: `sampler`, `telemetry`, `ring`, `session`, `hub`, `reactor`.

mod activity;
mod attach_error;
mod broadcaster;
mod buffer;
mod builder;
mod clock_watch;
mod config;
mod config_file;
mod control;
mod conversation;
mod cpu_window;
mod directory;
mod event_log;
mod figure;
mod hardware;
mod histogram;
mod history;
mod hub;
mod inbox;
pub mod journal;
mod keys;
#[doc(hidden)]
pub mod lane;
pub mod limits;
mod listener;
mod local;
mod message;
mod momentum;
mod notice;
mod passes;
pub mod place;
mod processes;
mod quota;
mod reactor;
mod recorders;
mod report;
#[doc(hidden)] // a fuzz target compares it with a model
pub mod ring;
mod running;
mod sampler;
mod samples;
mod schedule;
mod session;
mod sources;
mod start_error;
mod stopper;
mod stretch;
mod supply;
mod table;
mod telemetry;
mod topics;
mod wake_flag;

/// What the operating system gives: machines, sources of sensors, clocks.
pub use kymo_platform as platform;
/// Frames and lines, as they are sent.
pub use kymo_protocol as protocol;

pub use attach_error::AttachError;
pub use broadcaster::{BroadcastCounts, Broadcaster, Paced, SessionMetrics};
pub use builder::Builder;
pub use config::{
    Access, Config, ConfigError, JournalSettings, Limits, Listener, ListenerFormat, Quotas,
    RATE_MHZ_DEFAULT, RecorderSettings, Sensors, Threshold, parse_rate,
};
pub use config_file::{ConfigFile, ConfigFileError, TomlError, TomlReader};
pub use hardware::Hardware;
pub use history::History;
pub use hub::{Counters, Handled, Hub, Identity, Parts, Refusal, Surroundings};
pub use inbox::{Capacity, Inbox, InboxCounts, Overflow, PublishError, Publisher};
pub use local::LocalSubscriber;
pub use message::{MESSAGE_SIZE, Message};
pub use notice::{Notice, write_notice};
pub use passes::Done;
pub use reactor::{Reactor, Wish};
pub use report::Report;
pub use running::Running;
pub use sampler::{Cost, Sampler};
pub use samples::Samples;
pub use schedule::{Cadences, Ticks};
pub use sources::{SourceReport, Sources, Wanted};
pub use start_error::StartError;
pub use stopper::Stopper;
pub use table::SessionId;
pub use telemetry::Format;

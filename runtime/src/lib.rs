#![forbid(unsafe_code)]
//! kymo samples the machine and streams its vitals, on one clock, to any number of local user
//! interfaces. `kymod` is this library in a `main`.
//!
//! # On a thread of its own, or in the host's loop
//!
//! ```no_run
//! use kymo::{Config, Reactor};
//! use kymo_platform::{Roots, this_machine};
//!
//! let config = Config::in_directory("/run/user/1000/my-app");
//! let mut reactor = Reactor::new(&config, this_machine(&Roots::default()))?;
//! while !reactor.is_done() {
//!     reactor.turn(None)?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Reactor::connect`] gives the host a subscriber of its own, without a directory or a listener.
//!
//! # Without sockets or clocks
//!
//! The [`Hub`] is everything but the operating system: bytes and time go in, bytes and deadlines
//! come out. Its documentation gives the order of the calls.
//!
//! # What the library does not do
//!
//! It has no statics, reads no environment, installs no signal handlers, writes no logs, starts no
//! thread but one to sync a journal that is configured, and touches neither umask nor working
//! directory. After [`Reactor::new`] it allocates
//! nothing. It never panics on a peer's input.
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
mod report;
mod ring;
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
    RATE_MHZ_DEFAULT, Sensors, parse_rate,
};
pub use config_file::{ConfigFile, ConfigFileError, TomlError, TomlReader};
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
pub use sampler::Sampler;
pub use samples::Samples;
pub use schedule::{Cadences, Ticks};
pub use sources::{SourceReport, Sources, Wanted};
pub use start_error::StartError;
pub use stopper::Stopper;
pub use table::SessionId;
pub use telemetry::Format;

#![no_std]
#![forbid(unsafe_code)]
//! kymo's wire protocol: binary frames, the same frames as JSON Lines, and the version-1 profile.
//!
//! No `std`, no `alloc`, no I/O and no clock: bytes go in, views come out; values go in, bytes come
//! out, in a buffer of the caller's. `SPEC.md` beside this crate is normative; `vectors/` holds
//! golden frames that every client can test itself against.
//!
//! # Reading
//!
//! [`Frame::parse`] is the one call that can fail on input. After it, every accessor is infallible.
//! A byte stream goes through a [`Decoder`], which finds the frames in it.
//!
//! # Writing
//!
//! [`emit`] writes a header and hands out the payload to fill in, in place:
//!
//! ```
//! use kymo_protocol::{Body, Field, Frame, Position, State, Stamp, Vitals, emit};
//!
//! let mut buffer = [0u8; 512];
//! let at = Position { stream: kymo_protocol::StreamId::VITALS, sequence: 1 };
//! let (vitals, frame_size) = emit::<Vitals>(&mut buffer, at, Stamp { boot_ns: 5_000_000_000 })?;
//! vitals.cpu_usage.set(12.5);
//! vitals.set_state(Field::CpuUsage, State::Ok, 40);
//!
//! let frame = Frame::parse(&buffer[..frame_size])?;
//! let Body::Vitals(vitals) = frame.body else { unreachable!() };
//! assert_eq!(vitals.cpu_usage.get(), 12.5);
//! # Ok::<(), kymo_protocol::FrameError>(())
//! ```
//!
//! The order to read the modules in: [`header`], [`frame`], [`vitals`], the small frames, [`json`].

pub mod catalog;
pub mod decoder;
pub mod error;
pub mod event;
pub mod event_kind;
pub mod frame;
pub mod frame_error;
pub mod gap;
pub mod goodbye;
pub mod groups;
pub mod header;
pub mod heartbeat;
pub mod hello;
pub mod json;
pub mod limits;
pub mod metric;
pub mod numbers;
pub mod opta1;
pub mod pattern;
pub mod payload;
pub mod place;
pub mod processes;
pub mod recording;
pub mod request;
pub mod samples;
pub mod sensor;
pub mod state;
pub mod subscribe;
pub mod text;
pub mod vitals;
pub mod welcome;

pub use catalog::{Catalog, CatalogPart, CatalogWriter, Pushed};
pub use decoder::Decoder;
pub use error::{ErrorCode, ErrorReport};
pub use event::{Data, Event, EventFields};
pub use event_kind::{AppState, EventKind, Form};
pub use frame::{Body, Frame};
pub use frame_error::FrameError;
pub use gap::{Gap, GapReason};
pub use goodbye::{Goodbye, GoodbyeReason};
pub use groups::Groups;
pub use header::{FrameHeader, FrameKind, MAGIC, StreamId, VERSION};
pub use heartbeat::Heartbeat;
pub use hello::Hello;
pub use metric::{Cost, Group, Instrument, METRICS, Metric, Scope};
pub use numbers::{Number, NumberValue, Numbers};
pub use payload::{Payload, Position, Stamp, emit};
pub use place::{PLACES, Place, SYSTEM_PLACE, SYSTEM_PLACE_ON_MAC};
pub use processes::{Process, Processes};
pub use request::{Ack, Action, Reply, ReplyFields, Request};
pub use samples::{Sample, Samples, SamplesOf};
pub use sensor::{Sensor, SensorFields};
pub use state::{NoData, Reading, State};
pub use subscribe::{Resume, Streams, Subscribe, SubscribeOptions, Subscribed};
pub use text::{Words, parse_float};
pub use vitals::{Color, Field, SystemState, Vitals};
pub use welcome::{StreamEntry, Welcome};

/// Runs the example in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#![forbid(unsafe_code)]
//! A client of kymo: [`Subscriber`] gets vitals, events and what sensors read, which [`Catalog`]
//! names; [`Control`] gives orders and submits events.
//!
//! * They find the daemon ([`directories`]), connect, and connect again when it goes away: after a
//!   wait that grows and is partly left to chance ([`Backoff`]), and not again and again to one
//!   that fails ([`Breaker`]). Both know no clock, and can be used alone.
//! * Events go on where they stood ([`Token`]). What is lost is told, each loss once ([`Item`]).
//! * No thread, no async runtime, no global; buffers are allocated when a client is made. It writes
//!   nothing but what a method says, and reads the environment in [`directories`] only.
//!
//! # A subscriber
//!
//! ```
//! # use std::{io::Write, os::unix::net::UnixStream};
//! # use kymo_client::{Data, EventFields};
//! # use kymo_protocol::{Position, Stamp, Subscribed, Welcome, emit, welcome::WelcomeFixed};
//! use kymo_client::{Body, Item, Settings, Subscriber};
//!
//! # let (stream, mut server) = UnixStream::pair()?;
//! # let (mut frame, mut payload, stamp) = ([0; 512], [0; 256], Stamp { boot_ns: 1 });
//! # let size = Welcome::emit(&mut frame, stamp, &WelcomeFixed::default(), &[])?;
//! # server.write_all(&frame[..size])?;
//! # let (granted, size) = emit::<Subscribed>(&mut frame, Position::NONE, stamp)?;
//! # (granted.resume.set(2), granted.next[3].set(1));
//! # server.write_all(&frame[..size])?;
//! # let size = EventFields::custom("build.done", Data::Json("1")).write(&mut payload)?;
//! # let size = kymo_protocol::Event::emit(&mut frame, 1, stamp, &payload[..size])?;
//! # server.write_all(&frame[..size])?;
//! let mut subscriber = Subscriber::over(stream, Settings::default())?;
//! // In earnest: Subscriber::connect(Settings::in_directories(directories(None)))?
//! let topic = loop {
//!     match subscriber.next()? {
//!         Item::Connected(server) => println!("{} mHz", server.rate_mhz),
//!         Item::Frame(frame) => {
//!             if let Body::Event(event) = frame.body {
//!                 break event.topic().to_string();
//!             }
//!         }
//!         Item::Gap(gap) => println!("{} frames are lost", gap.count),
//!         Item::Fresh { lost_after: Some(token) } => println!("all after {token} may be lost"),
//!         _ => {}
//!     }
//! };
//! assert_eq!(topic, "build.done");
//! let token = subscriber.token(); // to be kept, for Settings::resume
//! # assert_eq!(token.map(|token| token.events), Some(1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Orders
//!
//! ```no_run
//! use kymo_client::{Action, Control, Data, EventFields, Submit, directories};
//!
//! let mut control = Control::connect(directories(None))?;
//! println!("{}", control.request(Action::Status)?.text);
//!
//! let event = EventFields::custom("build.done", Data::Json("{\"ok\":true}"));
//! let submit = Submit { key: Some(("my-app", 7)), ..Submit::new(&event) };
//! // The key makes it safe to send again, which is done when the connection is lost.
//! println!("event {}", control.submit(submit)?.sequence);
//! # Ok::<(), kymo_client::Error>(())
//! ```

mod backoff;
mod breaker;
mod catalog;
mod catalog_cursor;
mod control;
mod dial;
mod error;
mod item;
pub mod limits;
mod line_control;
mod pipeline;
mod place;
mod position;
mod redial;
mod reply_text;
mod sensor;
mod settings;
mod subscriber;
mod telemetry;
mod token;
mod wait;

#[cfg(target_os = "linux")]
#[path = "os/linux.rs"]
mod os;
#[cfg(target_vendor = "apple")]
#[path = "os/macos.rs"]
mod os;

pub use backoff::{Backoff, BackoffSettings};
pub use breaker::{Breaker, BreakerSettings, BreakerState};
pub use catalog::Catalog;
pub use control::{Answer, Control, ControlSettings, Replied, Submit};
pub use error::{Breach, Error, Why};
pub use item::{Connected, Gap, Item, Resumed};
pub use kymo_protocol::json::ClockMap;
pub use kymo_protocol::{
    Ack, Action, Body, Cost, Data, ErrorCode, Event, EventFields, EventKind, Frame, GapReason,
    GoodbyeReason, Group, Instrument, Process, Processes, Sample, Samples, Scope, State, StreamId,
    Streams, Vitals,
};
pub use line_control::LineControl;
pub use place::directories;
pub use sensor::Sensor;
pub use settings::Settings;
pub use subscriber::Subscriber;
pub use token::{Token, TokenError};

/// Runs the example in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

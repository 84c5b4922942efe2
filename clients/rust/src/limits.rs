//! Every bound of a client, with its reason.

use std::time::Duration;

use kymo_protocol::limits::{
    EVENT_BYTES_MAX, FILTER_TEXT_MAX, FRAME_ALIGN, HEADER_SIZE, STREAMS_MAX,
};
use kymo_protocol::subscribe::SubscribeFixed;
use kymo_protocol::welcome::WelcomeFixed;
use kymo_protocol::{Hello, Payload, StreamEntry};

/// A server says something at least every 5 s. What says nothing for three times that is gone.
pub const SILENCE_MAX: Duration = Duration::from_secs(15);

/// Bytes of hello and subscribe.
pub const GREETING_MAX: usize =
    Hello::FRAME_SIZE + SubscribeFixed::FRAME_SIZE + FILTER_TEXT_MAX + FRAME_ALIGN;

/// Bytes of a welcome.
pub const WELCOME_MAX: usize =
    HEADER_SIZE + size_of::<WelcomeFixed>() + STREAMS_MAX * size_of::<StreamEntry>();

/// Requests of one control connection that may be outstanding; a server reads no further.
pub const OUTSTANDING_MAX: usize = 64;

/// Bytes of the largest request: a submit of the largest event.
pub const REQUEST_MAX: usize = HEADER_SIZE + 88 + EVENT_BYTES_MAX as usize;

/// Bytes of requests that are outstanding, to be sent again if the connection is lost: four of the
/// largest, and all 64 at the usual size.
pub const OUTBOX_SIZE: usize = 4 * REQUEST_MAX;

/// How long a reply may take: a server answers at once but for one that waits for a disk.
pub const REPLY_TIME: Duration = Duration::from_secs(10);

/// Bytes of a reply in JSON, its newline included.
pub const REPLY_LINE_MAX: usize = 64 * 1024;

/// Sensors of a catalog: an id has 16 bits, and 0 is none.
pub const SENSORS_MAX: u32 = u16::MAX as u32;

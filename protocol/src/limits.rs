//! Every bound of the protocol, with its reason.

/// Bytes of a frame header.
pub const HEADER_SIZE: usize = 32;

/// Bytes of a payload. A header's length field above this is refused before anything is read.
pub const PAYLOAD_MAX: usize = 64 * 1024;

/// Bytes of a whole frame.
pub const FRAME_MAX: usize = HEADER_SIZE + PAYLOAD_MAX;

/// Frames and payloads are multiples of this, so that views of 8-byte fields stay aligned when the
/// first one is.
pub const FRAME_ALIGN: usize = 8;

/// Bytes of an event's payload by default (`limits.event_bytes`).
pub const EVENT_BYTES: u32 = 8 * 1024;

/// Bytes of the largest event payload that any server takes: with the rest of a request it fits
/// into the limit of payloads.
pub const EVENT_BYTES_MAX: u32 = 60 * 1024;

/// Bytes of an event's name: a topic of many parts, or a hook's name.
pub const EVENT_NAME_MAX: usize = 128;

/// Bytes of a request's `id` as JSON.
pub const REQUEST_ID_MAX: usize = 64;

/// Bytes of a JSON line that carries an event of `event_bytes`: each byte may become `\u00XX`, and
/// the keys need room.
#[must_use]
pub const fn line_bytes(event_bytes: u32) -> u32 {
    event_bytes.saturating_mul(6).saturating_add(1024)
}

/// Bytes of a client's name: long enough for a reverse domain name, short enough for a table.
pub const NAME_MAX: usize = 64;

/// Bytes of the text in an error frame: one sentence with a name in it.
pub const ERROR_TEXT_MAX: usize = 120;

/// Bytes of topic and group patterns in one subscription.
pub const FILTER_TEXT_MAX: usize = 1024;

/// Bytes of a line that a subscriber may send. The longest subscribe line that makes sense holds
/// `FILTER_TEXT_MAX` of patterns and a resume token.
pub const SUBSCRIBE_LINE_MAX: usize = 2048;

/// Nesting of JSON that is read. A subscribe line needs 2, a request with an event 3; the data of
/// an event may be deeper than a person writes by hand.
pub const JSON_DEPTH_MAX: usize = 16;

/// Nesting of an event's data: two levels stand around it in the request that submits it.
pub const DATA_DEPTH_MAX: usize = JSON_DEPTH_MAX - 2;

/// Streams of one server: as many as a set of streams has bits.
pub const STREAMS_MAX: usize = 16;

/// Fans in a vitals frame.
pub const FANS_MAX: usize = 8;

/// Bytes of a vitals frame as a JSON line when every number is as long as it can be. Checked by a
/// test.
pub const VITALS_LINE_MAX: usize = 2048;

/// Samples in one frame: with its header it stays below 8 KiB, so whoever has room for a catalog,
/// without which samples mean nothing, has room for it. A larger group comes in parts.
pub const SAMPLES_MAX: usize = 480;

/// Bytes of one sensor in a catalog: a name, a label, and the longest path by which a device is
/// known.
pub const SENSOR_BYTES_MAX: usize = 1024;

/// Bytes of a catalog's payload: a larger catalog comes in several frames, so that no reader needs
/// room for all of it.
pub const CATALOG_BYTES_MAX: usize = 8 * 1024;

/// Sensors in one catalog frame. Real ones take up about 100 bytes, so fewer fit; this bounds the
/// line of a frame full of the shortest.
pub const CATALOG_COUNT_MAX: usize = 240;

/// Ranks by processor time in a processes frame, and as many by memory: more than a screen shows.
pub const PROCESS_RANKS_MAX: usize = 32;

/// Processes in one frame: when none is ranked twice.
pub const PROCESSES_MAX: usize = 2 * PROCESS_RANKS_MAX;

/// Bytes of a process's name: twice what Linux keeps, and what macOS keeps.
pub const PROCESS_NAME_MAX: usize = 32;

/// Bytes of a catalog frame as a JSON line: no more than the line of the largest event has by
/// default. Checked by a test, like the two below.
pub const CATALOG_LINE_MAX: usize = line_bytes(EVENT_BYTES) as usize;

/// Bytes of a samples frame as a JSON line.
pub const SAMPLES_LINE_MAX: usize = 40 * 1024;

/// Bytes of a processes frame as a JSON line.
pub const PROCESSES_LINE_MAX: usize = 16 * 1024;

/// Bytes of any other JSON line of this crate: welcome, subscribed, gap, heartbeat, goodbye, error.
pub const NOTICE_LINE_MAX: usize = 1024;

/// The least rate that is granted, in thousandths of a hertz.
pub const RATE_MHZ_MIN: u32 = 100;

/// The highest rate that any server grants, in thousandths of a hertz.
pub const RATE_MHZ_MAX: u32 = 1_000_000;

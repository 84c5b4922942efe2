//! Every bound of the runtime, with its reason.

use kymo_protocol::limits::{NOTICE_LINE_MAX, SUBSCRIBE_LINE_MAX, VITALS_LINE_MAX};

/// Connections held at once unless the host says otherwise.
pub const CLIENTS_DEFAULT: u32 = 256;

/// The most connections a host may ask for. At 25 Hz they are what one core can serve.
pub const CLIENTS_MAX: u32 = 16_384;

/// Listeners of one hub. Each costs a descriptor; nobody has needed more than a handful.
pub const LISTENERS_MAX: usize = 16;

/// Frames a telemetry ring holds: five seconds at 25 Hz, an eighth of one at 1 kHz. Only
/// subscribers that asked for every frame ever read behind the newest.
pub const TELEMETRY_FRAMES: usize = 128;

/// Bytes of a session's tail: the rest of a frame the socket did not take whole, and the notices
/// queued behind it (one subscribed, one gap, one error or goodbye).
pub const TAIL_SIZE: usize = 4096;

const _: () = assert!(TAIL_SIZE >= VITALS_LINE_MAX + 2 * NOTICE_LINE_MAX);

/// Bytes of a session's input: the longest line or frame a subscriber may send.
pub const INPUT_SIZE: usize = SUBSCRIBE_LINE_MAX;

/// Bytes of ring in one send. AF_UNIX takes sends of up to 36 KB whole.
pub const SEND_MAX: usize = 32 * 1024;

/// Connections accepted in one turn and listener: enough for a storm, few enough that frames wait
/// less than a millisecond.
pub const ACCEPTS_PER_TURN: usize = 64;

/// Bytes read from one session in one turn. A subscriber sends one line in its life; one that sends
/// more shares the loop with everybody else.
pub const READ_PER_TURN: usize = 2 * INPUT_SIZE;

/// Events taken from the operating system in one turn. The rest is taken in the next.
pub const EVENTS_PER_TURN: usize = 1024;

/// A stream client says what it wants within this time, or makes room for others.
pub const HELLO_NS: u64 = 2_000_000_000;

/// A stream client is not cut for others before it had this long to say what it wants: a storm of
/// clients that do everything right connects faster than each of them sends.
pub const OPENING_GRACE_NS: u64 = 100_000_000;

/// A subscriber with bytes pending that takes none for this long is gone or stuck.
pub const STALL_NS: u64 = 30_000_000_000;

/// A subscriber that was sent nothing else for this long is told that the server lives.
pub const HEARTBEAT_NS: u64 = 5_000_000_000;

/// A connection that is being closed may take its last bytes for this long. Shutdown lasts no
/// longer either.
pub const CLOSING_NS: u64 = 1_000_000_000;

/// Deadlines are looked at no more often than this, so that thousands of sessions with deadlines of
/// their own cost one scan and not thousands.
pub const SCAN_NS: u64 = 100_000_000;

/// After a failed accept the listener rests this long: the descriptors that are missing come back
/// when somebody closes one, and nothing tells us.
pub const ACCEPT_REST_NS: u64 = 50_000_000;

/// Descriptors kymo needs beside one per connection: standard streams, epoll, timer, signals, lock,
/// listeners, sensors and a reserve.
pub const DESCRIPTORS_RESERVED: u64 = 64;

/// A new subscriber is served at once when the next tick is farther away than this.
pub const FIRST_FRAME_NS: u64 = 100_000_000;

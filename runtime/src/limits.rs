//! Every bound of the runtime, with its reason.

use std::time::Duration;

use kymo_protocol::Group;
use kymo_protocol::limits::{
    FRAME_MAX, NAME_MAX, NOTICE_LINE_MAX, PROCESSES_LINE_MAX, SAMPLES_LINE_MAX, SAMPLES_MAX,
    SENSOR_BYTES_MAX, SUBSCRIBE_LINE_MAX, VITALS_LINE_MAX,
};

/// Connections held at once unless the host says otherwise.
pub const CLIENTS_DEFAULT: u32 = 256;

/// The most connections a host may ask for. At 25 Hz they are what one core can serve.
pub const CLIENTS_MAX: u32 = 16_384;

/// Listeners of one hub. Each costs a descriptor; nobody has needed more than a handful.
pub const LISTENERS_MAX: usize = 16;

/// Bytes of a file of settings: a listener takes about 150, and 16 of them and everything else a
/// fifth of this. The buffers to read it are made before the hub is ready and sized for it.
pub const CONFIG_SIZE_MAX: usize = 16 * 1024;

/// Bytes of an event's payload unless the host says otherwise.
pub const EVENT_BYTES_DEFAULT: u32 = 8 * 1024;

/// Below this, a submitted line of text may not fit.
pub const EVENT_BYTES_MIN: u32 = 1024;

/// A frame's payload is at most 64 KiB, and what surrounds an event needs its part.
pub const EVENT_BYTES_MAX: u32 = 60 * 1024;

/// Bytes of a journal unless the host says otherwise: hours of speech.
pub const JOURNAL_BYTES_DEFAULT: u32 = 4 << 20;

/// Bytes of the smallest journal: four segments that each hold the largest event.
pub const JOURNAL_BYTES_MIN: u32 = 256 << 10;

/// Bytes of the largest journal: all of it is read at the start.
pub const JOURNAL_BYTES_MAX: u32 = 1 << 30;

/// Bytes of the path of a journal's directory: every system takes 1,023, and a file's name in the
/// directory is to fit as well.
pub const JOURNAL_PATH_MAX: usize = 960;

/// Bytes of the path of a file of keys: as many, so that the code for both is the same.
pub const SMC_KEYS_PATH_MAX: usize = JOURNAL_PATH_MAX;

/// Bytes of a group's name: what Linux's tools make at most.
pub const GROUP_NAME_MAX: usize = 32;

/// `[[recorder]]` tables: each has a window of its own, and one thread serves them all.
pub const RECORDERS_MAX: usize = 4;

/// Bytes of a recorder's name, which its files' names begin with.
pub const RECORDER_NAME_MAX: usize = 24;

/// Bytes of the path of a recorder's folder: with a file's name it is told in replies and events,
/// and is handed to the system from the stack.
pub const RECORDER_PATH_MAX: usize = 256;

/// Bytes of such a path with a file's name: the recorder's, the time, and how it ends.
pub const RECORDING_PATH_MAX: usize = RECORDER_PATH_MAX + RECORDER_NAME_MAX + 40;

/// Memory for what a recorder keeps: a minute of vitals at 25 Hz, and as much again for the rest.
pub const RECORDER_BYTES_DEFAULT: u32 = 1 << 20;

/// The least: a few of the largest events.
pub const RECORDER_BYTES_MIN: u32 = 256 << 10;

/// The most: ten minutes of vitals at 1 kHz.
pub const RECORDER_BYTES_MAX: u32 = 256 << 20;

/// The longest time that a recorder keeps, goes on for, or pauses.
pub const RECORDER_SECONDS_MAX: u32 = 3600;

/// Files that a recorder leaves at most: their names are kept in memory.
pub const RECORDER_FILES_MAX: u32 = 64;

/// Sends that may lie between the loop and a recorder: a turn has three at most, so these are those
/// of ten periods.
pub const RECORDER_BUFFERS: usize = 32;

/// A recorder looks for frames once in so many periods, with as many as twice that to spare.
pub const RECORDER_REST: u64 = 4;

/// The shortest and the longest time in which a recorder does not look for frames.
pub const RECORDER_REST_MS: std::ops::RangeInclusive<u64> = 2..=250;

/// Without vitals for so long, or three of their periods, nobody knows what was meanwhile.
pub const TRIGGER_GAP_NS: u64 = 2_000_000_000;

/// What recorders have to say to the loop: as many as can ask, and each of them twice.
pub const RECORDER_WORDS: usize = 2 * CONTROL_MAX + 2 * RECORDERS_MAX;

/// The recorders' thread calls little.
pub const RECORDER_STACK_SIZE: usize = 128 * 1024;

/// The largest quota of events a second: more than one loop can take in.
pub const QUOTA_EVENTS_MAX: u32 = 10_000_000;

/// The largest quota of bytes a second: more than one loop can take in.
pub const QUOTA_BYTES_MAX: u32 = 1 << 30;

/// Frames a telemetry ring holds: 1.3 s at 25 Hz, 32 ms at 1 kHz. Only subscribers that asked for
/// every frame ever read behind the newest, and their sockets hold about a second more.
pub const TELEMETRY_FRAMES: usize = 32;

/// Frames of samples that wait for a subscriber that asked for every frame at a rate below the
/// stream's: as many as of vitals.
pub const BATCH_FRAMES_MAX: u32 = 16;

/// Frames of processes that a ring holds: four seconds at the highest rate. Each is as long as a
/// dozen of vitals.
pub const PROCESSES_FRAMES: usize = 8;

/// Passes over all processes in a thousand seconds for who names no rate: tools that show processes
/// to people do it once in one to three seconds.
pub const PROCESSES_RATE_MHZ: u32 = 1_000;

/// The most of them, whatever is asked: procfs counts time in ticks of 10 ms, so that a share over
/// half a second is told within 2 %, and over less it would be noise.
pub const PROCESSES_RATE_MHZ_MAX: u32 = 2_000;

/// A slice of a pass over the processes: a fifth of a tick at 1 kHz, in which frames, events and
/// replies wait for it.
pub const PROCESSES_SLICE_NS: u64 = 200_000;

/// The pause behind a slice. With it a pass takes at most a fiftieth of a CPU while it is under
/// way, twice what it may in the mean, and so is whole in about half the time to the next one.
pub const PROCESSES_PAUSE_NS: u64 = 10_000_000;

/// Bytes of the ring of events, and of each ring of their lines. The journal remembers more; this
/// is what a subscriber may lag behind before it is served from there, or, without one, misses
/// events.
pub const EVENT_RING_SIZE: usize = 128 * 1024;

/// The same beside a journal, which is where everyone who lags is served from.
pub const EVENT_RING_SIZE_JOURNALLED: usize = 64 * 1024;

/// Bytes of events taken in in one turn: a part of their ring, so that nobody who keeps up is
/// lapped between two turns.
pub const EVENT_BYTES_PER_TURN: usize = 32 * 1024;

const _: () = assert!(EVENT_BYTES_PER_TURN <= EVENT_RING_SIZE_JOURNALLED / 2);

/// Sends to a session in a turn that takes in as many events as a turn may: as much as the ring of
/// its lines holds.
pub const SENDS_PER_FLOOD: usize = EVENT_RING_SIZE / SEND_MAX;

/// Events that are prepared for one session in one turn, and bytes of them: what one send takes.
pub const PREPARED_EVENTS_MAX: usize = 512;

/// What one session may have written for it at once, and all of them in one turn, in nanoseconds of
/// an ordinary CPU as far as they can be told from what is done: frames of telemetry wait for it.
/// Who needs more goes on in the next turn, in its order.
pub const EFFORT_PER_SESSION: u64 = 50_000;
/// See [`EFFORT_PER_SESSION`]: a tenth of a tick at 25 Hz.
pub const EFFORT_PER_TURN: u64 = 4_000_000;

/// To look at one event that lies in memory: as much as to compare so many bytes.
pub const EFFORT_PER_EVENT: u64 = 100;

/// To write one byte of a line.
pub const EFFORT_PER_LINE_BYTE: u64 = 2;

/// To read from the journal what one send takes: as much is looked through to find it.
pub const EFFORT_PER_READ: u64 = 30_000;

/// Bytes of a block that the C library makes of untouched pages: twice what glibc's threshold is
/// before it has learned of larger ones.
pub const UNTOUCHED_SIZE_MIN: usize = 256 * 1024;

/// Bytes of a session's tail: the rest of a frame the socket did not take whole, and the notices
/// queued behind it (one subscribed, one gap, one error or goodbye).
///
/// The longest frame whose rest is kept here is a line of samples. Pages that no rest was ever kept
/// in cost nothing.
pub const TAIL_SIZE: usize = 20 * 1024;

const _: () = assert!(TAIL_SIZE >= VITALS_LINE_MAX + 2 * NOTICE_LINE_MAX);
const _: () = assert!(TAIL_SIZE >= SAMPLES_PART_LINE_MAX + 2 * NOTICE_LINE_MAX);
const _: () = assert!(TAIL_SIZE >= PROCESSES_LINE_MAX + 2 * NOTICE_LINE_MAX);

/// Sensors that have a place in the catalog: 256 CPUs and 200 channels beside a few hundred
/// interfaces and disks. What is beyond is told as omitted.
pub const SENSORS_MAX: usize = 4096;

/// Bytes of all their entries: 256 for each, of which most have 150.
pub const CATALOG_SIZE_MAX: usize = SENSORS_MAX * 256;

/// Numbers of sensors that are remembered, so that one that comes back has the one it had.
pub const SENSOR_IDS_MAX: usize = 2 * SENSORS_MAX;

/// Samples in one frame: as many as have a line that fits a session's tail.
pub const SAMPLES_PER_PART: usize = 192;

/// Bytes of the line of that many samples; 40 KiB hold the line of 480.
pub const SAMPLES_PART_LINE_MAX: usize = SAMPLES_LINE_MAX / SAMPLES_MAX * SAMPLES_PER_PART + 512;

/// Frames that all groups take: whole ones, and for each group one that is not. A set of them is
/// one word.
pub const LANES_MAX: usize = SENSORS_MAX / SAMPLES_PER_PART + Group::ALL.len() + 1;

const _: () = assert!(LANES_MAX <= 64);

/// Bytes of entries in one frame of the catalog: its line, in which an entry about doubles, is to
/// fit a session's tail.
pub const CATALOG_PART_SIZE: usize = 4096;

/// Frames of the catalog: an entry that does not fit begins the next one.
pub const CATALOG_FRAMES_MAX: usize = CATALOG_SIZE_MAX / (CATALOG_PART_SIZE - SENSOR_BYTES_MAX) + 1;

/// Bytes of the ring of samples: at least four times those of all groups.
pub const SAMPLES_RING_SIZE: usize = 512 * 1024;

/// Bytes of the ring of their lines.
pub const SAMPLES_LINES_SIZE: usize = 4 * SAMPLES_RING_SIZE;

/// Sources that a machine may have: 64 chips, and a few for each other family.
pub const SOURCES_MAX: usize = 128;

/// Share of one CPU that reading sources may take, passes over processes included, unless the host
/// says otherwise, in millionths.
pub const MAX_CPU_PPM_DEFAULT: u32 = 10_000;

/// The least such share: below it, a source that takes a millisecond is read every ten seconds, and
/// who wants less reads none.
pub const MAX_CPU_PPM_MIN: u32 = 100;

/// The largest such share: the loop is one thread.
pub const MAX_CPU_PPM_MAX: u32 = 1_000_000;

/// A source may be read so much sooner than its interval after a reading that was late by as much.
/// Less than what the source of pressure forgives, which gives its last values again to who is too
/// early.
pub const LATE_NS: u64 = 40_000_000;

/// No share is of a time longer than this: a reading that is older belongs to another time, since
/// nobody watched. The slowest subscriber reads every 10 s.
pub const SHARE_NS_MAX: u64 = 20_000_000_000;

/// Sources that are asked whether hardware came or went wait so long between two times.
pub const LOOK_NS: u64 = 10_000_000_000;

/// The boot clock ahead of the monotonic one by so much more than before: the machine slept. No
/// suspend is that short, and two clocks are read within a hundredth of this.
pub const SUSPEND_NS_MIN: u64 = 100_000_000;

/// The wall clock moved by so much against the boot clock: somebody set it. Daemons that keep time
/// slew what is less (ntpd 128 ms, timesyncd 400 ms), and people do not see it.
pub const CLOCK_STEP_NS_MIN: u64 = 100_000_000;

/// So far a wall clock that goes by itself (macOS) may be from where subscribers were told it to
/// be, until they are told anew: half a frame at 25 Hz, and once in some minutes.
pub const CLOCK_DRIFT_NS_MAX: u64 = 20_000_000;

/// Bytes of a session's input: the longest line or frame a subscriber may send.
pub const INPUT_SIZE: usize = SUBSCRIBE_LINE_MAX;

/// Buffers of a subscriber in the process, each for one send: 0.3 s of frames at 25 Hz, and 256 KiB
/// of events.
pub const LOCAL_BUFFERS: usize = 8;

/// Bytes of ring in one send. AF_UNIX takes sends of up to 36 KB whole.
pub const SEND_MAX: usize = 32 * 1024;

/// Connections of the control socket, beside those of subscribers: an owner has a few tools.
pub const CONTROL_MAX: usize = 8;

/// When all of them are taken, one that has asked for nothing for this long makes room.
pub const CONTROL_IDLE_NS: u64 = 10_000_000_000;

/// Submits of one connection that may wait for their replies.
pub const OUTSTANDING_MAX: usize = 64;

/// Requests taken from one connection in one turn, so that its owner's flood is nobody else's
/// delay.
pub const REQUESTS_PER_TURN: usize = OUTSTANDING_MAX;

/// Subscribers that a status lists at most; it says how many it leaves out.
pub const LISTED_CLIENTS_MAX: usize = 256;

/// Subscribers that have figures of their own in the metrics: each is three series for ever.
pub const MEASURED_CLIENTS_MAX: usize = 64;

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

/// A socket for which the kernel had no memory is tried again after this time.
pub const SEND_REST_NS: u64 = 50_000_000;

/// Descriptors kymo needs beside one per connection: standard streams, epoll, timer, signals, lock,
/// listeners and a reserve, from which a machine with few sensors has theirs as well.
pub const DESCRIPTORS_RESERVED: u64 = 64;

/// Descriptors that all sensors keep at most: of chips 200 channels with three each, 200 alarms
/// with two and 64 folders; of four classes 128 channels with two and 32 folders; of the vitals 81,
/// and a few dozen files. A limit that is higher than what is used costs nothing.
pub const SENSOR_DESCRIPTORS_MAX: u64 = 200 * 3 + 200 * 2 + 64 + 4 * (128 * 2 + 32) + 128;

/// A new subscriber is served at once when the next tick is farther away than this.
pub const FIRST_FRAME_NS: u64 = 100_000_000;

/// Bytes of an event that a small slot of the inbox holds: a head, a topic and a line of data. Most
/// events are that short, and slots of the longest event would cost forty times as much.
pub const INBOX_SMALL_BYTES: usize = 192;

/// Small slots of the inbox: at 100,000 events a second the loop may be away for ten milliseconds.
pub const INBOX_SMALL_SLOTS: usize = 1024;

/// Large slots of the inbox. A long event is a transcript or a document: a few at once.
pub const INBOX_LARGE_SLOTS: usize = 32;

/// How often a loop that stops looks for an event that a publisher has in its hands, and how long
/// it rests in between: 100 ms, of which one microsecond is enough unless the system runs others.
pub const INBOX_LAST_LOOKS: u32 = 1000;

/// See [`INBOX_LAST_LOOKS`].
pub const INBOX_LAST_REST: Duration = Duration::from_micros(100);

/// Bits of the longest duration that a histogram tells from longer ones: 73 minutes. Nothing that
/// kymo measures takes as long as that and is still worth a finer answer.
pub const HISTOGRAM_BITS: u32 = 42;

/// Clients whose keys are remembered: one for each connection of a server of default size. A power
/// of two, because it is the number of chains as well.
pub const KEY_CLIENTS_MAX: usize = 256;

/// Numbers that are remembered of each client, 8 KiB of them: more than it can have unanswered, as
/// only 64 requests of a connection may be outstanding.
pub const KEY_NUMBERS: usize = 1024;

/// Users that quotas tell apart. Servers are a user's own or a group's, and a group of more who are
/// connected at once shares what is left.
pub const QUOTA_UIDS_MAX: usize = 64;

/// Places for users to whom the share rule does not apply: the process's own and root.
pub const QUOTA_OWN_UIDS: usize = 2;
/// Segments of a journal: retention is by whole segments, so this is its grain, an eighth.
pub const JOURNAL_SEGMENTS: usize = 8;

/// Bytes of a segment. Eight are 4 MiB: 30,000 short events, a working day of a talkative
/// application, read at the start in a few milliseconds.
pub const JOURNAL_SEGMENT_SIZE: usize = 512 * 1024;

/// The most segments any storage may have: a set of them is one word.
pub const JOURNAL_SEGMENTS_MAX: usize = 64;

/// Bytes of a journal record: the largest event frame, its key, and the record's head.
pub const JOURNAL_RECORD_MAX: usize = 40 + NAME_MAX + FRAME_MAX;

/// Bytes of one turn's events on their way to the journal: a thousand short events, or the largest
/// one with as much again. More of them would hold the loop longer than a tick at 1 kHz takes.
pub const JOURNAL_BATCH_MAX: usize = 128 * 1024;

/// Bytes of a batch that are kept free behind the largest event: its record's head and key, and the
/// events with which sessions end and begin.
pub const JOURNAL_SPARE: usize = 1024;

const _: () = assert!(JOURNAL_BATCH_MAX >= JOURNAL_RECORD_MAX);
// A batch never straddles segments, so a segment's end is left unused for up to one batch.
const _: () = assert!(JOURNAL_SEGMENT_SIZE >= 4 * JOURNAL_BATCH_MAX);

/// Bytes of the stack of the thread that syncs: it makes system calls and nothing else.
pub const SYNCER_STACK_SIZE: usize = 64 * 1024;

/// A journal that could not be written is tried again after this time, when nobody asks for it.
pub const JOURNAL_RETRY_NS: u64 = 1_000_000_000;

/// Damaged segments of which a copy is kept as evidence. One tells what happened, a few whether it
/// happens again; a bad disk must not fill up with them.
pub const JOURNAL_EVIDENCE_MAX: usize = 4;

/// Sensors of one source: eight of each of 500 interfaces. A source has at most as many in its own
/// tables; the rest is told as omitted.
pub const SHELF_SENSORS_MAX: u16 = 4096;

/// Bytes of one source's entries: so many sensors of 256 bytes. Most have about 150.
pub const SHELF_BYTES_MAX: usize = SHELF_SENSORS_MAX as usize * 256;

/// Sensors of one source that are refused an entry while later ones have theirs. Sources don't tell
/// text that is refused, so one is a mistake, and after this many the rest is left out.
pub const SHELF_GAPS_MAX: usize = 8;

/// A read that takes longer has got stuck: a slow bus takes tens of milliseconds, and readers bear
/// a value that is late by this once.
pub const LANE_BUDGET_NS: u64 = 250_000_000;

/// Threads of the lane: the one that reads, and a spare for when that got stuck. Each more would be
/// memory for a machine with that many devices that hang at once.
pub const LANE_THREADS: usize = 2;

/// Bytes of the stack of such a thread: a scan's buffers are a few kilobytes, and what is not used
/// costs nothing.
pub const LANE_STACK_SIZE: usize = 256 * 1024;

/// A source that was over its budget rests for this long, and twice as long each time it is so
/// again.
pub const LANE_REST_NS: u64 = 1_000_000_000;

/// A source rests no longer than this: a device that was replaced is found within the hour.
pub const LANE_REST_NS_MAX: u64 = 3_600_000_000_000;

//! Calls that fail, and what is amiss then. The table of `docs/FAULTS.md` is made of this one.

/// What is amiss when a call fails with one of some errors.
pub struct Row {
    pub call: &'static str,
    /// What it is made on, as [`Stage::paths`](crate::stage::Stage::paths) knows it; "" is
    /// whatever.
    pub place: &'static str,
    pub errors: &'static [&'static str],
    /// Whether `make test` tries the first of them.
    pub is_quick: bool,
    /// When it fails once.
    pub once: &'static str,
    /// When it fails each time.
    pub for_ever: &'static str,
    /// Why that is right.
    pub why: &'static str,
}

/// What is amiss when nothing is.
pub const NOTHING: &str = "nothing";
/// Of several that make the same call, one is hit.
pub const PART: &str = "a part of that";
/// A fault that would be a lie of the tracer's: the kernel returns that once at most.
pub const NEVER: &str = "not possible";

const MEMORY: &str = "memory_total: fault; memory_usage: fault; memory_used: fault; \
    momentum: pending; swap_total: fault; swap_used: fault; system_state: pending";
const SILENCE: &str = "durable waits; synced waits; reload waits; vitals stop; \
    samples of cpu stop; samples of hwmon stop; samples of filesystem stop; processes stop";
const REFUSED: &str = "durable is refused: journal_failed; synced is refused: journal_failed; \
    says \"the journal can't be written: …\"";
const SETTINGS: &str = "reload is refused; says \"the old settings stay: kymo.toml: …\"";
const LINES_WAIT: &str = "a newcomer is told full; says \"json.sock: connections have to wait: …\"";

const fn row(
    (call, place): (&'static str, &'static str),
    errors: &'static [&'static str],
    [once, for_ever]: [&'static str; 2],
    why: &'static str,
) -> Row {
    Row { call, place, errors, is_quick: false, once, for_ever, why }
}

const fn quick(row: Row) -> Row {
    Row { is_quick: true, ..row }
}

pub const ROWS: &[Row] = &[
    quick(row(("epoll_wait", ""), &["EINTR"], [NOTHING, NOTHING], "the turn is made all the same")),
    row(("accept4", ""), &["EINTR"], [NOTHING, NOTHING], "tried again"),
    quick(row(
        ("accept4", ""),
        &["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"],
        [
            LINES_WAIT,
            "a newcomer waits; history waits; \
             says \"json.sock: connections have to wait: …\"; \
             says \"stream.sock: connections have to wait: …\"",
        ],
        "one is told with the spare descriptor, the others wait where they are; tried 20 times a \
         second",
    )),
    quick(row(
        ("epoll_ctl", ""),
        &["ENOSPC", "ENOMEM"],
        [
            LINES_WAIT,
            "a newcomer is told full; history is cut; \
             says \"json.sock: connections have to wait: …\"; \
             says \"stream.sock: connections have to wait: …\"",
        ],
        "each is told, on a binary listener in a frame",
    )),
    row(
        ("setsockopt", ""),
        &["ENOBUFS", "ENOMEM"],
        [NOTHING, NOTHING],
        "a size that is a wish: a slow reader sees older frames",
    ),
    row(
        ("getsockopt", ""),
        &["ENOBUFS"],
        ["a newcomer is told denied", "a newcomer is told denied; history is cut"],
        "who can't be identified gets nothing",
    ),
    quick(row(("recvfrom", ""), &["EINTR"], [NOTHING, NOTHING], "tried again")),
    quick(row(
        ("recvfrom", ""),
        &["ENOMEM", "ENOBUFS", "EIO"],
        ["durable is cut", "durable is cut; synced is cut; reload is cut; history is cut"],
        "the connection ends, the others go on; who repeats with its key repeats nothing",
    )),
    row(("sendto", ""), &["EINTR"], [NOTHING, NOTHING], "tried again"),
    quick(row(
        ("sendto", ""),
        &["EAGAIN"],
        [NOTHING, NEVER],
        "the kernel tells when there is room; else the connection ends after 30 s",
    )),
    quick(row(
        ("sendto", ""),
        &["ENOBUFS", "ENOMEM"],
        [NOTHING, SILENCE],
        "tried again after 50 ms; telemetry is merged, events and replies wait; after 30 s a \
         connection ends",
    )),
    row(("sendmsg", ""), &["ENOBUFS", "ENOMEM"], [NOTHING, "history waits"], "as above"),
    quick(row(
        ("read", "timerfd"),
        &["EIO", "EAGAIN", "EINTR"],
        [NOTHING, NOTHING],
        "the timer is armed anew, else it would never expire again",
    )),
    row(("read", "signalfd"), &["EINTR"], [NOTHING, NOTHING], "tried again"),
    quick(row(
        ("write", "eventfd"),
        &["EAGAIN"],
        [NOTHING, NEVER],
        "the counter is full: it is taken, and is not full then",
    )),
    quick(row(
        ("pread64", "/proc/stat"),
        &["EIO", "ENOMEM"],
        [PART, "cpu_usage: fault; samples of cpu: fault"],
        "the value says so, and the next reading is tried",
    )),
    row(("pread64", "/proc/stat"), &["EINTR"], [NOTHING, NOTHING], "tried again"),
    row(("pread64", "/proc/meminfo"), &["ENOMEM", "EIO"], [MEMORY, MEMORY], "as above"),
    row(
        ("pread64", "/proc/diskstats"),
        &["ENOMEM", "EIO"],
        ["disk_read_bytes: fault; disk_write_bytes: fault"; 2],
        "as above",
    ),
    quick(row(
        ("pread64", "/proc/net/dev"),
        &["EIO", "ENOMEM"],
        ["network_rx_bytes: fault; network_tx_bytes: fault"; 2],
        "as above",
    )),
    quick(row(
        ("newfstatat", "/proc/net/dev"),
        &["ENOMEM", "EIO"],
        [NOTHING, "network_rx_bytes: fault; network_tx_bytes: fault"],
        "each 32nd reading asks whether the path still names the file, opens it anew if in doubt, \
         and then tries again at each eighth",
    )),
    row(("fstatfs", ""), &["EINTR"], [NOTHING, NOTHING], "tried again"),
    row(
        ("fstatfs", ""),
        &["EIO", "ENOMEM"],
        ["disk_usage: fault", "disk_usage: fault"],
        "the value says so",
    ),
    row(("statfs", ""), &["EINTR"], [NOTHING, NOTHING], "tried again"),
    row(
        ("statfs", ""),
        &["EIO", "ENOMEM"],
        ["samples of filesystem: fault", "samples of filesystem: fault"],
        "the value says so",
    ),
    row(("getdents64", ""), &["EINTR"], [NOTHING, NOTHING], "tried again"),
    quick(row(
        ("getdents64", ""),
        &["ENOMEM", "EIO"],
        [PART, "process_count: fault; processes: fault"],
        "a count that is not whole is none",
    )),
    quick(row(
        ("openat", "processes"),
        &["EMFILE", "ENFILE", "ENOMEM", "EINTR"],
        ["processes: truncated", "processes: truncated"],
        "processes that could not be looked at are counted, and the list says that it is not whole",
    )),
    row(("close", ""), &["EIO", "EINTR"], [NOTHING, NOTHING], "the descriptor is gone either way"),
    row(("pread64", "chip"), &["EINTR"], [NOTHING, NOTHING], "tried again"),
    quick(row(
        ("pread64", "chip"),
        &["EIO", "EAGAIN", "ENOMEM"],
        ["temperature: fault; samples of hwmon: fault"; 2],
        "the value says so, in samples and in vitals",
    )),
    row(("pread64", "journal"), &["EINTR"], [NOTHING, NOTHING], "tried again"),
    quick(row(
        ("pread64", "journal"),
        &["EIO", "ENOMEM"],
        [PART, "history has a gap: damage"],
        "a page that can't be read is an exact gap; asked again, it is there",
    )),
    row(("pwrite64", "journal"), &["EINTR"], [NOTHING, NOTHING], "tried again"),
    quick(row(
        ("pwrite64", "journal"),
        &["EIO", "ENOSPC", "ENOMEM", "EAGAIN"],
        [NOTHING, REFUSED],
        "another segment is tried; then events are refused and not sent to anybody, and the \
         journal is tried again with each",
    )),
    row(("statx", "journal"), &["EIO", "ENOMEM"], [NOTHING, REFUSED], "as above"),
    row(("fdatasync", "journal"), &["EINTR"], [NOTHING, NOTHING], "tried again"),
    quick(row(
        ("fdatasync", "journal"),
        &["EIO", "ENOSPC"],
        ["synced is refused: journal_failed"; 2],
        "in the journal, and said not to be synced",
    )),
    quick(row(
        ("openat", "settings"),
        &["EMFILE", "ENFILE", "ENOMEM", "EIO", "EINTR"],
        [SETTINGS; 2],
        "whoever asked is told why",
    )),
    row(("statx", "settings"), &["ENOMEM", "EIO"], [SETTINGS; 2], "as above"),
    row(("read", "settings"), &["EINTR"], [NOTHING, NOTHING], "tried again"),
    row(("read", "settings"), &["EIO", "EAGAIN", "ENOMEM"], [SETTINGS; 2], "as above"),
    quick(row(
        ("write", "standard error"),
        &["EAGAIN", "EIO", "ENOSPC", "EINTR"],
        [NOTHING, NOTHING],
        "what nobody takes is not said",
    )),
];

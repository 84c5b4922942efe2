//! The connection: where it leads, how it goes, what was lost on it, and how the daemon is.

use kymo_client::{Connected, Gap, StreamId};

use crate::clean::clean;

/// How the daemon is, as far as its status says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DaemonStatus {
    /// Its version.
    pub version: Option<String>,
    /// Seconds since its start.
    pub uptime_s: Option<f64>,
    /// Clients that are connected.
    pub clients: Option<u64>,
    /// Share of one CPU that reading sensors took since the status before.
    pub cost: Option<f64>,
    /// Nanoseconds within which half of all frames were sent, and 99 % of them.
    pub latency_ns: Option<(u64, u64)>,
    /// Events that its publishers lost because its inbox was full.
    pub events_dropped: Option<u64>,
    /// Heap allocations since it was ready.
    pub heap_allocations: Option<u64>,
    /// Whether its journal can't be written.
    pub journal_is_failing: bool,
}

/// The connection; see the module.
#[derive(Clone, Debug, Default)]
pub struct Link {
    source: String,
    is_connected: bool,
    /// Whether there was a connection before.
    was_connected: bool,
    lost_wall_ns: u64,
    heard_wall_ns: u64,
    rate_mhz: u32,
    connections: u64,
    frames: u64,
    merged: u64,
    events_lost: u64,
    frames_lost: u64,
    status: Option<Result<DaemonStatus, String>>,
    own_cpu: Option<f64>,
}

impl Link {
    /// Where the connection leads, for people.
    pub fn set_source(&mut self, source: &str) {
        self.source = clean(source.chars());
    }

    /// What became of asking the daemon how it is.
    pub fn handle_status(&mut self, status: Result<DaemonStatus, String>) {
        self.status = Some(status);
    }

    /// The share of one CPU that this program takes.
    pub fn handle_own_cpu(&mut self, share: f64) {
        self.own_cpu = Some(share);
    }

    /// A connection stands; whether it is not the first one.
    pub(super) fn handle_connected(&mut self, server: &Connected) -> bool {
        self.is_connected = true;
        self.rate_mhz = server.rate_mhz;
        self.connections += 1;
        if let Some(directory) = &server.directory {
            self.set_source(&format!("the daemon in {}", directory.to_string_lossy()));
        }
        std::mem::replace(&mut self.was_connected, true)
    }

    pub(super) fn handle_lost(&mut self, wall_ns: u64) {
        (self.is_connected, self.lost_wall_ns) = (false, wall_ns);
        self.status = None;
    }

    pub(super) fn handle_frame(&mut self, wall_ns: u64) {
        self.heard_wall_ns = wall_ns;
        self.frames += 1;
    }

    pub(super) fn add_merged(&mut self, merged: u32) {
        self.merged = self.merged.saturating_add(merged.into());
    }

    pub(super) fn handle_gap(&mut self, gap: &Gap) {
        let lost = match gap.stream {
            StreamId::EVENTS => &mut self.events_lost,
            _ => &mut self.frames_lost,
        };
        *lost = lost.saturating_add(gap.count);
    }

    /// Where it leads.
    pub fn source(&self) -> &str {
        if self.source.is_empty() { "the daemon" } else { &self.source }
    }

    /// Whether it stands.
    pub fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// When it was lost, if it does not stand and once did.
    pub fn lost_wall_ns(&self) -> Option<u64> {
        (!self.is_connected && self.was_connected).then_some(self.lost_wall_ns)
    }

    /// When the last frame came.
    pub fn heard_wall_ns(&self) -> u64 {
        self.heard_wall_ns
    }

    /// The granted rate in thousandths of a hertz.
    pub fn rate_mhz(&self) -> u32 {
        self.rate_mhz
    }

    /// Time between frames at the granted rate.
    pub fn interval_ns(&self) -> u64 {
        1_000_000_000_000 / u64::from(self.rate_mhz.max(1))
    }

    /// Connections so far.
    pub fn connections(&self) -> u64 {
        self.connections
    }

    /// Frames that came.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Frames that newer ones stood for.
    pub fn merged(&self) -> u64 {
        self.merged
    }

    /// Events and frames of telemetry that are lost.
    pub fn lost(&self) -> (u64, u64) {
        (self.events_lost, self.frames_lost)
    }

    /// How the daemon is, or why it does not say; `None` until it was asked.
    pub fn status(&self) -> Option<&Result<DaemonStatus, String>> {
        self.status.as_ref()
    }

    /// The share of one CPU that this program takes.
    pub fn own_cpu(&self) -> Option<f64> {
        self.own_cpu
    }
}

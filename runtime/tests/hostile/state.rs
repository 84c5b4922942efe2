//! How the daemon is at one moment.

use serde_json::Value;

use crate::behaviour::Counter;
use crate::common::Daemon;
use crate::honest::{HONEST, Honest};

/// What its status, its log and the system say of it.
#[derive(Clone, Debug, Default)]
pub struct State {
    status: Value,
    pub resident_kb: u64,
    pub descriptors: usize,
    pub log_lines: usize,
    pub cpu_ms: u64,
}

impl State {
    /// Now.
    pub fn of(daemon: &Daemon, honest: &Honest) -> Result<Self, String> {
        let status = honest.status()?;
        Ok(Self {
            status,
            resident_kb: daemon.status("VmRSS"),
            descriptors: daemon.descriptors().len(),
            log_lines: daemon.said().lines().count(),
            cpu_ms: u64::try_from(daemon.cpu_time().as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// A figure of its status.
    pub fn figure(&self, name: &str) -> u64 {
        self.status[name].as_u64().unwrap_or(u64::MAX)
    }

    /// Connections to its sockets.
    pub fn clients(&self) -> (u64, u64) {
        let listed = self.status["clients"].as_array().map_or(0, Vec::len) as u64;
        (listed + self.figure("clients_omitted"), self.figure("control_clients"))
    }

    /// Whether nobody is there but the honest ones, and no newcomer of theirs.
    pub fn is_calm(&self) -> bool {
        self.clients() == (HONEST as u64, 1)
    }

    /// How much a counter has grown since an earlier state, `published` events of the honest
    /// publisher aside.
    pub fn growth(&self, counter: Counter, earlier: &Self, published: u64) -> u64 {
        let name = match counter {
            Counter::Mistakes => "mistakes",
            Counter::Cut => "cut",
            Counter::Refused => "refused",
            Counter::Events => "events_next",
            Counter::Merged => "merged",
            Counter::EventsSent => "events_sent",
        };
        let growth = self.figure(name).saturating_sub(earlier.figure(name));
        growth.saturating_sub(if counter == Counter::Events { published } else { 0 })
    }
}

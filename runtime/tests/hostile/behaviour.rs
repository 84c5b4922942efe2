//! A behaviour: what hostile clients do, and what the daemon must do about it.

use std::time::Duration;

use crate::attack::Attack;
use crate::script::Script;

/// Whoever has left must be forgotten after this time. What an owner has asked for is done all the
/// same, and a slow machine may have seconds of it.
pub const LEAVING: Duration = Duration::from_secs(10);

/// A row of the table of behaviours.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    pub name: &'static str,
    /// In words.
    pub does: &'static str,
    pub way: Way,
    /// Clients at once, of the long form.
    pub clients: usize,
    /// Counters of the daemon's that must grow, else nothing was tried.
    pub grows: &'static [Counter],
    /// Counters that must stand, however much was tried.
    pub stands: &'static [Counter],
    /// Whether it takes all places, so that newcomers are rightly told so.
    pub fills: bool,
    /// Whether it has to become another user.
    pub needs_root: bool,
    /// What it has until all must have left.
    pub leaving: Duration,
}

/// How it is done.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    Script(Script),
    Own(fn(&mut Attack) -> std::io::Result<()>),
}

/// What the daemon counts, of hostile clients alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    Mistakes,
    Cut,
    Refused,
    /// Events in the history that no honest client submitted.
    Events,
    /// Telemetry frames that slow clients missed and were told of.
    Merged,
    EventsSent,
}

impl Behaviour {
    /// What most have in common.
    pub const NEW: Self = Self {
        name: "",
        does: "",
        way: Way::Script(Script::NEW),
        clients: 200,
        grows: &[],
        stands: &[],
        fills: false,
        needs_root: false,
        leaving: LEAVING,
    };

    /// One that plays a script.
    pub const fn script(name: &'static str, does: &'static str, script: Script) -> Self {
        Self { name, does, way: Way::Script(script), ..Self::NEW }
    }

    /// One that is a function.
    pub const fn own(
        name: &'static str,
        does: &'static str,
        play: fn(&mut Attack) -> std::io::Result<()>,
    ) -> Self {
        Self { name, does, way: Way::Own(play), ..Self::NEW }
    }

    pub const fn clients(self, clients: usize) -> Self {
        Self { clients, ..self }
    }

    pub const fn grows(self, grows: &'static [Counter]) -> Self {
        Self { grows, ..self }
    }

    pub const fn stands(self, stands: &'static [Counter]) -> Self {
        Self { stands, ..self }
    }

    pub const fn fills(self) -> Self {
        Self { fills: true, ..self }
    }

    pub const fn leaving(self, seconds: u64) -> Self {
        Self { leaving: Duration::from_secs(seconds), ..self }
    }

    pub const fn needs_root(self) -> Self {
        Self { needs_root: true, ..self }
    }
}

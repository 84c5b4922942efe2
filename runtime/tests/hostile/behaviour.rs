//! A behaviour: what hostile clients do, and what the daemon must do about it.

use crate::attack::Attack;
use crate::script::Script;

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
    /// Whether there must be no other user who does the same.
    pub needs_root: bool,
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

    pub const fn needs_root(self) -> Self {
        Self { needs_root: true, ..self }
    }
}

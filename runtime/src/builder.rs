//! How a host says what it wants of a loop.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use kymo_platform::machine::Machine;
use kymo_platform::{
    Extras, Roots, Source, check_smc_keys, this_machine, this_machine_processes,
    this_machine_sources_with,
};
use kymo_protocol::Action;

use crate::config::Config;
use crate::hub::Handled;
use crate::reactor::Reactor;
use crate::report::Report;
use crate::start_error::StartError;

type OnReport = Box<dyn FnMut(Report<'_>) + Send>;
type OnCommand = Box<dyn FnMut(Action) -> Handled + Send>;

/// What a host wants of a [`Reactor`]. Without more, it reads this machine's vitals for
/// subscribers in the process, and opens no socket.
///
/// ```no_run
/// use kymo::Builder;
///
/// let reactor = Builder::new().in_directory("/run/user/1000/my-app").sensors().build()?;
/// let running = reactor.spawn()?;
/// // … what the host does …
/// running.stop()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
#[must_use]
pub struct Builder {
    config: Config,
    roots: Roots,
    machine: Option<Box<dyn Machine>>,
    has_sensors: bool,
    has_processes: bool,
    sources: Vec<Box<dyn Source>>,
    on_report: Option<OnReport>,
    on_command: Option<OnCommand>,
}

impl Builder {
    /// See the type.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves the default listeners in this directory, which is made if it is missing. Settings
    /// that were made before stay, but for listeners.
    pub fn in_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        let usual = Config::in_directory(directory);
        (self.config.directory, self.config.listeners) = (usual.directory, usual.listeners);
        self
    }

    /// Takes these settings in the place of all before.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Changes settings one by one.
    pub fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Reads another machine's vitals, such as a [`Fake`](kymo_platform::Fake)'s.
    pub fn machine(mut self, machine: Box<dyn Machine>) -> Self {
        self.machine = Some(machine);
        self
    }

    /// Where the kernel's file systems are, if elsewhere than usual. A file of keys that is named
    /// here goes before that of the settings.
    pub fn roots(mut self, roots: Roots) -> Self {
        self.roots = roots;
        self
    }

    /// Serves every sensor of this machine. Where one may keep its reader waiting, the loop has two
    /// threads more. Vitals have some of their values from these sensors: without this call the
    /// charge of a battery is absent, and on a Mac so are temperatures, fans and power.
    pub fn sensors(mut self) -> Self {
        self.has_sensors = true;
        self
    }

    /// Serves the processes that use most.
    pub fn processes(mut self) -> Self {
        self.has_processes = true;
        self
    }

    /// Serves sensors of the host's own, behind those of the machine: they stand in the catalog as
    /// any other. Metrics that kymo doesn't know have numbers from
    /// [`OWN_METRIC_MIN`](kymo_protocol::metric::OWN_METRIC_MIN) on.
    pub fn source(mut self, source: Box<dyn Source>) -> Self {
        self.sources.push(source);
        self
    }

    /// Calls `report` in the loop's thread with what a host may want to log.
    pub fn on_report(mut self, report: impl FnMut(Report<'_>) + Send + 'static) -> Self {
        self.on_report = Some(Box::new(report));
        self
    }

    /// Asks `handle` in the loop's thread before kymo does what its owner asks for; see
    /// [`Reactor::on_command`].
    pub fn on_command(mut self, handle: impl FnMut(Action) -> Handled + Send + 'static) -> Self {
        self.on_command = Some(Box::new(handle));
        self
    }

    /// Opens everything. After this returns, the loop allocates nothing.
    ///
    /// # Errors
    ///
    /// A [`StartError`] that says what and where; nothing stays behind then.
    pub fn build(self) -> Result<Reactor, StartError> {
        let Self { config, mut roots, machine, has_sensors, mut sources, .. } = self;
        if has_sensors {
            let named = config.sensors.smc_keys.as_deref().map(PathBuf::from);
            roots.smc_keys = roots.smc_keys.or(named);
            if let Some(path) = &roots.smc_keys {
                let refused = |text| io::Error::new(ErrorKind::InvalidData, text);
                check_smc_keys(path)
                    .map_err(|text| StartError::system("sensors.smc_keys", refused(text)))?;
            }
        }
        let machine = machine.unwrap_or_else(|| this_machine(&roots));
        let mut reactor = Reactor::new(&config, machine)?;
        if has_sensors {
            let extras = Extras { alarms: config.sensors.alarms, harmful: config.sensors.harmful };
            sources.splice(0..0, this_machine_sources_with(&roots, extras));
        }
        if !sources.is_empty() {
            reactor.read_sources(sources)?;
        }
        if self.has_processes
            && let Some(processes) = this_machine_processes(&roots)
        {
            reactor.read_processes(processes);
        }
        reactor.start_recorders()?;
        if let Some(report) = self.on_report {
            reactor.on_report(report);
        }
        if let Some(handle) = self.on_command {
            reactor.on_command(handle);
        }
        Ok(reactor)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("config", &self.config).finish_non_exhaustive()
    }
}

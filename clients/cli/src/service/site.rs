//! Where a service manager keeps what it is told, and how it is called.

use std::env;
use std::path::{Path, PathBuf};

use kymo_platform::{Manager, SERVICE_MANAGER};
use nix::unistd::geteuid;

use crate::args::Scope;
use crate::failure::{Failure, USAGE};

/// The service's name for launchd.
pub const LABEL: &str = "org.kymo.kymod";
/// The service's unit.
pub const UNIT: &str = "kymod.service";
/// What starts it on demand: a unit gives all its sockets one name, so each has its own.
pub const SOCKETS: [&str; 3] = ["kymod-stream.socket", "kymod-json.socket", "kymod-control.socket"];

/// Where packages put units.
const PACKAGED: [&str; 3] = ["/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd"];

/// A service manager, and where it looks.
#[derive(Clone, Debug)]
pub struct Site {
    /// Which one.
    pub manager: Manager,
    /// Whose.
    pub scope: Scope,
    /// Where files of its user's, or its administrator's, own are.
    pub directory: PathBuf,
    /// Where packages put theirs.
    pub packaged: Vec<PathBuf>,
    /// The user's home.
    pub home: PathBuf,
    /// The user.
    pub uid: u32,
}

impl Site {
    /// That of this process's system and user.
    ///
    /// # Errors
    ///
    /// When the user has no home.
    pub fn here(scope: Option<Scope>) -> Result<Self, Failure> {
        let root = geteuid().is_root();
        let scope = scope.unwrap_or(if root { Scope::System } else { Scope::User });
        let absolute =
            |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = absolute("HOME");
        if home.is_none() && scope == Scope::User {
            return Err(Failure { code: USAGE, text: "HOME names no directory".into() });
        }
        let home = home.unwrap_or_default();
        let config = absolute("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
        Ok(Self::at(SERVICE_MANAGER, scope, home, &config, geteuid().as_raw()))
    }

    /// The same for any.
    pub fn at(manager: Manager, scope: Scope, home: PathBuf, config: &Path, uid: u32) -> Self {
        let directory = match (manager, scope) {
            (Manager::Systemd, Scope::User) => config.join("systemd/user"),
            (Manager::Systemd, Scope::System) => "/etc/systemd/system".into(),
            (Manager::Launchd, Scope::User) => home.join("Library/LaunchAgents"),
            (Manager::Launchd, Scope::System) => "/Library/LaunchDaemons".into(),
        };
        let packaged = match (manager, scope) {
            (Manager::Launchd, _) => Vec::new(),
            (_, Scope::User) => PACKAGED.map(|path| Path::new(path).join("user")).into(),
            (_, Scope::System) => PACKAGED.map(|path| Path::new(path).join("system")).into(),
        };
        Self { manager, scope, directory, packaged, home, uid }
    }

    /// The file that tells of the service.
    pub fn file(&self) -> PathBuf {
        match self.manager {
            Manager::Systemd => self.directory.join(UNIT),
            Manager::Launchd => self.directory.join(format!("{LABEL}.plist")),
        }
    }

    /// A package's unit, if there is one.
    pub fn packaged_file(&self) -> Option<PathBuf> {
        self.packaged.iter().map(|path| path.join(UNIT)).find(|path| path.is_file())
    }

    /// launchd's name for whose services these are.
    pub fn domain(&self) -> String {
        match self.scope {
            Scope::User => format!("gui/{}", self.uid),
            Scope::System => "system".into(),
        }
    }

    /// The words of a call of systemctl.
    pub fn systemctl(&self, words: &[&str]) -> Vec<String> {
        let lead: &[&str] = match self.scope {
            Scope::User => &["systemctl", "--user"],
            Scope::System => &["systemctl"],
        };
        lead.iter().chain(words).map(ToString::to_string).collect()
    }
}

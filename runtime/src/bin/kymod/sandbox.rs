//! What kymod gives up before it serves anybody: opening files and making calls that it does not
//! need. The library confines nobody, since a host's rights are the host's.

use std::path::{Path, PathBuf};

use kymo::Config;
use kymo_platform::{Notify, Places, Roots, Sandbox};

use crate::log;

const SWITCHED_OFF: &str = "switched off by sandbox.enabled";

/// Closes the files that sensors, settings and the sockets' ends don't need, if the settings want
/// that. To be called before there are threads.
pub fn close_files(
    config: &Config,
    roots: &Roots,
    settings: Option<&Path>,
    notify: &Notify,
) -> Result<u8, &'static str> {
    if !config.sandbox {
        return Err(SWITCHED_OFF);
    }
    // Of a path that is a file's name alone, the folder is the first one.
    let outside = config.listeners.iter().map(|listener| Path::new(listener.path.as_str()));
    let outside = outside.filter(|path| path.is_absolute()).filter_map(Path::parent);
    let sockets = config.directory.iter().map(PathBuf::as_path).chain(outside);
    let sockets = sockets.collect::<Vec<_>>();
    let written = config.recorders.iter().filter_map(|recorder| recorder.path.as_deref());
    let written = written.map(Path::new).collect::<Vec<_>>();
    kymo_platform::close_files(&Places {
        roots,
        settings,
        sockets: &sockets,
        written: &written,
        speaks_abstractly: notify.is_abstract(),
    })
}

/// Closes the calls that a running kymod does not make, if the settings want that, and says what
/// could not be closed.
pub fn close_calls(config: &Config, landlock: Result<u8, &'static str>) -> Sandbox {
    let seccomp = if config.sandbox { kymo_platform::close_calls() } else { Err(SWITCHED_OFF) };
    for (what, why) in [("files", landlock.err()), ("system calls", seccomp.err())] {
        if let Some(why) = why.filter(|_| config.sandbox) {
            log::note(format_args!("the sandbox leaves {what} as they are: {why}"));
        }
    }
    Sandbox { landlock, seccomp }
}

//! The limit on file descriptors, raised to what clients and sensors take.

use std::io;

use kymo::limits::{DESCRIPTORS_RESERVED, SENSOR_DESCRIPTORS_MAX};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::{Failure, SETTING, log};

/// Makes room for one descriptor per client, within what the system's administrator allows, and for
/// those of sensors as far as that goes: it says so when some may find none.
pub fn make_room(clients: u32) -> Result<(), Failure> {
    let needed = u64::from(clients) + DESCRIPTORS_RESERVED;
    let wanted = needed + SENSOR_DESCRIPTORS_MAX;
    let system = |errno: nix::Error| Failure::from(io::Error::from(errno));
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(system)?;
    let refused = |limit: u64| {
        let text = format!(
            "{clients} clients need {needed} file descriptors and the limit is {limit}: lower \
             limits.clients (--clients) or raise it (RLIMIT_NOFILE, ulimit -Hn, \
             kern.maxfilesperproc)"
        );
        Err(Failure { code: SETTING, text })
    };
    if hard < needed {
        return refused(hard);
    }
    let raise = |count: u64| {
        if soft >= count {
            return Ok(soft);
        }
        setrlimit(Resource::RLIMIT_NOFILE, count, hard).map(|()| count)
    };
    // A system may refuse what its hard limit allows: macOS has another one beside it.
    let Ok(count) = raise(wanted.min(hard)).or_else(|_| raise(needed)) else {
        return refused(soft);
    };
    if count < wanted {
        log::note(format_args!(
            "{count} file descriptors are fewer than the {wanted} that {clients} clients and all \
             sensors may need: sensors may be missing (RLIMIT_NOFILE, ulimit -Hn)"
        ));
    }
    Ok(())
}
